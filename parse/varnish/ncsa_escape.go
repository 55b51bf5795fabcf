package varnish

import (
	"bytes"

	"why503/parse"
)

// unescape undoes what varnishncsa and JSON make of bytes that cannot stand
// in a line: \" \\ \n \t \r \xHH \uHHHH. It copies only when there are any.
func (p *NCSA) unescape(b []byte) []byte {
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return b
	}
	n := len(p.scratch)
	p.scratch = append(p.scratch, b[:i]...)
	for ; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			p.scratch = append(p.scratch, b[i])
			continue
		}
		i++
		switch c := b[i]; {
		case c == 'x' && i+2 < len(b) && parse.IsHex(b[i+1:i+3]):
			p.scratch = append(p.scratch, byte(parse.Hex(b[i+1:i+3])))
			i += 2
		case c == 'u' && i+4 < len(b) && parse.IsHex(b[i+1:i+5]):
			p.scratch = appendRune(p.scratch, rune(parse.Hex(b[i+1:i+5])))
			i += 4
		default:
			p.scratch = append(p.scratch, unescapeByte(c))
		}
	}
	return p.scratch[n:len(p.scratch):len(p.scratch)]
}

// appendRune writes a \u00HH below 256 as the byte it stands for, since
// varnishncsa knows bytes only.
func appendRune(b []byte, r rune) []byte {
	if r < 256 {
		return append(b, byte(r))
	}
	return append(b, string(r)...)
}
