package varnish

import (
	"why503/parse"
)

// Defaults of the bounds of a Log.
const (
	defaultMaxOpen  = 8192
	defaultMaxBytes = 48 << 20
	defaultReclen   = 255
)

// A Log reads the text of varnishlog in any grouping: -g request, vxid,
// session and raw, also with -v, even mixed. It emits a Record a transaction
// when the transaction ends: at its End, and where the End is missing at the
// head of the next one, or at Flush.
//
// The output is described in
// https://varnish-cache.org/docs/trunk/reference/varnishlog.html.
//
// A Record and all it points to is used again after emit returns. Record.Cut
// of a request says that fewer body bytes left than Content-Length promised,
// be it that the fetch broke or that the client went away: the fetch and
// SessClose tell which. A request that VCL restarted gave no answer, so its
// Status is 0; what it would have answered stands in Tx.Statuses.
type Log struct {
	// MaxOpen and MaxBytes bound the transactions that are held open in raw
	// form. The oldest is emitted as Incomplete when there are more.
	MaxOpen  int
	MaxBytes int
	// Reclen is the vsl_reclen of the server: longer payloads were cut there.
	Reclen int

	Stats Stats

	group *transaction // open transaction of the grouped forms
	open  openSet      // those of the raw form
	free  []*transaction
	now   parse.Time // last Timestamp in the stream
	multi bool       // the last record may go on in the next line

	signal parse.Record
	sigTx  parse.Tx
}

// Stats counts what a Log could not read whole.
type Stats struct {
	Evicted   int64 // raw transactions given up because too many were open
	Reused    int64 // VXIDs that began again while open: a child restarted
	Unended   int64 // transactions without End, at Flush or by a new head
	Overflows int64 // "VSL store overflow"
	Timeouts  int64 // "VSL timeout"
	Flushes   int64 // "VSL flush"
	Truncated int64 // payloads cut by vsl_reclen
	Bounded   int64 // transactions that exceeded a bound of this package
	Orphans   int64 // grouped records that no head precedes
	Unknown   int64 // transactions of no known type
}

// NewLog returns a Log with default bounds.
func NewLog() *Log {
	return &Log{MaxOpen: defaultMaxOpen, MaxBytes: defaultMaxBytes, Reclen: defaultReclen}
}

var _ parse.Parser = (*Log)(nil)

// Parse takes the next line.
func (p *Log) Parse(line parse.Line, emit parse.Emit) error {
	b := line.Text
	if len(b) == 0 {
		return nil
	}
	if b[0] == '*' {
		if kind, id, ok := splitHead(b); ok {
			p.head(kind, id, line, emit)
			return nil
		}
	} else if b[0] == '-' || b[0] == ' ' || b[0]-'0' <= 9 {
		if r, ok := splitRecord(b); ok && (b[0] == '-' || r.long) {
			p.record(&r, line, emit)
			return nil
		}
	}
	if p.multi || blank(b) {
		return nil // the rest of a payload that holds line ends
	}
	return parse.ErrFormat
}

// Flush emits what is still open, the oldest first.
func (p *Log) Flush(emit parse.Emit) {
	p.multi = false
	if p.group != nil {
		p.Stats.Unended++
		p.closeGroup(emit)
	}
	for t := p.open.oldest; t != nil; t = p.open.oldest {
		p.Stats.Unended++
		p.closeRaw(t, emit)
	}
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

func (p *Log) head(kind []byte, id uint64, line parse.Line, emit parse.Emit) {
	p.multi = false
	if p.group != nil {
		p.Stats.Unended++
		p.closeGroup(emit)
	}
	p.group = p.take(id, line)
	switch string(kind) {
	case "Request":
		p.group.tx.Type = parse.TxRequest
	case "BeReq":
		p.group.tx.Type = parse.TxFetch
	case "Session":
		p.group.tx.Type = parse.TxSession
	}
}

func (p *Log) record(r *rec, line parse.Line, emit parse.Emit) {
	p.multi = false
	switch string(r.tag) {
	case "CLI", "VCL_Log", "Error", "Debug", "Notice", "VCL_Error":
		p.multi = true // may hold line ends: what VCL or an operator wrote
	case "VSL":
		p.countVSL(r.payload)
	}
	if n := len(r.payload); n >= p.Reclen-1 && p.Reclen > 0 {
		p.Stats.Truncated++
	}
	if line.Text[0] == '-' {
		p.grouped(r, line, emit)
	} else {
		p.raw(r, line, emit)
	}
}

func (p *Log) grouped(r *rec, line parse.Line, emit parse.Emit) {
	t := p.group
	if t == nil {
		if r.long && r.vxid == 0 {
			p.zero(r, line, emit)
		} else {
			p.Stats.Orphans++
		}
		return
	}
	p.feed(t, r, line)
	if t.ended {
		p.closeGroup(emit)
	}
}

func (p *Log) raw(r *rec, line parse.Line, emit parse.Emit) {
	if r.vxid == 0 {
		p.zero(r, line, emit)
		return
	}
	t := p.open.find(r.vxid)
	if t != nil && t.began && string(r.tag) == "Begin" {
		p.Stats.Reused++
		p.closeRaw(t, emit)
		t = nil
	}
	if t == nil {
		t = p.take(r.vxid, line)
		p.open.insert(t)
	}
	if r.side == 'b' || r.side == 'c' {
		t.side = r.side
	}
	held := t.held()
	p.feed(t, r, line)
	p.open.bytes += t.held() - held
	if t.ended {
		p.closeRaw(t, emit)
		return
	}
	for p.open.len() > max(p.MaxOpen, 1) || p.open.bytes > p.MaxBytes && p.open.len() > 1 {
		p.Stats.Evicted++
		p.closeRaw(p.open.oldest, emit)
	}
}

// feed adds a record and keeps the time of the stream.
func (p *Log) feed(t *transaction, r *rec, line parse.Line) {
	t.add(r, line)
	if t.now != 0 {
		p.now = t.now
	}
	if n := len(r.payload); line.Cut || n >= p.Reclen-1 && n <= p.Reclen && tellsCause(r.tag) {
		t.short = true
	}
}

// tellsCause names the tags whose cut text may hide what happened. A cut URL
// or Cookie is no loss of evidence.
func tellsCause(tag []byte) bool {
	switch string(tag) {
	case "FetchError", "VCL_Error", "Error", "BackendOpen", "BackendClose", "Begin", "Link":
		return true
	}
	return false
}

func (p *Log) countVSL(b []byte) {
	switch string(b) {
	case "store overflow":
		p.Stats.Overflows++
	case "timeout":
		p.Stats.Timeouts++
	case "flush":
		p.Stats.Flushes++
	}
}

func (p *Log) closeGroup(emit parse.Emit) {
	t := p.group
	p.group = nil
	p.emit(t, emit)
}

func (p *Log) closeRaw(t *transaction, emit parse.Emit) {
	p.open.remove(t)
	p.emit(t, emit)
}

func (p *Log) emit(t *transaction, emit parse.Emit) {
	if t.short {
		p.Stats.Bounded++
	}
	if t.finish() {
		emit(&t.rec)
	} else {
		p.Stats.Unknown++
	}
	p.give(t)
}
