package applog

import (
	"bytes"

	"why503/parse"
)

// A sysline is a line of syslog or of journalctl, taken apart.
type sysline struct {
	time    parse.Time
	prec    int64
	level   parse.Level
	machine []byte
	tag     []byte // program, without its pid
	unit    []byte // journald's own knowledge of the service
	pid     int
	text    []byte // the message; unescaped where the line is JSON
	docker  bool
	at, end int // where the message stands in the line, as it is written there
}

// begin makes r a Signal of what the line says.
func (l *sysline) begin(r *parse.Record, line parse.Line, program parse.Program) {
	r.Reset()
	r.Kind, r.Program, r.Level = parse.KindSignal, program, l.level
	r.Raw, r.Offset, r.Line, r.Incomplete = line.Text, line.Offset, line.Number, line.Cut
	r.Time, r.Ended, r.Precision = l.time, l.time, l.prec
	r.Machine, r.Message = l.machine, l.text
}

// readSysline knows RFC 3164 and RFC 5424, with and without <PRI>, and
// journalctl's short, short-iso, short-precise, short-full, short-unix and
// json outputs.
// https://www.rfc-editor.org/rfc/rfc5424  https://www.freedesktop.org/software/systemd/man/latest/journalctl.html#-o
func readSysline(b []byte, k *clock, scratch *JSON) (l sysline, ok bool) {
	if len(b) > 2 && b[0] == '{' && b[1] != '}' {
		return readJournal(b, scratch)
	}
	i := 0
	if len(b) > 3 && b[0] == '<' {
		j := bytes.IndexByte(b[:min(len(b), 5)], '>')
		pri, good := int64(0), false
		if j > 0 {
			pri, good = parse.Integer(b[1:j])
		}
		if !good || pri > 191 {
			return l, false
		}
		l.level, i = syslogLevel(int(pri)), j+1
		if has(b[i:], "1 ") {
			return readRFC5424(b, i+2, k, l)
		}
	}
	c, n := readStamp(b[i:])
	if n == 0 || c.day == 0 && !c.epoch || c.year != 0 && !c.epoch && !isoT(b[i:i+n]) {
		return l, false
	}
	l.time, l.prec = k.time(c), c.prec
	i += n
	if i >= len(b) || b[i] != ' ' {
		return l, false
	}
	if l.machine, i, ok = word(b, i); !ok || levelOf(l.machine) != 0 || !hostLike(l.machine) {
		return l, false
	}
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if !l.readTag(b, i) {
		return l, false
	}
	// "2026-11-22T21:35:16Z migrating tables: done" is prose. Writers of syslog
	// in this form print an offset; a pid in brackets will do as well.
	iso := c.year != 0 && !c.epoch
	return l, !iso || l.pid != 0 || b[n-1] != 'Z' && c.zoned
}

// readTag reads "program[pid]: message".
func (l *sysline) readTag(b []byte, i int) bool {
	start := i
	for i < len(b) && b[i] > ' ' && b[i] != ':' && b[i] != '[' && i-start < 80 {
		i++
	}
	l.tag = b[start:i]
	if len(l.tag) == 0 || i >= len(b) {
		return false
	}
	if b[i] == '[' {
		j := bytes.IndexByte(b[i:min(len(b), i+24)], ']')
		if j < 0 {
			return false
		}
		if pid, ok := parse.Integer(b[i+1 : i+j]); ok && pid < 1<<31 {
			l.pid = int(pid)
		}
		i += j + 1
	}
	if i >= len(b) || b[i] != ':' {
		return false
	}
	// One space belongs to the header, more to the message: an indented line
	// continues a trace.
	if i++; i < len(b) && b[i] == ' ' {
		i++
	}
	l.text, l.at, l.end = b[i:], i, len(b)
	return true
}

func readRFC5424(b []byte, i int, k *clock, l sysline) (sysline, bool) {
	c, n := readStamp(b[i:])
	if n == 0 && !has(b[i:], "- ") {
		return l, false
	}
	l.time, l.prec = k.time(c), c.prec
	i += max(n, 1)
	var procid, msgid []byte
	for _, to := range [...]*[]byte{&l.machine, &l.tag, &procid, &msgid} {
		var ok bool
		if *to, i, ok = word(b, i); !ok {
			return l, false
		}
	}
	if pid, ok := parse.Integer(procid); ok && pid < 1<<31 {
		l.pid = int(pid)
	}
	if i++; i >= len(b) {
		return l, false
	}
	switch b[i] {
	case '-':
		i++
	case '[':
		for i < len(b) && b[i] == '[' {
			quoted := false
			for i++; i < len(b) && (quoted || b[i] != ']'); i++ {
				if b[i] == '\\' {
					i++
				} else if b[i] == '"' {
					quoted = !quoted
				}
			}
			i++
		}
	default:
		return l, false
	}
	i = min(i, len(b))
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if has(b[i:], "\xEF\xBB\xBF") { // byte order mark
		i += 3
	}
	l.text, l.at, l.end = b[i:], i, len(b)
	return l, true
}

// readJournal reads `journalctl -o json`.
// https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format
func readJournal(b []byte, p *JSON) (l sysline, ok bool) {
	p.begin(parse.Line{Text: b})
	p.b, p.i = b, 1
	for {
		p.spaces()
		if p.peek() == ',' {
			p.i++
			continue
		}
		if p.peek() != '"' {
			break
		}
		name, good := p.text()
		if p.spaces(); !good || p.peek() != ':' {
			break
		}
		p.i++
		if p.spaces(); p.peek() != '"' {
			if !p.value(0, 0, 0) { // a number, null, or bytes of a binary message
				break
			}
			continue
		}
		at := p.i + 1
		v, good := p.text()
		if !good {
			break
		}
		switch string(name) {
		case "__REALTIME_TIMESTAMP":
			if us, ok := parse.Integer(v); ok && us < 6e15 {
				l.time, l.prec = parse.Time(us*microsecond), microsecond
			}
		case "MESSAGE":
			l.text, l.at, l.end = v, at, p.i-1
		case "_HOSTNAME":
			l.machine = v
		case "SYSLOG_IDENTIFIER":
			l.tag = v
		case "UNIT":
			l.unit = v
		case "_SYSTEMD_UNIT", "USER_UNIT":
			first(&l.unit, v)
		case "_PID", "SYSLOG_PID":
			if n, ok := parse.Integer(v); ok && n < 1<<31 {
				l.pid = int(n)
			}
		case "PRIORITY":
			if n, ok := parse.Integer(v); ok && n < 8 {
				l.level = syslogLevel(int(n))
			}
		}
	}
	return l, l.time != 0 && len(l.text) > 0
}

func word(b []byte, i int) (w []byte, end int, ok bool) {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	start := i
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return b[start:i], i, i > start && i < len(b)
}

// isoT keeps syslog's stamps apart from those of plain lines, which mostly
// have a space between date and time.
func isoT(b []byte) bool {
	return len(b) > 10 && b[10] == 'T' || letter(b[0])
}

func hostLike(b []byte) bool {
	for _, c := range b {
		if !wordByte(c) && c != '.' && c != '-' && c != ':' {
			return false
		}
	}
	return len(b) <= 255
}
