package applog

import (
	"bytes"

	"why503/parse"
)

// An entry collects what one line says, whichever way it says it. Its slices
// alias the line or the parser's scratch.
type entry struct {
	level parse.Level
	time  parse.Time
	prec  int64
	dur   int64 // ns, -1 when not given

	message, requestID, traceID                       []byte
	likelyID                                          []byte // serves as request id where the line names none
	method, url, query, host, protocol, client, agent []byte
	service, version, machine, logger                 []byte
	errText, errType, errMessage, stack               []byte

	status int
	pid    int
	bytes  int64
	vxid   uint64
}

func (e *entry) reset() { *e = entry{dur: -1, bytes: -1} }

// served says that the line tells of a request that was answered.
func (e *entry) served() bool {
	return e.status != 0 && (len(e.method) > 0 || len(e.url) > 0)
}

// fill writes the entry to r, all but Kind and Notes.
func (e *entry) fill(r *parse.Record, line parse.Line) {
	if len(e.requestID) == 0 {
		e.requestID = e.likelyID
	}
	r.Program = parse.App
	r.Level, r.Precision = e.level, e.prec
	r.Raw, r.Offset, r.Line, r.Incomplete = line.Text, line.Offset, line.Number, line.Cut
	r.Ended, r.Time = e.time, e.time
	if e.dur > 0 && e.time != 0 {
		r.Time -= parse.Time(e.dur)
	}
	r.Method, r.URL, r.Host, r.Protocol, r.Client, r.Agent = e.method, e.url, e.host, e.protocol, e.client, e.agent
	r.Status, r.Bytes = e.status, e.bytes
	r.RequestID, r.TraceID, r.VXID, r.PID = e.requestID, e.traceID, e.vxid, e.pid
	r.Message, r.Logger, r.Service, r.Version, r.Machine = e.message, e.logger, e.service, e.version, e.machine
}

// set takes the value of a key that means the same wherever it stands.
func (e *entry) set(k key, v []byte) {
	switch k {
	case keyRequestID:
		e.setRequestID(v)
	case keyVXID:
		e.setVXID(v)
	case keyTraceID:
		e.setTraceID(v)
	case keyPID:
		e.setPID(v)
	case keyMethod:
		e.setMethod(v)
	case keyURL:
		e.setURL(v)
	case keyDuration:
		e.setDuration(v, 0)
	case keyDurationNs:
		e.setDuration(v, 1)
	case keyDurationUs:
		e.setDuration(v, microsecond)
	case keyDurationMs:
		e.setDuration(v, millisecond)
	case keyDurationS:
		e.setDuration(v, second)
	}
}

// absent says that v is one of the ways to print nothing.
func absent(v []byte) bool {
	if len(v) > 9 {
		return false
	}
	switch string(v) {
	case "", "-", "--", "null", "nil", "none", "None", "NULL", "undefined", "(null)", "<nil>", "N/A", "n/a", "\"\"", "0":
		return true
	}
	return false
}

func (e *entry) setRequestID(v []byte) {
	if v = bytes.TrimSpace(v); len(e.requestID) == 0 && !absent(v) && len(v) <= maxID {
		e.requestID = v
	}
}

// setVXID takes the number that the cache sent; a second number, of the
// object that was hit, only stands in answers.
func (e *entry) setVXID(v []byte) {
	v = bytes.TrimSpace(v)
	if i := bytes.IndexByte(v, ' '); i > 0 {
		v = v[:i]
	}
	if n, ok := parse.Integer(v); ok && e.vxid == 0 {
		e.vxid = uint64(n)
	}
}

// setTraceID takes an id or a traceparent. A UUID with its dashes is none that
// tracers write: programs call the id so that a proxy gave to the request.
func (e *entry) setTraceID(v []byte) {
	v = bytes.TrimSpace(v)
	if len(e.traceID) == 0 {
		e.traceID = parse.TraceID(v)
	}
	if len(e.likelyID) == 0 && isUUID(v) {
		e.likelyID = v
	}
}

// idLen grows whenever an id was found.
func (e *entry) idLen() int { return len(e.requestID) + len(e.traceID) + len(e.likelyID) }

// setURL splits scheme and host off an absolute URL. Of two names for it, the
// one with the query is kept.
func (e *entry) setURL(v []byte) {
	if len(v) == 0 || e.url != nil && (bytes.IndexByte(e.url, '?') >= 0 || bytes.IndexByte(v, '?') < 0) {
		return
	}
	host, v := parse.SplitURL(v)
	if len(e.host) == 0 {
		e.host = host
	}
	if v[0] == '/' || v[0] == '*' || v[0] == '?' {
		e.url = v
	}
}

func (e *entry) setMethod(v []byte) {
	if len(e.method) == 0 && isMethod(v) {
		e.method = v
	}
}

// setRequestLine reads "GET /x HTTP/1.1".
func (e *entry) setRequestLine(v []byte) {
	m, rest, ok := bytes.Cut(v, space)
	if !ok || !isMethod(m) {
		return
	}
	e.setMethod(m)
	u, p, _ := bytes.Cut(rest, space)
	e.setURL(u)
	if len(e.protocol) == 0 {
		e.protocol = p
	}
}

func (e *entry) setStatus(v []byte) {
	if s, ok := statusCode(v); ok && e.status == 0 {
		e.status = s
	}
}

func (e *entry) setDuration(v []byte, unit int64) {
	if e.dur >= 0 {
		return
	}
	if unit == 0 { // most libraries write milliseconds where they name no unit
		unit = millisecond
	}
	if d, ok := scaled(v, unit); ok && d <= maxDuration {
		e.dur = d
	} else if d, ok := withUnit(v); ok {
		e.dur = d
	}
}

func (e *entry) setPID(v []byte) {
	if n, ok := parse.Integer(v); ok && n < 1<<31 && e.pid == 0 {
		e.pid = int(n)
	}
}

func (e *entry) setClient(v []byte) {
	if len(e.client) == 0 && !absent(v) {
		e.client = parse.WithoutPort(v)
	}
}

func first(dst *[]byte, v []byte) {
	if len(*dst) == 0 && !absent(v) {
		*dst = v
	}
}

func isMethod(b []byte) bool {
	switch string(b) {
	case "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "PURGE", "PROPFIND", "REPORT", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "BAN", "QUERY":
		return true
	}
	return false
}

// isUUID knows 8-4-4-4-12 hex digits.
func isUUID(b []byte) bool {
	return len(b) == 36 && b[8] == '-' && b[13] == '-' && b[18] == '-' && b[23] == '-' &&
		parse.IsHex(b[:8]) && parse.IsHex(b[9:13]) && parse.IsHex(b[14:18]) && parse.IsHex(b[19:23]) && parse.IsHex(b[24:])
}

var space = []byte(" ")
