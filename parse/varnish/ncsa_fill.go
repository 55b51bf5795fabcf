package varnish

import (
	"bytes"

	"why503/parse"
)

// values are what a line said before it is known how they fit together.
type values struct {
	start, end          parse.Time
	startUnit, endUnit  int64
	frac, fracUnit      int64
	duration, firstByte int64
	query               []byte
	answerID            []byte
	own                 uint64 // X-Varnish of the request, which is its own at a backend
	hit                 uint64
	xv                  uint64
	client              []byte
	side                byte
	handlingSeen        bool
	hitMiss             parse.Handling
	fetchErrorSeen      bool
	fetchError          bool
	request             bool // a method, URL or request line was there
}

// take puts a value where it belongs.
func (p *NCSA) take(o *op, raw []byte) {
	if o.col == colIgnore {
		return
	}
	if o.col == colHandling || o.col == colHitMiss {
		p.v.handlingSeen = true
	}
	if o.col == colFetchError {
		p.v.fetchErrorSeen = true
	}
	if len(raw) == 0 || len(raw) == 1 && raw[0] == '-' {
		return
	}
	b := p.unescape(raw)
	r, v := &p.rec, &p.v
	switch o.col {
	case colBytes:
		if n, ok := number(b); ok {
			r.Bytes, p.tx.BodySent = int64(n), int64(n)
		}
	case colDuration:
		v.duration = duration(b, o.unit)
	case colFirstByte:
		v.firstByte = duration(b, o.unit)
	case colProtocol:
		r.Protocol = b
	case colClient:
		v.client = b
	case colMethod:
		r.Method, v.request = b, true
	case colRequest:
		p.requestLine(b)
	case colStatus:
		if n, ok := status(b); ok {
			r.Status = n
		}
	case colTime, colEndTime:
		p.time(o, b)
	case colURL:
		p.url(b)
	case colQuery:
		v.query = b
	case colHost:
		r.Host = b
	case colAgent:
		r.Agent = b
	case colRequestID:
		r.RequestID = b
	case colAnswerID:
		v.answerID = b
	case colTrace:
		if id := parse.TraceID(b); id != nil {
			r.TraceID = id
		}
	case colB3:
		if id := parse.TraceID(b); id != nil && r.TraceID == nil {
			r.TraceID = id
		}
	case colXVarnish:
		own, hit := word(b)
		v.xv, v.hit = vxid(own), vxid(bytes.TrimSpace(hit))
	case colOwnXVarnish:
		v.own = vxid(b)
	case colVXID:
		r.VXID = vxid(b)
	case colSide:
		v.side = b[0]
	case colHitMiss:
		v.hitMiss = parse.HandlingOf(b)
	case colHandling:
		p.tx.Handling = parse.HandlingOf(b)
		p.note(parse.FieldNCSAHandling, b, raw)
	case colHit:
		w, _ := word(b)
		p.tx.HitVXID = vxid(w)
	case colFetchError:
		v.fetchError = true
		p.note(parse.FieldNCSAFetchError, b, raw)
	case colVCLLog:
		p.note(parse.FieldVCLLog, b, raw)
	case colNote:
		p.note(parse.Field(o.note), b, raw)
	case colBegin:
		p.begin(b)
	case colBackendOpen:
		p.backendOpen(b)
	}
}

// duration reads a time span. Without a unit a fraction means seconds and a
// whole number microseconds, as %T and %D print them.
func duration(b []byte, unit int64) int64 {
	n, ok := nanos(b)
	if !ok || n < 0 {
		return -1
	}
	if unit == 0 {
		unit = 1e3
		if bytes.IndexByte(b, '.') >= 0 {
			unit = 1e9
		}
	}
	return n / (1e9 / unit)
}

func (p *NCSA) requestLine(b []byte) {
	p.v.request = true
	i, j := bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ' ')
	if i < 0 {
		p.rec.Method = b
		return
	}
	p.rec.Method = b[:i]
	if j > i && hasPrefix(b[j+1:], "HTTP/") {
		p.rec.Protocol = b[j+1:]
		b = b[:j]
	}
	p.url(b[i+1:])
}

func (p *NCSA) url(b []byte) {
	p.v.request = true
	host, path := parse.SplitURL(b)
	if len(p.rec.Host) == 0 {
		p.rec.Host = host
	}
	if len(p.rec.URL) == 0 {
		p.rec.URL = path
	}
}

func (p *NCSA) time(o *op, b []byte) {
	v := &p.v
	var at parse.Time
	var unit int64
	var frac, ok bool
	if o.layout == "" {
		if hasPrefix(b, "req ") || hasPrefix(b, "bereq ") { // begin="bereq 3 fetch"
			p.begin(b)
			return
		}
		at, unit, ok = shapedTime(b, p.Zone)
	} else {
		at, unit, frac, _, ok = scanTime(o.layout, b, p.Zone)
	}
	switch {
	case !ok:
	case frac:
		v.frac, v.fracUnit = int64(at), unit
	case o.col == colEndTime:
		if v.endUnit == 0 || unit < v.endUnit {
			v.end, v.endUnit = at, unit
		}
	case v.startUnit == 0 || unit < v.startUnit:
		v.start, v.startUnit = at, unit
	}
}

func (p *NCSA) begin(b []byte) {
	kind, rest := word(b)
	parent, rest := word(rest)
	why, rest := word(rest)
	p.tx.Type, p.tx.Parent, p.tx.Reason = txType(kind), vxid(parent), txReason(why)
	if p.tx.Reason == parse.ReasonESI {
		n, _ := number(rest)
		p.tx.ESILevel = int(min(max(n, 1), 1000))
	}
}

func (p *NCSA) backendOpen(b []byte) {
	var w [7][]byte
	for i := range w {
		w[i], b = word(b)
	}
	p.tx.Backend = w[1]
	if len(w[3]) > 0 {
		p.tx.Opens = append(p.tx.Opens[:0], parse.BackendConn{Name: w[1], RemoteAddr: w[2], RemotePort: w[3],
			LocalAddr: w[4], LocalPort: w[5], Reused: string(w[6]) == "reuse", Age: -1})
	}
}

// note quotes the value with the word before it that names it.
func (p *NCSA) note(f parse.Field, text, raw []byte) {
	line := p.line.Text
	at := cap(line) - cap(raw) // raw is a piece of line
	from, to := at, at+len(raw)
	for from > 0 && line[from-1] > ' ' && line[from-1] != ',' && line[from-1] != '{' && at-from < 64 {
		from--
	}
	if to < len(line) && line[to] == '"' {
		to++
	}
	p.rec.Notes = append(p.rec.Notes, parse.Note{Field: f, Text: text, Line: line[from:to], Offset: p.line.Offset, LineNo: p.line.Number})
}
