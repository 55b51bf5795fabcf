package applog

import (
	"bytes"

	"why503/parse"
)

const (
	microsecond = int64(1e3)
	millisecond = int64(1e6)
	second      = int64(1e9)
	// maxDuration is a day: a longer one is a number of another unit.
	maxDuration = 86400 * second
)

// scaled reads a decimal number (also 1e-3, 1.2E5) times unit.
func scaled(b []byte, unit int64) (v int64, ok bool) {
	mant, exp, i := int64(0), 0, 0
	seen, dot := false, false
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !dot {
			dot = true
			continue
		}
		if !digit(c) {
			break
		}
		seen = true
		if mant < 1e17 {
			mant = mant*10 + int64(c-'0')
			if dot {
				exp--
			}
		} else if !dot {
			exp++
		}
	}
	if !seen {
		return 0, false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		neg := i < len(b) && b[i] == '-'
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			i++
		}
		e, ok := parse.Integer(b[i:])
		if !ok || e > 30 {
			return 0, false
		}
		if neg {
			e = -e
		}
		exp, i = exp+int(e), len(b)
	}
	if i != len(b) {
		return 0, false
	}
	for unit > 1 && exp < 0 && unit%10 == 0 {
		unit, exp = unit/10, exp+1
	}
	for ; exp < 0; exp++ {
		mant /= 10
	}
	for ; exp > 0 && mant != 0; exp-- {
		if mant > 1e17 {
			return 0, false
		}
		mant *= 10
	}
	if mant != 0 && unit > (1<<62)/mant {
		return 0, false
	}
	return mant * unit, true
}

// withUnit reads "12.3ms", "1.5 s", "250µs", "3 msecs" or Go's "1m2.5s".
func withUnit(b []byte) (ns int64, ok bool) {
	for len(b) > 0 {
		n := 0
		for n < len(b) && (digit(b[n]) || b[n] == '.') {
			n++
		}
		u := n
		for u < len(b) && b[u] == ' ' {
			u++
		}
		e := u
		for e < len(b) && !digit(b[e]) && b[e] != ' ' {
			e++
		}
		unit := unitOf(b[u:e])
		v, good := scaled(b[:n], unit)
		if unit == 0 || !good {
			return 0, false
		}
		if ns += v; ns > maxDuration {
			return 0, false
		}
		b, ok = bytes.TrimLeft(b[e:], " "), true
	}
	return ns, ok
}

func unitOf(b []byte) int64 {
	switch string(b) {
	case "ns", "nanos", "nanoseconds":
		return 1
	case "us", "µs", "μs", "micros", "microseconds", "usec", "usecs":
		return microsecond
	case "ms", "msec", "msecs", "millis", "milliseconds", "millisecond":
		return millisecond
	case "s", "sec", "secs", "second", "seconds":
		return second
	case "m", "min":
		return 60 * second
	case "h":
		return 3600 * second
	}
	return 0
}

// statusCode reads a status between 100 and 599.
func statusCode(b []byte) (int, bool) {
	if len(b) != 3 || b[0] < '1' || b[0] > '5' || !digit(b[1]) || !digit(b[2]) {
		return 0, false
	}
	return int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0'), true
}
