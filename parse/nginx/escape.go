package nginx

import (
	"bytes"

	"why503/parse"
)

// An Escape is the escape= parameter of log_format: how a value is written so
// that it cannot end its field.
type Escape uint8

const (
	EscapeDefault Escape = iota // quote, backslash and bytes outside printable ASCII as \xHH; empty as "-"
	EscapeJSON                  // as in a JSON string
	EscapeNone                  // as they are
)

// ParseEscape reads the value of escape=.
func ParseEscape(s string) (e Escape, ok bool) {
	switch s {
	case "default":
		return EscapeDefault, true
	case "json":
		return EscapeJSON, true
	case "none":
		return EscapeNone, true
	}
	return EscapeDefault, false
}

// unescape appends b as it was before nginx wrote it. What is no escape stays.
func (e Escape) unescape(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 == len(b) {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i:]
		n := 1
		switch {
		case len(b) >= 4 && b[1] == 'x' && parse.IsHex(b[2:4]):
			dst, n = append(dst, byte(parse.Hex(b[2:4]))), 4
		case e == EscapeJSON:
			dst, n = parse.UnescapeOne(dst, b)
		default:
			dst = append(dst, '\\')
		}
		b = b[n:]
	}
}
