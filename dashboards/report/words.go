package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// count writes n with a comma between thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// share writes part of whole with two figures. It says neither 0 % nor 100 %
// where that is not exactly so.
func share(part, whole int64) string {
	if whole <= 0 || part <= 0 {
		return "0 %"
	}
	if part >= whole {
		return "100 %"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case p < 1:
		return "<1 %"
	case p < 9.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	case p >= 99.5:
		return ">99 %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// span writes a duration with the one or two units that matter.
func span(d time.Duration) string {
	if d < 0 {
		return "-" + span(-d)
	}
	switch m := int64(d.Round(time.Minute) / time.Minute); {
	case d < 99500*time.Microsecond:
		return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10) + " ms"
	case d < 119950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m < 48*60 && m%60 == 0:
		return fmt.Sprintf("%d h", m/60)
	case m < 48*60:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	default:
		return fmt.Sprintf("%d d %d h", m/(24*60), m/60%24)
	}
}

// step writes the width of a column of a plot: a number of one unit.
func step(d time.Duration) string {
	unit, name := time.Second, "s"
	switch {
	case d >= time.Hour:
		unit, name = time.Hour, "h"
	case d >= time.Minute:
		unit, name = time.Minute, "min"
	case d < 100*time.Millisecond:
		unit, name = time.Millisecond, "ms"
	}
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', -1, 64) + " " + name
}

// plural returns one or many by n.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

var numbers = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

func number(n int) string {
	if n < len(numbers) {
		return numbers[n]
	}
	return count(int64(n))
}

// A calendar writes times of one zone. It leaves the day out when all times
// of the report are of one day.
type calendar struct {
	zone   *time.Location
	oneDay bool
}

func newCalendar(zone *time.Location, from, to time.Time) calendar {
	c := calendar{zone: zone}
	y, m, d := from.In(zone).Date()
	y2, m2, d2 := to.In(zone).Date()
	c.oneDay = y == y2 && m == m2 && d == d2
	return c
}

// at writes a moment to the second, with its day when that is needed.
func (c calendar) at(t time.Time) string {
	if c.oneDay {
		return t.In(c.zone).Format("15:04:05")
	}
	return t.In(c.zone).Format("2 Jan 15:04:05")
}

// until writes the end of a time that began at from, shortened where the
// beginning already said it.
func (c calendar) until(from, to time.Time) string {
	a, b := from.In(c.zone), to.In(c.zone)
	switch {
	case a.Format("2006-01-02 15:04") == b.Format("2006-01-02 15:04"):
		return b.Format(":05")
	case a.Format("2006-01-02") == b.Format("2006-01-02"):
		return b.Format("15:04:05")
	}
	return c.at(to)
}

// both writes a time from its beginning to its end in full.
func (c calendar) both(from, to time.Time) string {
	a, b := from.In(c.zone), to.In(c.zone)
	clock := "15:04:05"
	if b.Sub(a) < time.Minute {
		clock = "15:04:05.0"
	}
	day := "2 Jan 2006"
	if a.Format(day) == b.Format(day) {
		return a.Format(day+", "+clock) + " to " + b.Format(clock) + " " + c.zoneOf(b)
	}
	return a.Format(day+", "+clock) + " to " + b.Format(day+", "+clock) + " " + c.zoneOf(b)
}

func (c calendar) zoneOf(t time.Time) string { return t.In(c.zone).Format("MST") }

// stamp writes the time of a line: with milliseconds, unless it has none. What
// is no time comes back as it is.
func (c calendar) stamp(rfc string) string {
	t, err := time.Parse(time.RFC3339Nano, rfc)
	if err != nil {
		return rfc
	}
	t = t.In(c.zone)
	if t.Nanosecond() == 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04:05.000")
}

// programs are the names of programs as their makers write them.
var programs = map[string]string{
	"varnish": "Varnish", "haproxy": "HAProxy", "apache": "Apache", "envoy": "Envoy", "php-fpm": "PHP-FPM", "mariadb": "MariaDB",
	"mysql": "MySQL", "postgresql": "PostgreSQL", "cdn": "CDN",
}

func programName(p string) string {
	if n, ok := programs[strings.ToLower(p)]; ok {
		return n
	}
	return p
}

// families gives each family of causes its letter.
var families = map[string]rune{
	"app_error": 'A', "overload": 'O', "origin_slow": 'S', "health": 'H', "database": 'D', "network": 'N', "dns_routing": 'R', "tls": 'T',
	"cache_config": 'P', "rate_queue": 'Q', "platform": 'L', "deliberate": 'X', "client_abort": 'C',
}

func family(slug string) rune {
	name, _, _ := strings.Cut(slug, ".")
	if r, ok := families[name]; ok {
		return r
	}
	return '?'
}
