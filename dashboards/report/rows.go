package report

import (
	"slices"
	"time"

	"why503/parse"
)

// unit returns the time of a row: the largest that still gives enough rows.
func (l *ladder) unit() parse.Time {
	d := time.Duration(l.to - l.from)
	u := columns[0]
	for _, c := range columns {
		if (d+c/2)/c < minRows {
			break
		}
		u = c
	}
	return parse.Time(u)
}

// moments returns the times at which something happened, those that one row
// can show taken together.
func (l *ladder) moments(unit parse.Time) []parse.Time {
	at := []parse.Time{l.from}
	for i := range l.spans {
		at = append(at, l.spans[i].from, l.spans[i].to)
	}
	for _, w := range l.lines {
		at = append(at, w.at)
	}
	slices.Sort(at)
	together := max(unit/50, parse.Time(time.Microsecond))
	out := at[:1]
	for _, t := range at[1:] {
		if t-out[len(out)-1] > together {
			out = append(out, t)
		}
	}
	return out
}

// waits returns how many rows stand before each moment; folded, that is one
// row which says how long, is -1. The longest are folded until all rows are
// few enough to be seen at once.
func (l *ladder) waits(at []parse.Time, unit parse.Time) []int64 {
	round := func(t parse.Time) int64 { return int64((t - l.from + unit/2) / unit) }
	rows := make([]int64, len(at))
	sum := int64(len(at))
	for i := 1; i < len(at); i++ {
		rows[i] = max(round(at[i])-round(at[i-1])-1, 0)
		sum += rows[i]
	}
	for sum > maxRows {
		longest := 0
		for i, n := range rows {
			if n > 1 && n > rows[longest] {
				longest = i
			}
		}
		if rows[longest] < 2 {
			break
		}
		sum -= rows[longest] - 1
		rows[longest] = -1
	}
	return rows
}
