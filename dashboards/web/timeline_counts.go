package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// A legend row names a cause of the plot.
type legendRow struct {
	swatch
	Cause string
	Href  string
	N     int64
	Share string
}

// A plot is what a timeline and its table and legend are made from.
type plot struct {
	Points    []aggregate.Point
	Step      time.Duration
	Causes    []string // shown, largest first, `other` last
	Incidents []aggregate.Incident
	Marks     []aggregate.Mark
	Zone      *time.Location
}

const maxStacked = 5

// newPlot takes the largest causes; those in order come first, so that they
// keep their places while a page is open.
func newPlot(points []aggregate.Point, step time.Duration, order []string, zone *time.Location) *plot {
	p := &plot{Points: points, Step: step, Zone: zone}
	sums := map[string]int64{}
	for i := range points {
		for c, n := range points[i].Causes {
			if n > 0 && report.Family(c) != 'C' {
				sums[c] += n
			}
		}
	}
	all := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	top := all[:min(len(all), maxStacked)]
	for _, c := range order {
		if slices.Contains(top, c) && !slices.Contains(p.Causes, c) {
			p.Causes = append(p.Causes, c)
		}
	}
	for _, c := range top {
		if !slices.Contains(p.Causes, c) {
			p.Causes = append(p.Causes, c)
		}
	}
	if len(all) > len(top) {
		p.Causes = append(p.Causes, other)
	}
	return p
}

// order is the causes for the next page that takes this one's place.
func (p *plot) order() string {
	var out []string
	for _, c := range p.Causes {
		if c != other && linkable(c) && !strings.Contains(c, ",") {
			out = append(out, c)
		}
	}
	return strings.Join(out, ",")
}

// counts are the failures of a point by the causes shown.
func (p *plot) counts(pt *aggregate.Point) []int64 {
	out := make([]int64, len(p.Causes))
	for c, n := range pt.Causes {
		i := slices.Index(p.Causes, c)
		if i < 0 && report.Family(c) != 'C' {
			i = slices.Index(p.Causes, other)
		}
		if i >= 0 {
			out[i] += n
		}
	}
	return out
}

func (p *plot) legend(href func(cause string) string) []legendRow {
	sums := make([]int64, len(p.Causes))
	var all int64
	for i := range p.Points {
		for k, n := range p.counts(&p.Points[i]) {
			sums[k] += n
			all += n
		}
	}
	var out []legendRow
	for i, s := range swatches(p.Causes) {
		r := legendRow{swatch: s, Cause: p.Causes[i], N: sums[i], Share: report.Share(sums[i], all)}
		if r.Cause != other {
			r.Href = linked(r.Cause, href)
		}
		out = append(out, r)
	}
	return out
}

// A plotRow is a step as a row of the table.
type plotRow struct {
	At                 string
	Requests, Failures int64
	Counts             []int64
	Partial, NoData    bool
}

// Rows is the plot as a table.
func (p *plot) Rows() []plotRow {
	out := make([]plotRow, len(p.Points))
	for i := range p.Points {
		pt := &p.Points[i]
		out[i] = plotRow{p.stamp(pt.At), pt.Requests, pt.Failures, p.counts(pt), pt.Partial, pt.NoData}
	}
	return out
}

// last is the plot of its last n points.
func (p *plot) last(n int) *plot {
	q := *p
	q.Points = p.Points[max(len(p.Points)-n, 0):]
	return &q
}

// merged is the plot with k steps in one.
func (p *plot) merged(k int) *plot {
	if k <= 1 {
		return p
	}
	q := *p
	q.Step, q.Points = p.Step*time.Duration(k), nil
	for part := range slices.Chunk(p.Points, k) {
		m := aggregate.Point{At: part[0].At, Causes: map[string]int64{}, NoData: true}
		for i := range part {
			m.Requests += part[i].Requests
			m.Failures += part[i].Failures
			m.Partial = m.Partial || part[i].Partial
			m.NoData = m.NoData && part[i].NoData
			for c, n := range part[i].Causes {
				m.Causes[c] += n
			}
		}
		q.Points = append(q.Points, m)
	}
	return &q
}
