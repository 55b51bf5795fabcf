package loggen

import (
	"strconv"
	"time"
)

// A printer appends lines of one log. It keeps the text of the last second,
// which most lines share.
type printer struct {
	site   string
	second int64
	stamp  []byte
}

// at appends a time in a layout that has no fraction.
func (p *printer) at(b []byte, ns int64, layout string) []byte {
	s := ns / 1e9
	if s != p.second || p.stamp == nil {
		p.second = s
		p.stamp = time.Unix(s, 0).UTC().AppendFormat(p.stamp[:0], layout)
	}
	return append(b, p.stamp...)
}

// fixed appends ns as seconds with so many decimals, at most 9.
func fixed(b []byte, ns int64, decimals int) []byte {
	b = strconv.AppendInt(b, ns/1e9, 10)
	b = append(b, '.')
	rest, unit := ns%1e9, int64(1e8)
	for range decimals {
		b = append(b, byte('0'+rest/unit))
		rest %= unit
		unit /= 10
	}
	return b
}

func number[T int | int64 | uint64](b []byte, n T) []byte { return strconv.AppendInt(b, int64(n), 10) }

const hexDigits = "0123456789abcdef"

// hex appends 32 hex digits.
func hex(b []byte, id [2]uint64) []byte {
	for _, x := range id {
		for shift := 60; shift >= 0; shift -= 4 {
			b = append(b, hexDigits[x>>shift&15])
		}
	}
	return b
}

// uuid appends a random UUID (RFC 9562, version 4).
func uuid(b []byte, id [2]uint64) []byte {
	var h [32]byte
	hex(h[:0], [...]uint64{id[0]&^0xf000 | 0x4000, id[1]&^(3<<62) | 2<<62})
	b = append(append(b, h[:8]...), '-')
	b = append(append(b, h[8:12]...), '-')
	b = append(append(b, h[12:16]...), '-')
	b = append(append(b, h[16:20]...), '-')
	return append(b, h[20:]...)
}
