package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// incidentData is what the store says of an incident.
type incidentData struct {
	in       *aggregate.Incident
	points   []aggregate.Point
	step     time.Duration
	marks    []aggregate.Mark
	requests []aggregate.Failure
	next     string
}

// incidentView is the page of an incident.
type incidentView struct {
	frame
	Incident   *aggregate.Incident
	Merged     string
	Began      string
	Lasted     string
	Sentence   string
	Proof      string
	Chains     []chainView
	Lesser     []chainView
	LesserSaid string
	Rest       int // causes beyond the bound
	Advice     []string
	Split      []splitCell
	Causes     []tableRow
	Backends   []tableRow
	Routes     []tableRow
	Local      []string
	Changes    []change
	Missing    []aggregate.MissingCount
	Wide       *timeline
	Narrow     *timeline
	Plot       *plot
	Legend     []legendRow
	PlotOf     string
	Order      string
	Requests   []requestRow
	Next       string
	First      bool
	Verdict    string // to copy
	MarkSite   string
	Back       string
}

// A chainView is the chain of one cause.
type chainView struct {
	Cause string
	N     int64
	Links []linkView
}

type linkView struct {
	aggregate.ChainLink
	Number int
	Words  string
	At     string
	Place  string
	Of     string
	Root   bool
	Score  string // of an inferred join
	Quote  quote
}

// A change is something that was done before.
type change struct{ At, What, Before string }

const maxChains = 3

func (s *Server) pageIncident(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, false, "cursor", "site", "order")
	if err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	id := pathID(r)
	d, at, err := recall(r.Context(), s.views, "incident/"+id+"?"+p.Cursor, s.cfg.Now, func(ctx context.Context) (d incidentData, err error) {
		err = s.bounded(ctx, func(ctx context.Context) error {
			d, err = s.loadIncident(ctx, id, p.Cursor)
			return err
		})
		return d, err
	})
	if d.in == nil {
		s.noIncident(w, r, id, err)
		return
	}
	if d.in.MergedInto != "" && d.in.MergedInto != d.in.ID {
		http.Redirect(w, r, "/incidents/"+pathEscape(d.in.MergedInto), http.StatusSeeOther)
		return
	}
	v := &incidentView{frame: s.frame(r, "incidents", params{Site: p.Site, Order: p.Order}), First: p.Cursor == ""}
	status := s.troubled(&v.frame, err, at)
	s.fillIncident(v, d)
	s.render(w, r, status, "incident", v)
}

func (s *Server) noIncident(w http.ResponseWriter, r *http.Request, id string, err error) {
	if err != nil && !errors.Is(err, aggregate.ErrNotFound) {
		s.fail(w, r, problemOf(err, "incident"))
		return
	}
	v := s.errorView(r, problem{
		Status: http.StatusNotFound, Type: typeMissing, Title: "No such incident",
		Detail: "The store has no incident of this id, or several whose ids begin so.",
	})
	v.ID, v.Looks = id, "An incident's id looks like 20260102T0303Z-1f2e3d4c; any part that only one has will do."
	s.render(w, r, http.StatusNotFound, "error", v)
}

// loadIncident asks the store in four queries.
func (s *Server) loadIncident(ctx context.Context, id, cursor string) (incidentData, error) {
	var d incidentData
	if id == "" {
		return d, aggregate.ErrNotFound
	}
	in, err := s.store.Incident(ctx, id)
	if err != nil {
		return d, err
	}
	if in.MergedInto != "" {
		d.in = in
		return d, nil
	}
	length := max(in.End.Sub(in.Start), time.Minute)
	margin := max(length/4, 5*time.Minute)
	q := aggregate.Query{From: in.Start.Add(-margin), To: in.End.Add(margin), Site: aggregate.OfSite(in.Site)}
	if now := s.cfg.Now(); q.To.After(now) {
		q.To = now.Add(time.Minute)
	}
	d.step = stepFor(q.To.Sub(q.From), 120)
	q.From = q.From.Truncate(d.step)
	if d.points, err = s.store.Timeseries(ctx, q, d.step); err != nil {
		return d, err
	}
	if d.marks, err = s.store.Marks(ctx, aggregate.Query{From: in.Start.Add(-24 * time.Hour), To: q.To, Site: in.Site}); err != nil {
		return d, err
	}
	if d.requests, d.next, err = s.store.Failures(ctx, aggregate.Query{Incident: in.ID}, cursor, rowsShown); err != nil {
		return d, err
	}
	d.in = in
	return d, nil
}

func (s *Server) fillIncident(v *incidentView, d incidentData) {
	in := *d.in
	s.sayIncident(&in)
	now := s.cfg.Now()
	v.Incident, v.Sentence, v.Heading = &in, in.Sentence, "Incident "+in.Start.In(s.cfg.Zone).Format("Mon 2 Jan 15:04")
	v.Began = in.Start.In(s.cfg.Zone).Format("Mon 2 Jan 2006 15:04:05 MST")
	switch {
	case in.Ongoing:
		v.Lasted = report.Span(max(now.Sub(in.Start), 0))
		v.State = state{"failing", "●", "ONGOING", v.Lasted}
		v.Follows = v.First
	case now.Sub(in.End) <= overFor:
		v.Lasted = report.Span(in.End.Sub(in.Start))
		v.State = state{"over", "○", "Over", "at " + s.clock(in.End, now) + " after " + v.Lasted}
	default:
		v.Lasted = report.Span(in.End.Sub(in.Start))
		v.State = state{"plain", "○", "Over", "after " + v.Lasted}
	}
	v.chains(s, &in)
	v.proof(&in)
	v.Split = split(in.Reached)
	history := func(name string) func(string) string {
		p := params{Site: aggregate.OfSite(in.Site), From: in.Start.Add(-time.Second), To: in.End.Add(time.Second)}
		return func(value string) string { return p.href("/history", name, value) }
	}
	v.Causes = causeRows(in.Causes, in.Failures, history("cause"))
	var backends, routes []aggregate.Count
	said := map[string]bool{}
	for i := range in.Causes {
		c := &in.Causes[i]
		backends, routes = add(backends, c.Backends), add(routes, c.Routes)
		for _, a := range c.Advice {
			if a = strings.TrimSpace(a); a != "" && !said[a] && len(v.Advice) < 6 {
				said[a] = true
				v.Advice = append(v.Advice, a)
			}
		}
	}
	v.Backends, v.Routes = countRows(backends, in.Failures, history("backend")), countRows(routes, in.Failures, history("q"))
	for _, l := range in.Localisation {
		for _, key := range []string{"backend", "route", "version", "proxy", "client"} {
			if name, ok := l.Where[key]; ok && len(l.Where) == 1 {
				v.Local = append(v.Local, fmt.Sprintf("%s %s has %s of the failures and %s of the traffic; elsewhere %s fail", key, name, report.Ratio(l.Share), report.Ratio(l.Baseline), report.Ratio(l.OutsideRatio)))
			}
		}
	}
	v.changes(s, &in, d.marks)
	v.Missing = in.Missing
	p := newPlot(d.points, d.step, v.P.Order, s.cfg.Zone)
	p.Incidents, p.Marks = []aggregate.Incident{in}, d.marks
	v.Order = p.order()
	v.Plot, v.PlotOf = p, "failures "+stepWords(d.step)+" by cause"
	v.Wide = p.draw("plot-wide", 820, 6)
	v.Narrow = p.merged((len(p.Points)+39)/40).draw("plot-narrow", 336, 3)
	v.Legend = p.legend(history("cause"))
	v.Requests = s.requestRows(d.requests)
	v.Back = "/incidents/" + pathEscape(in.ID)
	if d.next != "" {
		v.Next = v.Back + "?cursor=" + queryEscape(d.next) + "#requests"
	}
	v.MarkSite = in.Site
	v.Verdict = v.verdict()
	v.Ledger = s.ledger(nil)
}

// chains are those of the causes, the largest for all to see. Rows of a cause
// differ in what the proxy saw; the largest row's chain stands for them.
func (v *incidentView) chains(s *Server, in *aggregate.Incident) {
	var all []chainView
	var lesser int64
	for _, r := range causeOrder(in.Causes) {
		c := in.Causes[r.first]
		if len(c.Chain) == 0 {
			continue
		}
		links := slices.Clone(c.Chain)
		for i := range links {
			links[i].N = r.links[links[i].Cause]
		}
		if len(all) == maxChains {
			v.Rest++
			continue
		}
		if len(all) > 0 {
			lesser += r.n
		}
		all = append(all, s.chain(c.Cause, c.Words, r.n, links))
	}
	if len(all) == 0 && len(in.Chain) > 0 {
		all = append(all, s.chain(in.Chain[len(in.Chain)-1].Cause, "", in.Failures, in.Chain))
	}
	if len(all) > 0 {
		v.Chains, v.Lesser = all[:1], all[1:]
		n := int64(len(v.Lesser) + v.Rest)
		v.LesserSaid = fmt.Sprintf("%s more %s, %s failed", report.Count(n), plural(n, "cause", "causes"), report.Count(lesser))
	}
}

// A causeGroup is the rows of one cause.
type causeGroup struct {
	first int // of its rows, the largest
	n     int64
	links map[string]int64 // requests that have a link, by its cause
}

func causeOrder(causes []aggregate.Cause) []causeGroup {
	var out []causeGroup
	at := map[string]int{}
	for i := range causes {
		c := &causes[i]
		k, ok := at[c.Cause]
		if !ok {
			k = len(out)
			at[c.Cause] = k
			out = append(out, causeGroup{first: i, links: map[string]int64{}})
		}
		g := &out[k]
		if c.Count > causes[g.first].Count {
			g.first = i
		}
		g.n += c.Count
		for j := range c.Chain {
			if !slices.ContainsFunc(c.Chain[:j], func(l aggregate.ChainLink) bool { return l.Cause == c.Chain[j].Cause }) {
				g.links[c.Chain[j].Cause] += c.Chain[j].N
			}
		}
	}
	slices.SortStableFunc(out, func(a, b causeGroup) int { return cmp.Compare(b.n, a.n) })
	return out
}

func (s *Server) chain(cause, words string, n int64, links []aggregate.ChainLink) chainView {
	out := chainView{Cause: cause, N: n}
	for i, k := range links {
		l := linkView{ChainLink: k, Number: i + 1, Words: k.Words, Place: linkPlace(&k.Link), At: s.stampText(k.Time), Quote: quoted(k.Line)}
		if l.Words == "" {
			l.Words = words
		}
		l.Words = strings.TrimRight(strings.TrimSpace(l.Words), ".")
		if k.N > 0 {
			l.Of = report.Count(k.N) + " of " + report.Count(n)
		}
		l.Root = i == len(links)-1 && k.Level == "root"
		if k.Inferred > 0 {
			l.Score = fmt.Sprintf("inferred %.1f", floorTenth(k.Inferred))
		}
		out.Links = append(out.Links, l)
	}
	return out
}

func floorTenth(x float64) float64 { return float64(int(x*10)) / 10 }

// linkPlace is where a line stands.
func linkPlace(k *aggregate.Link) string {
	switch {
	case k.File == "":
		return ""
	case k.LineNo > 0:
		return fmt.Sprintf("%s:%d", k.File, k.LineNo)
	}
	return fmt.Sprintf("%s, byte %d", k.File, k.Offset)
}

// stampText writes the time of a line; what is no time comes back as it is.
func (s *Server) stampText(rfc string) string {
	t, err := time.Parse(time.RFC3339Nano, rfc)
	if err != nil {
		return rfc
	}
	t = t.In(s.cfg.Zone)
	if t.Nanosecond() == 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04:05.000")
}

// proof says on how many logs the verdict stands.
func (v *incidentView) proof(in *aggregate.Incident) {
	logs, hosts := map[string]bool{}, map[string]bool{}
	for _, c := range slices.Concat(v.Chains, v.Lesser) {
		for _, l := range c.Links {
			if l.File != "" {
				logs[l.File] = true
			}
			if l.Host != "" {
				hosts[l.Host] = true
			}
		}
	}
	if len(logs) == 0 {
		return
	}
	v.Proof = fmt.Sprintf("quoted from %d %s", len(logs), plural(int64(len(logs)), "log", "logs"))
	if len(hosts) > 1 {
		v.Proof += fmt.Sprintf(" on %d hosts", len(hosts))
	}
	if len(in.Causes) > 0 {
		v.Proof += fmt.Sprintf(" · confidence %.2f", in.Causes[0].Confidence)
	}
	if in.Undecided > 0 {
		v.Proof += fmt.Sprintf(" · %s undecided", report.Count(in.Undecided))
	}
}

// changes are what was done in the day before, newest first.
func (v *incidentView) changes(s *Server, in *aggregate.Incident, marks []aggregate.Mark) {
	if t := in.Trigger; t != nil && t.What != "" {
		before := time.Duration(min(max(t.BeforeS, 0), 1e9) * float64(time.Second))
		v.Changes = append(v.Changes, change{s.clock(in.Start.Add(-before), in.Start), t.What, report.Span(before) + " before"})
	}
	for i := len(marks) - 1; i >= 0 && len(v.Changes) < 8; i-- {
		m := &marks[i]
		when := "before"
		d := in.Start.Sub(m.At)
		if d < 0 {
			when, d = "after it began", -d
		}
		v.Changes = append(v.Changes, change{s.clock(m.At, in.Start), m.Kind + ": " + m.What, report.Span(d) + " " + when})
	}
}

// verdict is the incident in plain text, to paste.
func (v *incidentView) verdict() string {
	var b strings.Builder
	b.WriteString(v.Sentence + "\n")
	for _, c := range v.Chains {
		for i, l := range c.Links {
			arrow := "chain  "
			if i > 0 {
				arrow = "     ← "
			}
			fmt.Fprintf(&b, "%s%s  %s  %s\n", arrow, brief(l.Words), brief(l.Cause), l.Of)
			if l.Place != "" {
				fmt.Fprintf(&b, "       %s\n", brief(l.Place))
			}
			if line, _, _ := strings.Cut(l.Line, "\n"); line != "" {
				fmt.Fprintf(&b, "       │ %s\n", report.Escape(cut(line, 500)))
			}
		}
	}
	for i, a := range v.Advice {
		fmt.Fprintf(&b, "do %d   %s\n", i+1, report.Escape(cut(a, 1000)))
	}
	return b.String()
}
