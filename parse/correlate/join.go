package correlate

import (
	"cmp"
	"math"
	"slices"

	"why503/parse"
	"why503/parse/fact"
)

// Config bounds a Joiner. Times are nanoseconds of event time.
type Config struct {
	Hold    int64 // how long a failed Record waits for what may still come
	Horizon int64 // how long Records are kept; the longest request plus Hold
	Window  int64 // how long before a request a signal may matter
	Memory  int64 // bytes of Records in memory before they are spilled
	Spill   Spill
}

// DefaultConfig holds 90 s, remembers requests of ten minutes, and looks half
// an hour back for signals.
func DefaultConfig() Config {
	return Config{Hold: 90e9, Horizon: 12 * 60e9, Window: 30 * 60e9, Memory: 64 << 20}
}

// Counts is the Joiner's part of the ledger.
type Counts struct {
	Evicted   int64 // Records or signals dropped for want of room
	Unjoined  int64 // failed requests whose origin should have a line and has none
	Ambiguous int64 // joins not made because two candidates fit alike
	Late      int64 // failed Records that came after their request was written
	ByKey     map[parse.JoinHow]int64
}

// A Joiner turns a stream of Records, merged by the time they were logged on
// the reference clock, into failed Requests.
type Joiner struct {
	cfg     Config
	sources []*Source
	ring    *Ring
	signals *Signals
	book    *addressBook
	emit    func(*parse.Request)
	onWant  func(*Want) // told of each question, where Records lie elsewhere; else nil
	waiting []waiting   // failed Records, in the order they came
	done    int         // of waiting, how many were resolved
	claims  claims      // Records that belong to a Request that was written
	now     parse.Time
	keys    []Key
	load    *Load            // what the sources saw of their own traffic
	counted bool             // by somebody else
	hop     []parse.SourceID // scratch
	Counts  Counts
}

type waiting struct {
	pos    Pos
	logged parse.Time
}

// NewJoiner returns a Joiner over the given sources (indexed by SourceID) that
// hands every finished Request to emit, in an order that depends only on the
// Records.
func NewJoiner(cfg Config, sources []*Source, emit func(*parse.Request)) *Joiner {
	return &Joiner{
		cfg: cfg, sources: sources, emit: emit,
		ring:    NewRing(cfg.Memory, cfg.Spill),
		signals: NewSignals(cfg.Window),
		book:    newAddressBook(),
		claims:  make(claims),
		load:    NewLoad(),
		Counts:  Counts{ByKey: make(map[parse.JoinHow]int64)},
	}
}

// Learn tells the Joiner that source s answers at addr, and Named what a
// source's lines call their service.
func (j *Joiner) Learn(addr []byte, s parse.SourceID)    { j.book.learn(addr, s) }
func (j *Joiner) Named(s parse.SourceID, service []byte) { j.book.named(s, service) }

// Logged is the time by which r takes its place in the merge: when its line
// was written, on the reference clock. A Record without a time was written
// about when the ones before it were.
func (j *Joiner) Logged(r *parse.Record) parse.Time {
	if r.Ended == 0 {
		return j.now
	}
	return r.Ended + parse.Time(j.sources[r.Source].Offset)
}

// Add takes the next Record. r is copied.
func (j *Joiner) Add(r *parse.Record) error {
	pos, logged, failed, err := j.add(r, j.sources[r.Source].RecordID(r))
	if failed {
		j.waiting = append(j.waiting, waiting{pos, logged})
	}
	return err
}

// add is Add of a Record of the given id. It returns where in the Ring the
// Record is and whether it failed, so that somebody has to resolve it.
func (j *Joiner) add(r *parse.Record, id parse.RecordID) (pos Pos, logged parse.Time, failed bool, err error) {
	src := j.sources[r.Source]
	logged = j.Logged(r)
	v := interval{logged, logged}
	if r.Ended != 0 {
		v = span(src, r)
		src.From, src.To = min(src.From, v.from), max(src.To, logged)
	}
	if r.Kind != parse.KindSignal {
		j.book.named(r.Source, r.Service)
	}
	if r.Kind == parse.KindSignal || (r.Kind == parse.KindLog && !tellsOfRequest(r)) {
		j.signals.Add(r, id, logged)
		return noPos, logged, false, nil
	}
	src.clients = src.clients || (r.Kind == parse.KindRequest && r.Program == parse.Varnish)
	j.count(r)
	j.keys = AppendKeys(j.keys[:0], r)
	pos, err = j.ring.Add(r, id, v.from, v.to, logged, j.keys)
	return pos, logged, err == nil && Failed(r), err
}

// noPos is the place of what is in no Ring.
const noPos = Pos(math.MaxUint64)

// Advance says that no Record logged before now will come any more, and writes
// every Request that cannot grow.
func (j *Joiner) Advance(now parse.Time) error {
	if now <= j.now {
		return nil
	}
	j.now = now
	for j.done < len(j.waiting) && j.waiting[j.done].logged < now-parse.Time(j.cfg.Hold) {
		if err := j.resolve(j.waiting[j.done].pos); err != nil {
			return err
		}
		j.done++
	}
	if j.done > 1024 && j.done > len(j.waiting)/2 { // half of it at a time, so that each is moved once
		j.waiting = slices.Delete(j.waiting, 0, j.done)
		j.done = 0
	}
	j.forget(now - parse.Time(j.cfg.Horizon))
	return nil
}

// forget drops the Records that ended before t, and what was noted about them,
// but none that waits.
func (j *Joiner) forget(t parse.Time) {
	keep := Pos(math.MaxUint64)
	if j.done < len(j.waiting) {
		keep = j.waiting[j.done].pos
	}
	if before := j.ring.Oldest(); j.ring.Forget(t, keep) > 0 {
		j.claims.forget(before, j.ring.Oldest())
	}
}

// Flush writes everything that still waits: all sources are at their end.
func (j *Joiner) Flush() error {
	for _, s := range j.sources {
		s.Done = true
	}
	if j.done < len(j.waiting) { // nothing more will come, as if time had gone on
		j.now = max(j.now, j.waiting[len(j.waiting)-1].logged+parse.Time(j.cfg.Hold))
	}
	for ; j.done < len(j.waiting); j.done++ {
		if err := j.resolve(j.waiting[j.done].pos); err != nil {
			return err
		}
	}
	j.waiting, j.done = nil, 0
	j.Counts.Evicted += j.signals.Lost
	return nil
}

// Waiting returns how many failed Records have not been resolved yet.
func (j *Joiner) Waiting() int { return len(j.waiting) - j.done }

// resolve finds the root of the failed Record at p and writes its Request,
// unless the Record already belongs to one.
func (j *Joiner) resolve(p Pos) error {
	if j.claims.has(p) {
		return nil
	}
	e, err := j.ring.Get(p)
	if err != nil {
		return err
	}
	path, err := j.climb(e)
	if err != nil {
		return err
	}
	root := path[len(path)-1]
	if j.claims.has(root.Pos) {
		j.Counts.Late++
		j.claims.put(p, root.Pos)
		return nil
	}
	b, err := j.build(path)
	if b == nil || err != nil {
		return err
	}
	j.claim(b)
	j.emit(b.q)
	return nil
}

// climb returns the Records from e to the outermost one known.
func (j *Joiner) climb(e Entry) ([]candidate, error) {
	at := candidate{Entry: e, src: j.sources[e.Record.Source], how: parse.JoinRoot, score: 1}
	path := []candidate{at}
	for len(path) < 16 {
		up, ok, err := j.parent(at)
		if err != nil {
			return nil, err
		}
		if !ok || slices.ContainsFunc(path, func(c candidate) bool { return c.Pos == up.Pos }) {
			break
		}
		path = append(path, up)
		at = up
	}
	return path, nil
}

// build gathers the Request under the last of path, its root. The others of path
// were climbed over and must be in it. It returns nil where the root is no
// client's request.
func (j *Joiner) build(path []candidate) (*builder, error) {
	root := path[len(path)-1]
	if root.Record.Kind == parse.KindLog {
		return nil, nil // a line that says a body was cut, of a request that was not logged
	}
	if stray, err := j.stray(root); err != nil || stray {
		return nil, err
	}
	if err := j.unseen(root); err != nil {
		return nil, err
	}
	b := &builder{j: j, root: root.Pos, q: &parse.Request{UID: root.ID, Revision: 1, Final: true}}
	b.add(root, -1, 0, parse.JoinRoot)
	for i := len(path) - 2; i >= 0; i-- {
		// path[i] was reached from path[i+1]; how it was found is path[i+1].how
		b.add(path[i], b.place[path[i+1].Pos], path[i+1].score, path[i+1].how)
	}
	if err := b.descend(); err != nil {
		return nil, err
	}
	b.addSignals()
	b.cover()
	b.neighbours()
	unjoined := b.unjoined()
	fact.Order(b.q)
	b.lost = unjoined
	return b, nil
}

// claim counts a Request as written: its Records belong to no other.
func (j *Joiner) claim(b *builder) {
	for pos := range b.place {
		j.claims.put(pos, b.root)
	}
	for i := range b.q.Parts[1:] {
		j.Counts.ByKey[b.q.Parts[i+1].Join.How]++
	}
	if b.lost {
		j.Counts.Unjoined++
	}
}

// best returns the candidate that fits best and the next best score. Equal
// scores are ordered by place, so that answers are stable.
func best(cs []candidate) (candidate, float64, bool) {
	if len(cs) == 0 {
		return candidate{}, 0, false
	}
	slices.SortFunc(cs, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Logged, b.Logged), cmp.Compare(a.Pos, b.Pos))
	})
	next := 0.0
	if len(cs) > 1 {
		next = cs[1].score
	}
	return cs[0], next, true
}
