package applog

import (
	"time"

	"why503/parse"
)

// A clock turns stamps into times. Parsers embed it.
type clock struct {
	loc   *time.Location
	base  time.Time
	last  parse.Time // hour of the cached answer, counted as if in UTC
	shift parse.Time // what brings it to UTC
	warm  bool
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
		} else if c.year = base.Year() + 1 - i; c.day > parse.DaysIn(c.year, c.month) {
			continue
		}
		if t := k.absolute(c); t <= limit {
			return t
		}
	}
	return 0
}

// absolute gives 0 for a day that its month does not have.
func (k *clock) absolute(c civil) parse.Time {
	at, ok := parse.UTC(c.year, c.month, c.day, c.hour, c.min, int(c.sec))
	if !ok {
		return 0
	}
	at += parse.Time(c.ns)
	if c.zoned {
		return at - parse.Time(c.offset)*1e9
	}
	if k.loc == nil || k.loc == time.UTC {
		return at
	}
	// Zones change their offset in the middle of an hour too rarely to matter.
	const hours = parse.Time(time.Hour)
	if hour := at / hours; !k.warm || k.last != hour {
		k.last, k.warm = hour, true
		k.shift = parse.Time(time.Date(c.year, time.Month(c.month), c.day, c.hour, 0, 0, 0, k.loc).UnixNano()) - hour*hours
	}
	return at + k.shift
}

func (k *clock) zone() *time.Location {
	if k.loc == nil {
		return time.UTC
	}
	return k.loc
}
