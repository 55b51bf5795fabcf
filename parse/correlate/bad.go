package correlate

import "why503/parse"

// bad reports whether r tells of a request that went wrong, or that a retry, a
// stale object or a client hid: everything that may become or belong to a row
// of the list.
func bad(r *parse.Record) bool {
	switch r.Kind {
	case parse.KindRequest, parse.KindFetch:
	default:
		return false
	}
	if r.Status >= 500 || r.Status == statusClientLeft || r.Cut {
		return true
	}
	for i := range r.Upstreams {
		u := &r.Upstreams[i]
		if u.Status >= 500 || (u.Status == 0 && i < len(r.Upstreams)-1) {
			return true
		}
	}
	for i := range r.Notes {
		switch r.Notes[i].Field {
		case parse.FieldFetchError, parse.FieldVCLError, parse.FieldNCSAFetchError:
			return true
		}
	}
	return false
}

// statusClientLeft is nginx's own status for a client that closed first.
const statusClientLeft = 499

// tellsOfRequest reports whether a program's line can be joined to a request:
// it carries an id, a connection or a request line.
func tellsOfRequest(r *parse.Record) bool {
	return len(r.RequestID) > 0 || len(r.TraceID) > 0 || r.VXID != 0 || r.ConnID != 0 || (len(r.Method) > 0 && len(r.URL) > 0)
}

// cutInBody reports whether r is a program's line that says that the body of a
// response broke off: its request may stand in the access log as a 200.
func cutInBody(r *parse.Record) bool {
	if r.Kind != parse.KindLog || len(r.URL) == 0 {
		return false
	}
	return r.Cut
}
