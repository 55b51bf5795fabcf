package correlate

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"why503/parse"
	"why503/parse/traffic"
)

// CountedBy makes the Joiner take what neighbours did from l, into which others
// put what the sources counted (Load.Merge), in place of its own count of the
// Records that it is handed: those of healthy requests stay where they are.
func (j *Joiner) CountedBy(l *Load) { j.load, j.counted = l, true }

// Load returns what the Joiner knows of the traffic of its sources.
func (j *Joiner) Load() *Load { return j.load }

// CountedBy and Load are those of a Joiner.
func (v *Live) CountedBy(l *Load) { v.j.CountedBy(l) }

// Load returns what the Live knows of the traffic of its sources.
func (v *Live) Load() *Load { return v.j.Load() }

// count adds r to the traffic of its source.
func (j *Joiner) count(r *parse.Record) {
	if !j.counted {
		j.load.Add(r, j.sources[r.Source].Offset)
	}
}

// maxNeighbours bounds how many counts a Request is given.
const maxNeighbours = 32

// neighbours puts into the Request what its hops counted of their own traffic:
// of the whole hop, and of the backends and the route that it names.
//
// Logs that each tell of requests at the outermost hop, and of nothing else, get
// none: there a failed Record is a Request by itself (see Source.Alone), and is
// diagnosed by its shape alone.
func (b *builder) neighbours() {
	if lone(b.j.sources) {
		return
	}
	var route []byte
	for i := range b.cands {
		r, src := b.cands[i].Record, b.cands[i].src
		if r.Kind != parse.KindFetch && (r.Kind != parse.KindRequest || r.Tx != nil) || r.Ended == 0 {
			continue
		}
		at := r.Ended + parse.Time(src.Offset)
		ids := b.j.beside(src)
		b.neighbour(src.ID, ids, parse.OfHop, nil, at)
		if len(r.URL) > 0 {
			route = traffic.AppendRoute(route[:0], pathOf(r.URL))
			b.neighbour(src.ID, ids, parse.OfRoute, route, at)
		}
		if r.Kind == parse.KindFetch && r.Tx != nil {
			b.neighbour(src.ID, ids, parse.OfBackend, r.Tx.Backend, at)
			continue
		}
		for k := range r.Upstreams {
			b.neighbour(src.ID, ids, parse.OfBackend, r.Upstreams[k].Addr, at)
		}
	}
}

// neighbour adds one count, once for each source: a Request that was tried again
// is told what was at its first attempt.
func (b *builder) neighbour(source parse.SourceID, ids []parse.SourceID, of parse.Traffic, name []byte, at parse.Time) {
	if of != parse.OfHop && len(name) == 0 || len(b.q.Neighbours) >= maxNeighbours {
		return
	}
	name = name[:min(len(name), maxName)]
	if slices.ContainsFunc(b.q.Neighbours, func(n parse.Neighbours) bool {
		return n.Source == source && n.Of == of && n.Name == string(name)
	}) {
		return
	}
	if n, ok := b.j.load.Around(ids, of, name, at); ok {
		n.Source = source
		if b.q.Neighbours == nil {
			b.q.Neighbours = make([]parse.Neighbours, 0, 8)
		}
		b.q.Neighbours = append(b.q.Neighbours, n)
	}
}

// lone reports whether no source is told apart from the others by its place.
func lone(sources []*Source) bool {
	for _, s := range sources {
		if !Loners(s.Kind) || s.Rank != 0 {
			return false
		}
	}
	return true
}

// beside returns the sources that tell of the same hop as s, s among them: a
// server may write several logs, and it makes no difference in which a request
// stands.
func (j *Joiner) beside(s *Source) []parse.SourceID {
	j.hop = j.hop[:0]
	for _, o := range j.sources {
		if o == s || o.Kind == s.Kind && o.Program == s.Program && o.Host == s.Host && o.Rank == s.Rank {
			j.hop = append(j.hop, o.ID)
		}
	}
	return j.hop
}

// An about is what is asked again and again in a storm: the tracks of a hop, by
// the first of them and their number, and a minute, or a second, of them.
type about struct {
	track  *track
	tracks int
	at     int64
	fine   bool
}

// A recalled is what was answered before, and to which state of the sources.
type recalled struct {
	n     *parse.Neighbours
	state uint64
}

const (
	maxAsked = 1 << 12
	// settled is how many seconds after a minute, or a second, no more is counted
	// in it that would change an answer: what ends late has mostly ended.
	settledMinute = 30
	settledSecond = 90
)

// Around returns what the sources counted around a time of their hop, of a
// backend or of a route. It is false where they counted nothing. The answer must
// not be changed. While the minute is not over an answer may miss what came in
// the last second.
func (l *Load) Around(ids []parse.SourceID, of parse.Traffic, name []byte, at parse.Time) (parse.Neighbours, bool) {
	l.tracks = l.tracks[:0]
	state, newest := uint64(0), int64(0)
	for _, id := range ids {
		c := l.sources[id]
		if c == nil {
			continue
		}
		t := c.hop
		if of != parse.OfHop {
			t = c.named[of][string(name)]
		}
		if t != nil {
			l.tracks = append(l.tracks, t)
			state, newest = state+c.state, max(newest, c.last)
		}
	}
	if len(l.tracks) == 0 || at < 0 {
		return parse.Neighbours{}, false
	}
	if len(l.asked) >= maxAsked {
		clear(l.asked)
	}
	minute, second := int64(at)/60e9, int64(at)/1e9
	n := l.ask(about{l.tracks[0], len(l.tracks), minute, false}, state, newest >= minute*60+59+settledMinute, func(n *parse.Neighbours) {
		n.Of, n.Name = of, l.tracks[0].name
		w := window{l.tracks, minute - wallWindow + 1, minute}
		n.Walls = wallsOf(w.ends(&l.pile), w.seconds)
		l.usual(n, minute)
	})
	f := l.ask(about{l.tracks[0], len(l.tracks), second, true}, state, newest >= second+settledSecond, func(n *parse.Neighbours) {
		for _, t := range l.tracks {
			n.InFlight += t.inFlight(second)
		}
		if of == parse.OfHop && n.InFlight > 0 {
			n.Held = l.held(ids, second)
		}
	})
	all := *n
	all.InFlight, all.Held = f.InFlight, f.Held
	return all, true
}

// ask returns what was answered before, where that holds still.
func (l *Load) ask(about about, state uint64, settled bool, measure func(*parse.Neighbours)) *parse.Neighbours {
	const always = ^uint64(0)
	if a, ok := l.asked[about]; ok && (a.state == state || a.state == always) {
		return a.n
	}
	n := new(parse.Neighbours)
	measure(n)
	if settled {
		state = always
	}
	l.asked[about] = recalled{n, state}
	return n
}

// A window is some minutes of some tracks.
type window struct {
	tracks      []*track
	first, last int64
}

func (w window) each(fn func(*block)) {
	for minute := max(w.first, 1); minute <= w.last; minute++ {
		for _, t := range w.tracks {
			if b := t.blocks[minute%loadMinutes]; b != nil && b.minute == minute {
				fn(b)
			}
		}
	}
}

// ends returns what ended in w.
func (w window) ends(p *pile) []Took {
	w.each(func(b *block) {
		p.add(b.took)
		for _, s := range b.secs.all() {
			p.add(s.took)
		}
	})
	return p.take()
}

// seconds is in how many seconds of w something ended in that way and within
// those buckets.
func (w window) seconds(end parse.End, first, last uint16) int {
	from, to := Took{End: end, Bucket: first}, Took{End: end, Bucket: last}
	within := func(t *Took) bool { return t.key() >= from.key() && t.key() <= to.key() }
	n := 0
	for minute := max(w.first, 1); minute <= w.last; minute++ {
		var seconds uint64 // which, so that two sources of one hop count it once
		window{w.tracks, minute, minute}.each(func(b *block) {
			for i := range b.took {
				if within(&b.took[i]) {
					seconds |= b.ends[i]
				}
			}
			for i, s := range b.secs.all() {
				for k := range s.took {
					if within(&s.took[k]) {
						seconds |= 1 << i
					}
				}
			}
		})
		n += bits.OnesCount64(seconds)
	}
	return n
}

// usualGap is how many minutes before that of a failure what was usual ends: the
// failure and what led to it are not usual.
const usualGap = 2

// usual fills in how long good answers usually took before a minute.
func (l *Load) usual(n *parse.Neighbours, before int64) {
	var middles []int64
	for minute := max(before-loadMinutes+2, 1); minute <= before-usualGap; minute++ {
		var good uint32
		var took int64
		if b := l.tracks[0].blocks[minute%loadMinutes]; len(l.tracks) == 1 && b != nil && b.minute == minute && b.secs == nil {
			good, took = b.good, b.middle
		} else {
			good, took = middle(window{l.tracks, minute, minute}.ends(&l.pile))
		}
		if good == 0 {
			continue
		}
		if n.Good += int(good); n.Since == 0 {
			n.Since = (before - minute) * 60e9
		}
		middles = append(middles, took)
	}
	if n.Minutes = len(middles); n.Minutes > 0 {
		slices.Sort(middles)
		n.Usual = middles[len(middles)/10]
	}
}

// inFlight is how many had begun and not ended at the start of a second.
func (t *track) inFlight(at int64) int {
	n := t.begun
	for _, b := range t.blocks {
		switch {
		case b == nil || b.minute > at/60:
		case b.secs == nil:
			n += b.begun
		default:
			n += b.begun
			for i, s := range b.secs.all() {
				if b.minute*60+int64(i) < at {
					n += int64(s.began) - int64(s.ended)
				}
			}
		}
	}
	return int(max(n, 0))
}

// maxHeld is how many routes are named that held the slots.
const maxHeld = 3

// held returns the routes with most requests in flight.
func (l *Load) held(ids []parse.SourceID, at int64) []parse.Held {
	by := make(map[string]int)
	for _, id := range ids {
		if c := l.sources[id]; c != nil {
			for name, t := range c.named[parse.OfRoute] {
				if n := t.inFlight(at); n > 0 {
					by[name] += n
				}
			}
		}
	}
	all := make([]parse.Held, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		all = append(all, parse.Held{Route: name, InFlight: by[name]})
	}
	slices.SortStableFunc(all, func(a, b parse.Held) int { return cmp.Compare(b.InFlight, a.InFlight) })
	return slices.Clip(all[:min(len(all), maxHeld)])
}
