package correlate

import (
	"cmp"
	"maps"
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

// An about is what is asked again and again in a storm.
type about struct {
	track  *track
	minute int64
}

const maxAsked = 1 << 12

// Around returns what the sources counted around a time of their hop, of a
// backend or of a route. It is false where they counted nothing.
func (l *Load) Around(ids []parse.SourceID, of parse.Traffic, name []byte, at parse.Time) (parse.Neighbours, bool) {
	tracks := make([]*track, 0, 8)
	for _, id := range ids {
		if c := l.sources[id]; c != nil {
			if of == parse.OfHop {
				tracks = append(tracks, c.hop)
			} else if t := c.named[of][string(name)]; t != nil {
				tracks = append(tracks, t)
			}
		}
	}
	if len(tracks) == 0 {
		return parse.Neighbours{}, false
	}
	minute := int64(at) / 60e9
	key := about{tracks[0], minute}
	known := l.asked[key]
	if known == nil {
		known = &parse.Neighbours{Of: of, Name: tracks[0].name}
		known.Walls = wallsOf(minutesOf(tracks, minute-wallWindow+1, minute))
		usual(known, minutesOf(tracks, minute-loadMinutes+2, minute-usualGap), minute)
		if len(l.asked) >= maxAsked {
			clear(l.asked)
		}
		l.asked[key], l.upTo = known, max(l.upTo, minute)
	}
	n := *known
	for _, t := range tracks {
		n.InFlight += t.inFlight(int64(at) / 1e9)
	}
	if of == parse.OfHop && n.InFlight > 0 {
		n.Held = l.held(ids, int64(at)/1e9)
	}
	return n, true
}

// An endsOf is what ended in a minute.
type endsOf struct {
	minute int64
	took   []folded
}

// minutesOf returns what ended in each minute from first to last, where
// something did.
func minutesOf(tracks []*track, first, last int64) []endsOf {
	var all []endsOf
	for minute := max(first, 1); minute <= last; minute++ {
		var list []folded
		for _, t := range tracks {
			b := t.blocks[minute%loadMinutes]
			if b == nil || b.minute != minute {
				continue
			}
			for _, k := range b.took {
				list = addFolded(list, k)
			}
			for i := range b.secs {
				for _, k := range b.secs[i].took {
					list = addFolded(list, folded{k, 1 << i})
				}
			}
		}
		if len(list) > 0 {
			all = append(all, endsOf{minute, list})
		}
	}
	return all
}

// usualGap is how many minutes before that of a failure what was usual ends: the
// failure and what led to it are not usual.
const usualGap = 2

// usual fills in how long good answers usually took before a minute.
func usual(n *parse.Neighbours, minutes []endsOf, before int64) {
	var middles []int64
	for _, m := range minutes {
		good := uint32(0)
		for i := range m.took {
			if m.took[i].End == parse.EndGood {
				good += m.took[i].N
			}
		}
		if good == 0 {
			continue
		}
		if n.Good += int(good); n.Since == 0 {
			n.Since = (before - m.minute) * 60e9
		}
		half := uint32(0)
		for i := range m.took {
			if m.took[i].End != parse.EndGood {
				continue
			}
			if half += m.took[i].N; half*2 >= good {
				middles = append(middles, tookLow(m.took[i].Bucket))
				break
			}
		}
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
			for i := range b.secs {
				if b.minute*60+int64(i) < at {
					n += int64(b.secs[i].began) - int64(b.secs[i].ended)
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
