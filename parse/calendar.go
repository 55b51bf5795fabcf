package parse

import "time"

// A Calendar tells stamps that a clock may have shown from those that it cannot.
type Calendar struct{ From, To Time }

// year2000 is when no log that is read today was written yet; hosts that have
// no clock boot in 1970.
const year2000 = Time(946684800e9)

// Day is 24 hours.
const Day = Time(24 * time.Hour)

// NewCalendar takes nothing to be written a day after now.
func NewCalendar(now Time) Calendar { return Calendar{year2000, now + Day} }

// Possible reports whether a clock may have shown the stamps of r.
func (c Calendar) Possible(r *Record) bool {
	return c.From <= r.Ended && r.Ended <= c.To && c.From <= r.Time && r.Time <= c.To
}

// Date gives r the time of what was written before it where it prints none, or
// one that cannot be, and reports whether its stamp was one of those. last is
// the time of the dated Record before.
func (c Calendar) Date(r *Record, last *Time) (wrong bool) {
	if r.Ended != 0 && !c.Possible(r) {
		wrong = true
		r.Time, r.Ended = 0, 0
	}
	if r.Ended == 0 {
		r.Time, r.Ended = *last, *last
		return wrong
	}
	*last = max(*last, r.Ended)
	return false
}
