package syslog

import (
	"bytes"
	"time"

	"why503/parse"
)

// A header is what stands before the text of a message. Its slices are pieces
// of the message.
type header struct {
	pri   int    // -1 where there is none
	form  form   // how the rest is written
	stamp []byte // as it stands; nil where there is none
	host  []byte // nil where there is none
	tag   []byte // name of the program, without its pid; nil where there is none
	body  []byte // all behind <PRI>
	after []byte // body from where the host stands or is missing
	text  []byte // behind the tag; of RFC 3164 only
}

type form uint8

const (
	bare    form = iota // no header, or only a <PRI>
	rfc3164             // or rsyslog's, which has an RFC 3339 stamp
	rfc5424
)

const (
	maxHost = 255 // RFC 5424 section 6
	maxTag  = 128 // it allows 48; programs put paths in it
)

// parseHeader reads what package frame takes off again. It never fails: what it
// does not know is text.
//
// https://www.rfc-editor.org/rfc/rfc3164#section-4 and
// https://www.rfc-editor.org/rfc/rfc5424#section-6
func parseHeader(msg []byte) (h header) {
	h.pri, h.body = priority(msg)
	if h.pri >= 0 && bytes.HasPrefix(h.body, []byte("1 ")) && h.read5424(h.body[2:]) {
		return h
	}
	h.read3164(h.body)
	return h
}

// priority reads <0> to <191>.
func priority(b []byte) (int, []byte) {
	if len(b) < 3 || b[0] != '<' {
		return -1, b
	}
	n := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if n < 2 {
		return -1, b
	}
	pri, ok := parse.Integer(b[1:n])
	if !ok || pri > 191 || b[1] == '-' || b[1] == '+' {
		return -1, b
	}
	return int(pri), b[n+1:]
}

// read3164 reads "Jan _2 15:04:05 [host ]tag[pid]: text", and the same with an
// RFC 3339 stamp. Programs that write to a local socket leave out the host.
func (h *header) read3164(b []byte) {
	n := stamp3164(b)
	if n == 0 {
		n = stamp3339(b)
	}
	if n == 0 {
		return
	}
	rest := b[n+1:]
	word, after, ok := bytes.Cut(rest, space)
	if !ok {
		return
	}
	if tag, ok := tagOf(word); ok {
		h.form, h.stamp, h.tag, h.after, h.text = rfc3164, b[:n], tag, rest, after
		return
	}
	next, text, ok := bytes.Cut(after, space)
	if tag, tagged := tagOf(next); ok && tagged && isHost(word) {
		h.form, h.stamp, h.host, h.tag, h.after, h.text = rfc3164, b[:n], word, tag, rest, text
	}
}

// read5424 reads what follows the version: stamp, host, program, pid, message
// id, structured data.
func (h *header) read5424(b []byte) bool {
	var field [5][]byte
	rest := b
	for i := range field {
		var ok bool
		if field[i], rest, ok = bytes.Cut(rest, space); !ok || len(field[i]) == 0 {
			return false
		}
	}
	stamp, host, tag := notNil(field[0]), notNil(field[1]), notNil(field[2])
	if stamp != nil && stamp3339(append(stamp[:len(stamp):len(stamp)], ' ')) != len(stamp) {
		return false
	}
	if host != nil && !isHost(host) || len(tag) > maxTag || len(rest) == 0 || rest[0] != '-' && rest[0] != '[' {
		return false
	}
	h.form, h.stamp, h.host, h.tag, h.after = rfc5424, stamp, host, tag, b[len(field[0])+1:]
	return true
}

func notNil(b []byte) []byte {
	if len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}

// stamp3164 returns the length of "Jan _2 15:04:05" in front of a space, with a
// year or a fraction in it as some write; 0 when b does not begin so.
func stamp3164(b []byte) int {
	if len(b) < len("Jan _2 15:04:05 ") || parse.Month(b) == 0 || b[3] != ' ' || b[6] != ' ' {
		return 0
	}
	day := b[4:6]
	if day[0] == ' ' {
		day = day[1:]
	}
	if d, ok := parse.Integer(day); !ok || d < 1 || d > 31 {
		return 0
	}
	n := 7
	if year, ok := parse.Integer(b[7:11]); ok && year >= 1970 && b[11] == ' ' {
		n += 5
	}
	if _, _, _, ok := parse.ClockTime(b[n:]); !ok {
		return 0
	}
	return spaceAfter(b, fraction(b, n+len("15:04:05")))
}

// stamp3339 does so for "2006-01-02T15:04:05.999999Z" and other zones.
func stamp3339(b []byte) int {
	if _, ok := parse.DateTime(b); !ok || b[4] != '-' || b[10] != 'T' {
		return 0
	}
	n := fraction(b, parse.DateTimeLen)
	if n >= len(b) {
		return 0
	}
	_, zone := parse.Offset(b[n:])
	if zone == 0 {
		return 0
	}
	return spaceAfter(b, n+zone)
}

func fraction(b []byte, n int) int {
	if n+1 < len(b) && (b[n] == '.' || b[n] == ',') {
		_, _, digits := parse.Fraction(b[n+1:])
		return n + 1 + digits
	}
	return n
}

func spaceAfter(b []byte, n int) int {
	if n < len(b) && b[n] == ' ' {
		return n
	}
	return 0
}

// tagOf reads "name:" or "name[pid]:".
func tagOf(word []byte) ([]byte, bool) {
	word, ok := bytes.CutSuffix(word, []byte(":"))
	if !ok {
		return nil, false
	}
	if n := len(word); n > 0 && word[n-1] == ']' {
		open := bytes.LastIndexByte(word, '[')
		if open < 1 {
			return nil, false
		}
		word = word[:open]
	}
	if len(word) == 0 || len(word) > maxTag {
		return nil, false
	}
	for _, c := range word {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '{' || c == ':' {
			return nil, false
		}
	}
	return word, true
}

func isHost(word []byte) bool {
	if len(word) == 0 || len(word) > maxHost {
		return false
	}
	for _, c := range word {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != ':' {
			return false
		}
	}
	return true
}

// arrival is the stamp of a message that has none. It prints an offset, since
// that is how readers tell a syslog header from prose.
func arrival(b []byte, at time.Time) []byte {
	return at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000+00:00")
}

var space = []byte{' '}
