package nginx

import (
	"time"

	"why503/parse"
)

const (
	localLen = len("02/Jan/2006:15:04:05 -0700") // $time_local
	dayTime  = parse.DateTimeLen                 // the part of $time_iso8601 before its zone
)

// A clock reads stamps and remembers the last of each shape: lines of the same
// second repeat it, and comparing it is cheaper than reading it again.
type clock struct {
	local   [localLen]byte
	localAt parse.Time
	day     [dayTime]byte
	dayAt   parse.Time
}

// readLocal reads a $time_local at the beginning of b.
func (c *clock) readLocal(b []byte) (parse.Time, bool) {
	if len(b) < localLen {
		return 0, false
	}
	b = b[:localLen]
	if string(b) == string(c.local[:]) {
		return c.localAt, true
	}
	if b[2] != '/' || b[6] != '/' || b[11] != ':' || b[20] != ' ' {
		return 0, false
	}
	day, ok1 := digits(b[:2])
	year, ok2 := digits(b[7:11])
	hour, minute, sec, ok3 := parse.ClockTime(b[12:])
	at, ok4 := parse.UTC(year, parse.Month(b[3:]), day, hour, minute, sec)
	off, n := parse.Offset(b[21:])
	if !ok1 || !ok2 || !ok3 || !ok4 || n != 5 {
		return 0, false
	}
	copy(c.local[:], b)
	c.localAt = at - parse.Time(off)*parse.Time(time.Second)
	return c.localAt, true
}

// readISO reads a stamp of ISO 8601 that is the whole of b. nginx prints whole
// seconds; programs that pass its lines on may add a fraction.
func (c *clock) readISO(b []byte) (at parse.Time, precision int64, ok bool) {
	if len(b) < dayTime {
		return 0, 0, false
	}
	head, rest := b[:dayTime], b[dayTime:]
	if string(head) != string(c.day[:]) {
		t, ok := parse.DateTime(b)
		if !ok || b[4] != '-' {
			return 0, 0, false
		}
		copy(c.day[:], head)
		c.dayAt = t
	}
	at, precision = c.dayAt, int64(time.Second)
	if len(rest) > 0 && rest[0] == '.' {
		ns, unit, n := parse.Fraction(rest[1:])
		if n == 0 {
			return 0, 0, false
		}
		at, precision, rest = at+parse.Time(ns), unit, rest[1+n:]
	}
	off, n := parse.Offset(rest)
	if n != len(rest) {
		return 0, 0, false
	}
	return at - parse.Time(off)*parse.Time(time.Second), precision, true
}

// read reads any shape of stamp that is the whole of b: $time_local,
// $time_iso8601 or $msec.
func (c *clock) read(b []byte) (at parse.Time, precision int64, ok bool) {
	if n := len(b); n > 2 && b[0] == '[' && b[n-1] == ']' {
		b = b[1 : n-1]
	}
	switch {
	case len(b) == localLen && b[2] == '/':
		at, ok = c.readLocal(b)
		return at, int64(time.Second), ok
	case len(b) > 4 && b[4] == '-':
		return c.readISO(b)
	}
	return readEpoch(b)
}

// readEpoch reads seconds since 1970, with or without a fraction. Whole
// numbers of 13, 16 and 19 digits are milli-, micro- and nanoseconds.
func readEpoch(b []byte) (at parse.Time, precision int64, ok bool) {
	i := 0
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == len(b) {
		v, ok := parse.Integer(b)
		switch {
		case !ok:
		case i >= 9 && i <= 10:
			return parse.Time(v * 1e9), 1e9, true
		case i == 13:
			return parse.Time(v * 1e6), 1e6, true
		case i == 16:
			return parse.Time(v * 1e3), 1e3, true
		case i == 19:
			return parse.Time(v), 1, true
		}
		return 0, 0, false
	}
	if i < 9 || i > 10 || b[i] != '.' {
		return 0, 0, false
	}
	sec, _ := parse.Integer(b[:i])
	ns, unit, n := parse.Fraction(b[i+1:])
	if n == 0 || i+1+n != len(b) {
		return 0, 0, false
	}
	return parse.Time(sec*1e9 + ns), unit, true
}

// seconds reads "0.002" into nanoseconds.
func seconds(b []byte) (ns int64, ok bool) {
	i := 0
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == 0 || i > 9 {
		return 0, false
	}
	v, _ := parse.Integer(b[:i])
	ns = v * 1e9
	if i == len(b) {
		return ns, true
	}
	frac, _, n := parse.Fraction(b[i+1:])
	if b[i] != '.' || n == 0 || i+1+n != len(b) {
		return 0, false
	}
	return ns + frac, true
}

// digits reads a few digits; b is never longer than a year.
func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func isDigit(c byte) bool { return c-'0' < 10 }
