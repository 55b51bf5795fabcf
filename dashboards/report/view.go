package report

import (
	"cmp"
	"slices"
	"time"

	"why503/aggregate"
)

// A view is the part of a Summary that one pass through the sections tells of:
// all of it, or one of several incidents.
type view struct {
	from, to  time.Time // what the plot covers
	first     time.Time // of the failures
	last      time.Time
	failures  int64
	requests  int64
	causes    []group
	reached   map[string]int64
	undecided int64
	missing   []aggregate.MissingCount
	local     []aggregate.Local
	trigger   *aggregate.Trigger
	advised   []group             // whose advice is given
	incident  *aggregate.Incident // nil when the view is the whole run
	ongoing   bool
}

// A group is all rows of one cause, which differ in how the proxy met it.
type group struct {
	aggregate.Cause
	rows []aggregate.Cause
}

func whole(s *aggregate.Summary) view {
	v := view{
		from: s.Window.From, to: s.Window.To, failures: s.Failures, requests: s.Requests, causes: groups(s.Causes),
		reached: s.Reached, undecided: s.Undecided, missing: s.Missing,
	}
	v.advised = v.causes
	if s.Failures == 0 {
		v.advised = groups(s.Others)
	}
	v.first, v.last = extent(s.Causes, s.Window)
	for i := range s.Incidents {
		v.ongoing = v.ongoing || s.Incidents[i].Ongoing
	}
	if len(s.Incidents) == 1 {
		in := &s.Incidents[0]
		v.local, v.trigger = in.Localisation, in.Trigger
		// A short incident in a long log would be a single column.
		if d := in.End.Sub(in.Start); d*shortPart < s.Window.To.Sub(s.Window.From) && float64(in.Failures) >= mainShare*float64(s.Failures) && s.Failures > 0 {
			v.near(s, in)
		}
	}
	return v
}

// shortPart is the part of the log below which the plot shows only the
// incident and its surroundings.
const shortPart = 20

// near lets the plot cover an incident and a quarter of its length on both
// sides, as far as the logs go.
func (v *view) near(s *aggregate.Summary, in *aggregate.Incident) {
	margin := max(in.End.Sub(in.Start)/4, 5*s.Failed.Step)
	v.from, v.to = in.Start.Add(-margin), in.End.Add(margin)
	if v.from.Before(s.Window.From) {
		v.from = s.Window.From
	}
	if v.to.After(s.Window.To) {
		v.to = s.Window.To
	}
}

// of returns the view of one incident.
func of(s *aggregate.Summary, in *aggregate.Incident) view {
	v := view{
		first: in.Start, last: in.End, failures: in.Failures, requests: in.Requests, causes: groups(in.Causes), reached: in.Reached,
		undecided: in.Undecided, missing: in.Missing, local: in.Localisation, trigger: in.Trigger, incident: in, ongoing: in.Ongoing,
	}
	v.advised = v.causes
	v.near(s, in)
	return v
}

func groups(rows []aggregate.Cause) []group {
	var out []group
	for _, r := range rows {
		i := slices.IndexFunc(out, func(g group) bool { return g.Cause.Cause == r.Cause })
		if i < 0 {
			out = append(out, group{Cause: r, rows: []aggregate.Cause{r}})
			continue
		}
		out[i].add(r)
	}
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(b.Count, a.Count) })
	for i := range out {
		slices.SortStableFunc(out[i].rows, func(a, b aggregate.Cause) int { return cmp.Compare(b.Count, a.Count) })
		out[i].lead()
	}
	return out
}

func (g *group) add(r aggregate.Cause) {
	if n := g.Count + r.Count; n > 0 {
		g.Confidence = (g.Confidence*float64(g.Count) + r.Confidence*float64(r.Count)) / float64(n)
	}
	g.Count += r.Count
	g.Decidable += r.Decidable
	g.Crawlers += r.Crawlers
	if r.First.Before(g.First) {
		g.First = r.First
	}
	if r.Last.After(g.Last) {
		g.Last = r.Last
	}
	g.Backends = addCounts(g.Backends, r.Backends)
	g.Routes = addCounts(g.Routes, r.Routes)
	g.rows = append(g.rows, r)
}

// lead lets the row with most requests speak for the group.
func (g *group) lead() {
	r := &g.rows[0]
	g.Words, g.Chain, g.Advice, g.ID, g.UID, g.Symptom, g.Layer = r.Words, r.Chain, r.Advice, r.ID, r.UID, r.Symptom, r.Layer
}

func addCounts(a, b []aggregate.Count) []aggregate.Count {
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

// certainty is how surely a group's cause may be said.
type certainty uint8

const (
	unknown certainty = iota
	likely
	sure
)

func (g *group) certainty() certainty {
	switch {
	case g.Confidence < 0.6 || 2*g.Decidable < g.Count:
		return unknown
	case g.Confidence < 0.9 || g.Decidable < g.Count:
		return likely
	}
	return sure
}

// extent returns the first and last time of some rows, or the window's.
func extent(rows []aggregate.Cause, w aggregate.Window) (first, last time.Time) {
	for i := range rows {
		r := &rows[i]
		if !r.First.IsZero() && (first.IsZero() || r.First.Before(first)) {
			first = r.First
		}
		if r.Last.After(last) {
			last = r.Last
		}
	}
	if first.IsZero() {
		first = w.From
	}
	if last.IsZero() {
		last = w.To
	}
	return first, last
}
