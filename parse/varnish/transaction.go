package varnish

import (
	"why503/parse"
)

// Bounds of one transaction. A stranger decides how often a tag comes.
const (
	maxText   = 256 << 10 // bytes copied out of its lines
	maxNotes  = 1024
	maxNoisy  = 64 // Notes of tags that repeat: LostHeader, VCL_Log, ...
	maxLinks  = 4096
	maxStamps = 256
	maxTries  = 64 // backend connections; statuses
)

// A transaction gathers the records of one VXID. All that its Record points
// to lies in arrays of its own that are used again for a later transaction,
// so nothing is allocated once they have grown.
type transaction struct {
	rec  parse.Record
	tx   parse.Tx
	weak []bool // of each Note: worth keeping only when something went wrong
	buf  []byte // texts copied out of the lines

	ids     [numIDs][]byte
	trace   [2][]byte // traceparent, B3
	promise int64     // last Content-Length of the response; -1
	noisy   int
	now     parse.Time // last Timestamp
	synth   bool       // begun or ended by the reader, not by varnishd
	began   bool       // Begin was seen
	ended   bool       // End was seen
	failed  bool       // FetchError, VCL_Error or Error was seen
	side    byte       // of its records in raw form
	session bool       // has Sess tags
	short   bool       // some part did not fit a bound or was cut by vsl_reclen
	fetch   attempts

	keptStatus bool // while Notes are dropped: the last status was 500 or more

	older, newer *transaction // in the list of the open ones, raw form
}

func (t *transaction) reset() {
	t.rec.Reset()
	links, stamps := t.tx.Links[:0], t.tx.Stamps[:0]
	statuses, opens := t.tx.Statuses[:0], t.tx.Opens[:0]
	rec, weak, buf := t.rec, t.weak[:0], t.buf[:0]
	*t = transaction{rec: rec, weak: weak, buf: buf, promise: -1}
	t.tx = parse.Tx{Links: links, Stamps: stamps, Statuses: statuses, Opens: opens, BodySent: -1}
	t.rec.Program = parse.Varnish
	t.rec.Precision = 1000
	t.rec.Tx = &t.tx
	t.fetch.current = -1
}

// keep copies b, which is only valid during the call, to where it lives until
// the transaction is emitted.
func (t *transaction) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(t.buf)+len(b) > maxText {
		t.short = true
		return nil
	}
	n := len(t.buf)
	t.buf = append(t.buf, b...)
	return t.buf[n:len(t.buf):len(t.buf)]
}

// add takes the next record of the transaction.
func (t *transaction) add(r *rec, line parse.Line) {
	b := r.payload
	switch string(r.tag) {
	case "RespHeader":
		t.respHeader(b)
	case "RespUnset":
		if v, ok := header(b, "content-length"); ok && len(v) > 0 {
			t.promise = -1
		}
	case "Timestamp":
		t.timestamp(r, line)
	case "ReqHeader", "BereqHeader":
		t.reqHeader(b, false)
	case "ReqUnset", "BereqUnset":
		t.reqHeader(b, true)
	case "BerespHeader":
		if v, ok := header(b, "x-request-id"); ok {
			t.ids[idOfAnswer] = t.keep(v)
		}
	case "VCL_call":
		t.call(r, line)
	case "VCL_return":
		t.verdict(r, line)
	case "Begin":
		t.begin(r, line)
	case "End":
		t.ended = true
		if string(b) == "synth" {
			t.synth = true
			t.note(parse.FieldEnd, r, line, false)
		}
	case "Link":
		t.link(r, line)
	case "ReqMethod":
		t.first(&t.rec.Method, b)
	case "ReqURL":
		t.first(&t.rec.URL, b)
	case "ReqProtocol":
		t.first(&t.rec.Protocol, b)
	case "ReqStart":
		w, _ := word(b)
		t.rec.Client = t.keep(w)
	case "BereqMethod":
		t.rec.Method = t.keep(b)
	case "BereqURL":
		t.rec.URL = t.keep(b)
	case "BereqProtocol":
		t.rec.Protocol = t.keep(b)
	case "RespStatus":
		t.status(b)
		t.note(parse.FieldRespStatus, r, line, true)
	case "BerespStatus":
		t.fetch.status(t, b)
		t.status(b)
		t.note(parse.FieldBerespStatus, r, line, true)
	case "RespReason":
		t.tx.ReasonText = t.keep(b)
		t.note(parse.FieldRespReason, r, line, true)
	case "BerespReason":
		t.tx.ReasonText = t.keep(b)
		t.note(parse.FieldBerespReason, r, line, true)
	case "ReqAcct", "BereqAcct":
		t.account(b, 4)
	case "PipeAcct":
		t.account(b, 3)
	case "Hit":
		t.hit(parse.FieldHit, parse.HandlingNone, r, line)
	case "HitMiss":
		t.hit(parse.FieldHitMiss, parse.HandlingHitMiss, r, line)
	case "HitPass":
		t.hit(parse.FieldHitPass, parse.HandlingHitPass, r, line)
	case "BackendOpen":
		t.fetch.open(t, b)
		t.note(parse.FieldBackendOpen, r, line, true)
	case "BackendClose":
		t.backendClose(r, line)
	case "BackendReuse": // to 6.0: the connection goes back to the pool
		t.fetch.closed()
	case "Fetch_Body":
		t.body(r, line)
	case "SessOpen":
		t.sessOpen(b)
	case "SessClose":
		t.sessClose(r, line)
	default:
		t.trouble(r, line)
	}
}

// trouble takes the tags that come only when something is worth saying.
func (t *transaction) trouble(r *rec, line parse.Line) {
	switch string(r.tag) {
	case "FetchError":
		t.failed = true
		t.fetch.failure(t, r.payload)
		t.note(parse.FieldFetchError, r, line, false)
	case "VCL_Error":
		t.failed = true
		t.note(parse.FieldVCLError, r, line, false)
	case "Error":
		t.failed = true
		t.note(parse.FieldError, r, line, false)
	case "HttpGarbage":
		t.fetch.garbage = true
		t.note(parse.FieldHTTPGarbage, r, line, false)
	case "BogoHeader":
		t.noise(parse.FieldBogoHeader, r, line, false)
	case "LostHeader":
		t.noise(parse.FieldLostHeader, r, line, false)
	case "VCL_Log":
		t.noise(parse.FieldVCLLog, r, line, false)
	case "Notice":
		t.noise(parse.FieldNotice, r, line, false)
	case "ESI_xmlerror":
		t.noise(parse.FieldESIError, r, line, false)
	case "Debug":
		t.noise(parse.FieldDebug, r, line, true)
	case "ExpKill":
		t.noise(parse.FieldExpKill, r, line, !hasPrefix(r.payload, "LRU_Fail"))
	case "SessError":
		t.session = true
		t.note(parse.FieldSessError, r, line, false)
	case "VSL":
		t.synth = true
		t.note(parse.FieldVSL, r, line, false)
	}
}

// noise makes a Note of a tag that may repeat without end.
func (t *transaction) noise(f parse.Field, r *rec, line parse.Line, weak bool) {
	if t.noisy < maxNoisy {
		t.noisy++
		t.note(f, r, line, weak)
	}
}

// note keeps a payload that may name a cause, with the line it stands in.
func (t *transaction) note(f parse.Field, r *rec, line parse.Line, weak bool) {
	if len(t.rec.Notes) >= maxNotes || len(t.buf)+len(r.quote) > maxText {
		t.short = true
		return
	}
	quote := t.keep(r.quote)
	t.rec.Notes = append(t.rec.Notes, parse.Note{
		Field: f, Line: quote, Text: quote[len(quote)-len(r.payload):],
		Offset: line.Offset, LineNo: line.Number, Time: t.now,
	})
	t.weak = append(t.weak, weak)
}

// first keeps what the client sent, not what VCL made of it later.
func (t *transaction) first(dst *[]byte, b []byte) {
	if *dst == nil {
		*dst = t.keep(b)
	}
}

func (t *transaction) status(b []byte) {
	if n, ok := status(b); ok {
		t.rec.Status = n
		if len(t.tx.Statuses) < maxTries {
			t.tx.Statuses = append(t.tx.Statuses, n)
		}
	}
}

// account reads the n-th number of ReqAcct, BereqAcct or PipeAcct.
func (t *transaction) account(b []byte, n int) {
	var w []byte
	for ; n >= 0; n-- {
		w, b = word(b)
	}
	if v, ok := number(w); ok {
		t.rec.Bytes, t.tx.BodySent = int64(v), int64(v)
	}
}

func (t *transaction) sessOpen(b []byte) {
	t.session = true
	client, b := word(b)
	_, b = word(b)
	_, b = word(b) // name of the listening socket
	host, b := word(b)
	port, b := word(b)
	at, _ := word(b)
	t.rec.Client = t.keep(client)
	t.tx.Listen = t.address(host, port)
	if at, ok := instant(at); ok {
		t.rec.Time, t.rec.Ended, t.now = at, at, at
	}
}

// address joins host and port in one piece of memory of the transaction.
func (t *transaction) address(host, port []byte) []byte {
	if len(host) == 0 || string(host) == "-" || len(t.buf)+len(host)+len(port)+3 > maxText {
		return nil
	}
	n := len(t.buf)
	switch {
	case host[0] == '/' || len(port) == 0 || string(port) == "-" || string(port) == "0" && string(host) != "0.0.0.0":
		t.buf = append(t.buf, host...)
	case string(port) == "0": // a Unix socket, whose path is not logged
		return nil
	case isIPv6(host):
		t.buf = append(t.buf, '[')
		t.buf = append(t.buf, host...)
		t.buf = append(t.buf, "]:"...)
		t.buf = append(t.buf, port...)
	default:
		t.buf = append(t.buf, host...)
		t.buf = append(t.buf, ':')
		t.buf = append(t.buf, port...)
	}
	return t.buf[n:len(t.buf):len(t.buf)]
}

func isIPv6(host []byte) bool {
	for _, c := range host {
		if c == ':' {
			return host[0] != '['
		}
	}
	return false
}

func (t *transaction) sessClose(r *rec, line parse.Line) {
	t.session = true
	_, rest := word(r.payload)
	w, _ := word(rest)
	if d, ok := nanos(w); ok && d >= 0 && t.rec.Time > 0 {
		t.rec.Ended = t.rec.Time + parse.Time(d)
		t.now = t.rec.Ended
	}
	t.note(parse.FieldSessClose, r, line, false)
}
