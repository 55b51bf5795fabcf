package frame

import (
	"bytes"

	"why503/parse"
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
	scratch = parse.Unescape(scratch[:0], text)
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
