package correlate

import (
	"slices"

	"why503/parse"
)

// A Live joins while Records still come, of which most lie elsewhere: it is sent
// the failed ones and the signals, and asks for the others. A Request is handed
// on as soon as there is one and again whenever it grew, and for the last time
// when it has had the time to be complete. What is final is what a Joiner that
// had all Records would have said.
//
// A Live has no clock: Tick tells it the time. It belongs to one goroutine.
type Live struct {
	j     *Joiner
	to    Listener
	delay int64 // wall ns that a failed Record waits for the hop in front of it

	known map[parse.RecordID]Pos        // Records in the Ring
	heard map[parse.RecordID]parse.Time // signals, and when they were logged
	// clocks are the Offsets under which Records came.
	clocks map[parse.SourceID]int64

	pending []*pending // failed Records that are in no final Request, as they were logged
	resumed parse.Time // up to where Requests were final before a restart
	open    map[parse.RecordID]*open
	written map[parse.RecordID]written // final Requests, as long as their Records are in the Ring

	news    map[Key]interval      // under which keys Records came since the last Tick, and of when
	asking  []question            // what was asked since somebody looked
	sent    map[question]struct{} // what was asked of the collectors
	swept   parse.Time            // when questions were looked through last
	number  uint64                // of the last Want
	heardOf uint64                // of the last Want that all have answered
	tells   bool                  // signals came since the last Tick
	wall    int64                 // of the last Tick
	moved   int64                 // when a source was added or another place found for one (wall)
}

// A Listener is told what a Live finds out.
type Listener interface {
	// Request is handed a Request that is new or has changed.
	Request(q *parse.Request)
	// Gone says that what was handed on under this name is part of another
	// Request, or none.
	Gone(uid parse.RecordID)
	// Want is to be put to all collectors. Number is different for each.
	Want(number uint64, w *Want)
}

// NewLive returns a Live without sources that tells l.
func NewLive(cfg Config, l Listener) *Live {
	v := &Live{
		to: l, delay: 500e6,
		known: make(map[parse.RecordID]Pos), heard: make(map[parse.RecordID]parse.Time),
		open: make(map[parse.RecordID]*open), written: make(map[parse.RecordID]written),
		clocks: make(map[parse.SourceID]int64), news: make(map[Key]interval), sent: make(map[question]struct{}),
	}
	v.j = NewJoiner(cfg, nil, nil)
	v.j.onWant = v.note
	return v
}

// Joiner returns the Joiner that holds what came, for Survey.
func (v *Live) Joiner() *Joiner { return v.j }

// AddSource takes a source whose ID is the number of sources so far.
func (v *Live) AddSource(s *Source) {
	v.j.sources = append(v.j.sources, s)
	v.moved = v.wall
}

// AskAgain says that there is one more who may have an answer, so that what was
// asked before is asked again.
func (v *Live) AskAgain() {
	clear(v.sent)
	for _, o := range v.open {
		o.dirty = true
	}
}

// Resume says up to where Requests were final before a restart.
func (v *Live) Resume(settled parse.Time) { v.resumed = settled }

// Reorder says that the places or clocks of sources changed: what came under
// other clocks is moved, and everything that is open looked at again.
func (v *Live) Reorder() error {
	by := make(shift)
	for id, was := range v.clocks {
		if now := v.j.sources[id].Offset; now != was {
			by[id] = parse.Time(now - was)
			v.clocks[id] = now
		}
	}
	if len(by) > 0 {
		if err := v.shift(by); err != nil {
			return err
		}
	}
	for _, o := range v.open {
		o.dirty = true
	}
	v.moved = v.wall
	return nil
}

func (v *Live) shift(by shift) error {
	if err := v.j.ring.shift(by); err != nil {
		return err
	}
	v.j.signals.shift(by)
	for _, p := range v.pending {
		e, err := v.j.ring.Get(p.pos)
		if err != nil {
			return err
		}
		p.logged = e.Logged
	}
	return nil
}

// Counts returns the Live's part of the ledger.
func (v *Live) Counts() Counts {
	c := v.j.Counts
	c.Evicted += v.j.signals.Lost
	return c
}

// Open returns how many Requests may still grow.
func (v *Live) Open() int { return len(v.open) }

// Add takes a Record; r is copied. One that is known already changes nothing.
// settled says that r is in a Request which was final before a restart. wall is
// when it came (ns).
func (v *Live) Add(id parse.RecordID, r *parse.Record, settled bool, wall int64) error {
	if _, ok := v.known[id]; ok {
		return nil
	}
	if _, ok := v.heard[id]; ok {
		return nil
	}
	if v.j.sources[r.Source].Twin.Retells(r) {
		return nil
	}
	if _, ok := v.clocks[r.Source]; !ok {
		v.clocks[r.Source] = v.j.sources[r.Source].Offset
	}
	pos, logged, failed, err := v.j.add(r, id)
	if err != nil {
		return err
	}
	if pos == noPos {
		v.heard[id] = logged
		v.tells = true
		return nil
	}
	v.known[id] = pos
	in := span(v.j.sources[r.Source], r)
	for _, k := range append(v.j.keys, Every) {
		v.bring(k, in)
	}
	if failed && (!settled || logged > v.resumed-reclaim) {
		v.wait(&pending{pos: pos, id: id, logged: logged, arrived: wall, settled: settled})
	}
	return nil
}

// reclaim is how long before what was settled at a restart Requests take their
// Records again, though they are not handed on: else those that follow, and were
// at the same time under way, could take them.
const reclaim = parse.Time(15e9)

// wait puts p among those that wait, in the order in which they were logged.
func (v *Live) wait(p *pending) {
	i := len(v.pending)
	for i > 0 && v.pending[i-1].logged > p.logged {
		i--
	}
	v.pending = slices.Insert(v.pending, i, p)
}

// Tick looks at what came and hands on what is new. now is event time: no source
// that is not at its end will tell of anything before it. wall is the time (ns).
func (v *Live) Tick(now parse.Time, wall int64) error {
	v.j.now, v.wall = max(v.j.now, now), wall
	v.stir()
	if err := v.place(wall); err != nil {
		return err
	}
	if err := v.grow(); err != nil {
		return err
	}
	if err := v.finish(wall); err != nil {
		return err
	}
	v.forget()
	return nil
}

// Settled returns the event time up to which every failed Record that came is in
// a final Request.
func (v *Live) Settled() parse.Time {
	t := v.j.now
	for _, p := range v.pending {
		if !p.settled {
			t = min(t, p.logged-1)
		}
	}
	return t
}

// forget drops what is older than the horizon.
func (v *Live) forget() {
	old := v.j.now - parse.Time(v.j.cfg.Horizon)
	keep := noPos
	for _, p := range v.pending {
		keep = min(keep, p.pos)
	}
	if v.j.now >= v.swept+sweepEvery {
		// Who is open may ask again, for what is as old as itself or older; asking
		// twice does no harm.
		v.swept = v.j.now
		for a := range v.sent {
			if a.to < v.j.now-parse.Time(2*v.j.cfg.Hold) {
				delete(v.sent, a)
			}
		}
	}
	before := v.j.ring.Oldest()
	if v.j.ring.Forget(old, keep) == 0 {
		return
	}
	v.j.claims.forget(before, v.j.ring.Oldest())
	first := v.j.ring.Oldest()
	for id, pos := range v.known {
		if pos < first {
			delete(v.known, id)
		}
	}
	for id, w := range v.written {
		if w.pos < first {
			delete(v.written, id)
		}
	}
	for id, at := range v.heard {
		if at < old-parse.Time(2*v.j.cfg.Window) {
			delete(v.heard, id)
		}
	}
}

// sweepEvery is how often questions are looked through for those that nobody
// asks again.
const sweepEvery = parse.Time(30e9)
