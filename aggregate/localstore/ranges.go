package localstore

import (
	"math"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// A level is how wide the rows of a rollup are.
type level uint8

const (
	byMinute level = iota
	byHour
	byDay
)

var (
	levelSuffix  = [...]string{"_1m", "_1h", "_1d"}
	levelMinutes = [...]int64{1, minutesOfHour, minutesOfDay}
)

// A stretch is minutes, from <= m < to, that are read from one level.
type stretch struct {
	level    level
	from, to traffic.Minute
}

// A span is the minutes of a query.
type span struct{ from, to traffic.Minute }

// spanOf returns the minutes that a query touches: figures are of whole ones.
// What it leaves open is as far as there are rows.
func spanOf(c conn, q aggregate.Query) (span, error) {
	x := span{math.MinInt64 / 4, math.MaxInt64 / 4}
	if !q.From.IsZero() {
		x.from = traffic.MinuteOf(parse.Time(nanos(q.From)))
	}
	if !q.To.IsZero() {
		x.to = traffic.MinuteOf(parse.Time(nanos(q.To)-1)) + 1
	}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for l := range levelSuffix {
		for _, t := range []string{"rollup", "traffic"} {
			for _, edge := range []string{"min", "max"} {
				n, ok, err := c.number("SELECT " + edge + "(minute) FROM " + t + levelSuffix[l])
				if err != nil {
					return x, err
				}
				if ok {
					low, high = min(low, n), max(high, n+levelMinutes[l])
				}
			}
		}
	}
	for _, edge := range []string{"min", "max"} {
		n, ok, err := c.number("SELECT " + edge + "(minute) FROM covered")
		if err != nil {
			return x, err
		}
		if ok {
			low, high = min(low, n), max(high, n+1)
		}
	}
	if low > high {
		return span{}, nil
	}
	x.from, x.to = max(x.from, traffic.Minute(low)), min(x.to, traffic.Minute(high))
	x.to = max(x.to, x.from)
	return x, nil
}

// plan divides minutes into stretches, as wide as the coarsest level allows:
// days and hours that are not summed up (yet) are read from what is below.
func plan(c conn, x span, coarsest level) ([]stretch, error) {
	dirtyHours, err := minutesIn(c, `SELECT minute FROM dirty_hours WHERE minute >= ? AND minute < ?`, floorTo(x.from, minutesOfHour), x.to)
	if err != nil {
		return nil, err
	}
	dirtyDays, err := minutesIn(c, `SELECT minute FROM dirty_days WHERE minute >= ? AND minute < ?`, floorTo(x.from, minutesOfDay), x.to)
	if err != nil {
		return nil, err
	}
	var out []stretch
	put := func(l level, from, to traffic.Minute) {
		if n := len(out); n > 0 && out[n-1].level == l && out[n-1].to == from {
			out[n-1].to = to
		} else if from < to {
			out = append(out, stretch{l, from, to})
		}
	}
	for m := x.from; m < x.to; {
		switch {
		case coarsest >= byDay && m == dayOf(m) && m+minutesOfDay <= x.to && !dirtyDays[m]:
			put(byDay, m, m+minutesOfDay)
			m += minutesOfDay
		case coarsest >= byHour && m == hourOf(m) && m+minutesOfHour <= x.to && !dirtyHours[m]:
			put(byHour, m, m+minutesOfHour)
			m += minutesOfHour
		default:
			to := min(hourOf(m)+minutesOfHour, x.to)
			put(byMinute, m, to)
			m = to
		}
	}
	return out, nil
}

func minutesIn(c conn, text string, args ...traffic.Minute) (map[traffic.Minute]bool, error) {
	out := make(map[traffic.Minute]bool)
	in := make([]any, len(args))
	for i, a := range args {
		in[i] = int64(a)
	}
	err := c.query(text, func(r *row) error {
		out[traffic.Minute(r.ColumnInt64(0))] = true
		return nil
	}, in...)
	return out, err
}

func minuteTime(m traffic.Minute) time.Time { return time.Unix(int64(m)*60, 0).UTC() }
