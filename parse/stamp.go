package parse

// The pieces of printed stamps that formats share. They read by hand, since
// they are on the path of every line.

// DateTimeLen is how many bytes DateTime reads.
const DateTimeLen = len("2006-01-02T15:04:05")

// DateTime reads "2006-01-02T15:04:05" at the beginning of b as UTC. The date
// may have slashes, and a blank may stand for the T.
func DateTime(b []byte) (Time, bool) {
	if len(b) < DateTimeLen || b[4] != '-' && b[4] != '/' || b[7] != b[4] || b[10] != 'T' && b[10] != ' ' {
		return 0, false
	}
	hour, minute, sec, ok := ClockTime(b[11:])
	if !ok {
		return 0, false
	}
	return UTC(two(b)*100+two(b[2:]), two(b[5:]), two(b[8:]), hour, minute, sec)
}

// ClockTime reads "15:04:05" at the beginning of b.
func ClockTime(b []byte) (hour, minute, sec int, ok bool) {
	if len(b) < len("15:04:05") || b[2] != ':' || b[5] != ':' {
		return 0, 0, 0, false
	}
	hour, minute, sec = two(b), two(b[3:]), two(b[6:])
	return hour, minute, sec, hour|minute|sec >= 0
}

// UTC makes a time of a date and a time of day, of the years in which a log
// can have been written. A 60th second is the next minute's first.
func UTC(year, month, day, hour, minute, sec int) (Time, bool) {
	if year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) ||
		uint(hour) > 23 || uint(minute) > 59 || uint(sec) > 60 {
		return 0, false
	}
	return Time((days(year, month, day)*86400 + int64(hour*3600+minute*60+sec)) * 1e9), true
}

// DaysIn returns how many days a month of 1 to 12 has.
func DaysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// Month returns the number of the month whose English abbreviation b begins
// with; 0 when it begins with none.
func Month(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch string(b[:3]) {
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

// Fraction reads the n digits that b begins with as those behind a decimal
// point. unit is what the last of those that count stands for: both are
// nanoseconds of a second.
func Fraction(b []byte) (ns, unit int64, n int) {
	unit = 1e9
	for n < len(b) && b[n]-'0' <= 9 {
		if unit > 1 {
			unit /= 10
			ns += int64(b[n]-'0') * unit
		}
		n++
	}
	return ns, unit, n
}

// Offset reads the zone that b begins with, Z, +01, +0100 or +01:00, and says
// how many bytes it took: 0 when there is none.
func Offset(b []byte) (seconds, n int) {
	if len(b) > 0 && b[0] == 'Z' {
		return 0, 1
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, 0
	}
	hours, minutes := two(b[1:]), 0
	n = 3
	m := n
	if m < len(b) && b[m] == ':' {
		m++
	}
	if m+2 <= len(b) && b[m]-'0' <= 9 {
		minutes, n = two(b[m:]), m+2
	}
	if uint(hours) > 15 || uint(minutes) > 59 || n < len(b) && b[n]-'0' <= 9 {
		return 0, 0
	}
	seconds = hours*3600 + minutes*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, n
}

// days counts days from 1970-01-01 in the Gregorian calendar. Years begin in
// March here, so that a leap day is the last day of its year.
func days(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	inYear := (153*(month-3)+2)/5 + day - 1
	return int64(year*365+year/4-year/100+year/400+inYear) - 719468
}

// two reads two digits; it is far below zero when they are none.
func two(b []byte) int {
	tens, ones := b[0]-'0', b[1]-'0'
	if tens > 9 || ones > 9 {
		return -1 << 20
	}
	return int(tens)*10 + int(ones)
}
