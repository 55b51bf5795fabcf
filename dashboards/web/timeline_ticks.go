package web

import (
	"strconv"
	"strings"
	"time"

	"why503/dashboards/report"
)

// stamp writes the beginning of a step, as exactly as its width asks for.
func (p *plot) stamp(t time.Time) string {
	t = t.In(p.Zone)
	switch {
	case p.Step >= 24*time.Hour:
		return t.Format("Mon 2 Jan")
	case len(p.Points) > 0 && p.Points[len(p.Points)-1].At.Sub(p.Points[0].At) >= 20*time.Hour:
		return t.Format("2 Jan 15:04")
	}
	return t.Format("15:04")
}

var tickSteps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 2 * 24 * time.Hour,
	7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 56 * 24 * time.Hour, 112 * 24 * time.Hour, 364 * 24 * time.Hour, 5 * 364 * 24 * time.Hour,
}

// ticks are at times that are round on the clock of the page's zone.
func (p *plot) ticks(t *timeline, begin, end time.Time, at func(time.Time) float64, limit int) {
	d := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if end.Sub(begin) <= s*time.Duration(limit) {
			d = s
			break
		}
	}
	format := "15:04"
	if d >= 24*time.Hour {
		format = "2 Jan"
	} else if end.Sub(begin) > 20*time.Hour {
		format = "2 Jan 15:04"
	}
	_, offset := begin.In(p.Zone).Zone()
	shift := time.Duration(offset) * time.Second
	for m := begin.Add(shift).Truncate(d).Add(-shift); m.Before(end); m = m.Add(d) {
		if m.Before(begin) || at(m) > at(end)-20 {
			continue
		}
		t.Ticks = append(t.Ticks, label{X: num(at(m)), Y: num(tickY), Text: m.In(p.Zone).Format(format), Anchor: "middle"})
	}
}

func stepWords(d time.Duration) string {
	switch d {
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	}
	return "in " + report.Span(d)
}

// round is the next number of the kind 1, 2, 4, 6, 8 times ten to the n, so that
// half of it is whole.
func round(n int64) int64 {
	if n <= 2 {
		return n
	}
	for p := int64(1); ; p *= 10 {
		for _, f := range []int64{2, 4, 6, 8, 10, 12, 16} {
			if f*p >= n {
				return f * p
			}
		}
	}
}

// num writes a length with a tenth of a px.
func num[T int | int64 | float64](v T) string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(v), 'f', 1, 64), ".0")
}
