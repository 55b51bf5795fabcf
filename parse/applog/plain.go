package applog

import (
	"bytes"
	"time"

	"why503/parse"
)

const (
	// A record keeps this many lines and bytes. Beyond them only lines that
	// name an exception are kept, up to twice as much.
	maxLines = 256
	maxHeld  = 64 << 10
	// maxPlainLine bounds how much of one physical line is kept.
	maxPlainLine = 16 << 10
)

// Plain reads lines that begin with a stamp or a level, each with the lines
// that continue it: stack traces, and messages of several lines. A record is
// emitted when the next one begins. Lines that are JSON objects in between
// are read as JSON.
//
// Routine lines (informational, without an id, a request, or a word that
// tells of trouble or of the program's life) give no Record.
type Plain struct {
	clock
	json         JSON
	between, out parse.Emit // see mixed

	buf     []byte // the open record's lines, copied
	held    []heldLine
	from    origin // of the open record
	names   []byte // backs from's slices
	open    bool
	stamped bool
	last    parse.Time // stamp of the newest record: lines without one were written after it
	lastPer int64

	dropped int64

	e   entry
	rec parse.Record
	tr  trace
}

type heldLine struct {
	start, end     int
	offset, number int64
	cut            bool
	body           int // where the line's own text begins, after a syslog header
}

// An origin is what a syslog header says of the program that wrote a line.
type origin struct {
	time    parse.Time
	prec    int64
	level   parse.Level
	machine []byte
	service []byte
	pid     int
	syslog  bool
}

// Zone sets the zone of stamps that print none.
func (p *Plain) Zone(loc *time.Location) { p.clock.Zone(loc); p.json.Zone(loc) }

// Base sets a time near to when the log was written.
func (p *Plain) Base(t time.Time) { p.clock.Base(t); p.json.Base(t) }

// Dropped says how many lines of overlong records were not kept.
func (p *Plain) Dropped() int64 { return p.dropped }

// Parse takes the next line.
func (p *Plain) Parse(line parse.Line, emit parse.Emit) error {
	return p.feed(line, 0, origin{}, emit)
}

// Flush emits the open record.
func (p *Plain) Flush(emit parse.Emit) { p.close(emit) }

// feed takes a line whose own text begins at body.
func (p *Plain) feed(line parse.Line, body int, from origin, emit parse.Emit) error {
	b := line.Text[body:]
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if b[0] == '{' && len(b) > 8 && (b[1] == '"' || b[1] == ' ') && (!p.open || b[len(b)-1] == '}') && body == 0 {
		switch {
		case p.mixed(line, emit) == nil:
			return nil
		case !p.open:
			return parse.ErrFormat
		}
	}
	switch how := p.begins(b); {
	case how == beginsNot && !from.syslog:
		if !p.open {
			if b[0] == '#' && len(b) > 1 && letter(b[1]) { // directives of a W3C log
				return nil
			}
			return parse.ErrFormat
		}
		p.hold(line, body)
		return nil
	case how == beginsNot && p.open && continues(b):
		p.hold(line, body)
		return nil
	case how == beginsTrace && p.open && p.expectsTrace():
		p.hold(line, body)
		return nil
	default:
		p.close(emit)
		p.open, p.stamped = true, how == beginsStamp
		p.from = p.keep(from)
		p.hold(line, body)
		return nil
	}
}

// mixed emits the open record in front of the one that a JSON line gives.
func (p *Plain) mixed(line parse.Line, emit parse.Emit) error {
	if p.between == nil {
		p.between = func(r *parse.Record) {
			p.close(p.out)
			if r.Ended != 0 {
				p.last, p.lastPer = r.Ended, millisecond
			}
			p.out(r)
		}
	}
	p.out = emit
	err := p.json.Parse(line, p.between)
	p.out = nil
	return err
}

// keep copies what a header says of the program: it outlives the line.
func (p *Plain) keep(from origin) origin {
	n := len(from.machine)
	p.names = append(append(p.names[:0], from.machine...), from.service...)
	from.machine, from.service = p.names[:n:n], p.names[n:]
	return from
}

// hold keeps a copy of a line of the open record.
func (p *Plain) hold(line parse.Line, body int) {
	over := len(p.held) >= maxLines || len(p.buf) >= maxHeld
	if over {
		hard := len(p.held) >= 2*maxLines || len(p.buf) >= 2*maxHeld
		if _, ok := exceptionType(bytes.TrimLeft(line.Text[body:], " \t")); hard || !ok {
			p.dropped++
			return
		}
	}
	t, cut := line.Text, line.Cut
	if len(t) > body+maxPlainLine {
		t, cut = t[:body+maxPlainLine], true
	}
	start := len(p.buf)
	p.buf = append(p.buf, t...)
	p.held = append(p.held, heldLine{start, len(p.buf), line.Offset, line.Number, cut, body})
}

// close emits what the held lines say.
func (p *Plain) close(emit parse.Emit) {
	if !p.open {
		return
	}
	p.open = false
	e, r, first := &p.e, &p.rec, p.held[0]
	r.Reset()
	e.reset()
	p.tr = trace{}
	raw := p.buf[first.start:first.end]
	text := p.head(raw[first.body:])
	e.fill(r, parse.Line{Text: raw, Offset: first.offset, Number: first.number, Cut: first.cut})

	t := toneOf(e.message)
	name, isException := exceptionType(e.message)
	if isException {
		p.tr.exception = name
	}
	message := len(text) > 0 && (e.level >= parse.LevelWarn || isException || t != 0 && !e.served())
	if _, frame := frameOfMessage(e.message); frame { // Rails logs each frame as a line
		p.tr.frame, message = e.message, false
	}
	if has(e.message, "Traceback ") {
		p.tr.line(e.message)
		message = true
	}
	if e.level == parse.LevelNone && len(text) > 0 && !p.from.syslog && !e.served() {
		message = true
	}
	if e.status >= 500 {
		message = message || toneOf(afterURL(e))&toneTrouble != 0
	}
	if message {
		p.note(text, first)
	}
	for _, h := range p.held[1:] {
		b := p.buf[h.start+h.body : h.end]
		if e.level == parse.LevelNone {
			e.level = juliLevel(b)
			r.Level = e.level
		}
		if text := p.tr.line(b); text != nil {
			p.note(text, h)
		}
	}
	r.Exception, r.Frame = p.tr.exception, p.tr.frame
	if r.Level == parse.LevelNone && len(r.Exception) > 0 {
		r.Level = parse.LevelError
	}
	p.emit(t, emit)
	p.buf, p.held = p.buf[:0], p.held[:0]
	if cap(p.buf) > 4*maxHeld {
		p.buf = nil
	}
}

// head reads the first line into the entry and gives its Note's text.
func (p *Plain) head(b []byte) (text []byte) {
	e := &p.e
	switch {
	case readUWSGI(b, &p.clock, e):
		text = e.message
	case readAccess(b, &p.clock, e):
		e.message, text = b, b
		scanIDs(b, e)
	default:
		e.message, text = readHeader(b, &p.clock, e)
		scanIDs(b, e)
		readSummary(e.message, e)
		if e.level == parse.LevelNone {
			e.level = phpLevel(e.message)
		}
	}
	if e.time == 0 {
		e.time, e.prec = p.from.time, p.from.prec
	}
	if e.time == 0 && !p.stamped {
		e.time, e.prec = p.last, max(p.lastPer, second)
	}
	if e.time != 0 {
		p.last, p.lastPer = e.time, e.prec
	}
	if p.from.syslog {
		e.machine, e.service = p.from.machine, p.from.service
		if e.pid == 0 {
			e.pid = p.from.pid
		}
		if e.level == parse.LevelNone {
			e.level = p.from.level
		}
	}
	return text
}

func (p *Plain) note(text []byte, h heldLine) {
	line := p.buf[h.start:h.end]
	at := max(0, bytes.Index(line, text))
	addNote(&p.rec, parse.Note{Field: parse.FieldAppText, Text: text, Line: quote(line, at), Offset: h.offset, LineNo: h.number})
}

// emit decides what the record is, and leaves routine ones out.
func (p *Plain) emit(t tone, emit parse.Emit) {
	e, r := &p.e, &p.rec
	ids := len(e.requestID) > 0 || len(e.traceID) > 0 || e.vxid != 0
	switch {
	case e.status != 0:
		r.Kind = parse.KindRequest
		emit(r)
		return
	case !ids && len(e.method) == 0 && t&(toneLife|toneChange) != 0 && len(r.Exception) == 0:
		r.Kind = parse.KindSignal
		if len(r.Version) == 0 {
			r.Version = versionIn(e.message)
		}
	case ids || len(r.Notes) > 0:
		r.Kind = parse.KindLog
	default:
		return
	}
	r.Time = r.Ended // a duration told of something else
	emit(r)
}

// afterURL gives the rest of the message behind its URL.
func afterURL(e *entry) []byte {
	if i := bytes.Index(e.message, e.url); len(e.url) > 0 && i >= 0 {
		return e.message[i+len(e.url):]
	}
	return e.message
}
