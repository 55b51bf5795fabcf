package varnish

import (
	"bytes"

	"why503/parse"
)

// Headers that carry an id of the request, the best known first.
const (
	idRequest = iota
	idCorrelation
	idRequestBare
	idAmazon
	idUnique
	idCorrelationBare
	idOfAnswer // X-Request-ID that the origin put into its answer
	numIDs
)

// header cuts "Name: value" and says whether the name is the one given, in
// lower case.
func header(b []byte, lower string) (value []byte, ok bool) {
	if len(b) <= len(lower) || b[len(lower)] != ':' || !fold(b[:len(lower)], lower) {
		return nil, false
	}
	return bytes.TrimSpace(b[len(lower)+1:]), true
}

// reqHeader takes ReqHeader and BereqHeader, and with unset their removal.
// Of ids the last value counts, since VCL may set them itself; of the other
// headers of a client request the first, which is what the client sent.
func (t *transaction) reqHeader(b []byte, unset bool) {
	n := bytes.IndexByte(b, ':')
	if n < 4 || n > 16 {
		return
	}
	switch n {
	case 4:
		if v, ok := header(b, "host"); ok {
			t.set(&t.rec.Host, v, unset)
		}
	case 10:
		if v, ok := header(b, "user-agent"); ok {
			t.set(&t.rec.Agent, v, unset)
		} else if v, ok := header(b, "request-id"); ok {
			t.id(idRequestBare, v, unset)
		}
	case 11:
		if v, ok := header(b, "traceparent"); ok {
			t.trace[0] = t.orNil(parse.TraceID(v), unset)
		} else if v, ok := header(b, "x-unique-id"); ok {
			t.id(idUnique, v, unset)
		}
	case 12:
		if v, ok := header(b, "x-request-id"); ok {
			t.id(idRequest, v, unset)
		} else if v, ok := header(b, "x-b3-traceid"); ok {
			t.trace[1] = t.orNil(parse.TraceID(v), unset)
		}
	case 14:
		if v, ok := header(b, "correlation-id"); ok {
			t.id(idCorrelationBare, v, unset)
		}
	case 15:
		if v, ok := header(b, "x-amzn-trace-id"); ok {
			t.id(idAmazon, v, unset)
		}
	case 16:
		if v, ok := header(b, "x-correlation-id"); ok {
			t.id(idCorrelation, v, unset)
		}
	}
}

func (t *transaction) id(i int, v []byte, unset bool) { t.ids[i] = t.orNil(v, unset) }

func (t *transaction) orNil(v []byte, unset bool) []byte {
	if unset {
		return nil
	}
	return t.keep(v)
}

// set follows the rule of reqHeader for headers that are not ids.
func (t *transaction) set(dst *[]byte, v []byte, unset bool) {
	switch {
	case !t.isFetch():
		if !unset {
			t.first(dst, v)
		}
	case unset:
		*dst = nil
	default:
		*dst = t.keep(v)
	}
}

func (t *transaction) respHeader(b []byte) {
	v, ok := header(b, "content-length")
	if !ok {
		return
	}
	if n, ok := number(v); ok {
		t.promise = int64(n)
	}
}

func (t *transaction) requestID() []byte {
	for _, id := range t.ids {
		if len(id) > 0 {
			return id
		}
	}
	return nil
}
