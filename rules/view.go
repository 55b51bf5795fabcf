package rules

import (
	"bytes"

	"why503/parse"
)

// A view is a Request seen from the hop whose answer failed: which Record that
// is, the fetches it made, and which of them decided.
type view struct {
	q     *parse.Request
	env   *Env
	order []int32 // Parts, then len(Parts)+Signals, each in canonical order
	parts int     // how many of order are Parts

	hop   int   // the request Record of that hop: index into Parts
	group []int // the hop's Records before a restart, and the last one
	tries []int // fetches that a client waited for, in order
	at    int   // the deciding fetch; -1 when the answer came without one
	// origin is the request of the next hop that observe found; -1 where none is
	// joined.
	origin int
	class  Class // what the place of the failure says: failure, partial, saved, none
	gave   parse.Time
}

func (v *view) part(i int) *parse.Part {
	if i < len(v.q.Parts) {
		return &v.q.Parts[i]
	}
	return &v.q.Signals[i-len(v.q.Parts)]
}

func start(p *parse.Part) parse.Time { return p.Record.Time + parse.Time(p.Offset) }

func ended(p *parse.Part) parse.Time {
	if p.Record.Ended == 0 {
		return start(p)
	}
	return p.Record.Ended + parse.Time(p.Offset)
}

func noteTime(p *parse.Part, n *parse.Note) parse.Time {
	if n != nil && n.Time != 0 {
		return n.Time + parse.Time(p.Offset)
	}
	return start(p)
}

// look fills the view. It returns false for a Request without a root.
func (v *view) look(q *parse.Request, env *Env) bool {
	if len(q.Parts) == 0 || q.Parts[0].Record == nil {
		return false
	}
	v.q, v.env = q, env
	v.sort()
	v.choose()
	v.collect()
	v.gave = v.gaveUp()
	return true
}

// sort brings the Parts and the Signals each into an order that does not
// depend on how they arrived. The root stays first.
func (v *view) sort() {
	v.order = v.order[:0]
	for i := range v.q.Parts {
		if v.q.Parts[i].Record != nil {
			v.order = append(v.order, int32(i))
		}
	}
	v.parts = len(v.order)
	for i := range v.q.Signals {
		if v.q.Signals[i].Record != nil {
			v.order = append(v.order, int32(len(v.q.Parts)+i))
		}
	}
	insertion(v.order[1:v.parts], v.before)
	insertion(v.order[v.parts:], v.before)
}

func insertion(s []int32, less func(a, b int32) bool) {
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && less(s[j], s[j-1]); j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

func (v *view) before(a, b int32) bool {
	p, q := v.part(int(a)), v.part(int(b))
	if p.Depth != q.Depth {
		return p.Depth < q.Depth
	}
	if s, t := start(p), start(q); s != t {
		return s < t
	}
	if c := bytes.Compare(p.ID[:], q.ID[:]); c != 0 {
		return c < 0
	}
	if p.Record.Source != q.Record.Source {
		return p.Record.Source < q.Record.Source
	}
	return p.Record.Offset < q.Record.Offset
}

func failed(r *parse.Record) bool { return r.Status >= 500 || r.Cut }

func isESI(r *parse.Record) bool { return r.Tx != nil && r.Tx.Reason == parse.ReasonESI }

func isRestart(r *parse.Record) bool { return r.Tx != nil && r.Tx.Reason == parse.ReasonRestart }

// choose finds the hop from whose place the symptom is told: the innermost
// Varnish that saw the request fail, else the outermost hop that did. When no
// client saw a failure, it is the child or the fetch that failed unseen.
func (v *view) choose() {
	v.hop, v.class = -1, ClassFailure
	a := AnswerOf(v.q)
	lost := a.Cut || a.None
	outer := -1
	for _, o := range v.order[:v.parts] {
		p := v.part(int(o))
		r := p.Record
		if r.Kind != parse.KindRequest || !failed(r) && !(lost && r == a.Record) || isESI(r) || v.underESI(int(o)) {
			continue
		}
		if outer < 0 {
			outer = int(o)
		}
		if r.Program != parse.Varnish {
			continue
		}
		v.hop = int(o) // the order is by depth, then time: the last one wins
	}
	root := v.q.Parts[0].Record
	if !failed(a.Record) && !lost && root.Kind == parse.KindRequest {
		if clientFault(a.Record) {
			v.hop, v.class = 0, ClassClient
			return
		}
		// The client's answer was good: what failed behind it was saved, is a
		// part of a page, or is nothing.
		if hop, class := v.hidden(); hop >= 0 {
			v.hop, v.class = hop, class
			return
		}
		if v.hop < 0 && outer < 0 {
			v.hop, v.class = 0, ClassNone
			return
		}
		v.class = ClassSaved
	}
	if root.Kind == parse.KindFetch && root.Tx != nil {
		v.class = unwaited(root)
	}
	if v.hop < 0 {
		v.hop = max(outer, 0)
	}
}

// unwaited is the class of a fetch whose request stands in no log, by why it
// began: one for a part of a page, or for none who waits, failed no client.
func unwaited(r *parse.Record) Class {
	switch {
	case r.Tx.Reason == parse.ReasonESI:
		return ClassPartial
	case r.Background || r.Tx.Reason == parse.ReasonBackground:
		return ClassSaved
	}
	return ClassFailure
}

// clientFault says that the client left before its answer (nginx 499, Varnish
// 408) or sent something broken.
func clientFault(r *parse.Record) bool { return r.Status == 499 || r.Status == 408 || r.Status == 400 }

// underESI says that Part i belongs to an ESI child.
func (v *view) underESI(i int) bool {
	for n := 0; i >= 0 && i < len(v.q.Parts) && n < 64; n++ {
		if r := v.q.Parts[i].Record; r != nil && isESI(r) {
			return true
		}
		i = v.q.Parts[i].Parent
	}
	return false
}

// hidden finds a failure that the client did not see: an ESI child, or a fetch
// that a retry or a stale object made good.
func (v *view) hidden() (int, Class) {
	for _, o := range v.order[:v.parts] {
		if r := v.part(int(o)).Record; r.Kind == parse.KindRequest && isESI(r) && failed(r) {
			return int(o), ClassPartial
		}
	}
	for _, o := range v.order[:v.parts] {
		r := v.part(int(o)).Record
		if r.Kind == parse.KindFetch && unwell(r) {
			if q := v.request(int(o)); q >= 0 {
				return q, ClassSaved
			}
		}
	}
	return -1, ClassNone
}

// unwell says that a fetch failed, or that it needed a second connection.
func unwell(r *parse.Record) bool {
	return r.Status >= 500 || hasField(r, parse.FieldFetchError) || hasField(r, parse.FieldNCSAFetchError)
}

func hasField(r *parse.Record, f parse.Field) bool {
	for i := range r.Notes {
		if r.Notes[i].Field == f {
			return true
		}
	}
	return false
}

// request returns the request Record that the fetch i hangs under. What a
// transaction says of its own parent counts before where it was joined.
func (v *view) request(i int) int {
	for n := 0; i >= 0 && i < len(v.q.Parts) && n < 64; n++ {
		r := v.q.Parts[i].Record
		if r != nil && r.Kind == parse.KindRequest {
			return i
		}
		i = v.parent(i)
	}
	return -1
}

func (v *view) parent(i int) int {
	p := &v.q.Parts[i]
	if p.Record == nil || p.Record.Tx == nil || p.Record.Tx.Parent == 0 {
		return p.Parent
	}
	for k := range v.q.Parts {
		r := v.q.Parts[k].Record
		if k != i && r != nil && r.Tx != nil && r.VXID == p.Record.Tx.Parent && r.Source == p.Record.Source {
			return k
		}
	}
	return p.Parent
}

// under says that Part i is a or hangs somewhere under it.
func (v *view) under(i, a int) bool {
	for n := 0; i >= 0 && i < len(v.q.Parts) && n < 64; n++ {
		if i == a {
			return true
		}
		i = v.parent(i)
	}
	return false
}

// collect finds the Records of the hop: those before a restart, and the
// fetches. The LAST fetch of the last of them decided.
func (v *view) collect() {
	v.group, v.tries, v.at = v.group[:0], v.tries[:0], -1
	hop := v.part(v.hop)
	if hop.Record.Kind != parse.KindRequest {
		// A fetch or a line that no request was joined to is its own hop.
		v.group = append(v.group, v.hop)
		if hop.Record.Kind == parse.KindFetch {
			v.tries, v.at = append(v.tries, v.hop), v.hop
		}
		return
	}
	for _, o := range v.order[:v.parts] {
		p := v.part(int(o))
		if int(o) == v.hop || p.Record.Kind == parse.KindRequest && p.Record.Program == hop.Record.Program && v.sameRequest(int(o)) {
			v.group = append(v.group, int(o))
		}
	}
	for _, o := range v.order[:v.parts] {
		p := v.part(int(o))
		if p.Record.Kind != parse.KindFetch || p.Record.Program != hop.Record.Program || p.Record.Background && v.class != ClassSaved {
			continue
		}
		q := v.request(int(o))
		for _, g := range v.group {
			if q == g {
				v.tries = append(v.tries, int(o))
				if g == v.hop && (v.class != ClassSaved || unwell(p.Record)) {
					v.at = int(o)
				}
			}
		}
	}
}

// sameRequest says that i and the hop are one request before and after a
// restart: one hangs under the other, and no fetch lies between them.
func (v *view) sameRequest(i int) bool { return v.restartOf(v.hop, i) || v.restartOf(i, v.hop) }

func (v *view) restartOf(later, earlier int) bool {
	for n := 0; n < 64 && later >= 0 && later < len(v.q.Parts); n++ {
		if later == earlier {
			return true
		}
		r := v.q.Parts[later].Record
		if r == nil || !isRestart(r) {
			return false
		}
		if r.Tx.Parent != 0 && v.q.Parts[earlier].Record.VXID == r.Tx.Parent && v.q.Parts[earlier].Host == v.q.Parts[later].Host {
			return true
		}
		later = v.q.Parts[later].Parent
	}
	return false
}

// decided is the Part whose span ended in the failure.
func (v *view) decided() int {
	if v.at >= 0 {
		return v.at
	}
	return v.hop
}

// gaveUp is the moment at which the hop had its failure.
func (v *view) gaveUp() parse.Time {
	if v.at >= 0 {
		p := v.part(v.at)
		if t := p.Record.Tx; t != nil {
			if s, ok := t.Stamp(parse.StampError); ok {
				return s.At + parse.Time(p.Offset)
			}
		}
		return ended(p)
	}
	return ended(v.part(v.hop))
}
