package rules

import (
	"bytes"

	"why503/parse"
)

// An Answer is what the client of a Request got.
type Answer struct {
	// Record is the one that tells of it: the root, or after restarts the last
	// of the transactions that followed it, since one that was restarted gave no
	// answer.
	Record *parse.Record
	Offset int64 // brings the Record's times to the root's clock
	// Cut says that the answer broke off after its head. A Varnish fetch that
	// fails while it is passed on cuts the answer of the request behind it, of
	// which that request's own records show nothing when the body was chunked.
	Cut bool
	// None says that the client got no answer at all: Varnish closes a pipe for
	// which it has no backend.
	None bool
}

// AnswerOf returns what the client of q got. q must have a root.
func AnswerOf(q *parse.Request) Answer {
	i := lastRestart(q)
	a := Answer{Record: q.Parts[i].Record, Offset: q.Parts[i].Offset}
	a.Cut = a.Record.Cut || cutBehind(q, i)
	a.None = a.Record.Status == 0 && a.Record.Tx != nil && a.Record.Tx.Calls&parse.CallPipe != 0 && pipeFailed(q, i)
	return a
}

// lastRestart follows the restarts from the root on.
func lastRestart(q *parse.Request) int {
	at := 0
	for range q.Parts {
		next := -1
		for i := range q.Parts {
			if r := q.Parts[i].Record; i != at && r != nil && isRestart(r) && startedBy(q, i, at) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		at = next
	}
	return at
}

// startedBy says that Varnish began transaction i in transaction at.
func startedBy(q *parse.Request, i, at int) bool {
	r, p := q.Parts[i].Record, q.Parts[at].Record
	return p != nil && p.Tx != nil && r.Tx.Parent != 0 && r.Tx.Parent == p.VXID && r.Source == p.Source
}

// cutBehind says that a fetch of request i, or of a Varnish that it asked,
// broke off while its body was on the way to the client.
func cutBehind(q *parse.Request, i int) bool {
	r := q.Parts[i].Record
	if r.Status < 200 || r.Status >= 500 || r.Status == 204 || r.Status == 304 || clientFault(r) || bytes.Equal(r.Method, methodHead) {
		return false
	}
	for k := range q.Parts {
		f := q.Parts[k].Record
		if f != nil && f.Cut && f.Kind == parse.KindLog && q.Parts[k].Parent == i {
			return true // nginx says so in its error log alone
		}
		if f == nil || !f.Cut || f.Background || f.Kind != parse.KindFetch || f.Tx == nil {
			continue
		}
		for n := range q.Parts {
			if p := q.Parts[n].Record; p != nil && !isESI(p) && startedBy(q, k, n) && (n == i || r.Tx == nil) {
				return true
			}
		}
	}
	return false
}

// pipeFailed says that request i was to be piped, and to no avail.
func pipeFailed(q *parse.Request, i int) bool {
	for k := range q.Parts {
		f := q.Parts[k].Record
		if f != nil && f.Kind == parse.KindFetch && f.Tx != nil && len(f.Tx.Opens) == 0 && startedBy(q, k, i) && unwell(f) {
			return true
		}
	}
	return false
}

var methodHead = []byte("HEAD")
