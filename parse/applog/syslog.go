package applog

import (
	"bytes"
	"time"

	"why503/parse"
)

// Syslog reads files in which several programs write: service managers, deploy
// tools, the kernel, and applications, each told by its tag.
type Syslog struct {
	clock
	apps    Plain
	manager Systemd
	deploy  Deploy
	json    JSON
	rec     parse.Record
}

// Zone sets the zone of stamps that print none.
func (p *Syslog) Zone(loc *time.Location) { p.clock.Zone(loc); p.apps.Zone(loc) }

// Base sets a time near to when the log was written.
func (p *Syslog) Base(t time.Time) { p.clock.Base(t); p.apps.Base(t) }

// Flush emits the open record of an application.
func (p *Syslog) Flush(emit parse.Emit) { p.apps.close(emit) }

// Dropped says how many lines of overlong records were not kept.
func (p *Syslog) Dropped() int64 { return p.apps.dropped }

// Parse takes the next line.
func (p *Syslog) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	if len(b) == 0 || has(b, "-- ") {
		return nil
	}
	l, ok := readSysline(b, &p.clock, &p.json)
	if !ok {
		return parse.ErrFormat
	}
	if line.Text = b; len(l.text) == 0 {
		return nil
	}
	switch {
	case manager(l.tag):
		p.apps.close(emit)
		p.manager.signal(line, &l, emit)
	case deployTool(l.tag):
		p.apps.close(emit)
		p.deploy.signal(line, &l, emit)
	case string(l.tag) == "kernel":
		p.apps.close(emit)
		p.kernel(line, &l, emit)
	default:
		p.app(line, &l, emit)
	}
	return nil
}

// app hands the message to the reader of plain lines. A message inside JSON
// is read as it is written there, so that it can be quoted.
func (p *Syslog) app(line parse.Line, l *sysline, emit parse.Emit) {
	from := origin{
		time: l.time, prec: l.prec, level: l.level, machine: l.machine, service: l.tag, pid: l.pid, syslog: true,
	}
	if len(l.unit) > 0 && l.at > 0 && line.Text[0] == '{' {
		from.service = withoutSuffix(l.unit)
	}
	if p.apps.open && (p.apps.from.pid != from.pid || !bytes.Equal(p.apps.from.service, from.service)) {
		p.apps.close(emit)
	}
	line.Text = line.Text[:l.end]
	// A line without text says nothing.
	_ = p.apps.feed(line, l.at, from, emit)
}

func (p *Syslog) kernel(line parse.Line, l *sysline, emit parse.Emit) {
	r := &p.rec
	l.begin(r, line, parse.Kernel)
	text := l.text
	if has(text, "[") { // seconds since boot
		if i := bytes.IndexByte(text[:min(len(text), 20)], ']'); i > 0 {
			text = bytes.TrimLeft(text[i+1:], " ")
		}
	}
	if len(text) == 0 {
		return
	}
	r.Message = text
	r.Notes = append(r.Notes, parse.Note{
		Field: parse.FieldKernel, Text: text, Line: quote(line.Text, l.at), Offset: line.Offset, LineNo: line.Number,
	})
	emit(r)
}
