package rules

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"why503/parse"
)

// Evidence is all that a decision may look at: the Facts, the recognised lines
// with rounded times, and what is covered. Two Requests with equal evidence
// get the same decision, which is what makes it fit for a cache.
type evidence struct {
	facts  Facts
	class  Class
	items  []item
	walls  [len(timeoutNames)]WallSource
	wall   bool // the span that ended in the failure ended at a wall that is seen in the data alone
	kinds  [parse.NumSourceKinds]cover
	joined KindSet // kinds of which a Record is joined behind the hop
}

type cover uint8

const (
	coverNone  cover = iota
	coverOther       // given, but not for this time
	coverLossy
	coverFull
)

// An item is one recognised Note.
type item struct {
	part, note int32 // where it stands; the part is an index as in Link.Part
	event      parse.EventID
	in         place
	depth      int8
	program    parse.Program
	kind       parse.SourceKind
	times      uint16 // how many lines of the same sort it stands for
	over       bool   // a signal whose state had ended before the failure
	later      bool   // written after the failure, beyond all doubt about clocks
	wall       bool   // the span of its Part ended at a wall that is seen in the data alone
	// ago is how long before the failure it was written, negative after it;
	// rounded. A line counts as written at the failure when its clock's
	// precision and skew allow it.
	ago int64
	// Places in small tables of this evidence: equal numbers mean equal things.
	service, host, backend uint16
	pid                    uint16
}

const (
	maxItems   = 256
	skewMargin = int64(250 * time.Millisecond) // clocks are aligned by joined pairs; this is what may remain
)

// gather fills e from the view. Only events that some rule or the taxonomy
// makes something of are taken.
func (e *evidence) gather(v *view, s *Set) {
	e.items, e.joined = e.items[:0], 0
	e.class = v.class
	e.facts = v.observe()
	e.cover(v)
	var names table
	for k, o := range v.order {
		p := v.part(int(o))
		r := p.Record
		signal := k >= v.parts
		if !signal && p.Depth > v.part(v.hop).Depth {
			e.joined.Add(p.Kind)
		}
		wall, looked := false, signal
		for i := range r.Notes {
			n := &r.Notes[i]
			if !s.interesting.has(n.Event) || n.Event == 0 {
				continue
			}
			it := item{
				part: o, note: int32(i), event: n.Event, depth: int8(min(p.Depth, 100)), program: r.Program, kind: p.Kind, times: 1,
				service: names.of(1, serviceOf(r)), host: names.of(2, []byte(p.Host)), backend: names.of(3, backendOf(r)), pid: names.process(r.PID),
			}
			it.in = v.placeOf(int(o), p, signal)
			if n.Field == parse.FieldBackendOpen {
				it.in |= inDeeper // how the connection was got may be the cause itself
			}
			if it.in&inDeciding != 0 && superseded(r, n) {
				it.in = it.in&^inDeciding | inEarlier
			}
			e.clock(&it, int64(v.gave-noteTime(p, n)), r.Precision)
			if !looked {
				wall, looked = v.observed(int(o)) != nil, true
			}
			it.wall = wall
			if signal {
				it.over = s.over(v, k, int64(noteTime(p, n)), n.Event)
			}
			e.put(it)
			if len(e.items) >= maxItems {
				break
			}
		}
	}
	e.late(v, s)
	e.wall = v.observed(v.decided()) != nil
	if v.at >= 0 {
		p := v.part(v.at)
		hop := v.part(v.hop)
		var backend string
		if p.Record.Tx != nil {
			backend = string(p.Record.Tx.Backend)
		}
		ns := int64(e.facts.Took * 1e9)
		for i, name := range timeoutNames {
			e.walls[i] = v.env.wallNear(name, hop.Record.Program, hop.Host, backend, ns, 0.05)
		}
	} else {
		e.walls = [len(timeoutNames)]WallSource{}
		if r := v.part(v.hop).Record; len(r.Upstreams) > 0 {
			u := &r.Upstreams[waitedIn(r, answering(r))]
			for i, name := range timeoutNames {
				e.walls[i] = v.env.wallNear(name, r.Program, v.part(v.hop).Host, string(u.Addr), u.Response, 0.05)
			}
		}
	}
}

// late adds the answer of the next hop, where it was ready when the proxy had
// given up: no line says so, only its times do.
func (e *evidence) late(v *view, s *Set) {
	f := &e.facts
	if v.origin < 0 || f.OriginEnd <= 0.05 || f.OriginAnswer < 200 || f.OriginAnswer >= 500 || f.OriginAnswer == 499 || len(e.items) >= maxItems {
		return
	}
	p := v.part(v.origin)
	it := item{
		part: int32(v.origin), note: -1, event: eventLateAnswer, in: inDeeper, depth: int8(min(p.Depth, 100)),
		program: p.Record.Program, kind: p.Kind, times: 1,
	}
	if !s.interesting.has(it.event) {
		return
	}
	e.clock(&it, int64(v.gave-ended(p)), p.Record.Precision)
	e.items = append(e.items, it)
}

// clock sets what is known of the item's time: ago is exact, but a stamp
// without a fraction, or one on another clock, may be earlier or later.
func (e *evidence) clock(it *item, ago, precision int64) {
	slack := skewMargin + precision
	if ago < 0 {
		if -ago <= slack {
			ago = 0
		} else {
			it.later = true
		}
	}
	it.ago = round(ago)
}

// put adds the item. Signals that say the same of the same service are one
// item: the nearest, which counts how often it was said.
func (e *evidence) put(it item) {
	if it.in&inSignal != 0 {
		for i := range e.items {
			o := &e.items[i]
			if o.event != it.event || o.in != it.in || o.service != it.service || o.host != it.host {
				continue
			}
			if o.over && !it.over || o.over == it.over && nearer(it.ago, o.ago) {
				it.times = min(o.times, 8) // few counts, few signatures
				*o = it
			}
			if o.times < 8 {
				o.times++
			}
			return
		}
	}
	e.items = append(e.items, it)
}

// nearer prefers what came before the failure over what came after it, then
// the later one.
func nearer(a, b int64) bool {
	if (a < 0) != (b < 0) {
		return a >= 0
	}
	return max(a, -a) < max(b, -b)
}

func (v *view) placeOf(i int, p *parse.Part, signal bool) place {
	if signal {
		if p.Join.Score >= 1 {
			return inSignal | inKnown
		}
		return inSignal
	}
	// A fetch without its request is both a try and all there is of the hop.
	for k, t := range v.tries {
		if t != i {
			continue
		}
		var in place
		if k == 0 {
			in |= inFirst
		}
		if i == v.at {
			return in | inDeciding
		}
		return in | inEarlier
	}
	for _, g := range v.group {
		if g == i {
			return inRequest
		}
	}
	hop := v.part(v.hop)
	if p.Depth > hop.Depth {
		if v.at >= 0 && v.otherTry(i) {
			return inDeeper | inEarlier
		}
		return inDeeper
	}
	if p.Record.Program == hop.Record.Program && p.Depth == hop.Depth {
		return inHop
	}
	if p.Depth == hop.Depth && p.Record.Kind == parse.KindLog {
		return inDeeper // another program's line that was joined by an id of this request
	}
	return 0 // in front of the hop
}

// cover fills which kinds of logs cover the time of the request at the hop.
func (e *evidence) cover(v *view) {
	e.kinds = [parse.NumSourceKinds]cover{}
	from, to := start(v.part(v.hop)), ended(v.part(v.hop))
	for i := range v.q.Coverage {
		c := &v.q.Coverage[i]
		if c.Elsewhere {
			continue
		}
		if c.Front && c.Kind != parse.SourceVarnishlog && c.Kind != parse.SourceVarnishncsa && c.Kind != parse.SourceNginxError || int(c.Kind) >= len(e.kinds) {
			continue
		}
		if c.Front && v.part(v.hop).Record.Program == parse.Varnish && c.Kind == parse.SourceNginxError {
			continue // of the proxy in front of Varnish
		}
		got := coverOther
		switch {
		case c.Covers(from, to):
			got = coverFull
		case c.From <= from && to <= c.To:
			got = coverLossy
		}
		e.kinds[c.Kind] = max(e.kinds[c.Kind], got)
	}
}

// serviceOf names what a line is about, so that the end of a state can be
// matched with its beginning.
func serviceOf(r *parse.Record) []byte {
	s := r.Service
	if len(s) == 0 {
		return r.Logger
	}
	return bytes.TrimSuffix(s, []byte(".service"))
}

func backendOf(r *parse.Record) []byte {
	if r.Tx != nil {
		return r.Tx.Backend
	}
	if n := len(r.Upstreams); n > 0 {
		return r.Upstreams[n-1].Addr
	}
	return nil
}

// A table numbers names in the order of their first appearance.
type table struct {
	names [96]struct {
		of   uint8
		text []byte
	}
	n int
}

func (t *table) of(sort uint8, text []byte) uint16 {
	if len(text) == 0 {
		return 0
	}
	for i := range t.names[:t.n] {
		if t.names[i].of == sort && bytes.Equal(t.names[i].text, text) {
			return uint16(i + 1)
		}
	}
	if t.n == len(t.names) {
		return uint16(len(t.names) + 1)
	}
	t.names[t.n].of, t.names[t.n].text = sort, text
	t.n++
	return uint16(t.n)
}

// process numbers a process id.
func (t *table) process(pid int) uint16 {
	if pid == 0 {
		return 0
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(pid))
	return t.of(4, b[:])
}

// signature appends all of e to b.
func (e *evidence) signature(b []byte) []byte {
	f := &e.facts
	b = append(b, byte(e.class))
	b = append(append(b, f.Program...), 0)
	b = append(append(b, f.Handling...), 0)
	b = append(append(b, f.Reason...), 0)
	for _, n := range [...]int{f.Status, f.FirstStatus, f.OriginStatus, f.Attempts, f.Restarts, f.FetchErrors, f.OriginAnswer} {
		b = binary.AppendVarint(b, int64(n))
	}
	for _, x := range [...]float64{f.Idle, f.Took, f.Duration, f.OriginEnd} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	var bits uint32
	for i, y := range [...]bool{f.Cut, f.Detailed, f.Synth, f.VCLFailed, f.VCLError, f.Abandoned, f.MadeError, f.Opened, f.Sent, f.Reused, f.Queued, f.Unix, f.TimedOut, f.OriginSeen, f.OriginAbsent, f.Unserved, f.UsuallySlow, f.VersionMoved} {
		if y {
			bits |= 1 << i
		}
	}
	b = binary.LittleEndian.AppendUint32(b, bits)
	for _, w := range e.walls {
		b = append(b, byte(w))
	}
	b = append(b, flag(e.wall))
	for _, k := range e.kinds {
		b = append(b, byte(k))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(e.joined))
	for i := range e.items {
		it := &e.items[i]
		b = binary.LittleEndian.AppendUint16(b, uint16(it.event))
		b = binary.LittleEndian.AppendUint16(b, uint16(it.in))
		b = append(b, byte(it.depth), byte(it.program), byte(it.kind), byte(it.times), flag(it.over)|flag(it.later)<<1|flag(it.wall)<<2)
		b = binary.AppendVarint(b, it.ago)
		b = binary.AppendUvarint(b, uint64(it.service)<<32|uint64(it.host)<<16|uint64(it.backend))
		b = binary.LittleEndian.AppendUint16(b, it.pid)
	}
	return b
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
