package correlate

import (
	"slices"

	"why503/parse"
	"why503/parse/fact"
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

// A pending is a failed Record that waits for what can still be added.
type pending struct {
	pos     Pos
	id      parse.RecordID
	logged  parse.Time
	arrived int64 // wall ns
	settled bool  // in a Request that was final before a restart
	fact    *open // what it was last found to belong to
	path    []candidate
}

// An open Request is one that may still grow.
type open struct {
	uid      parse.RecordID
	members  []*pending
	wants    []question
	asked    uint64     // number of the last Want
	signals  parse.Time // until when signals matter to it
	version  fact.Version
	revision int
	written  bool // handed on
	final    bool // handed on for the last time, if nothing comes late
	dirty    bool
}

// A written Request is final, unless a Record comes late.
type written struct {
	pos      Pos
	at       int64 // wall ns
	version  fact.Version
	revision int
}

// A question is one key of a Want.
type question struct {
	key      Key
	from, to parse.Time
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

// Asked returns the number of the last Want.
func (v *Live) Asked() uint64 { return v.number }

// Answered says that every Want up to a number was answered by all who were
// asked.
func (v *Live) Answered(number uint64) { v.heardOf = max(v.heardOf, number) }

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

// bring notes that a Record came.
func (v *Live) bring(k Key, in interval) {
	if old, ok := v.news[k]; ok {
		in = interval{min(old.from, in.from), max(old.to, in.to)}
	}
	v.news[k] = in
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

// stir marks the Requests to which something that came may belong.
func (v *Live) stir() {
	for _, o := range v.open {
		if o.dirty {
			continue
		}
		o.dirty = v.tells && o.signals >= v.j.now-parse.Time(v.j.cfg.Hold)
		for _, w := range o.wants {
			if in, ok := v.news[w.key]; ok && in.overlaps(interval{w.from, w.to}) {
				o.dirty = true
				break
			}
		}
	}
	clear(v.news)
	v.tells = false
}

// place finds the root of each failed Record of which something is new.
func (v *Live) place(wall int64) error {
	for _, p := range v.pending {
		if p.settled || p.fact == nil && wall < p.arrived+v.delay || p.fact != nil && !p.fact.dirty {
			continue
		}
		if root, ok := v.j.claims.by(p.pos); ok && root != p.pos { // another Request took it
			v.leave(p)
			continue
		}
		if err := v.find(p); err != nil {
			return err
		}
	}
	return nil
}

// find climbs from p and puts it into the Request of its root.
func (v *Live) find(p *pending) error {
	v.asking = v.asking[:0]
	e, err := v.j.ring.Get(p.pos)
	if err != nil {
		return err
	}
	path, err := v.j.climb(e)
	if err != nil {
		return err
	}
	root := path[len(path)-1]
	if p.fact != nil && p.fact.uid != root.ID {
		v.leave(p)
	}
	p.path = path
	if p.fact == nil {
		p.fact = v.open[root.ID]
		if p.fact == nil {
			p.fact = &open{uid: root.ID}
			if w, ok := v.written[root.ID]; ok { // it was final
				p.fact.version, p.fact.revision, p.fact.written, p.fact.final = w.version, w.revision, true, true
			}
			v.open[root.ID] = p.fact
		}
		p.fact.members = append(p.fact.members, p)
		p.fact.dirty = true
	}
	p.fact.wants = append(p.fact.wants, v.asking...)
	v.send(p.fact, root)
	return nil
}

// leave takes p out of the Request that it was in. A Request that was handed on
// and has nobody left is gone.
func (v *Live) leave(p *pending) {
	o := p.fact
	if o == nil {
		return
	}
	p.fact, p.path = nil, nil
	o.members = slices.DeleteFunc(o.members, func(m *pending) bool { return m == p })
	o.dirty = true
	if len(o.members) > 0 {
		return
	}
	delete(v.open, o.uid)
	if _, final := v.written[o.uid]; o.written && !final {
		v.to.Gone(o.uid)
	}
}

// grow builds the Requests of which something is new.
func (v *Live) grow() error {
	for _, p := range v.pending { // in the order in which Records came
		o := p.fact
		if o == nil || !o.dirty || o.members[0] != p {
			continue
		}
		o.dirty = false
		if _, final := v.written[o.uid]; final {
			continue // what came late is added when it has had its time
		}
		b, err := v.build(o)
		if err != nil {
			return err
		}
		switch {
		case b != nil:
			v.hand(o, b, false)
		case o.written: // no client's request after all
			o.written = false
			v.to.Gone(o.uid)
		}
	}
	return nil
}

// build gathers an open Request, and asks for what could be added.
func (v *Live) build(o *open) (*builder, error) {
	first := o.members[0]
	if first.path == nil {
		if err := v.find(first); err != nil || first.fact != o {
			return nil, err
		}
	}
	v.asking = v.asking[:0]
	b, err := v.j.build(first.path)
	if err != nil {
		return nil, err
	}
	root := first.path[len(first.path)-1]
	o.wants = compact(append(o.wants, v.asking...))
	v.send(o, root)
	for _, m := range o.members { // what they hold was decoded for this once
		m.path = nil
	}
	return b, nil
}

// hand hands a Request on where it differs from what was handed on before.
func (v *Live) hand(o *open, b *builder, final bool) {
	q := b.q
	version := fact.VersionOf(q, 0)
	if o.written && version == o.version && final == o.final {
		return
	}
	o.final = final
	o.version = version
	o.revision++
	o.written = true
	root := q.Parts[0]
	o.signals = root.Record.Ended + parse.Time(root.Offset+signalAfter)
	q.Revision, q.Final = o.revision, final
	v.to.Request(q)
	for pos := range b.place {
		v.absorb(o, pos, b)
	}
}

// absorb ends Requests whose root turned out to belong into o.
func (v *Live) absorb(o *open, pos Pos, b *builder) {
	c := b.at(pos)
	if c.ID == o.uid {
		return
	}
	if other := v.open[c.ID]; other != nil {
		other.dirty = true // its Records climb again
	}
	if w, ok := v.written[c.ID]; ok && w.pos == pos {
		delete(v.written, c.ID)
		v.to.Gone(c.ID)
	}
}

// complete reports whether nothing is to be expected for p any more: what was
// logged in its time was read, and what was asked was answered. Old logs are read
// quicker than the hops are put in order, so some time passes in any case.
func (v *Live) complete(p *pending, wall int64) bool {
	if _, ok := v.j.claims.by(p.pos); ok {
		return true // it is in a Request that was written
	}
	if p.settled {
		return wall >= p.arrived+ordering
	}
	return p.logged < v.j.now-parse.Time(v.j.cfg.Hold) && wall >= max(p.arrived, v.moved)+ordering && p.fact != nil && !p.fact.dirty && p.fact.asked <= v.heardOf
}

// ordering is how long it takes to put new sources in order (wall ns).
const ordering = int64(5e9)

// finish writes for the last time what has had its time, in the order in which
// it was logged: which Record is taken without an id hangs on who comes first.
func (v *Live) finish(wall int64) error {
	done := 0
	for _, p := range v.pending {
		if !v.complete(p, wall) && wall < p.arrived+v.j.cfg.Hold {
			break
		}
		if err := v.settle(p, wall); err != nil {
			return err
		}
		done++
	}
	v.pending = slices.Delete(v.pending, 0, done)
	return nil
}

// settle resolves p for good.
func (v *Live) settle(p *pending, wall int64) error {
	if _, ok := v.j.claims.by(p.pos); ok {
		v.leave(p)
		return nil
	}
	if err := v.find(p); err != nil {
		return err
	}
	o := p.fact
	root := p.path[len(p.path)-1]
	if owner, ok := v.j.claims.by(root.Pos); ok && (owner != root.Pos || !v.late(p, o.uid)) {
		v.j.Counts.Late++
		v.j.claims.put(p.pos, owner)
		v.leave(p)
		return nil
	}
	b, err := v.j.build(p.path)
	if err != nil {
		return err
	}
	if b == nil {
		v.j.claims.put(p.pos, root.Pos)
		v.leave(p)
		return nil
	}
	if _, again := v.written[o.uid]; again {
		v.j.Counts.Late++
	}
	if p.settled && !o.written { // it was handed on before a restart
		o.version = fact.VersionOf(b.q, 0)
	} else {
		v.hand(o, b, true)
	}
	v.j.claim(b)
	v.j.claims.put(p.pos, root.Pos)
	v.written[o.uid] = written{root.Pos, wall, o.version, o.revision}
	v.leave(p)
	return nil
}

// late reports whether p came after its Request was final, and is known by an id
// to belong to it, so that the Request has to be written once more.
func (v *Live) late(p *pending, uid parse.RecordID) bool {
	w, ok := v.written[uid]
	return ok && p.arrived >= w.at && !slices.ContainsFunc(p.path, func(c candidate) bool { return c.how == parse.JoinInferred })
}

// note hears of every question that the join asks.
func (v *Live) note(w *Want) {
	for _, k := range w.Keys {
		v.asking = append(v.asking, question{k, w.From, w.To})
	}
}

// send puts what was asked and was not put before to the collectors.
func (v *Live) send(o *open, root candidate) {
	in := span(root.src, root.Record)
	before := v.number
	w := Want{UID: o.uid, Near: in.to, Until: in.to + parse.Time(v.j.cfg.Hold)}
	for i := range v.asking {
		a := v.asking[i]
		if _, ok := v.sent[a]; ok {
			continue
		}
		if w.Keys != nil && (a.from != w.From || a.to != w.To) {
			v.put(&w)
			w.Keys = nil
		}
		v.sent[a] = struct{}{}
		w.Keys = append(w.Keys, a.key)
		w.From, w.To = a.from, a.to
	}
	if w.Keys != nil {
		v.put(&w)
	}
	if v.number > before {
		o.asked = v.number
	}
}

func (v *Live) put(w *Want) {
	v.number++
	c := *w
	v.to.Want(v.number, &c)
}

// compact drops repeats; a Request asks the same again each time it is built.
func compact(list []question) []question {
	seen := make(map[question]struct{}, len(list))
	return slices.DeleteFunc(list, func(a question) bool {
		_, ok := seen[a]
		seen[a] = struct{}{}
		return ok
	})
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
