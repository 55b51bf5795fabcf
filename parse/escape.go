package parse

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends to dst what the inside of a JSON string stands for. What is
// no escape of JSON stays as it is. The result is never longer than b.
func Unescape(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		var n int
		dst, n = UnescapeOne(dst, b[i:])
		b = b[i+n:]
	}
}

// UnescapeOne takes the one escape that b begins with and returns its length.
func UnescapeOne(dst, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return append(dst, b...), len(b)
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	}
	r, ok := utf16Unit(b)
	if !ok {
		return append(dst, b[0]), 1
	}
	if utf16.IsSurrogate(r) {
		if low, ok := utf16Unit(b[6:]); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return utf8.AppendRune(dst, both), 12
			}
		}
	}
	return utf8.AppendRune(dst, r), 6
}

// utf16Unit reads \uHHHH.
func utf16Unit(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || !IsHex(b[2:6]) {
		return 0, false
	}
	return rune(Hex(b[2:6])), true
}
