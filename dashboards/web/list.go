package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// An incidentRow is an incident in a list.
type incidentRow struct {
	Href, Began, Lasted, Cause, Trigger, Site, Sentence, Peak string
	Failures, Requests, Clients                               int64
	Ongoing                                                   bool
	swatch
}

// A requestRow is a failed request in a list.
type requestRow struct {
	Href, At, Method, Target, Cause, Words, Backend, Reached, Site, Took string
	Status                                                               int
	Decidable                                                            bool
	swatch
}

const (
	rowsShown = 50
	listDays  = 28
)

func (s *Server) incidentRows(list []aggregate.Incident) []incidentRow {
	var out []incidentRow
	now := s.cfg.Now()
	for _, in := range list { // copies: the list is shared
		if in.MergedInto != "" {
			continue
		}
		s.sayIncident(&in)
		r := incidentRow{
			Href: "/incidents/" + pathEscape(in.ID), Began: in.Start.In(s.cfg.Zone).Format("Mon 2 Jan 15:04"), Lasted: report.Span(in.End.Sub(in.Start)),
			Failures: in.Failures, Requests: max(in.Requests, in.Failures), Clients: in.Clients, Ongoing: in.Ongoing, Site: in.Site, Sentence: in.Sentence,
			Peak: report.Ratio(in.PeakRatio), Trigger: trigger(in.Trigger),
		}
		if in.Start.Year() != now.Year() {
			r.Began = in.Start.In(s.cfg.Zone).Format("2 Jan 2006 15:04")
		}
		if in.Ongoing {
			r.Lasted = report.Span(max(now.Sub(in.Start), 0))
		}
		if len(in.Causes) > 0 {
			r.Cause = in.Causes[0].Cause
			r.swatch = swatches([]string{r.Cause})[0]
		}
		out = append(out, r)
	}
	return out
}

func trigger(t *aggregate.Trigger) string {
	if t == nil || t.What == "" {
		return ""
	}
	what := t.What
	if t.BeforeS > 0 {
		what += ", " + report.Span(time.Duration(min(t.BeforeS, 1e9)*float64(time.Second))) + " before"
	}
	return what
}

func (s *Server) requestRows(list []aggregate.Failure) []requestRow {
	var out []requestRow
	now := s.cfg.Now()
	for i := range list {
		f := &list[i]
		r := requestRow{
			Href: "/requests/" + pathEscape(cut(f.UID, maxText)), At: f.Ended, Method: f.Method, Target: f.Path, Cause: f.Cause, Backend: f.Backend, Reached: place(f.Reached),
			Site: f.Site, Status: f.Status, Decidable: f.Decidable, swatch: swatches([]string{f.Cause})[0],
			Took: took(f.DurationMS),
		}
		if t, err := time.Parse(time.RFC3339Nano, f.Ended); err == nil {
			r.At = s.clock(t, now)
		}
		if n := len(f.Chain); n > 0 {
			r.Words = f.Chain[n-1].Words
		}
		out = append(out, r)
	}
	return out
}

// took writes a duration in ms, never as none.
func took(ms float64) string {
	if ms > 0 && ms < 0.5 {
		return "<1 ms"
	}
	return report.Span(time.Duration(min(max(ms, -1e12), 1e12) * float64(time.Millisecond)))
}

// place is an answer of the first split in words.
func place(key string) string {
	for _, p := range report.Places() {
		if p.Key == key {
			return p.Words
		}
	}
	return key
}

// listView is the pages Incidents and History.
type listView struct {
	frame
	Sentence  string
	Incidents []incidentRow
	Requests  []requestRow
	Searched  bool
	Next      string // where the list goes on
	NextReq   string
	First     bool // the list is shown from its begin
	Chips     []chip
	Days      []day
	Weeks     int
	Classes   []chip
	Class     string
	Legend    []string
}

// A chip is a filter that is set, and where it is not.
type chip struct {
	Name, Value, Href string
	On                bool
}

// A day is a square of the strip of days.
type day struct {
	X, Y, Size, GX, GY string
	Told, Href         string
	NoData             bool
}

func (s *Server) pageIncidents(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, false, append([]string{"cursor"}, ranged...)...)
	if err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	v := &listView{frame: s.frame(r, "incidents", p), First: p.Cursor == ""}
	v.Follows = p.From.IsZero() && p.To.IsZero() && v.First
	type page struct {
		list []aggregate.Incident
		next string
	}
	got, at, err := recall(r.Context(), s.views, "incidents?"+p.values().Encode()+"&"+p.Cursor, s.cfg.Now, func(ctx context.Context) (page, error) {
		var out page
		q := p
		if err := q.within(s.cfg.Now(), listDays*24*time.Hour); err != nil {
			return out, err
		}
		err := s.bounded(ctx, func(ctx context.Context) (err error) {
			out.list, out.next, err = s.store.Incidents(ctx, q.query(), p.Cursor, rowsShown)
			return err
		})
		return out, err
	})
	status := s.troubled(&v.frame, err, at)
	v.Incidents = s.incidentRows(got.list)
	if got.next != "" {
		v.Next = p.href("/incidents", "cursor", got.next)
	}
	v.Heading = "Incidents"
	v.Chips = s.chips(p, "/incidents")
	v.Sentence = incidentsSentence(v, p)
	v.Ledger = s.ledger(nil)
	s.render(w, r, status, "incidents", v)
}

func incidentsSentence(v *listView, p params) string {
	span := "in the last 28 days"
	if !p.From.IsZero() || !p.To.IsZero() {
		span = "in this time"
	}
	if len(v.Incidents) == 0 {
		return "No incident " + span + "."
	}
	var n int64
	open := 0
	for _, in := range v.Incidents {
		n += in.Failures
		if in.Ongoing {
			open++
		}
	}
	more := ""
	if v.Next != "" || !v.First {
		span, more = "on this page", ""
	}
	text := report.Count(int64(len(v.Incidents))) + " " + plural(int64(len(v.Incidents)), "incident", "incidents") + " " + span + ", " + report.Count(n) + " failed" + more
	if open > 0 {
		text += "; " + strconv.Itoa(open) + " going on"
	}
	return text + "."
}

// troubled writes the line of trouble, and returns the status of the page.
func (s *Server) troubled(f *frame, err error, at time.Time) int {
	if err == nil {
		return http.StatusOK
	}
	f.Trouble = s.trouble(err, at)
	var bad *badParamsError
	if errors.As(err, &bad) {
		f.Trouble = "A parameter cannot be taken: " + bad.list[0].Parameter + ". " + bad.list[0].Detail
		return http.StatusBadRequest
	}
	if at.IsZero() {
		return problemOf(err, "").Status
	}
	return http.StatusOK
}

// chips are the filters that are set, each with the link that takes it away.
func (s *Server) chips(p params, path string) []chip {
	var out []chip
	put := func(name, param, value string) {
		if value != "" {
			out = append(out, chip{Name: name, Value: value, Href: p.href(path, param, ""), On: true})
		}
	}
	put("site", "site", p.Site)
	put("cause", "cause", p.Cause)
	put("backend", "backend", p.Backend)
	put("text", "q", p.Text)
	if !p.From.IsZero() || !p.To.IsZero() {
		from, to := "the beginning", "now"
		now := s.cfg.Now()
		if !p.From.IsZero() {
			from = s.clock(p.From, now)
		}
		if !p.To.IsZero() {
			to = s.clock(p.To, now)
		}
		out = append(out, chip{Name: "time", Value: from + " to " + to, Href: p.href(path, "from", "", "to", ""), On: true})
	}
	return out
}

// history is what the store says for the page History.
type history struct {
	points    []aggregate.Point
	incidents []aggregate.Incident
	next      string
	requests  []aggregate.Failure
	nextReq   string
	found     []aggregate.Failure // by id
}

func (s *Server) pageHistory(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, false, append([]string{"cursor", "class"}, ranged...)...)
	if err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	v := &listView{frame: s.frame(r, "history", p), First: p.Cursor == "", Class: p.Class}
	h, at, err := recall(r.Context(), s.views, "history?"+p.values().Encode()+"&"+p.Cursor, s.cfg.Now, func(ctx context.Context) (h history, err error) {
		err = s.bounded(ctx, func(ctx context.Context) error {
			h, err = s.loadHistory(ctx, p)
			return err
		})
		return h, err
	})
	status := s.troubled(&v.frame, err, at)
	if len(h.found) == 1 && p.Text != "" && v.First {
		http.Redirect(w, r, "/requests/"+pathEscape(h.found[0].UID), http.StatusSeeOther)
		return
	}
	v.Heading = "History"
	v.Incidents = s.incidentRows(h.incidents)
	v.Requests = s.requestRows(slices.Concat(h.found, h.requests))
	v.Searched = p.Text != "" || p.Cause != "" || p.Backend != "" || p.Class != "" || !p.From.IsZero() || p.Cursor != ""
	if h.nextReq != "" {
		v.NextReq = p.href("/history", "cursor", h.nextReq)
	}
	v.Chips = s.chips(p, "/history")
	v.days(h.points)
	for _, c := range classes {
		name := c
		if c == "failure" {
			name = "failed"
		}
		v.Classes = append(v.Classes, chip{Name: name, Value: c, On: c == p.Class || p.Class == "" && c == "failure"})
	}
	v.Ledger = s.ledger(nil)
	s.render(w, r, status, "history", v)
}

func (s *Server) loadHistory(ctx context.Context, p params) (history, error) {
	var h history
	now := s.cfg.Now()
	q := p
	if err := q.within(now, listDays*24*time.Hour); err != nil {
		return h, err
	}
	days := q.query()
	days.Class, days.Text = "", ""
	days.To = now.UTC().Truncate(day24).Add(day24) // stores count days of UTC
	days.From = days.To.Add(-listDays * day24)
	var err error
	if h.points, err = s.store.Timeseries(ctx, days, day24); err != nil {
		return h, err
	}
	if p.Cursor == "" {
		if h.incidents, h.next, err = s.store.Incidents(ctx, q.query(), "", rowsShown); err != nil {
			return h, err
		}
		if looksLikeID(p.Text) {
			if h.found, err = s.store.Find(ctx, p.Text); err != nil && !errors.Is(err, aggregate.ErrNotFound) {
				return h, err
			}
			h.found = h.found[:min(len(h.found), rowsShown)]
		}
	}
	if h.requests, h.nextReq, err = s.store.Failures(ctx, q.query(), p.Cursor, rowsShown); err != nil {
		return h, err
	}
	h.requests = slices.DeleteFunc(h.requests, func(f aggregate.Failure) bool {
		return slices.ContainsFunc(h.found, func(g aggregate.Failure) bool { return g.UID == f.UID })
	})
	return h, nil
}

const day24 = 24 * time.Hour

// looksLikeID tells what may be a request id, a trace id, a VXID or a part of a
// uid from other text.
func looksLikeID(s string) bool {
	if len(s) < 4 || len(s) > 128 {
		return false
	}
	digits := 0
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_':
		default:
			return false
		}
	}
	return digits > 0
}

// days makes the strip: a square a day, its area the failures, a row a week.
func (v *listView) days(points []aggregate.Point) {
	const cell, room = 32, 26
	var most int64
	for i := range points {
		most = max(most, points[i].Failures)
	}
	for i := range points {
		pt := &points[i]
		side := 0.0
		if most > 0 && pt.Failures > 0 {
			side = max(room*sqrt(float64(pt.Failures)/float64(most)), 3)
		}
		x, y := float64(i)*cell, 0.0
		told := pt.At.UTC().Format("Mon 2 Jan") + ": " + report.Count(pt.Failures) + " of " + report.Count(max(pt.Requests, pt.Failures)) + " failed"
		if pt.NoData {
			told = pt.At.UTC().Format("Mon 2 Jan") + ": no log covers this day"
		}
		v.Days = append(v.Days, day{
			X: num(x + (cell-side)/2), Y: num(y + (cell-side)/2), Size: num(side), GX: num(x + 1), GY: num(y + 1), Told: told, NoData: pt.NoData,
			Href: v.P.href("/history", "from", pt.At.UTC().Format(time.RFC3339), "to", pt.At.Add(day24).UTC().Format(time.RFC3339)),
		})
	}
}
