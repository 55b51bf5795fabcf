package nginx

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
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
		if v, ok := hexBytes(b, 'x', 2); ok {
			dst, b = append(dst, byte(v)), b[4:]
			continue
		}
		if e != EscapeJSON {
			dst, b = append(dst, '\\'), b[1:]
			continue
		}
		dst, b = unescapeJSON(dst, b)
	}
}

// unescapeJSON takes the escape at the beginning of b, which has two bytes or
// more.
func unescapeJSON(dst, b []byte) (out, rest []byte) {
	switch c := b[1]; c {
	case '"', '\\', '/':
		return append(dst, c), b[2:]
	case 'b':
		return append(dst, '\b'), b[2:]
	case 'f':
		return append(dst, '\f'), b[2:]
	case 'n':
		return append(dst, '\n'), b[2:]
	case 'r':
		return append(dst, '\r'), b[2:]
	case 't':
		return append(dst, '\t'), b[2:]
	}
	v, ok := hexBytes(b, 'u', 4)
	if !ok {
		return append(dst, '\\'), b[1:]
	}
	b = b[6:]
	if utf16.IsSurrogate(rune(v)) {
		low, ok := hexBytes(b, 'u', 4)
		if r := utf16.DecodeRune(rune(v), rune(low)); ok && r != utf8.RuneError {
			return utf8.AppendRune(dst, r), b[6:]
		}
	}
	return utf8.AppendRune(dst, rune(v)), b
}

// hexBytes reads a backslash, a letter and n hexadecimal digits.
func hexBytes(b []byte, letter byte, n int) (v int, ok bool) {
	if len(b) < 2+n || b[0] != '\\' || b[1] != letter {
		return 0, false
	}
	for _, c := range b[2 : 2+n] {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		v = v<<4 | d
	}
	return v, true
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20-'a' < 6:
		return int(c|0x20-'a') + 10
	}
	return -1
}
