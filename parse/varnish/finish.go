package varnish

import (
	"bytes"

	"why503/parse"
)

func (t *transaction) isFetch() bool {
	return t.tx.Type == parse.TxFetch || t.tx.Type == parse.TxNone && t.side == 'b'
}

// finish fills what can only be said when all records are there. It says
// false for a transaction of no use, which has no known type.
func (t *transaction) finish() bool {
	r := &t.rec
	if t.tx.Type == parse.TxNone {
		switch {
		case t.side == 'b':
			t.tx.Type = parse.TxFetch
		case t.side == 'c' && t.session:
			t.tx.Type = parse.TxSession
		case t.side == 'c':
			t.tx.Type = parse.TxRequest
		default:
			return false
		}
	}
	r.Incomplete = t.synth || t.short || !t.began || !t.ended
	r.Ended = max(r.Ended, r.Time)
	r.RequestID = t.requestID()
	r.TraceID = t.trace[0]
	if r.TraceID == nil {
		r.TraceID = t.trace[1]
	}
	if host, path := parse.SplitURL(r.URL); host != nil {
		r.Host, r.URL = host, path
	}
	switch t.tx.Type {
	case parse.TxSession:
		r.Kind = parse.KindSession
		r.ConnID = r.VXID
	case parse.TxFetch:
		r.Kind = parse.KindFetch
		r.Background = t.tx.Reason == parse.ReasonBackground
		t.tx.Handling = parse.HandlingNone
		t.fetch.finish(t)
		r.Cut = t.fetch.broken && !r.Background && t.tx.Calls&parse.CallBackendError == 0
	default:
		r.Kind = parse.KindRequest
		if t.tx.Reason == parse.ReasonClient {
			r.ConnID = t.tx.Parent
		}
		if _, restarted := t.tx.Stamp(parse.StampRestart); restarted {
			r.Status = 0 // no answer was given: the restarted request gives it
		}
		r.Cut = t.shortAnswer()
	}
	t.dropWeak()
	return true
}

// shortAnswer says that fewer body bytes were sent than the head of the
// answer promised.
func (t *transaction) shortAnswer() bool {
	r := &t.rec
	switch {
	case t.promise < 0, r.Bytes < 0, r.Status < 200, r.Status >= 500, r.Status == 204, r.Status == 304:
		return false
	case t.tx.Reason == parse.ReasonESI, bytes.Equal(r.Method, head):
		return false
	}
	return r.Bytes < t.promise
}

var head = []byte("HEAD")

// dropWeak takes the Notes away that mean nothing in a healthy transaction.
func (t *transaction) dropWeak() {
	notes := t.rec.Notes
	if len(notes) == 0 {
		return
	}
	const wrong = parse.ReturnFail | parse.ReturnError | parse.ReturnAbandon | parse.ReturnRetry | parse.ReturnRestart
	bad := t.failed || t.rec.Cut || t.rec.Incomplete || t.tx.Returns&wrong != 0
	for _, s := range t.tx.Statuses {
		bad = bad || s >= 500
	}
	kept := notes[:0]
	for i, n := range notes {
		if t.weak[i] && (!bad || isStatus(n.Field) && !saysFailure(t, n)) {
			continue
		}
		kept = append(kept, n)
	}
	t.rec.Notes = kept
	t.weak = t.weak[:0]
}

func isStatus(f parse.Field) bool {
	return f == parse.FieldRespStatus || f == parse.FieldBerespStatus ||
		f == parse.FieldRespReason || f == parse.FieldBerespReason
}

// saysFailure keeps status lines of 500 and more with their reasons. A reason
// follows its status at once, so it is told by the Note before it.
func saysFailure(t *transaction, n parse.Note) bool {
	if n.Field == parse.FieldRespStatus || n.Field == parse.FieldBerespStatus {
		s, ok := status(n.Text)
		t.keptStatus = ok && s >= 500
		return t.keptStatus
	}
	return t.keptStatus
}
