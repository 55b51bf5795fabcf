package report

import (
	"slices"
	"time"
)

// columns are the widths of a column of a plot: 1, 2, 2.5 or 5 times a power of
// ten of seconds, minutes or hours.
var columns = func() []time.Duration {
	var out []time.Duration
	add := func(from, below time.Duration) {
		for p := from; p < below; p *= 10 {
			for _, d := range [...]time.Duration{p, 2 * p, 5 * p / 2, 5 * p} {
				if d < below {
					out = append(out, d)
				}
			}
		}
	}
	add(10*time.Microsecond, time.Minute)
	add(time.Minute, time.Hour)
	add(time.Hour, 100000*time.Hour)
	slices.Sort(out)
	return slices.Compact(out)
}()

// ticks are the distances between two labels of the time axis.
var ticks = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// An axis divides a time into columns of equal width.
type axis struct {
	start  time.Time // a multiple of column
	column time.Duration
	n      int
	zone   *time.Location
}

// newAxis covers from..to with at most limit columns, as many as possible.
// Columns are multiples of step, the width in which things were counted.
func newAxis(from, to time.Time, step time.Duration, limit int, zone *time.Location) axis {
	if to.Before(from) {
		to = from
	}
	for i, c := range columns {
		last := i == len(columns)-1
		if !last && (c < step || step > 0 && c%step != 0) {
			continue
		}
		start := floor(from, c, zone)
		n := int64(to.Sub(start)/c) + 1
		if n <= int64(limit) || last {
			return axis{start, c, int(min(n, int64(limit))), zone}
		}
	}
	return axis{from, time.Second, 1, zone}
}

// floor rounds t down to a multiple of d on the clock of its zone.
func floor(t time.Time, d time.Duration, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	shift := time.Duration(offset) * time.Second
	return t.Add(shift).Truncate(d).Add(-shift)
}

// index returns the column of t, and whether it is on the axis.
func (a axis) index(t time.Time) (int, bool) {
	if t.Before(a.start) {
		return 0, false
	}
	i := int64(t.Sub(a.start) / a.column)
	return int(min(i, int64(a.n))), i < int64(a.n)
}

// labels writes the round times below the columns: the first in full, then
// only what changed.
func (a axis) labels() line {
	const apart = 12
	d := ticks[len(ticks)-1]
	for _, t := range ticks {
		if t >= a.column*apart {
			d = t
			break
		}
	}
	var l line
	end := a.start.Add(time.Duration(a.n) * a.column)
	t := floor(a.start, d, a.zone)
	if t.Before(a.start) {
		t = t.Add(d)
	}
	before := ""
	for ; t.Before(end); t = t.Add(d) {
		i, _ := a.index(t)
		text, minute := a.label(t, d, before)
		if i < l.width()+1 && len(l) > 0 || i+len(text) > a.n+apart {
			continue
		}
		before = minute
		l = l.pad(i).own(dim, text)
	}
	return l
}

func (a axis) label(t time.Time, d time.Duration, before string) (text, minute string) {
	t = t.In(a.zone)
	switch {
	case d >= 24*time.Hour:
		return t.Format("2 Jan"), ""
	case d >= time.Minute:
		if day := t.Format("2 Jan"); before != "" && day != before {
			return t.Format("2 Jan 15:04"), day
		}
		return t.Format("15:04"), t.Format("2 Jan")
	}
	seconds := "05"
	if d < time.Second {
		seconds = "05.00"
	}
	minute = t.Format("15:04")
	if minute == before {
		return t.Format(":" + seconds), minute
	}
	return t.Format("15:04:" + seconds), minute
}
