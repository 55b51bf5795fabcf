package applog

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescape writes to scratch, which has room for all strings of the line.
func (s *structured) unescape(v []byte) []byte {
	n := len(s.scratch)
	if n+len(v) > cap(s.scratch) {
		return v
	}
	out := s.scratch
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c != '\\' || i+1 >= len(v) {
			out = append(out, c)
			continue
		}
		i++
		switch v[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r, ok := hex4(v[i+1:])
			if !ok {
				out = append(out, 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(v) && v[i+1] == '\\' && v[i+2] == 'u' {
				if low, ok := hex4(v[i+3:]); ok {
					if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
						r, i = both, i+6
					}
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, v[i])
		}
	}
	s.scratch = out
	return out[n:]
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 || !hexDigits(b[:4]) {
		return 0, false
	}
	for _, c := range b[:4] {
		if digit(c) {
			c -= '0'
		} else {
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
