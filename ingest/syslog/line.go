package syslog

import (
	"bytes"
	"strconv"
	"time"

	"why503/parse"
)

// A sender is who a message came from, as far as this side knows.
type sender struct {
	host []byte // address or, of a local socket, this host's name
	// last is the header of the message before on the same connection, up to its
	// text, and whose it was.
	last      []byte
	tag, from []byte
	name      []byte // scratch
}

// unnamed is the program of a message that names none.
var unnamed = []byte("unknown")

// appendLine appends the line of a message to b, with its end, and says whose
// it is: a nil program is one that wrote no header. The slices are pieces of msg
// or of s, valid until the next call.
func appendLine(b, msg []byte, s *sender, at time.Time) (line, program, host []byte) {
	h := parseHeader(msg)
	program, host = h.tag, h.host
	if host == nil {
		host = s.host
	}
	start := len(b)
	switch {
	case h.form != bare:
		if program == nil {
			program = unnamed
		}
		if errorLog(h.text) {
			s.name = append(append(s.name[:0], program...), "-error"...)
			program = s.name
		}
		b = h.appendHead(b, host, at)
		b = appendText(b, h.after)
	case h.pri >= 0: // RFC 3164 section 4.3.2
		program = unnamed
		b = append(strconv.AppendInt(append(b, '<'), int64(h.pri), 10), '>')
		b = append(append(append(arrival(b, at), ' '), host...), " unknown: "...)
		b = appendText(b, h.body)
	case len(s.last) > 0 && len(msg) > 0 && (msg[0] == ' ' || msg[0] == '\t'):
		// The next line of a stack trace that was sent in lines.
		program, host = s.tag, s.from
		b = append(b, s.last...)
		b = appendText(b, msg)
	default:
		program = nil
		b = appendText(b, msg)
	}
	s.remember(&h, b[start:], program, host)
	return append(b, '\n'), program, host
}

// errorLog knows nginx's error log, which it sends by the same tag as its access
// log. They are two formats and so two streams.
// https://nginx.org/en/docs/syslog.html
func errorLog(text []byte) bool {
	_, ok := parse.DateTime(text)
	return ok && text[4] == '/' && text[10] == ' ' && bytes.HasPrefix(text[parse.DateTimeLen:], []byte(" ["))
}

// appendHead appends all before the place of the host, which it fills in.
func (h *header) appendHead(b, host []byte, at time.Time) []byte {
	if h.pri >= 0 {
		b = append(strconv.AppendInt(append(b, '<'), int64(h.pri), 10), '>')
	}
	if h.form == rfc5424 {
		b = append(b, "1 "...)
	}
	if h.stamp != nil {
		b = append(b, h.stamp...)
	} else {
		b = arrival(b, at)
	}
	b = append(b, ' ')
	if h.host == nil {
		b = append(append(b, host...), ' ')
		if h.form == rfc5424 {
			h.after = h.after[len("- "):]
		}
	}
	return b
}

// remember keeps the header of a line, "... tag[pid]: ", for lines that
// continue it. Only lines of RFC 3164 are continued so.
func (s *sender) remember(h *header, line, program, host []byte) {
	if h.form != rfc3164 {
		if h.form == rfc5424 {
			s.last = s.last[:0]
		}
		return
	}
	n := bytes.Index(line, []byte(": "))
	if n < 0 || n > 512 {
		s.last = s.last[:0]
		return
	}
	s.last = append(s.last[:0], line[:n+2]...)
	s.tag, s.from = append(s.tag[:0], program...), append(s.from[:0], host...)
}

// appendText appends b less the line ends at its end. Those in it are written
// as rsyslog writes them (escapeControlCharactersOnReceive): a sender, or who
// chose a name that it logs, must not write lines of others.
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
