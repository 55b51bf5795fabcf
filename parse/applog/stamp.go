package applog

import (
	"bytes"

	"why503/parse"
)

// A civil is a stamp as it was printed. year is 0 when it prints none, day
// when it prints no date.
type civil struct {
	year, month, day, hour, min int

	sec    int64 // of the minute, or since 1970 when epoch is set
	ns     int64
	prec   int64 // nanoseconds between two stamps that the print can tell apart
	offset int   // seconds east of UTC
	zoned  bool
	epoch  bool
}

// readStamp reads the stamp that b begins with and says how many bytes it
// takes, 0 when there is none. It knows
//
//	2026-11-22T21:35:16.726+01:00   2026-11-22 21:35:16,726   2026/11/22 21:35:16
//	22-Nov-2026 21:36:10 UTC        22/Nov/2026:21:35:16 +0000   22 Nov 2026 21:35:16
//	Nov 22 21:35:16.123456          Nov 22, 2026 9:35:16 PM
//	Sun Nov 22 21:35:16.123 2026    Sun 2026-11-22 21:35:16 UTC   Sun, 22 Nov 2026 21:35:16 GMT
//	21:35:16.726                    1795383316.726
func readStamp(b []byte) (c civil, n int) {
	s := stampReader{b: b}
	if !s.stamp() {
		return civil{}, 0
	}
	if s.hour > 23 || s.min > 59 || !s.epoch && s.sec > 60 {
		return civil{}, 0
	}
	if s.day != 0 && (s.month < 1 || s.month > 12 || s.day > 31 || s.year != 0 && s.day > parse.DaysIn(s.year, s.month)) {
		return civil{}, 0
	}
	return s.civil, s.i
}

type stampReader struct {
	civil
	b []byte
	i int
}

func (s *stampReader) stamp() bool {
	if s.dayName() {
		for s.eat(',') || s.eat(' ') {
		}
	}
	if s.i >= len(s.b) {
		return false
	}
	if !digit(s.b[s.i]) {
		return s.monthFirst()
	}
	n := s.digitsAhead()
	next := s.at(s.i + n)
	switch {
	case n == 4 && (next == '-' || next == '/'):
		return s.yearFirst(next)
	case n <= 2 && next == ':':
		return s.i == 0 && n == 2 && s.clockTime()
	case n <= 2:
		return s.dayFirst(next)
	case n == 10 || n == 13 || n == 16 || n == 19:
		return s.unix(n)
	}
	return false
}

func (s *stampReader) yearFirst(sep byte) bool {
	s.year = s.number(4)
	if !s.eat(sep) {
		return false
	}
	s.month = s.number(2)
	if !s.eat(sep) {
		return false
	}
	s.day = s.number(2)
	if s.year < 1970 || s.month == 0 || s.day == 0 {
		return false
	}
	if s.at(s.i) == ' ' && s.at(s.i+1) == '-' && s.at(s.i+2) == ' ' { // Gin
		s.i += 2
	}
	return (s.eat('T') || s.eat(' ') || s.eat('-') || s.eat('_')) && s.clockTime() && s.zone()
}

func (s *stampReader) dayFirst(sep byte) bool {
	if sep != '-' && sep != '/' && sep != ' ' {
		return false
	}
	s.day = s.number(2)
	s.i++
	s.month = parse.Month(s.rest())
	if s.month == 0 || s.day == 0 {
		return false
	}
	s.i += 3
	if !s.eat(sep) {
		return false
	}
	if s.year = s.number(4); s.year < 1970 {
		return false
	}
	return (s.eat(' ') || s.eat(':')) && s.clockTime() && s.zone()
}

func (s *stampReader) monthFirst() bool {
	if s.month = parse.Month(s.rest()); s.month == 0 {
		return false
	}
	s.i += 3
	if !s.eat(' ') {
		return false
	}
	s.eat(' ')
	if s.day = s.number(2); s.day == 0 {
		return false
	}
	comma := s.eat(',')
	if !s.eat(' ') {
		return false
	}
	if comma || s.digitsAhead() == 4 {
		if s.year = s.number(4); s.year < 1970 || !s.eat(' ') {
			return false
		}
	}
	if !s.clockTime() {
		return false
	}
	if s.year != 0 {
		return s.zone()
	}
	// asctime has the year at its end.
	if s.at(s.i) == ' ' && digit(s.at(s.i+1)) {
		i := s.i
		s.i++
		if s.digitsAhead() == 4 && !wordByte(s.at(s.i+4)) && s.at(s.i+4) != '.' {
			if s.year = s.number(4); s.year >= 1970 {
				return true
			}
			s.year = 0
		}
		s.i = i
	}
	return true
}

// clockTime reads hh:mm[:ss[.frac]] and an AM or PM after it.
func (s *stampReader) clockTime() bool {
	n := s.digitsAhead()
	if n == 0 || n > 2 {
		return false
	}
	s.hour = s.number(2)
	if !s.eat(':') || s.digitsAhead() != 2 {
		return false
	}
	s.min, s.prec = s.number(2), 60e9
	if s.at(s.i) == ':' && digit(s.at(s.i+1)) && digit(s.at(s.i+2)) {
		s.i++
		s.sec, s.prec = int64(s.number(2)), 1e9
		if c := s.at(s.i); (c == '.' || c == ',' || c == ':') && digit(s.at(s.i+1)) {
			s.i++
			s.fraction()
		}
	}
	if c := s.at(s.i + 1); s.at(s.i) == ' ' && (c == 'A' || c == 'P') && s.at(s.i+2) == 'M' && !wordByte(s.at(s.i+3)) {
		s.i += 3
		s.hour %= 12
		if c == 'P' {
			s.hour += 12
		}
	}
	return true
}

func (s *stampReader) fraction() {
	ns, unit, n := parse.Fraction(s.rest())
	s.ns, s.prec, s.i = s.ns+ns, unit, s.i+n
}

// zone takes a zone when one follows; that there is none is fine. Names other
// than UTC's are left to the parser's own zone.
func (s *stampReader) zone() bool {
	i := s.i
	if s.at(i) == ' ' {
		i++
	}
	b := s.b[min(i, len(s.b)):]
	if bytes.HasPrefix(b, utc) || bytes.HasPrefix(b, gmt) {
		if !wordByte(s.at(i+3)) && s.at(i+3) != '+' {
			s.zoned, s.i = true, i+3
		}
		return true
	}
	if offset, n := parse.Offset(b); n > 1 || n == 1 && !wordByte(s.at(i+1)) {
		s.offset, s.zoned, s.i = offset, true, i+n
	}
	return true
}

func (s *stampReader) unix(n int) bool {
	if next := s.at(s.i + n); wordByte(next) || next == '-' || next == ':' {
		return false
	}
	v := int64(s.number(n))
	unit := int64(1e9)
	for range (n - 10) / 3 {
		unit /= 1000
	}
	per := int64(1e9) / unit
	s.epoch, s.sec, s.ns, s.prec = true, v/per, v%per*unit, unit
	if n == 10 && s.at(s.i) == '.' && digit(s.at(s.i+1)) {
		s.i++
		s.fraction()
	}
	return s.sec > 3e8 && s.sec < 4e9+2e9
}

func (s *stampReader) dayName() bool {
	for _, d := range dayNames {
		if bytes.HasPrefix(s.b, d) {
			s.i = 3
			return s.at(3) == ' ' || s.at(3) == ','
		}
	}
	return false
}

func (s *stampReader) rest() []byte { return s.b[min(s.i, len(s.b)):] }

func (s *stampReader) at(i int) byte {
	if i < len(s.b) {
		return s.b[i]
	}
	return 0
}

func (s *stampReader) eat(c byte) bool {
	if s.at(s.i) != c || s.i >= len(s.b) {
		return false
	}
	s.i++
	return true
}

func (s *stampReader) digitsAhead() int {
	n := 0
	for n < 20 && digit(s.at(s.i+n)) {
		n++
	}
	return n
}

// number reads up to most digits.
func (s *stampReader) number(most int) int {
	v := 0
	for n := 0; n < most && digit(s.at(s.i)); n++ {
		v = v*10 + int(s.b[s.i]-'0')
		s.i++
	}
	return v
}

var (
	utc, gmt = []byte("UTC"), []byte("GMT")
	dayNames = [...][]byte{
		[]byte("Mon"), []byte("Tue"), []byte("Wed"), []byte("Thu"), []byte("Fri"), []byte("Sat"), []byte("Sun"),
	}
)

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func wordByte(c byte) bool { return letter(c) || digit(c) || c == '_' }
