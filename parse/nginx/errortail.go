package nginx

import (
	"bytes"

	"why503/parse"
)

// cutTail parts a message from what nginx knew of the request:
//
//	, client: 10.0.0.9, server: a.example, request: "GET / HTTP/1.1", subrequest: "/x",
//	upstream: "http://10.0.0.1:80/", host: "a.example", referrer: "http://a.example/"
//
// The tail begins at the first ", client: " that an address follows, since
// values are not escaped and a client can write such words into its request.
func cutTail(b []byte) (message, tail []byte) {
	for from := 0; ; {
		i := bytes.Index(b[from:], clientMark)
		if i < 0 {
			return b, nil
		}
		i += from
		from = i + len(clientMark)
		if addr, _ := plainValue(b[from:]); len(addr) > 0 && isClient(addr) {
			return b[:i:i], b[i:]
		}
	}
}

// readTail fills r from a tail. It is false when the line ended early.
func readTail(b []byte, r *parse.Record) (whole bool) {
	addr, b := plainValue(b[len(clientMark):])
	r.Client = peer(addr)
	if rest, ok := bytes.CutPrefix(b, serverMark); ok {
		_, b = plainValue(rest)
	}
	for k, mark := range tailMarks {
		rest, ok := bytes.CutPrefix(b, mark)
		if !ok {
			continue
		}
		var v []byte
		v, b, whole = quotedValue(rest, k == tailRequest)
		switch {
		case k == tailRequest:
			storeRequest(r, v)
		case k == tailUpstream && whole:
			storeUpstream(r, v)
		case k == tailHost && whole && len(v) > 0:
			r.Host = v
		}
		if !whole {
			return false
		}
	}
	return true
}

func storeRequest(r *parse.Record, b []byte) {
	q := splitRequest(b)
	r.Method, r.URL, r.Protocol = q.method, q.url, q.protocol
	if r.Host == nil {
		r.Host = q.host
	}
}

func storeUpstream(r *parse.Record, b []byte) {
	if addr := upstreamAddr(b); len(addr) > 0 {
		r.Upstreams = append(r.Upstreams, parse.Upstream{Addr: addr, Connect: -1, Header: -1, Response: -1})
	}
}

// upstreamAddr cuts scheme and path off the URL of an upstream.
func upstreamAddr(b []byte) []byte {
	if _, rest, ok := bytes.Cut(b, schemeEnd); ok {
		b = rest
	}
	if path, ok := bytes.CutPrefix(b, unixMark); ok {
		if i := bytes.IndexByte(path, ':'); i >= 0 {
			return b[:len(unixMark)+i]
		}
		return b
	}
	if i := bytes.IndexAny(b, "/?"); i >= 0 {
		b = b[:i]
	}
	return b
}

// plainValue reads a value without quotes, up to the next ", ".
func plainValue(b []byte) (v, rest []byte) {
	if i := bytes.Index(b, commaSpace); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

// quotedValue reads up to the first quote that the next key or the end of the
// line follows. A request is first expected to end in its protocol, since it
// is the client who wrote it.
func quotedValue(b []byte, request bool) (v, rest []byte, whole bool) {
	end := -1
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		if !isTailKey(b[from:]) {
			continue
		}
		if end < 0 {
			end = i
		}
		if !request || endsInProtocol(b[:i]) {
			end = i
			break
		}
	}
	if end < 0 {
		return b, nil, false
	}
	return b[:end], b[end+1:], true
}

// isTailKey says whether b is at its end or begins with a key of the tail.
func isTailKey(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, m := range tailMarks {
		if bytes.HasPrefix(b, m) {
			return true
		}
	}
	return bytes.HasPrefix(b, bytesMark)
}

// isClient says whether b is an address, or the socket of a local client.
func isClient(b []byte) bool {
	if bytes.HasPrefix(b, unixMark) {
		return true
	}
	sep := false
	for _, c := range b {
		switch {
		case c == '.' || c == ':':
			sep = true
		case !isDigit(c) && c|0x20-'a' >= 6 && c != '[' && c != ']' && c != '%':
			return false
		}
	}
	return sep
}

var (
	clientMark = []byte(", client: ")
	serverMark = []byte(", server: ")
	bytesMark  = []byte(", bytes ") // of the stream module
	schemeEnd  = []byte("://")

	tailMarks = [...][]byte{
		[]byte(`, login: "`),
		tailRequest: []byte(`, request: "`),
		[]byte(`, subrequest: "`),
		tailUpstream: []byte(`, upstream: "`),
		tailHost:     []byte(`, host: "`),
		[]byte(`, referrer: "`),
	}
)

// Places in tailMarks, which has the order of the line.
const (
	tailRequest  = 1
	tailUpstream = 3
	tailHost     = 4
)
