package journal

import (
	"bytes"
	"strconv"
	"time"

	"why503/parse"
)

// A mark is what a line says of where it came from.
type mark struct {
	number   uint64 // of the entries that were written, from 1
	cursor   string
	realtime int64 // microseconds
}

const (
	maxCursor = 512
	daemon    = 3 // the facility of what names none
	info      = 6
)

// appendLine appends the line of an entry:
//
//	<30>1 2026-11-23T02:10:43.123456+00:00 web-1 nginx 7 - [journal n="12" cursor="s=..."] text
func (e *entry) appendLine(b []byte, number uint64) []byte {
	facility, priority := number3(e.facility, 23, daemon), number3(e.priority, 7, info)
	b = append(b, '<')
	b = strconv.AppendInt(b, facility*8+priority, 10)
	b = append(b, ">1 "...)
	b = time.UnixMicro(e.time()).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000+00:00")
	b = appendWord(append(b, ' '), e.host, 255)
	b = appendWord(append(b, ' '), e.program(), 128)
	pid := e.syslogPID
	if len(pid) == 0 {
		pid = e.pid
	}
	b = appendWord(append(b, ' '), pid, 20)
	b = append(b, ` - [journal n="`...)
	b = strconv.AppendUint(b, number, 10)
	b = append(b, `" cursor="`...)
	for _, c := range e.cursor {
		if c == '"' || c == '\\' || c == ']' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	b = append(b, `"] `...)
	return append(appendText(b, e.message), '\n')
}

// program is whose the entry is.
func (e *entry) program() []byte {
	switch {
	case len(e.identifier) > 0:
		return e.identifier
	case len(e.comm) > 0:
		return e.comm
	}
	return bytes.TrimSuffix(e.unit, []byte(".service"))
}

// time is when the program wrote it, where that is known and near to when the
// journal took it: microseconds.
func (e *entry) time() int64 {
	at, ok := parse.Integer(e.realtime)
	if !ok {
		return 0
	}
	from, ok := parse.Integer(e.source)
	if ok && from <= at && at-from < int64(time.Minute/time.Microsecond) {
		return from
	}
	return at
}

// usable tells whether reading can go on behind e.
func (e *entry) usable() bool {
	if _, ok := parse.Integer(e.realtime); !ok || len(e.cursor) == 0 || len(e.cursor) > maxCursor {
		return false
	}
	for _, c := range e.cursor {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// readMark reads back what appendLine wrote.
func readMark(line []byte) (m mark, ok bool) {
	_, rest, ok := bytes.Cut(line, []byte(` - [journal n="`))
	if !ok {
		return m, false
	}
	digits, rest, ok := bytes.Cut(rest, []byte(`" cursor="`))
	if !ok {
		return m, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return m, false
	}
	var cursor []byte
	for i := 0; i < len(rest) && i < 2*maxCursor; i++ {
		switch rest[i] {
		case '\\':
			if i++; i < len(rest) {
				cursor = append(cursor, rest[i])
			}
		case '"':
			return mark{number: n, cursor: string(cursor), realtime: stampOf(line)}, len(cursor) > 0
		default:
			cursor = append(cursor, rest[i])
		}
	}
	return m, false
}

func stampOf(line []byte) int64 {
	_, rest, ok := bytes.Cut(line, []byte(">1 "))
	if !ok {
		return 0
	}
	t, ok := parse.DateTime(rest)
	if !ok {
		return 0
	}
	return int64(t) / int64(time.Microsecond)
}

func number3(b []byte, most, otherwise int64) int64 {
	if n, ok := parse.Integer(b); ok && n <= most {
		return n
	}
	return otherwise
}

// appendWord appends b as a field of a header, in which no blank may stand.
func appendWord(to, b []byte, size int) []byte {
	if len(b) == 0 {
		return append(to, '-')
	}
	for _, c := range b[:min(len(b), size)] {
		if c <= ' ' || c >= 0x7f {
			c = '_'
		}
		to = append(to, c)
	}
	return to
}

// appendText appends a message on one line, with line ends as rsyslog writes
// them. Those at its end are left out.
func appendText(to, b []byte) []byte {
	b = bytes.TrimRight(b, "\n\r\x00")
	for {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			return append(to, b...)
		}
		to = append(append(to, b[:n]...), "#012"...)
		b = b[n+1:]
	}
}
