package applog

import (
	"time"

	"why503/parse"
)

// A clock turns stamps into times. Parsers embed it.
type clock struct {
	loc  *time.Location
	base time.Time
	last int64 // civil hour of the cached answer
	unix int64 // its Unix time
	warm bool
}

// Zone sets the zone of stamps that print none. The default is UTC.
func (k *clock) Zone(loc *time.Location) { k.loc, k.warm = loc, false }

// Base sets a time near to when the log was written. Stamps without a year
// (RFC 3164) get the latest year that does not put them more than a day after
// it; stamps without a date get the day that puts them nearest to it.
func (k *clock) Base(t time.Time) { k.base = t }

// time gives 0 for a stamp that cannot be placed.
func (k *clock) time(c civil) parse.Time {
	switch {
	case c.epoch:
		return parse.Time(c.sec*1e9 + c.ns)
	case c.day == 0:
		return k.place(c, 3, 12*time.Hour)
	case c.year == 0:
		return k.place(c, 10, 24*time.Hour)
	}
	return k.absolute(c)
}

// place tries years or days from late to early, and takes the first that is
// not more than ahead after the base. Ten years reach over a leap year that a
// century left out.
func (k *clock) place(c civil, tries int, ahead time.Duration) parse.Time {
	if k.base.IsZero() {
		return 0
	}
	base := k.base.In(k.zone())
	limit := parse.Time(base.Add(ahead).UnixNano())
	dateless := c.day == 0
	for i := range tries {
		if dateless {
			d := base.AddDate(0, 0, 1-i)
			c.year, c.month, c.day = d.Year(), int(d.Month()), d.Day()
		} else if c.year = base.Year() + 1 - i; c.day > daysIn(c.year, c.month) {
			continue
		}
		if t := k.absolute(c); t <= limit {
			return t
		}
	}
	return 0
}

func (k *clock) absolute(c civil) parse.Time {
	days := daysFromCivil(c.year, c.month, c.day)
	in := int64(c.min)*60 + c.sec
	if c.zoned {
		return parse.Time((days*86400+int64(c.hour)*3600+in-int64(c.offset))*1e9 + c.ns)
	}
	hour := days*24 + int64(c.hour)
	if k.loc == nil || k.loc == time.UTC {
		return parse.Time((hour*3600+in)*1e9 + c.ns)
	}
	// Zones change their offset in the middle of an hour too rarely to matter.
	if !k.warm || k.last != hour {
		k.last, k.warm = hour, true
		k.unix = time.Date(c.year, time.Month(c.month), c.day, c.hour, 0, 0, 0, k.loc).Unix()
	}
	return parse.Time((k.unix+in)*1e9 + c.ns)
}

func (k *clock) zone() *time.Location {
	if k.loc == nil {
		return time.UTC
	}
	return k.loc
}

// daysFromCivil counts days from 1970-01-01 in the Gregorian calendar.
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
