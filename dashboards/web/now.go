package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// figures are what the store says for the page Now. All viewers share them, so
// nothing in them changes once they are made.
type figures struct {
	at        time.Time
	from, to  time.Time
	step      time.Duration
	incidents []aggregate.Incident
	points    []aggregate.Point
	marks     []aggregate.Mark
	focus     *aggregate.Incident // what goes on, or has just ended
	since     time.Time           // begin of what sum covers
	sum       *aggregate.Summary
	last      *aggregate.Failure // the newest failure; nil where that is known otherwise, or none is
}

const (
	overFor    = 10 * time.Minute // how long an incident's end is news
	quietAfter = 5 * time.Minute  // without a request
	recent     = 5 * time.Minute
)

// nowView is the page Now.
type nowView struct {
	frame
	Sum      *aggregate.Summary // nil without figures
	Sentence string
	Advice   string
	Incident string // where more is told
	More     []string
	Wide     *timeline
	Narrow   *timeline
	Plot     *plot
	Legend   []legendRow
	Order    string
	PlotOf   string
	Span     string // what the tables cover
	Split    []splitCell
	Causes   []tableRow
	Backends []tableRow
	Routes   []tableRow
	Apart    string // what is not counted
	Sources  []SourceStatus
	First    bool
	Last     *aggregate.Incident
	LastLink string
	LastSaid string
}

type splitCell struct {
	Words string
	N     int64
	Share int // percent, for the bar
	Doubt bool
}

type tableRow struct {
	swatch
	Name  string
	N     int64
	Share string
	Bar   int // percent
	Of    int64
	Href  string
	Words string
}

func (s *Server) pageNow(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, false, append([]string{"order"}, ranged...)...)
	if err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	v, err := s.now(r.Context(), r, p)
	status := http.StatusOK
	if err != nil && v.Plot == nil {
		status = problemOf(err, "").Status
	}
	s.render(w, r, status, "now", v)
}

// now makes the view, with old figures and a line of trouble where the store
// does not answer.
func (s *Server) now(ctx context.Context, r *http.Request, p params) (*nowView, error) {
	follows := p.From.IsZero() && p.To.IsZero()
	v := &nowView{frame: s.frame(r, "now", p)}
	v.Follows = follows
	fig, at, err := s.figures(ctx, p)
	if err != nil {
		v.Trouble = s.trouble(err, at)
		var bad *badParamsError
		if fig == nil || errors.As(err, &bad) {
			v.State = state{"trouble", "○", "No figures", ""}
			v.Heading = "No figures"
			v.Ledger = s.ledger(nil)
			return v, err
		}
	}
	s.fill(v, fig)
	return v, err
}

func (s *Server) figures(ctx context.Context, p params) (*figures, time.Time, error) {
	key := p.values().Encode()
	return recall(ctx, s.views, "now?"+key, s.cfg.Now, func(ctx context.Context) (fig *figures, err error) {
		err = s.bounded(ctx, func(ctx context.Context) error {
			fig, err = s.load(ctx, p)
			return err
		})
		return fig, err
	})
}

// load asks the store for what the page shows, in five queries.
func (s *Server) load(ctx context.Context, p params) (*figures, error) {
	now := s.cfg.Now()
	f := &figures{at: now}
	follows := p.From.IsZero() && p.To.IsZero()
	q := p
	if follows {
		q.To = now.Truncate(time.Minute).Add(time.Minute)
		q.From = q.To.Add(-lastHour)
	} else if err := q.within(now, lastHour); err != nil {
		return nil, err
	}
	f.from, f.to, f.step = q.From, q.To, stepFor(q.To.Sub(q.From), 120)
	f.since = f.from
	f.from = f.from.Truncate(f.step)
	var err error
	wide := aggregate.Query{From: f.from, To: f.to, Site: p.Site}
	if f.incidents, _, err = s.store.Incidents(ctx, wide, "", 50); err != nil {
		return nil, err
	}
	for i := range f.incidents {
		s.sayIncident(&f.incidents[i])
	}
	series := q.query()
	series.From = f.from
	if f.points, err = s.store.Timeseries(ctx, series, f.step); err != nil {
		return nil, err
	}
	if f.marks, err = s.store.Marks(ctx, wide); err != nil {
		return nil, err
	}
	sum := q.query()
	if follows && p.Cause == "" && p.Backend == "" && p.Text == "" {
		if f.focus = focus(f.incidents, now); f.focus != nil {
			sum.From, sum.Site = f.focus.Start, f.focus.Site
			if !f.focus.Ongoing {
				sum.To = f.focus.End.Add(time.Second)
			}
			f.since = f.focus.Start
		}
	}
	if f.sum, err = s.store.Summary(ctx, sum); err != nil {
		return nil, err
	}
	if f.focus == nil && f.sum.Failures == 0 && follows {
		rows, _, err := s.store.Failures(ctx, aggregate.Query{Site: p.Site, Class: "failure"}, "", 1)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			f.last = &rows[0]
		}
	}
	return f, nil
}

// focus is the incident that a person wants to know of: the newest that goes
// on, else one that ended a moment ago.
func focus(list []aggregate.Incident, now time.Time) *aggregate.Incident {
	var best *aggregate.Incident
	for i := range list {
		in := &list[i]
		if in.MergedInto != "" || !in.Ongoing && now.Sub(in.End) > overFor {
			continue
		}
		if best == nil || in.Ongoing && !best.Ongoing || in.Ongoing == best.Ongoing && in.Start.After(best.Start) {
			best = in
		}
	}
	return best
}

func (s *Server) fill(v *nowView, f *figures) {
	p := newPlot(f.points, f.step, v.P.Order, s.cfg.Zone)
	p.Incidents, p.Marks = f.incidents, f.marks
	v.Plot, v.Order = p, p.order()
	v.Wide = p.draw("plot-wide", 820, 6)
	narrow := p.last(30)
	if !v.Follows {
		narrow = p.merged((len(p.Points) + 39) / 40)
	}
	v.Narrow = narrow.draw("plot-narrow", 336, 3)
	v.PlotOf = "failures " + stepWords(f.step) + " by cause"
	if v.Follows {
		v.PlotOf += ", last hour"
	}
	v.Legend = p.legend(func(c string) string { return v.With("cause", c) })
	v.count(f)
	v.Ledger = s.ledger(v.Sum)
	v.tables()
	s.tell(v, f)
	v.Heading = v.State.Word
	if v.State.Class == "failing" {
		v.Heading = report.Share(v.Sum.Failures, max(v.Sum.Requests, v.Sum.Failures))
	}
}

// count takes the figures of the incident in focus, which go from its first
// second to its last, so that they agree with its sentence; a store sums up
// whole minutes.
func (v *nowView) count(f *figures) {
	sum := *f.sum
	if in := f.focus; in != nil && len(in.Causes) > 0 {
		sum.Requests, sum.Failures, sum.Causes, sum.Reached, sum.Undecided = max(in.Requests, in.Failures), in.Failures, in.Causes, in.Reached, in.Undecided
		sum.Ratio = float64(sum.Failures) / float64(max(sum.Requests, 1))
	}
	v.Sum = &sum
}

// tell finds the state and its sentence.
func (s *Server) tell(v *nowView, f *figures) {
	sum, now := f.sum, f.at
	in := f.focus
	var requests int64
	var lastSeen time.Time
	covered := false
	for i := range f.points {
		pt := &f.points[i]
		covered = covered || !pt.NoData
		if pt.Requests > 0 {
			lastSeen = pt.At
			if pt.At.Add(f.step).After(now.Add(-recent)) {
				requests += pt.Requests
			}
		}
	}
	status := s.live.Status()
	switch {
	case in != nil && in.Ongoing:
		v.State = state{"failing", "●", "FAILING", fmt.Sprintf("for %s, since %s", report.Span(max(now.Sub(in.Start), 0)), s.clock(in.Start, now))}
		v.about(in)
	case in != nil:
		v.State = state{"over", "○", "Over", fmt.Sprintf("at %s after %s", s.clock(in.End, now), report.Span(in.End.Sub(in.Start)))}
		v.about(in)
	case !v.Follows:
		v.State = state{"plain", "○", "Paused", fmt.Sprintf("%s to %s", s.clock(f.since, now), s.clock(f.to, now))}
		v.Sentence = report.Sentence(sum, s.cfg.Zone)
		v.advise(sum.Causes)
	case requests == 0 && (len(status.Sources) > 0 || covered) && !lastSeen.IsZero() && now.Sub(lastSeen) > quietAfter:
		v.State = state{"doubt", "○", "No traffic", ""}
		v.Sentence = fmt.Sprintf("No requests since %s (%s). Reading %s %s; %s.", s.clock(lastSeen.Add(f.step), now), report.Span(now.Sub(lastSeen.Add(f.step))),
			report.Count(int64(len(status.Sources))), plural(int64(len(status.Sources)), "source", "sources"), grown(status.Sources, now))
		v.Sources = status.Sources
	case lastSeen.IsZero() && sum.Requests == 0 && sum.Failures == 0:
		v.First = f.last == nil
		v.Sources = status.Sources
		v.State = state{"doubt", "○", "No requests yet", ""}
		v.Sentence = fmt.Sprintf("Reading %s %s found on this machine", report.Count(int64(len(status.Sources))), plural(int64(len(status.Sources)), "log", "logs")) + "."
		switch {
		case len(status.Sources) == 0:
			v.Sentence = "No log is being read, and the store is empty."
		case !v.First:
			v.State.Word = "No traffic"
			v.Sentence = fmt.Sprintf("No requests in the last hour. Reading %s %s; %s.", report.Count(int64(len(status.Sources))),
				plural(int64(len(status.Sources)), "source", "sources"), grown(status.Sources, now))
		}
	case sum.Failures > 0:
		v.State = state{"well", "○", "No incident", "in the last hour"}
		v.Sentence = report.Sentence(sum, s.cfg.Zone)
		v.advise(sum.Causes)
	default:
		v.State = state{"well", "○", "Well", ""}
		quiet := "in the last hour"
		if f.last != nil {
			if t, err := time.Parse(time.RFC3339Nano, f.last.Ended); err == nil && now.After(t) {
				quiet = "for " + report.Span(now.Sub(t))
			}
		}
		v.Sentence = fmt.Sprintf("No failures %s. %s %s in the last 5 min.", quiet, report.Count(requests), plural(requests, "request", "requests"))
	}
	open := 0
	for i := range f.incidents {
		o := &f.incidents[i]
		if o.Ongoing && o.MergedInto == "" && (in == nil || o.ID != in.ID) && open < 3 {
			v.More = append(v.More, o.ID)
			open++
		}
	}
	if in == nil && f.focus == nil && len(f.incidents) > 0 {
		v.Last = &f.incidents[0]
		v.LastLink, v.LastSaid = "/incidents/"+pathEscape(v.Last.ID), v.Last.Sentence
	}
}

func grown(sources []SourceStatus, now time.Time) string {
	n := 0
	for _, src := range sources {
		if !src.LastLine.IsZero() && now.Sub(src.LastLine) < quietAfter {
			n++
		}
	}
	if n == 0 {
		return "none has grown"
	}
	return fmt.Sprintf("%d %s grown", n, plural(int64(n), "has", "have"))
}

func (v *nowView) about(in *aggregate.Incident) {
	v.Sentence, v.Incident = in.Sentence, "/incidents/"+pathEscape(in.ID)
	v.advise(in.Causes)
}

// advise takes the first thing to do of the largest cause that has one.
func (v *nowView) advise(causes []aggregate.Cause) {
	for _, c := range causes {
		if len(c.Advice) > 0 && strings.TrimSpace(c.Advice[0]) != "" {
			v.Advice = c.Advice[0]
			return
		}
	}
}

// clock writes a moment with its day when that is another than now's.
func (s *Server) clock(t, now time.Time) string {
	t = t.In(s.cfg.Zone)
	if t.Format(time.DateOnly) == now.In(s.cfg.Zone).Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("Mon 2 Jan 15:04:05")
}
