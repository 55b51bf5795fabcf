package applog

import (
	"bytes"

	"why503/parse"
)

// structured is what JSON lines and logfmt share: from named values to a
// Record. Record and scratch are reused from line to line.
type structured struct {
	clock
	e       entry
	rec     parse.Record
	scratch []byte // unescaped and joined texts of this line; never grows while they are in use
	tr      trace
	line    parse.Line

	looseDur   []byte // a duration without a unit, read when the library is known
	event      []byte
	messageAt  int // where the raw values stand in the line
	errorAt    int
	stackAt    int
	stamped    bool
	numericTS  bool // zap writes "ts" in seconds, and so its durations
	upperLevel bool // slog writes INFO, and durations in ns
	foreign    bool
	gelf       bool // its "version" is its own
}

func (s *structured) begin(line parse.Line) {
	s.e.reset()
	s.line = line
	// Unescaping never lengthens a text; joining adds a few bytes to copies of
	// at most all of them.
	if need := 2*len(line.Text) + 16; cap(s.scratch) < need {
		s.scratch = make([]byte, 0, need+need/4)
	}
	s.scratch = s.scratch[:0]
	s.looseDur, s.event = nil, nil
	s.messageAt, s.errorAt, s.stackAt = 0, 0, 0
	s.stamped, s.numericTS, s.upperLevel, s.foreign, s.gelf = false, false, false, false, false
}

// set takes a value that stands at line.Text[at:]. text says that it was a
// string, not a bare number or word.
func (s *structured) set(k key, v []byte, text bool, at int) {
	e := &s.e
	switch k {
	case keyLevel:
		s.setLevel(v)
	case keySeverityNumber:
		if n, ok := parse.Integer(v); ok && e.level == parse.LevelNone {
			e.level = severityNumber(n)
		}
	case keyTime, keyTimeLow:
		s.setTime(v, k == keyTimeLow, text)
	case keyShortMessage:
		s.gelf = true
		s.set(keyMessage, v, text, at)
	case keyMessage:
		if len(e.message) == 0 && text {
			e.message, s.messageAt = v, at
		}
	case keyEvent:
		if text {
			first(&s.event, v)
		}
	case keyDuration:
		first(&s.looseDur, v)
	case keyStatus:
		e.setStatus(v)
	case keyQuery:
		first(&e.query, v)
	case keyRequestLine:
		e.setRequestLine(v)
	case keyHost:
		first(&e.host, v)
	case keyProtocol:
		first(&e.protocol, v)
	case keyClient:
		e.setClient(v)
	case keyAgent:
		first(&e.agent, v)
	case keyBytes:
		if n, ok := parse.Integer(v); ok && e.bytes < 0 {
			e.bytes = n
		}
	case keyService:
		if d, ok := withUnit(v); ok { // Heroku's router: service=12ms
			e.dur = d
			return
		}
		first(&e.service, v)
	case keyVersion:
		first(&e.version, v)
	case keyMachine:
		first(&e.machine, v)
	case keyLogger:
		if text {
			first(&e.logger, v)
		}
	case keyError:
		if text && len(e.errText) == 0 && !absent(v) {
			e.errText, s.errorAt = v, at
		}
	case keyErrorType:
		first(&e.errType, v)
	case keyErrorText:
		if text && len(e.errMessage) == 0 && !absent(v) {
			e.errMessage, s.errorAt = v, at
		}
	case keyStack:
		if len(v) == 32 && parse.IsHex(v) {
			e.setTraceID(v)
		} else if text && len(e.stack) == 0 && !absent(v) {
			e.stack, s.stackAt = v, at
		}
	case keyForeign:
		s.foreign = true
	default:
		e.set(k, v)
	}
}

func (s *structured) setLevel(v []byte) {
	if s.e.level != parse.LevelNone {
		return
	}
	if n, ok := parse.Integer(v); ok {
		s.e.level = levelNumber(n)
		return
	}
	s.e.level = levelOf(v)
	s.upperLevel = len(v) > 1 && v[1] < 'a'
}

func (s *structured) setTime(v []byte, low, text bool) {
	if s.stamped || low && s.e.time != 0 {
		return
	}
	c, n := readStamp(v)
	if n == 0 {
		// A number with an exponent or an odd count of digits.
		if ns, ok := scaled(v, second); ok && ns > 3e8*second && ns < 6e9*second {
			s.e.time, s.e.prec, s.stamped = parse.Time(ns), millisecond, !low
			s.numericTS = !text
		}
		return
	}
	s.e.time, s.e.prec = s.time(c), c.prec
	s.stamped = !low
	s.numericTS = c.epoch && !text && bytes.IndexByte(v, '.') > 0
}

// plausible says whether the line looks like a log line at all.
func (s *structured) plausible() bool {
	e, n := &s.e, 0
	for _, ok := range [...]bool{s.stamped || e.time != 0, e.level != 0, len(e.message) > 0 || len(s.event) > 0, e.served(), len(e.errText)+len(e.errMessage)+len(e.stack) > 0} {
		if ok {
			n++
		}
	}
	return n >= 2 && !s.foreign
}

// finish completes the entry from what its texts say and emits it.
func (s *structured) finish(emit parse.Emit) {
	e, r := &s.e, &s.rec
	r.Reset()
	s.complete()
	e.fill(r, s.line)
	t := toneOf(e.message) | toneOf(s.event)
	s.tr = trace{}
	s.notes(t)
	r.Message, r.Exception, r.Frame = e.message, s.tr.exception, s.tr.frame
	if len(e.errType) > 0 {
		r.Exception = e.errType
	}
	switch {
	case e.served():
		r.Kind = parse.KindRequest
	case t&(toneLife|toneChange) != 0 && len(e.requestID) == 0 && len(e.traceID) == 0 && e.vxid == 0:
		r.Kind = parse.KindSignal
	default:
		r.Kind = parse.KindLog
	}
	if r.Kind != parse.KindRequest {
		r.Time = r.Ended // a duration told of something else
	}
	if r.Kind == parse.KindSignal && (toneOf(s.event)&toneChange != 0 || deployTool(e.service) || deployTool(e.logger)) {
		r.Program = parse.Deploy
		for i := range r.Notes {
			r.Notes[i].Field = parse.FieldDeploy
		}
	}
	emit(r)
}

func (s *structured) complete() {
	e := &s.e
	if len(e.message) == 0 {
		e.message = s.event
	}
	if s.gelf && string(e.version) == "1.1" {
		e.version = nil
	}
	if len(s.looseDur) > 0 && e.dur < 0 {
		unit := millisecond
		if s.numericTS && bytes.IndexByte(s.looseDur, '.') >= 0 {
			unit = second
		} else if _, whole := parse.Integer(s.looseDur); whole && s.upperLevel {
			unit = 1
		}
		e.setDuration(s.looseDur, unit)
	}
	if len(e.query) > 0 && len(e.url) > 0 && bytes.IndexByte(e.url, '?') < 0 {
		e.url = s.join(e.url, "?", bytes.TrimPrefix(e.query, []byte("?")))
	}
	if len(e.message) > 0 {
		if e.status == 0 || len(e.url) == 0 {
			readSummary(e.message, e)
		}
		if len(e.requestID) == 0 || e.vxid == 0 {
			scanIDs(e.message, e)
		}
	}
	if e.level == parse.LevelNone && len(e.errText)+len(e.stack) > 0 {
		e.level = parse.LevelError
	}
}

// notes writes the message, when it tells something, and the exception lines
// of error and stack texts.
func (s *structured) notes(t tone) {
	e := &s.e
	bad := len(e.errText)+len(e.errMessage)+len(e.stack) > 0
	if m := e.message; len(m) > 0 {
		head, rest, _ := bytes.Cut(bytes.TrimLeft(m, "\r\n"), newline)
		oneWord := bytes.IndexByte(head, ' ') < 0
		if e.level >= parse.LevelWarn && !(bad && oneWord) || t != 0 && !e.served() {
			s.note(bytes.TrimRight(head, "\r"), s.messageAt)
			if name, ok := exceptionType(head); ok {
				s.tr.exception = name
			}
		}
		s.lines(rest, s.messageAt)
	}
	s.lines(e.errText, s.errorAt)
	switch {
	case len(e.errMessage) > 0 && len(e.errType) > 0 && !bytes.HasPrefix(e.errMessage, e.errType) && !bytes.Contains(e.stack, e.errMessage):
		s.lines(s.join(e.errType, ": ", e.errMessage), s.errorAt)
	case len(e.errMessage) > 0 && !bytes.Contains(e.stack, e.errMessage):
		s.lines(e.errMessage, s.errorAt)
	}
	s.tr.bare = bytes.Contains(e.stack, []byte(".go:"))
	s.lines(e.stack, s.stackAt)
	// An error that is a bare class name came with neither message nor stack.
	if len(s.rec.Notes) == 0 && len(e.errType) > 0 && e.level >= parse.LevelWarn {
		s.note(e.errType, s.messageAt)
	}
}

func (s *structured) lines(b []byte, at int) {
	for len(b) > 0 && len(s.rec.Notes) < maxNotes {
		var l []byte
		l, b, _ = bytes.Cut(b, newline)
		if text := s.tr.line(l); text != nil {
			s.note(text, at)
		}
	}
}

func (s *structured) note(text []byte, at int) {
	addNote(&s.rec, parse.Note{
		Field: parse.FieldAppText, Text: text, Line: quote(s.line.Text, at), Offset: s.line.Offset, LineNo: s.line.Number,
	})
}

// join puts two texts together in scratch, or gives the first when there is
// no room.
func (s *structured) join(a []byte, sep string, b []byte) []byte {
	n := len(s.scratch)
	if n+len(a)+len(sep)+len(b) > cap(s.scratch) {
		return a
	}
	s.scratch = append(append(append(s.scratch, a...), sep...), b...)
	return s.scratch[n:]
}

var newline = []byte("\n")
