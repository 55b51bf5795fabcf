package varnish

import (
	"bytes"

	"why503/parse"
)

// word cuts the first word off b. Runs of spaces count as one.
func word(b []byte) (first, rest []byte) {
	i := 0
	for i < len(b) && b[i] == ' ' {
		i++
	}
	b = b[i:]
	if n := bytes.IndexByte(b, ' '); n >= 0 {
		return b[:n], b[n+1:]
	}
	return b, nil
}

// number reads decimal digits only, as VXIDs, ports and sizes have them.
func number(b []byte) (uint64, bool) {
	n, ok := parse.Integer(b)
	return uint64(n), ok
}

// vxid is number without the flag: 0 is no transaction.
func vxid(b []byte) uint64 {
	n, _ := number(b)
	return n
}

// status reads an HTTP status. Varnish keeps hints for itself in the
// thousands above (1200 and the like), which never reach a client.
func status(b []byte) (int, bool) {
	w, _ := word(b)
	n, ok := number(w)
	if !ok || n < 100 || n > 65535 {
		return 0, false
	}
	return int(n % 1000), n%1000 >= 100
}

// nanos reads seconds with a fraction ("1795383262.592280", "-0.100445") as
// nanoseconds. Digits past the ninth are dropped.
func nanos(b []byte) (int64, bool) {
	neg := false
	if len(b) > 0 && b[0] == '-' {
		neg, b = true, b[1:]
	}
	whole, frac, dotted := bytes.Cut(b, []byte{'.'})
	if len(whole) == 0 || len(whole) > 10 || dotted && len(frac) == 0 {
		return 0, false
	}
	sec, ok := number(whole)
	if !ok || sec > 9_000_000_000 {
		return 0, false
	}
	ns, _, digits := parse.Fraction(frac)
	if digits != len(frac) {
		return 0, false
	}
	n := int64(sec)*1e9 + ns
	if neg {
		n = -n
	}
	return n, true
}

func instant(b []byte) (parse.Time, bool) {
	n, ok := nanos(b)
	return parse.Time(n), ok && n > 0
}

// fold compares b with an ASCII text in lower case, without regard to case.
func fold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func hasPrefix(b []byte, s string) bool {
	return len(b) >= len(s) && string(b[:len(s)]) == s
}
