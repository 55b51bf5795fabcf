package wire

import (
	"slices"
	"unsafe"

	"why503/parse"
	"why503/parse/recognise"
)

// Tags of Record, Upstream and Note.
const (
	recordKind       = 1<<3 | varint
	recordProgram    = 2<<3 | varint
	recordLevel      = 3<<3 | varint
	recordSource     = 4<<3 | varint
	recordOffset     = 5<<3 | varint
	recordLine       = 6<<3 | varint
	recordRaw        = 7<<3 | bytes
	recordTime       = 8<<3 | fixed
	recordTook       = 9<<3 | varint
	recordPrecision  = 10<<3 | varint
	recordMethod     = 11<<3 | bytes
	recordURL        = 12<<3 | bytes
	recordHost       = 13<<3 | bytes
	recordClient     = 14<<3 | bytes
	recordStatus     = 15<<3 | varint
	recordBytes      = 16<<3 | varint
	recordProtocol   = 17<<3 | bytes
	recordAgent      = 18<<3 | bytes
	recordRequestID  = 19<<3 | bytes
	recordTraceID    = 20<<3 | bytes
	recordOwnID      = 21<<3 | bytes
	recordVXID       = 22<<3 | varint
	recordConnID     = 23<<3 | varint
	recordPID        = 24<<3 | varint
	recordUpstream   = 25<<3 | bytes
	recordNote       = 26<<3 | bytes
	recordTx         = 27<<3 | bytes
	recordMessage    = 28<<3 | bytes
	recordLogger     = 29<<3 | bytes
	recordService    = 30<<3 | bytes
	recordVersion    = 31<<3 | bytes
	recordMachine    = 32<<3 | bytes
	recordException  = 33<<3 | bytes
	recordFrame      = 34<<3 | bytes
	recordIncomplete = 35<<3 | varint
	recordCut        = 36<<3 | varint
	recordBackground = 37<<3 | varint

	upstreamAddr     = 1<<3 | bytes
	upstreamStatus   = 2<<3 | varint
	upstreamConnect  = 3<<3 | varint
	upstreamHeader   = 4<<3 | varint
	upstreamResponse = 5<<3 | varint
	upstreamRedirect = 6<<3 | varint

	noteField  = 1<<3 | varint
	noteEvent  = 2<<3 | bytes
	noteText   = 3<<3 | bytes
	noteLine   = 4<<3 | bytes
	noteOffset = 5<<3 | varint
	noteLineNo = 6<<3 | varint
	noteTime   = 7<<3 | fixed
)

func appendRecord(b []byte, r *parse.Record) []byte {
	b = appendUint(b, recordKind, uint64(r.Kind))
	b = appendUint(b, recordProgram, uint64(r.Program))
	b = appendUint(b, recordLevel, uint64(r.Level))
	b = appendInt(b, recordSource, int64(r.Source))
	b = appendInt(b, recordOffset, r.Offset)
	b = appendInt(b, recordLine, r.Line)
	b = appendText(b, recordRaw, r.Raw)
	b = appendFixed(b, recordTime, uint64(r.Time))
	b = appendSigned(b, recordTook, int64(r.Ended-r.Time))
	b = appendInt(b, recordPrecision, r.Precision)
	b = appendText(b, recordMethod, r.Method)
	b = appendText(b, recordURL, r.URL)
	b = appendText(b, recordHost, r.Host)
	b = appendText(b, recordClient, r.Client)
	b = appendInt(b, recordStatus, int64(r.Status))
	b = appendSigned(b, recordBytes, r.Bytes)
	b = appendText(b, recordProtocol, r.Protocol)
	b = appendText(b, recordAgent, r.Agent)
	b = appendText(b, recordRequestID, r.RequestID)
	b = appendText(b, recordTraceID, r.TraceID)
	b = appendText(b, recordOwnID, r.OwnID)
	b = appendUint(b, recordVXID, r.VXID)
	b = appendUint(b, recordConnID, r.ConnID)
	b = appendInt(b, recordPID, int64(r.PID))
	for i := range r.Upstreams {
		b = appendUpstream(b, &r.Upstreams[i])
	}
	for i := range r.Notes {
		b = appendNote(b, &r.Notes[i])
	}
	if r.Tx != nil {
		b = appendTx(b, r.Tx)
	}
	b = appendText(b, recordMessage, r.Message)
	b = appendText(b, recordLogger, r.Logger)
	b = appendText(b, recordService, r.Service)
	b = appendText(b, recordVersion, r.Version)
	b = appendText(b, recordMachine, r.Machine)
	b = appendText(b, recordException, r.Exception)
	b = appendText(b, recordFrame, r.Frame)
	b = appendBool(b, recordIncomplete, r.Incomplete)
	b = appendBool(b, recordCut, r.Cut)
	return appendBool(b, recordBackground, r.Background)
}

func appendUpstream(b []byte, u *parse.Upstream) []byte {
	b, at := open(b, recordUpstream)
	b = appendText(b, upstreamAddr, u.Addr)
	b = appendInt(b, upstreamStatus, int64(u.Status))
	b = appendSigned(b, upstreamConnect, u.Connect)
	b = appendSigned(b, upstreamHeader, u.Header)
	b = appendSigned(b, upstreamResponse, u.Response)
	b = appendBool(b, upstreamRedirect, u.Redirect)
	return shut(b, at)
}

// appendNote writes the event by its name: numbers are good inside one build.
func appendNote(b []byte, n *parse.Note) []byte {
	b, at := open(b, recordNote)
	b = appendUint(b, noteField, uint64(n.Field))
	if e := recognise.Default().Event(n.Event); e != nil {
		b = appendText(b, noteEvent, e.Name)
	}
	b = appendText(b, noteText, n.Text)
	b = appendText(b, noteLine, n.Line)
	b = appendInt(b, noteOffset, n.Offset)
	b = appendInt(b, noteLineNo, n.LineNo)
	b = appendFixed(b, noteTime, uint64(n.Time))
	return shut(b, at)
}

// record reads a Record into r, which may hold parts of it already.
func (d *decoder) record(b []byte, r *parse.Record) error {
	took := r.Ended - r.Time
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case recordKind:
			r.Kind = upTo(&f, parse.KindSession)
		case recordProgram:
			r.Program = upTo(&f, parse.CDN)
		case recordLevel:
			r.Level = upTo(&f, parse.LevelFatal)
		case recordSource:
			r.Source = parse.SourceID(f.n)
		case recordOffset:
			r.Offset = f.int()
		case recordLine:
			r.Line = f.int()
		case recordRaw:
			r.Raw = f.text()
		case recordTime:
			r.Time = parse.Time(f.n)
		case recordTook:
			took = parse.Time(f.signed())
		case recordPrecision:
			r.Precision = f.int()
		case recordStatus:
			r.Status = status(f.n)
		case recordBytes:
			r.Bytes = f.signed()
		case recordVXID:
			r.VXID = f.n
		case recordConnID:
			r.ConnID = f.n
		case recordPID:
			r.PID = int(f.n)
		case recordUpstream:
			f.fail(d.upstream(f.v, add(d, &f, &r.Upstreams)))
		case recordNote:
			f.fail(d.note(f.v, add(d, &f, &r.Notes)))
		case recordTx:
			if r.Tx == nil {
				f.fail(d.take(1, int(unsafe.Sizeof(*r.Tx))))
				r.Tx = new(parse.Tx)
			}
			f.fail(d.tx(f.v, r.Tx))
		case recordIncomplete:
			r.Incomplete = f.bool()
		case recordCut:
			r.Cut = f.bool()
		case recordBackground:
			r.Background = f.bool()
		default:
			if t := textOf(r, f.tag); t != nil {
				*t = f.text()
			}
		}
	}
	r.Ended = r.Time + took
	return f.err
}

// textOf returns where a text of r belongs, nil when the tag is of none.
func textOf(r *parse.Record, tag uint64) *[]byte {
	switch tag {
	case recordMethod:
		return &r.Method
	case recordURL:
		return &r.URL
	case recordHost:
		return &r.Host
	case recordClient:
		return &r.Client
	case recordProtocol:
		return &r.Protocol
	case recordAgent:
		return &r.Agent
	case recordRequestID:
		return &r.RequestID
	case recordTraceID:
		return &r.TraceID
	case recordOwnID:
		return &r.OwnID
	case recordMessage:
		return &r.Message
	case recordLogger:
		return &r.Logger
	case recordService:
		return &r.Service
	case recordVersion:
		return &r.Version
	case recordMachine:
		return &r.Machine
	case recordException:
		return &r.Exception
	case recordFrame:
		return &r.Frame
	}
	return nil
}

func (d *decoder) upstream(b []byte, u *parse.Upstream) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case upstreamAddr:
			u.Addr = f.text()
		case upstreamStatus:
			u.Status = status(f.n)
		case upstreamConnect:
			u.Connect = f.signed()
		case upstreamHeader:
			u.Header = f.signed()
		case upstreamResponse:
			u.Response = f.signed()
		case upstreamRedirect:
			u.Redirect = f.bool()
		}
	}
	return f.err
}

// note takes an event that this build does not have for none: the text is there
// to be recognised again.
func (d *decoder) note(b []byte, n *parse.Note) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case noteField:
			n.Field = upTo(&f, parse.FieldBackendOpen)
		case noteEvent:
			n.Event = 0
			if e := recognise.Default().ByName(string(f.v)); e != nil {
				n.Event = e.ID
			}
		case noteText:
			n.Text = f.text()
		case noteLine:
			n.Line = f.text()
		case noteOffset:
			n.Offset = f.int()
		case noteLineNo:
			n.LineNo = f.int()
		case noteTime:
			n.Time = parse.Time(f.n)
		}
	}
	return f.err
}

// maxStatus is beyond what any program prints; Varnish has statuses over 999.
const maxStatus = 1<<16 - 1

// status is 0, not known, when it is none.
func status(n uint64) int {
	if n > maxStatus {
		return 0
	}
	return int(n)
}

// add appends a zero element to a list and returns it, to be filled by the
// field that f is at. The first one makes room for all that follow.
func add[T any](d *decoder, f *fields, list *[]T) *T {
	if len(*list) == cap(*list) {
		n := 1 + count(f.b, f.tag)
		if err := d.take(n, int(unsafe.Sizeof(*new(T)))); err != nil {
			f.fail(err)
			return new(T)
		}
		*list = slices.Grow(*list, n)
	}
	*list = append(*list, *new(T))
	return &(*list)[len(*list)-1]
}

// reserve makes the Records of a list of items in one piece, at the first item.
func (d *decoder) reserve(f *fields) {
	if len(d.slab) > 0 {
		return
	}
	n := 1 + count(f.b, f.tag)
	if err := d.take(n, int(unsafe.Sizeof(parse.Record{}))); err != nil {
		f.fail(err)
		return
	}
	d.slab = make([]parse.Record, n)
}

// newRecord returns one of those that were reserved.
func (d *decoder) newRecord() *parse.Record {
	if len(d.slab) == 0 {
		return new(parse.Record) // reserve has failed, or a single one
	}
	r := &d.slab[0]
	d.slab = d.slab[1:]
	return r
}
