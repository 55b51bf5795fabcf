package parse

import "bytes"

// An End says how an attempt of a proxy, or a request at a hop, came to its end.
type End uint8

const (
	EndNone   End = iota // nothing was tried, or the log does not say
	EndGood              // answered, and not with a 5xx
	EndError             // answered with a 5xx
	EndClosed            // the one who was asked closed before the whole answer was there
	EndGaveUp            // the one who asked had a time limit of its own
	EndLeft              // who waited for the answer left first
	NumEnds
)

var endNames = [NumEnds]string{"none", "good", "error", "closed", "gave_up", "left"}

func (e End) String() string { return endNames[e] }

// End returns how r, a request or a fetch, ended, and how long it took until
// then in nanoseconds: of a fetch the span that was waited last, of a request
// the whole of it.
func (r *Record) End() (End, int64) {
	took := int64(r.Ended - r.Time)
	switch {
	case r.Incomplete:
		return EndNone, took
	case r.Kind == KindFetch:
		return r.fetchEnd(took)
	case r.Kind != KindRequest:
		return EndNone, took
	case r.Status == statusLeft:
		return EndLeft, took
	case r.Cut || r.Status == 0:
		return EndNone, took // by whom does not show here
	case r.Status == 504 && len(r.Upstreams) > 0:
		return EndGaveUp, took
	case r.Status >= 500:
		return EndError, took
	}
	return EndGood, took
}

// statusLeft is nginx's own status for a client that closed first:
// https://nginx.org/en/docs/dev/development_guide.html#http_request
const statusLeft = 499

func (r *Record) fetchEnd(took int64) (End, int64) {
	text := r.fetchError()
	t := r.Tx
	if t == nil {
		return statusEnd(r.Status, text), took
	}
	if ns, ok := t.Waited(); ok {
		took = ns
	}
	_, made := t.Stamp(StampError)
	_, answered := t.Stamp(StampBeresp)
	switch {
	case text != nil && (made || r.Cut || !answered):
		if len(t.Opens) == 0 && len(t.Stamps) > 0 {
			return EndNone, took // it never had a connection
		}
		return statusEnd(0, text), took
	case made && len(t.Statuses) < 2:
		return EndNone, took // VCL made an error without having asked
	case len(t.Statuses) > 0:
		return statusEnd(t.Statuses[0], nil), took
	}
	return statusEnd(r.Status, nil), took
}

// fetchError is what Varnish says last of a fetch that broke.
func (r *Record) fetchError() []byte {
	var text []byte
	for i := range r.Notes {
		if f := r.Notes[i].Field; f == FieldFetchError || f == FieldNCSAFetchError {
			text = r.Notes[i].Text
		}
	}
	return text
}

func statusEnd(status int, text []byte) End {
	switch {
	case text != nil && tellsOfLimit(text):
		return EndGaveUp
	case text != nil:
		return EndClosed
	case status >= 500:
		return EndError
	case status == 0:
		return EndNone
	}
	return EndGood
}

// tellsOfLimit reports whether a FetchError says that Varnish gave up: "first
// byte timeout", "timeout", "Timed out reusing backend connection", and the
// EAGAIN by which its sockets tell of between_bytes_timeout.
func tellsOfLimit(text []byte) bool {
	for _, s := range [...]string{"timeout", "imed out", "temporarily unavailable"} {
		if bytes.Contains(text, []byte(s)) {
			return true
		}
	}
	return false
}

// UpstreamEnd returns how attempt i of an access line ended, and how long it
// took. nginx repeats the 502 and 504 that it made itself as the upstream's,
// without the time of a header.
func (r *Record) UpstreamEnd(i int) (End, int64) {
	u := &r.Upstreams[i]
	status, last := u.Status, i == len(r.Upstreams)-1
	if status == 0 && last {
		status = r.Status
	}
	switch {
	case u.Response < 0:
		return EndNone, 0
	case status == statusLeft:
		return EndLeft, u.Response
	case u.Header < 0 && status == 504:
		return EndGaveUp, u.Response
	case u.Header < 0 && (status == 502 || status == 0):
		if u.Connect < 0 {
			return EndNone, u.Response // no connection, or a format that prints none
		}
		return EndClosed, u.Response
	case status >= 500:
		return EndError, u.Response
	case r.Cut && last:
		return EndClosed, u.Response
	}
	return EndGood, u.Response
}

// Waited returns the length of the span that ended a fetch: of one that failed
// the connect, the wait for the head, or the silence in the body, whichever was
// last and longest; of one that was answered the wait for the head. It is false
// where the log has no stamps for it.
func (t *Tx) Waited() (int64, bool) {
	sent, wasSent := t.Stamp(StampBereq)
	head, hasHead := t.Stamp(StampBeresp)
	e, made := t.Stamp(StampError)
	switch {
	case !wasSent && hasHead:
		if f, ok := t.Stamp(StampFetch); ok {
			return head.Since - f.Since, true
		}
		return head.Last, true
	case made && hasHead && e.Since-head.Since > head.Since-sent.Since:
		return e.Since - head.Since, true
	case wasSent && hasHead:
		return head.Since - sent.Since, true
	case wasSent && made:
		return e.Since - sent.Since, true
	}
	return 0, false
}
