package correlate

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"

	"why503/parse"
	"why503/parse/traffic"
)

// Bounds of a Load. A source has at most maxBackends and maxRoutes names of
// which each is counted by itself; the rest counts as "other". Seconds are kept
// apart for fineMinutes, minutes for loadMinutes.
const (
	maxBackends = 32
	maxRoutes   = 64
	maxName     = 128 // bytes
	fineMinutes = 6
	longMinutes = 3 // what takes longer counts as begun so long before its end
	loadMinutes = 64
	maxSpan     = int64(25 * 24 * 3600e9)
	slowFrom    = int64(1e9) // what takes so long is slow
	maxPaths    = 512        // whose routes are remembered
	other       = "other"
)

// A Load counts what sources saw of their own traffic, by second of event time:
// of the whole hop, of each backend and of each route. It is fed by Add, with
// every Record of a source, or by Merge, with seconds that another Load
// counted. What it holds does not depend on the order in which it was fed, as
// long as no bound was met.
//
// A Load belongs to one goroutine.
type Load struct {
	sources map[parse.SourceID]*counter
	at      *counter // of the source that was fed last
	asked   map[about]recalled
	pile    pile
	tracks  []*track   // scratch
	free    []*seconds // of minutes that were folded
	routeOf []byte     // scratch
	brief   bool       // minutes that are over are forgotten
	Late    int64      // ends or seconds that came when their minute was folded
}

// NewLoad returns an empty Load.
func NewLoad() *Load {
	return &Load{sources: make(map[parse.SourceID]*counter), asked: make(map[about]recalled)}
}

// NewFeed returns an empty Load that only counts for others: its seconds are
// taken with Changed, and what is over is not kept.
func NewFeed() *Load {
	l := NewLoad()
	l.brief = true
	return l
}

// A counter is the traffic of one source.
type counter struct {
	id     parse.SourceID
	hop    *track
	named  [parse.NumTraffic]map[string]*track
	rest   [parse.NumTraffic]*track // what exceeds the bound
	paths  []pathTrack              // routes of paths that were seen last, as many as pay off
	missed int                      // paths that were not among them
	newest int64                    // minute
	last   int64                    // second that was counted last
	state  uint64                   // changes with each second that is counted
	dirty  *dirty                   // seconds that changed since they were taken; nil for none
}

// dirty are seconds, each at its number modulo how many are kept apart.
type dirty [fineMinutes * 60]int64

func (c *counter) touch(at int64) {
	if c.dirty == nil {
		c.dirty = new(dirty)
	}
	c.dirty[at%int64(len(c.dirty))] = at
}

type pathTrack struct {
	hash  uint64
	track *track
}

// A track is a row of minutes.
type track struct {
	of     parse.Traffic
	name   string
	blocks [loadMinutes]*block // by minute modulo their number
	begun  int64               // not ended, of minutes that were forgotten
	ended  uint64              // requests of the minutes that are kept
}

// A block is a minute of a track.
type block struct {
	minute int64
	begun  int64    // begun less ended
	ended  uint64   // requests
	secs   *seconds // nil once folded
	took   []Took   // of the folded
	ends   []uint64 // in which seconds each of them ended
	good   uint32   // answers in took
	middle int64    // how long the middle one of them took
}

type second struct {
	began, ended, slow, failed uint32
	busy                       int64 // ns: what those that began or ended in it add to those in flight at its start
	took                       []Took
}

// Add counts r, of which offset brings the times to the reference clock.
func (l *Load) Add(r *parse.Record, offset int64) {
	if r.Ended == 0 || r.Ended < r.Time || r.Background || r.Kind != parse.KindFetch && (r.Kind != parse.KindRequest || r.Tx != nil) {
		return // Varnish's answers out of the cache held nothing; its fetches tell the rest
	}
	c := l.at
	if c == nil || c.id != r.Source {
		c = l.counter(r.Source)
		l.at = c
	}
	from, to := int64(r.Time)+offset, int64(r.Ended)+offset
	minute := to / 60e9
	if to < loadMinutes*60e9 { // no stamp, but a number that was taken for one
		return
	}
	if !l.turn(c, minute) {
		l.Late++
		return
	}
	from = max(from, (minute-longMinutes)*60e9)
	if at := to / 1e9; at != c.last {
		c.last = at
		c.state++
	}
	end, took := r.End()
	took = min(took, maxSpan)
	l.count(c, c.hop, from, to, end, took)
	if t := l.routed(c, r.URL); t != nil {
		l.count(c, t, from, to, end, took)
	}
	switch {
	case len(r.Upstreams) > 0 && r.Kind == parse.KindRequest:
		// Attempts are made one after the other, the last of them ends with the request.
		for i := len(r.Upstreams) - 1; i >= 0; i-- {
			end, took := r.UpstreamEnd(i)
			took = min(took, maxSpan)
			if end == parse.EndNone && took <= 0 {
				continue
			}
			began := max(from, to-took)
			l.count(c, l.track(c, parse.OfBackend, r.Upstreams[i].Addr), began, to, end, took)
			to = began
		}
	case r.Tx != nil && len(r.Tx.Backend) > 0:
		l.count(c, l.track(c, parse.OfBackend, r.Tx.Backend), from, to, end, took)
	}
}

func (l *Load) counter(id parse.SourceID) *counter {
	c := l.sources[id]
	if c == nil {
		c = &counter{id: id, hop: &track{of: parse.OfHop}}
		for of := range c.named {
			c.named[of] = make(map[string]*track)
			c.rest[of] = &track{of: parse.Traffic(of), name: other}
		}
		l.sources[id] = c
	}
	return c
}

// turn makes minute one that c may count in; it is false when it is over.
func (l *Load) turn(c *counter, minute int64) bool {
	if minute > c.newest {
		c.newest = minute
		for of, most := range [...]int{parse.OfBackend: maxBackends, parse.OfRoute: maxRoutes} {
			if len(c.named[of]) > most {
				l.crowd(c, parse.Traffic(of), most)
			}
		}
	}
	return minute > c.newest-fineMinutes
}

// crowd keeps of the names of one kind those with most requests in the minutes
// that are kept, and adds the others to the rest.
func (l *Load) crowd(c *counter, of parse.Traffic, most int) {
	all := make([]*track, 0, len(c.named[of]))
	for _, t := range c.named[of] {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *track) int { return cmp.Or(cmp.Compare(b.ended, a.ended), cmp.Compare(a.name, b.name)) })
	for _, t := range all[most:] {
		l.join(c.rest[of], t)
		delete(c.named[of], t.name)
	}
	clear(c.paths)
	clear(l.asked)
}

// routed returns the track of the route of a URL. Routes of the paths that were
// asked for last are remembered, since finding one costs more than counting.
func (l *Load) routed(c *counter, url []byte) *track {
	if len(url) == 0 {
		return nil
	}
	path := pathOf(url)
	hash := xxh3.Hash(path)
	if c.missed >= 4*len(c.paths) && len(c.paths) < maxPaths { // of ten thousand logs most are quiet
		c.paths, c.missed = make([]pathTrack, max(8, 4*len(c.paths))), 0
	}
	p := &c.paths[hash%uint64(len(c.paths))]
	if p.hash != hash || p.track == nil {
		c.missed++
		l.routeOf = traffic.AppendRoute(l.routeOf[:0], path)
		p.hash, p.track = hash, l.track(c, parse.OfRoute, l.routeOf)
	}
	return p.track
}

// track returns the track of a name. Within a minute twice as many names as the
// bound may be met; which of them stay is decided when it is over.
func (l *Load) track(c *counter, of parse.Traffic, name []byte) *track {
	name = name[:min(len(name), maxName)]
	if t := c.named[of][string(name)]; t != nil {
		return t
	}
	most := 2 * maxRoutes
	if of == parse.OfBackend {
		most = 2 * maxBackends
	}
	if len(c.named[of]) >= most || string(name) == other {
		return c.rest[of]
	}
	t := &track{of: of, name: string(bytes.Clone(name))}
	c.named[of][t.name] = t
	return t
}

func (l *Load) count(c *counter, t *track, from, to int64, end parse.End, took int64) {
	b := l.block(c, t, to/60e9)
	if b == nil || b.secs == nil {
		l.Late++
		return
	}
	at := to / 1e9
	s := b.secs.at(at - b.minute*60)
	c.touch(at)
	t.ended++
	s.ended++
	s.busy -= (at+1)*1e9 - to
	if took >= slowFrom {
		s.slow++
	}
	if end > parse.EndGood {
		s.failed++
	}
	if end != parse.EndNone {
		s.took = countTook(s.took, end, took)
	}
	if from/1e9 != at {
		at = from / 1e9
		if minute := at / 60; minute != b.minute {
			b = l.block(c, t, minute)
		}
		if b == nil || b.secs == nil {
			t.begun++ // its minute is over
			return
		}
		s = b.secs.at(at - b.minute*60)
		c.touch(at)
	}
	s.began++
	s.busy += (at+1)*1e9 - from
}

// block returns the place of a minute in t, which begins anew where it held an
// older one.
func (l *Load) block(c *counter, t *track, minute int64) *block {
	slot := &t.blocks[minute%loadMinutes]
	b := *slot
	if b != nil && b.minute == minute {
		return b
	}
	if minute <= c.newest-fineMinutes || minute > c.newest {
		return nil
	}
	if b == nil {
		b = &block{}
		*slot = b
	} else {
		l.forget(t, b)
	}
	*b = block{minute: minute, secs: l.seconds(), took: b.took[:0], ends: b.ends[:0]}
	for _, o := range t.blocks {
		if o != nil && o.secs != nil && o.minute <= c.newest-fineMinutes {
			l.fold(o)
		}
	}
	return b
}

func (l *Load) seconds() *seconds {
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s
	}
	return new(seconds)
}

// fold makes one of the seconds of a minute.
func (l *Load) fold(b *block) {
	if b.secs == nil {
		return
	}
	for _, s := range b.secs.all() {
		b.begun += int64(s.began) - int64(s.ended)
		b.ended += uint64(s.ended)
		if !l.brief {
			l.pile.add(s.took)
		}
	}
	if l.brief {
		b.secs.clear()
		l.free, b.secs = append(l.free, b.secs), nil
		return
	}
	b.took = append(b.took[:0], l.pile.take()...)
	b.ends = append(b.ends[:0], make([]uint64, len(b.took))...)
	for i, s := range b.secs.all() {
		for k, n := 0, 0; n < len(s.took); n++ { // both are sorted
			for b.took[k].key() < s.took[n].key() {
				k++
			}
			b.ends[k] |= 1 << i
		}
	}
	b.secs.clear()
	b.good, b.middle = middle(b.took)
	l.free, b.secs = append(l.free, b.secs), nil
}

// join adds what o holds to t.
func (l *Load) join(t, o *track) {
	t.begun += o.begun
	t.ended += o.ended
	for i, b := range o.blocks {
		d := t.blocks[i]
		switch {
		case b == nil:
		case d == nil:
			t.blocks[i] = b
		case d.minute < b.minute:
			l.forget(t, d)
			t.blocks[i] = b
		case d.minute > b.minute:
			l.forget(t, b)
		case b.secs != nil && d.secs != nil:
			for k, o := range b.secs.all() {
				d.secs.at(int64(k)).add(o)
			}
		default:
			l.fold(b)
			l.fold(d)
			d.begun += b.begun
			d.ended += b.ended
			l.unite(d, b)
		}
	}
}

func (s *second) add(o *second) {
	s.began += o.began
	s.ended += o.ended
	s.slow += o.slow
	s.failed += o.failed
	s.busy += o.busy
	if len(s.took) == 0 {
		s.took = append(s.took[:0], o.took...) // as much room as it needs
		return
	}
	for _, k := range o.took {
		s.took = addTook(s.took, k)
	}
}

// forget takes the minute b out of t's sums: what began in it and ended later
// stays in flight.
func (l *Load) forget(t *track, b *block) {
	l.fold(b)
	t.begun += b.begun
	t.ended -= b.ended
}

// unite adds the folded minute o to b.
func (l *Load) unite(b, o *block) {
	ends := make(map[uint32]uint64, len(b.took)+len(o.took))
	for _, x := range [...]*block{b, o} {
		for i := range x.took {
			ends[x.took[i].key()] |= x.ends[i]
		}
		l.pile.add(x.took)
	}
	b.took = append(b.took[:0], l.pile.take()...)
	b.ends = b.ends[:0]
	for i := range b.took {
		b.ends = append(b.ends, ends[b.took[i].key()])
	}
	b.good, b.middle = middle(b.took)
}
