package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"why503/aggregate"
	"why503/dashboards/report"
)

const maxRows = 5 // of a table on Now

// tables are the split and who has the failures.
func (v *nowView) tables() {
	sum := v.Sum
	v.Split = split(sum.Reached)
	v.Causes = causeRows(sum.Causes, sum.Failures, func(c string) string { return v.With("cause", c) })
	var backends, routes []aggregate.Count
	for i := range sum.Causes {
		backends, routes = add(backends, sum.Causes[i].Backends), add(routes, sum.Causes[i].Routes)
	}
	v.Backends = countRows(backends, sum.Failures, func(n string) string { return v.With("backend", n) })
	v.Routes = countRows(routes, sum.Failures, func(n string) string { return v.P.href("/history", "q", n) })
	v.Apart = apart(sum.Classes)
}

func split(reached map[string]int64) []splitCell {
	var all int64
	for _, n := range reached {
		all += n
	}
	var out []splitCell
	for _, p := range report.Places() {
		n := reached[p.Key]
		if p.Key == "not_sent" && n == 0 {
			continue
		}
		words := p.Words
		if p.Key == "lost" {
			words = "lost on the way back"
		}
		out = append(out, splitCell{words, n, percent(n, all), p.Key == "unknown" && n > 0})
	}
	return out
}

func percent(n, all int64) int {
	if n <= 0 || all <= 0 {
		return 0
	}
	return max(int(100*min(n, all)/all), 1)
}

// causeRows has one row for each cause, however the proxy met it.
func causeRows(causes []aggregate.Cause, all int64, href func(string) string) []tableRow {
	var out []tableRow
	for i := range causes {
		c := &causes[i]
		k := slices.IndexFunc(out, func(r tableRow) bool { return r.Name == c.Cause })
		if k < 0 {
			k = len(out)
			out = append(out, tableRow{Name: c.Cause, Href: linked(c.Cause, href), Words: c.Words})
		}
		out[k].N += c.Count
	}
	slices.SortStableFunc(out, func(a, b tableRow) int { return cmp.Compare(b.N, a.N) })
	names := make([]string, len(out))
	for i := range out {
		names[i] = out[i].Name
		out[i].Share, out[i].Bar = report.Share(out[i].N, all), percent(out[i].N, all)
	}
	for i, s := range swatches(names) {
		out[i].swatch = s
	}
	return rest(out, all)
}

func countRows(counts []aggregate.Count, all int64, href func(string) string) []tableRow {
	var out []tableRow
	for _, c := range counts {
		name, to := c.Name, ""
		if name == "" {
			name = "not known"
		} else if name != other {
			to = linked(c.Name, href)
		}
		out = append(out, tableRow{Name: name, N: c.Count, Of: c.Of, Share: report.Share(c.Count, all), Bar: percent(c.Count, all), Href: to})
	}
	return rest(out, all)
}

// linked is where a name leads; nowhere when it is too long for that.
func linked(name string, href func(string) string) string {
	if !linkable(name) {
		return ""
	}
	return href(name)
}

// rest puts what is beyond the bound into one row.
func rest(rows []tableRow, all int64) []tableRow {
	if len(rows) <= maxRows {
		return rows
	}
	var n int64
	for _, r := range rows[maxRows-1:] {
		n += r.N
	}
	more := tableRow{Name: fmt.Sprintf("%d more", len(rows)-maxRows+1), N: n, Share: report.Share(n, all), Bar: percent(n, all)}
	return append(rows[:maxRows-1:maxRows-1], more)
}

func add(a, b []aggregate.Count) []aggregate.Count {
	a = slices.Clone(a)
	for _, c := range b {
		if i := slices.IndexFunc(a, func(x aggregate.Count) bool { return x.Name == c.Name }); i >= 0 {
			a[i].Count += c.Count
			a[i].Of = max(a[i].Of, c.Of)
		} else {
			a = append(a, c)
		}
	}
	slices.SortStableFunc(a, func(x, y aggregate.Count) int { return cmp.Compare(y.Count, x.Count) })
	return a
}

// apart says what is counted apart from failures.
func apart(classes map[string]int64) string {
	var parts []string
	for _, c := range []struct{ key, one, many string }{
		{"deliberate", "answered on purpose", "answered on purpose"},
		{"client", "client left", "clients left"},
		{"partial", "part of a good page missing", "parts of good pages missing"},
		{"saved", "saved by a retry or a stored page", "saved by a retry or a stored page"},
	} {
		if n := classes[c.key]; n > 0 {
			parts = append(parts, report.Count(n)+" "+plural(n, c.one, c.many))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "not counted: " + strings.Join(parts, ", ")
}

func sqrt(x float64) float64 { return math.Sqrt(x) }
