package nginx

import (
	"bytes"

	"why503/parse"
)

// combinedFormat is the format that nginx knows without a log_format.
const combinedFormat = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// ingressTail is what the ingress controller of Kubernetes puts behind the
// combined format.
//
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/
const ingressTail = ` $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ` +
	`$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id`

// An Access parses the access log of one log_format. It is used by one
// goroutine; Fork gives another one its own.
//
// Every stamp that nginx can print is the end of the request, when the line is
// written; the start is that less $request_time.
type Access struct {
	read    func(a *Access, line []byte) bool // one of the read methods
	escape  Escape
	prefix  []byte     // literal before the first variable
	fields  []field    // after the head of the combined format, or all of them
	keys    []keyField // of a format that is JSON
	partial bool       // the reader cut the line at hand
	filled  bool       // v tells of the line at hand

	clock clock
	steps int // places tried for the line at hand
	next  int // key expected next
	json  walker
	v     values
	buf   []byte // texts of a.rec that had escapes in them
	rec   parse.Record
}

// Combined parses the predefined format "combined", and what is commonly made
// of it: "common" without referer and agent, further quoted values behind, the
// tail of the Kubernetes ingress, and key=value tails, whose well-known keys
// are taken for what they say.
func Combined() *Access {
	prefix, fields, err := split(ingressTail, EscapeDefault)
	if err != nil {
		panic(err) // a constant
	}
	return newAccess(Access{read: (*Access).readCombined, prefix: []byte(prefix), fields: fields})
}

// JSON parses lines that are one JSON object, by well-known keys.
func JSON() *Access { return newAccess(Access{read: (*Access).readJSON, escape: EscapeJSON}) }

var _ parse.Stateless = (*Access)(nil)

func newAccess(format Access) *Access {
	a := &format
	a.json.member = a.member
	return a
}

// Fork returns an Access of the same format.
func (a *Access) Fork() parse.Parser {
	return newAccess(Access{read: a.read, escape: a.escape, prefix: a.prefix, fields: a.fields, keys: a.keys})
}

// Parse emits the request that a line tells of.
func (a *Access) Parse(line parse.Line, emit parse.Emit) error {
	r := &a.rec
	r.Reset()
	r.Kind, r.Program = parse.KindRequest, parse.Nginx
	r.Offset, r.Line, r.Raw = line.Offset, line.Number, line.Text
	r.Incomplete = line.Cut
	a.partial, a.filled, a.steps, a.buf = line.Cut, false, 0, a.buf[:0]

	text := trimLine(line.Text)
	if len(text) == 0 {
		return nil
	}
	if !a.read(a, text) {
		return parse.ErrFormat
	}
	a.note()
	emit(r)
	return nil
}

// Flush has nothing to do: no line waits for another.
func (a *Access) Flush(parse.Emit) {}

// readCombined reads the head of the combined format and guesses the tail.
func (a *Access) readCombined(b []byte) bool {
	tail, ok := a.head(b)
	if !ok || len(tail) == 0 {
		return ok
	}
	a.clear()
	if !a.match(tail) {
		a.keyed(tail)
	}
	return a.fill()
}

// readHeaded reads a log_format that begins as the combined format does.
func (a *Access) readHeaded(b []byte) bool {
	tail, ok := a.head(b)
	if !ok {
		return false
	}
	if len(a.fields) == 0 {
		return string(tail) == string(a.prefix)
	}
	a.clear()
	return a.match(tail) && a.fill()
}

// readFields reads any other log_format. One that is JSON is read by its keys
// when the line does not have the form of the log_format: keys come and go
// with releases, their names stay.
func (a *Access) readFields(b []byte) bool {
	a.clear()
	if a.match(b) {
		return a.fill()
	}
	return len(a.keys) > 0 && a.readJSON(b)
}

func (a *Access) clear() { a.v, a.filled = values{}, true }

// trimLine takes off what is no part of a line: the carriage return of a file
// that went through other systems, and the zero bytes that copytruncate leaves
// in front of the first line.
func trimLine(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	if len(b) > 0 && b[0] == 0 {
		b = bytes.TrimLeft(b, "\x00")
	}
	return b
}
