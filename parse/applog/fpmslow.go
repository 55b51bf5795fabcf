package applog

import (
	"bytes"

	"why503/parse"
)

// FPMSlow reads PHP-FPM's slow log: a stamp with pool and pid, the script, and
// the stack at the moment when request_slowlog_timeout passed.
// https://www.php.net/manual/en/install.fpm.configuration.php#slowlog
type FPMSlow struct {
	clock
	rec  parse.Record
	buf  []byte
	held []heldLine
}

const maxSlowLines = 64

// Flush emits the open trace.
func (p *FPMSlow) Flush(emit parse.Emit) { p.close(emit) }

// Parse takes the next line.
func (p *FPMSlow) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	switch {
	case len(b) == 0:
		p.close(emit)
		return nil
	case slowHead(b) > 0:
		p.close(emit)
	case len(p.held) == 0 || !has(b, "script_filename = ") && !has(b, "[0x"):
		return parse.ErrFormat
	}
	if len(p.held) < maxSlowLines && len(b) <= maxPlainLine {
		start := len(p.buf)
		p.buf = append(p.buf, b...)
		p.held = append(p.held, heldLine{start: start, end: len(p.buf), offset: line.Offset, number: line.Number, cut: line.Cut})
	}
	return nil
}

func (p *FPMSlow) close(emit parse.Emit) {
	if len(p.held) == 0 {
		return
	}
	r, head := &p.rec, p.held[0]
	r.Reset()
	b := p.buf[head.start:head.end]
	c, n := readStamp(b[1:])
	r.Kind, r.Program, r.Level = parse.KindSignal, parse.PHPFPM, parse.LevelWarn
	r.Raw, r.Offset, r.Line, r.Incomplete = b, head.offset, head.number, head.cut
	r.Time, r.Precision = p.time(c), c.prec
	r.Ended = r.Time
	r.Message = bytes.TrimLeft(b[1+n+1:], " ")
	if i := bytes.LastIndex(b, []byte("pid ")); i > 0 {
		if pid, ok := parse.Integer(b[i+4:]); ok && pid < 1<<31 {
			r.PID = int(pid)
		}
	}
	for _, h := range p.held[1:] {
		b := p.buf[h.start:h.end]
		if has(b, "script_filename = ") {
			p.note(b, h)
		} else if i := bytes.Index(b, []byte("] ")); i > 0 && len(r.Frame) == 0 {
			r.Frame = b[i+2:]
			p.note(r.Frame, h)
		}
	}
	if len(r.Notes) == 0 {
		p.note(r.Message, head)
	}
	emit(r)
	p.buf, p.held = p.buf[:0], p.held[:0]
}

func (p *FPMSlow) note(text []byte, h heldLine) {
	line := p.buf[h.start:h.end]
	p.rec.Notes = append(p.rec.Notes, parse.Note{
		Field: parse.FieldFPM, Text: text, Line: quote(line, 0), Offset: h.offset, LineNo: h.number,
	})
}

// slowHead knows "[22-Nov-2026 21:36:45]  [pool www] pid 23".
func slowHead(b []byte) int {
	if len(b) < 24 || b[0] != '[' {
		return 0
	}
	c, n := readStamp(b[1:])
	if n == 0 || c.day == 0 || !has(b[1+n:], "]  [pool ") {
		return 0
	}
	return n
}
