package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

const (
	lastHour = time.Hour
	lastWeek = 7 * 24 * time.Hour
	// maxPoints bounds a time series.
	maxPoints = 2000
)

// answer writes v, or the problem that err is.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v any, err error, what string) {
	if err != nil {
		p := problemOf(err, what)
		if p.Status >= http.StatusInternalServerError {
			s.log.Warn("the store did not answer", "path", r.URL.Path, "err", err)
		}
		s.fail(w, r, p)
		return
	}
	var b bytes.Buffer
	if err := report.Value(&b, v); err != nil {
		s.log.Error("writing an answer", "path", r.URL.Path, "err", err)
		s.fail(w, r, problem{Status: http.StatusInternalServerError, Title: "The answer cannot be written as JSON", Detail: "The log of why503 says more."})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.Bytes()) // the client is gone, who could be told?
}

func (s *Server) apiSummary(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, append([]string{"incident"}, ranged...)...)
	if err == nil {
		err = p.within(s.cfg.Now(), lastHour)
	}
	var sum *aggregate.Summary
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			sum, err = s.store.Summary(ctx, p.query())
			return err
		})
	}
	if err == nil {
		s.say(sum)
		s.answer(w, r, *sum, nil, "")
		return
	}
	s.answer(w, r, nil, err, "summary")
}

// say gives incidents their sentence where the store has none.
func (s *Server) say(sum *aggregate.Summary) {
	for i := range sum.Incidents {
		s.sayIncident(&sum.Incidents[i])
	}
}

func (s *Server) sayIncident(in *aggregate.Incident) {
	if in.Sentence == "" {
		in.Sentence = report.IncidentSentence(&aggregate.Summary{}, in, s.cfg.Zone)
	}
}

// series is the answer of /api/v1/timeseries.
type series struct {
	StepS  float64           `json:"step_s"`
	Points []aggregate.Point `json:"points"`
}

func (s *Server) apiTimeseries(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, append([]string{"step"}, ranged...)...)
	if err == nil {
		err = p.within(s.cfg.Now(), lastHour)
	}
	if err == nil {
		if p.Step == 0 {
			p.Step = stepFor(p.To.Sub(p.From), 120)
		}
		if p.To.Sub(p.From)/p.Step > maxPoints {
			bad := &badParamsError{}
			bad.add("step", fmt.Sprintf("More than %d points; %s would do.", maxPoints, stepFor(p.To.Sub(p.From), maxPoints)))
			err = bad
		}
	}
	out := series{StepS: p.Step.Seconds()}
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			out.Points, err = s.store.Timeseries(ctx, p.query(), p.Step)
			return err
		})
	}
	s.answer(w, r, out, err, "series")
}

// failures is the answer of /api/v1/failures and /api/v1/requests/{id}.
type failures struct {
	Failures []aggregate.Failure `json:"failures"`
	Next     string              `json:"next"` // cursor of the next page; empty on the last
}

func (s *Server) apiFailures(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, slices.Concat(ranged, paged, []string{"class", "incident"})...)
	if err == nil && p.Incident == "" {
		err = p.within(s.cfg.Now(), lastHour)
	}
	var out failures
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			out.Failures, out.Next, err = s.store.Failures(ctx, p.query(), p.Cursor, p.Limit)
			return err
		})
	}
	s.answer(w, r, out, err, "page")
}

// incidents is the answer of /api/v1/incidents.
type incidents struct {
	Incidents []aggregate.Incident `json:"incidents"`
	Next      string               `json:"next"`
}

func (s *Server) apiIncidents(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, slices.Concat(ranged, paged)...)
	if err == nil {
		err = p.within(s.cfg.Now(), lastWeek)
	}
	var out incidents
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			out.Incidents, out.Next, err = s.store.Incidents(ctx, p.query(), p.Cursor, p.Limit)
			return err
		})
	}
	for i := range out.Incidents {
		s.sayIncident(&out.Incidents[i])
	}
	s.answer(w, r, out, err, "page")
}

func (s *Server) apiIncident(w http.ResponseWriter, r *http.Request) {
	_, err := readParams(r, true)
	var in *aggregate.Incident
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			in, err = s.store.Incident(ctx, pathID(r))
			return err
		})
	}
	if err != nil {
		s.answer(w, r, nil, err, "incident")
		return
	}
	s.sayIncident(in)
	s.answer(w, r, *in, nil, "")
}

func (s *Server) apiRequest(w http.ResponseWriter, r *http.Request) {
	_, err := readParams(r, true)
	var out failures
	if err == nil {
		out.Failures, err = s.find(r.Context(), pathID(r))
	}
	s.answer(w, r, out, err, "request")
}

// find looks for requests; none is ErrNotFound.
func (s *Server) find(ctx context.Context, id string) (rows []aggregate.Failure, err error) {
	if id == "" {
		return nil, aggregate.ErrNotFound
	}
	err = s.bounded(ctx, func(ctx context.Context) (err error) {
		rows, err = s.store.Find(ctx, id)
		return err
	})
	if err == nil && len(rows) == 0 {
		err = aggregate.ErrNotFound
	}
	return rows, err
}

// pathID is the id in the path, empty where it is too long to be one.
func pathID(r *http.Request) string {
	id := r.PathValue("id")
	if len(id) > maxText {
		return ""
	}
	return id
}

// sources is the answer of /api/v1/sources: what the store knows of each
// source, and how reading them goes now.
type sources struct {
	Sources []sourceRow `json:"sources"`
	Live    Status      `json:"live"`
}

// A sourceRow is an aggregate.SourceState without where reading goes on.
type sourceRow struct {
	aggregate.Source
	LagS    float64   `json:"lag_s"`
	ReadTo  time.Time `json:"read_to"`
	Updated time.Time `json:"updated"`
}

func (s *Server) apiSources(w http.ResponseWriter, r *http.Request) {
	_, err := readParams(r, true)
	var states []aggregate.SourceState
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			states, err = s.store.Sources(ctx)
			return err
		})
	}
	out := sources{Live: s.live.Status()}
	for _, st := range states {
		out.Sources = append(out.Sources, sourceRow{st.Source, st.LagS, st.ReadTo, st.Updated})
	}
	s.answer(w, r, out, err, "source")
}

// marks is the answer of /api/v1/marks.
type marks struct {
	Marks []aggregate.Mark `json:"marks"`
}

var markKinds = []string{"deploy", "config", "mark"}

const maxWhat = 500

func (s *Server) apiMarks(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.addMark(w, r)
		return
	}
	p, err := readParams(r, true, "from", "to", "site")
	if err == nil {
		err = p.within(s.cfg.Now(), lastWeek)
	}
	var out marks
	if err == nil {
		err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
			out.Marks, err = s.store.Marks(ctx, p.query())
			return err
		})
	}
	s.answer(w, r, out, err, "mark")
}

// addMark takes a mark from a program as JSON, or from the page as a form; the
// guard has turned away what pages of other origins send.
func (s *Server) addMark(w http.ResponseWriter, r *http.Request) {
	var m aggregate.Mark
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form := kind == "application/x-www-form-urlencoded"
	bad := &badParamsError{}
	switch {
	case form:
		if err := r.ParseForm(); err != nil {
			bad.add("", "The form cannot be read.")
		}
		m = aggregate.Mark{Kind: r.PostForm.Get("kind"), Site: r.PostForm.Get("site"), What: r.PostForm.Get("what")}
		if at := r.PostForm.Get("at"); at != "" {
			t, why := moment(at)
			if m.At = t; why != "" {
				bad.add("at", why)
			}
		}
	case kind == "application/json":
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&m); err != nil {
			bad.add("", "Not a mark: "+report.Escape(cut(err.Error(), 200)))
		} else if _, err := d.Token(); !errors.Is(err, io.EOF) {
			bad.add("", "More than one value.")
		}
	default:
		s.fail(w, r, problem{Status: http.StatusUnsupportedMediaType, Title: "Unsupported media type", Detail: "Send application/json, as {\"kind\":\"deploy\",\"what\":\"shop 1.8.3\"}."})
		return
	}
	s.checkMark(&m, bad)
	if len(bad.list) > 0 {
		s.fail(w, r, bad.problem())
		return
	}
	if err := s.bounded(r.Context(), func(ctx context.Context) error { return s.store.Mark(ctx, m) }); err != nil {
		s.answer(w, r, nil, err, "mark")
		return
	}
	if form {
		http.Redirect(w, r, localPath(r.PostForm.Get("back")), http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = report.Value(w, m) // the client is gone, who could be told?
}

func (s *Server) checkMark(m *aggregate.Mark, bad *badParamsError) {
	if m.Kind == "" {
		m.Kind = "mark"
	}
	if m.At.IsZero() {
		m.At = s.cfg.Now().UTC().Truncate(time.Second)
	}
	m.What = strings.TrimSpace(m.What)
	switch {
	case !slices.Contains(markKinds, m.Kind):
		bad.add("kind", "Not one of "+strings.Join(markKinds, ", ")+".")
	case m.At.Year() < 1970 || m.At.Year() > 2200:
		bad.add("at", "Not a time of this age.")
	case m.What == "":
		bad.add("what", "Empty; say what was done.")
	}
	if _, why := text(m.What, maxWhat); why != "" {
		bad.add("what", why)
	}
	if _, why := text(m.Site, maxText); why != "" {
		bad.add("site", why)
	}
}
