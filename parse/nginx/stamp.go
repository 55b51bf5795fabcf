package nginx

import (
	"time"

	"why503/parse"
)

const (
	localLen = len("02/Jan/2006:15:04:05 -0700") // $time_local
	dayTime  = len("2006-01-02T15:04:05")        // the part of $time_iso8601 before its zone
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
	if b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return 0, false
	}
	day, ok1 := digits(b[:2])
	year, ok2 := digits(b[7:11])
	at, ok3 := civil(year, month(b[3:6]), day, b[12:20])
	off, n := zone(b[21:])
	if !ok1 || !ok2 || !ok3 || n != 5 {
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
		if b[4] != '-' || b[7] != '-' || (b[10] != 'T' && b[10] != ' ') || b[13] != ':' || b[16] != ':' {
			return 0, 0, false
		}
		year, ok1 := digits(b[:4])
		mon, ok2 := digits(b[5:7])
		day, ok3 := digits(b[8:10])
		t, ok4 := civil(year, mon, day, b[11:19])
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return 0, 0, false
		}
		copy(c.day[:], head)
		c.dayAt = t
	}
	at, precision = c.dayAt, int64(time.Second)
	if len(rest) > 0 && rest[0] == '.' {
		ns, unit, n := fraction(rest[1:])
		if n == 0 {
			return 0, 0, false
		}
		at, precision, rest = at+parse.Time(ns), unit, rest[1+n:]
	}
	off, n := zone(rest)
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
		v, ok := integer(b)
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
	sec, _ := integer(b[:i])
	ns, unit, n := fraction(b[i+1:])
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
	v, _ := integer(b[:i])
	ns = v * 1e9
	if i == len(b) {
		return ns, true
	}
	frac, _, n := fraction(b[i+1:])
	if b[i] != '.' || n == 0 || i+1+n != len(b) {
		return 0, false
	}
	return ns + frac, true
}

// fraction reads the n digits after a decimal point and says what the last of
// those that count stands for, in nanoseconds.
func fraction(b []byte) (ns, unit int64, n int) {
	unit = 1e9
	for n < len(b) && isDigit(b[n]) {
		if unit > 1 {
			unit /= 10
			ns += int64(b[n]-'0') * unit
		}
		n++
	}
	return ns, unit, n
}

// zone reads Z, +0000, +00:00 or nothing, and says how many bytes it took.
func zone(b []byte) (seconds int64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] == 'Z' {
		return 0, 1
	}
	if len(b) < 5 || (b[0] != '+' && b[0] != '-') {
		return 0, 0
	}
	m := 3
	if b[3] == ':' {
		m = 4
	}
	if len(b) < m+2 {
		return 0, 0
	}
	hours, ok1 := digits(b[1:3])
	minutes, ok2 := digits(b[m : m+2])
	if !ok1 || !ok2 || hours > 15 || minutes > 59 {
		return 0, 0
	}
	seconds = int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, m + 2
}

// civil makes a time of a date and an "hh:mm:ss" in UTC.
func civil(year, mon, day int, hms []byte) (parse.Time, bool) {
	h, ok1 := digits(hms[:2])
	m, ok2 := digits(hms[3:5])
	s, ok3 := digits(hms[6:8])
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 60 {
		return 0, false
	}
	if year < 1971 || year > 2200 || mon < 1 || mon > 12 || day < 1 || day > 31 {
		return 0, false
	}
	t := time.Date(year, time.Month(mon), day, h, m, s, 0, time.UTC)
	if t.Day() != day && s < 60 {
		return 0, false // 31 February
	}
	return parse.Time(t.UnixNano()), true
}

func month(b []byte) int {
	switch string(b) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
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

// integer reads a whole number that fits 63 bits.
func integer(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n >= 0
}

func isDigit(c byte) bool { return c-'0' < 10 }
