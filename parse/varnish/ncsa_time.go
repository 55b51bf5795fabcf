package varnish

import (
	"bytes"
	"time"

	"why503/parse"
)

// ncsaTime is what %t prints.
const ncsaTime = "[%d/%b/%Y:%H:%M:%S %z]"

// scanTime reads a time in a strftime layout, or one of varnishncsa's own
// names for the epoch, from the beginning of b. unit is the smallest time
// that the layout tells, and frac says that only a fraction of a second
// stands there.
func scanTime(layout string, b []byte, zone *time.Location) (at parse.Time, unit int64, frac bool, rest []byte, ok bool) {
	var scale int64 // nanoseconds
	switch layout {
	case "sec":
		scale = 1e9
	case "msec":
		scale = 1e6
	case "usec":
		scale = 1e3
	case "msec_frac":
		scale, frac = 1e6, true
	case "usec_frac":
		scale, frac = 1e3, true
	default:
		at, rest, ok = strptime(layout, b, zone)
		return at, 1e9, false, rest, ok
	}
	n := digits(b, 0)
	v, ok := number(b[:n])
	if !ok || v > uint64(9e18/scale) {
		return 0, 0, false, nil, false
	}
	return parse.Time(int64(v) * scale), scale, frac, b[n:], true
}

// strptime reads the conversions that strftime prints in the C locale. Names
// of days are skipped; a layout without a zone is in the given one.
func strptime(layout string, b []byte, zone *time.Location) (parse.Time, []byte, bool) {
	d := date{month: 1, day: 1, zone: zone}
	rest, ok := d.scan(layout, b)
	if !ok {
		return 0, nil, false
	}
	at, ok := d.time()
	return at, rest, ok
}

type date struct {
	year, month, day, hour, min, sec int
	offset                           int
	zoned, pm, half                  bool
	zone                             *time.Location
	epoch                            int64
}

func (d *date) scan(layout string, b []byte) ([]byte, bool) {
	ok := true
	for i := 0; i < len(layout) && ok; i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			if len(b) == 0 || b[0] != layout[i] {
				return nil, false
			}
			b = b[1:]
			continue
		}
		i++
		switch layout[i] {
		case 'Y':
			d.year, b, ok = fixed(b, 4)
		case 'y':
			d.year, b, ok = fixed(b, 2)
			d.year += 2000
		case 'm':
			d.month, b, ok = fixed(b, 2)
		case 'd':
			d.day, b, ok = fixed(b, 2)
		case 'e':
			d.day, b, ok = fixed(bytes.TrimLeft(b, " "), 2)
		case 'H', 'k':
			d.hour, b, ok = fixed(bytes.TrimLeft(b, " "), 2)
		case 'I', 'l':
			d.hour, b, ok = fixed(bytes.TrimLeft(b, " "), 2)
			d.half = true
		case 'p':
			ok = len(b) >= 2 && b[1]|0x20 == 'm'
			if ok {
				d.pm, b = b[0]|0x20 == 'p', b[2:]
			}
		case 'M':
			d.min, b, ok = fixed(b, 2)
		case 'S':
			d.sec, b, ok = fixed(b, 2)
		case 'b', 'B', 'h':
			d.month, b, ok = monthName(b)
		case 'a', 'A', 'Z':
			n := 0
			for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
				n++
			}
			if layout[i] == 'Z' && (string(b[:n]) == "UTC" || string(b[:n]) == "GMT") {
				d.zoned = true
			}
			b, ok = b[n:], n > 0
		case 'j', 'u', 'w':
			b = b[digits(b, 0):]
		case 'z':
			d.offset, b, ok = zoneOffset(b)
			d.zoned = true
		case 's':
			n := digits(b, 0)
			v, good := number(b[:n])
			d.epoch, b, ok = int64(v), b[n:], good && v < 9e9
		case 'T':
			b, ok = d.scan("%H:%M:%S", b)
		case 'R':
			b, ok = d.scan("%H:%M", b)
		case 'F':
			b, ok = d.scan("%Y-%m-%d", b)
		case 'D':
			b, ok = d.scan("%m/%d/%y", b)
		case 'c':
			b, ok = d.scan("%a %b %e %H:%M:%S %Y", b)
		case 'n', 't', '%':
			ok = len(b) > 0
			if ok {
				b = b[1:]
			}
		default:
			ok = false
		}
	}
	return b, ok
}

func (d *date) time() (parse.Time, bool) {
	if d.epoch > 0 {
		return parse.Time(d.epoch * 1e9), true
	}
	if d.half {
		d.hour %= 12
		if d.pm {
			d.hour += 12
		}
	}
	at, ok := parse.UTC(d.year, d.month, d.day, d.hour, d.min, d.sec)
	switch {
	case !ok:
		return 0, false
	case d.zoned:
		at -= parse.Time(d.offset) * 1e9
	case d.zone != nil && d.zone != time.UTC:
		at = parse.Time(time.Date(d.year, time.Month(d.month), d.day, d.hour, d.min, d.sec, 0, d.zone).UnixNano())
	}
	return at, true
}

// fixed reads up to n digits.
func fixed(b []byte, n int) (int, []byte, bool) {
	m := min(digits(b, 0), n)
	v, ok := number(b[:m])
	return int(v), b[m:], ok
}

// monthName reads a month's name, short or long.
func monthName(b []byte) (int, []byte, bool) {
	m, n := parse.Month(b), 3
	for m > 0 && n < len(b) && b[n] >= 'a' && b[n] <= 'z' {
		n++
	}
	return m, b[min(n, len(b)):], m > 0
}

// zoneOffset reads +0200, +02:00 or Z, in seconds.
func zoneOffset(b []byte) (int, []byte, bool) {
	off, n := parse.Offset(b)
	return off, b[n:], n > 0
}

// shapedTime reads a time by what it looks like, for values whose layout is
// not known.
func shapedTime(b []byte, zone *time.Location) (at parse.Time, unit int64, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	if n := digits(b, 0); n == len(b) {
		v, _ := number(b)
		switch n {
		case 10:
			return parse.Time(v * 1e9), 1e9, true
		case 13:
			return parse.Time(v * 1e6), 1e6, true
		case 16:
			return parse.Time(v * 1e3), 1e3, true
		}
		return 0, 0, false
	} else if n == 10 && b[n] == '.' {
		at, ok = instant(b)
		return at, 1e3, ok
	}
	if b[0] == '[' {
		at, _, ok = strptime(ncsaTime, b, zone)
		return at, 1e9, ok
	}
	if len(b) > 2 && b[2] == '/' {
		at, _, ok = strptime(ncsaTime[1:len(ncsaTime)-1], b, zone)
		return at, 1e9, ok
	}
	return isoTime(b, zone)
}

func isoTime(b []byte, zone *time.Location) (at parse.Time, unit int64, ok bool) {
	if len(b) < 19 || b[10] != 'T' && b[10] != ' ' {
		return 0, 0, false
	}
	d := date{zone: zone}
	if _, ok = d.scan("%Y-%m-%d", b[:10]); !ok {
		return 0, 0, false
	}
	rest, ok := d.scan("%H:%M:%S", b[11:])
	if !ok {
		return 0, 0, false
	}
	unit = 1e9
	var ns int64
	if len(rest) > 1 && rest[0] == '.' {
		var n int
		ns, unit, n = parse.Fraction(rest[1:])
		rest = rest[1+n:]
	}
	if off, _, good := zoneOffset(bytes.TrimLeft(rest, " ")); good {
		d.offset, d.zoned = off, true
	}
	at, ok = d.time()
	return at + parse.Time(ns), unit, ok
}
