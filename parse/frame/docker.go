package frame

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unwrapDocker reads a line of the json-file driver
// (https://docs.docker.com/engine/logging/drivers/json-file/). The keys may
// come in any order; attrs and other members are skipped.
func unwrapDocker(line, scratch []byte) (Inner, []byte, bool) {
	var in Inner
	s := object{rest: line}
	if !s.open() {
		return Inner{}, scratch, false
	}
	var log []byte
	var stamped, logged bool
	for {
		key, value, str, ok := s.next()
		if !ok {
			break
		}
		switch {
		case str && string(key) == "log":
			log, logged = value, true
		case str && string(key) == "stream":
			in.Stream = streamOf(value)
		case str && string(key) == "time":
			in.Time, stamped = stampTime(value)
		}
	}
	if !logged || !stamped || in.Stream == NoStream {
		return Inner{}, scratch, false
	}
	text, ended := cutNewline(log)
	in.Partial = !ended
	if bytes.IndexByte(text, '\\') < 0 {
		in.Text = text
		return in, scratch, true
	}
	scratch = unescape(scratch[:0], text)
	in.Text, in.Decoded = scratch, true
	return in, scratch, true
}

// cutNewline takes the line end off an escaped text. It is the escape \n when
// the backslash is not itself escaped.
func cutNewline(log []byte) (text []byte, ended bool) {
	text, ok := cutEscape(log, 'n')
	if !ok {
		return log, false
	}
	text, _ = cutEscape(text, 'r')
	return text, true
}

func cutEscape(b []byte, c byte) ([]byte, bool) {
	n := len(b)
	if n < 2 || b[n-1] != c {
		return b, false
	}
	slashes := 0
	for i := n - 2; i >= 0 && b[i] == '\\'; i-- {
		slashes++
	}
	if slashes%2 == 0 {
		return b, false
	}
	return b[:n-2], true
}

// An object walks the members of one JSON object whose values are strings or
// anything that holds no string with a bracket in it. Strings stay escaped.
type object struct{ rest []byte }

func (o *object) open() bool {
	o.rest = bytes.TrimLeft(o.rest, " \t")
	if len(o.rest) == 0 || o.rest[0] != '{' {
		return false
	}
	o.rest = o.rest[1:]
	return true
}

// next returns the next member; str tells that value is the inside of a string.
func (o *object) next() (key, value []byte, str, ok bool) {
	o.rest = bytes.TrimLeft(o.rest, " \t,")
	if key, ok = o.string(); !ok {
		return nil, nil, false, false
	}
	o.rest = bytes.TrimLeft(o.rest, " \t")
	if len(o.rest) == 0 || o.rest[0] != ':' {
		return nil, nil, false, false
	}
	o.rest = bytes.TrimLeft(o.rest[1:], " \t")
	if value, ok = o.string(); ok {
		return key, value, true, true
	}
	return key, nil, false, o.skip()
}

// string takes the inside of the string that rest begins with.
func (o *object) string() ([]byte, bool) {
	if len(o.rest) == 0 || o.rest[0] != '"' {
		return nil, false
	}
	body := o.rest[1:]
	for i := 0; ; {
		n := bytes.IndexByte(body[i:], '"')
		if n < 0 {
			return nil, false
		}
		slashes := 0
		for j := i + n - 1; j >= i && body[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			o.rest = body[i+n+1:]
			return body[:i+n], true
		}
		i += n + 1
	}
}

// skip skips a value that is no string.
func (o *object) skip() bool {
	depth := 0
	for len(o.rest) > 0 {
		switch c := o.rest[0]; c {
		case '"':
			if _, ok := o.string(); !ok {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return true
			}
			depth--
		case ',':
			if depth == 0 {
				return true
			}
		}
		o.rest = o.rest[1:]
	}
	return false
}

// unescape appends the text of a JSON string's inside to dst. What is no
// escape of JSON stays as it is.
func unescape(dst, s []byte) []byte {
	for {
		n := bytes.IndexByte(s, '\\')
		if n < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:n]...)
		var size int
		dst, size = appendEscape(dst, s[n:])
		s = s[n+size:]
	}
}

// appendEscape decodes the escape that s begins with and returns its length.
func appendEscape(dst, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return append(dst, s...), len(s)
	}
	switch c := s[1]; c {
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'u':
		r, ok := hex4(s[2:])
		if !ok {
			break
		}
		if utf16.IsSurrogate(r) && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if low, ok := hex4(s[8:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				return utf8.AppendRune(dst, utf16.DecodeRune(r, low)), 12
			}
		}
		return utf8.AppendRune(dst, r), 6
	}
	return append(dst, s[0]), 1
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
