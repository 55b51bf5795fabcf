package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// requestView is the page of a failed request.
type requestView struct {
	frame
	Row      *aggregate.Failure
	Others   []requestRow // of the same id
	Target   string
	At       string
	Took     string
	Sentence string
	Place    string
	Chain    chainView
	Ladders  []ladder
	More     int
	Hops     []hopView
	Joined   []report.JoinedBy
	Facts    []fact
	Attempts []attemptView
	Missing  []aggregate.Missing
	Copy     string
}

type fact struct{ Name, Value string }

type attemptView struct {
	aggregate.Attempt
	Sent, First, Closed string
}

type hopView struct {
	report.Hop
	Place string
	Took  string
	Quote quote
	Score string
	Clock string
}

func (s *Server) pageRequest(w http.ResponseWriter, r *http.Request) {
	if _, err := readParams(r, false, "site"); err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	id := pathID(r)
	rows, err := s.find(r.Context(), id)
	if err != nil {
		s.noRequest(w, r, id, err)
		return
	}
	v := &requestView{frame: s.frame(r, "request", params{}), Row: &rows[0]}
	if len(rows) > 1 {
		v.Others = s.requestRows(rows[1:min(len(rows), rowsShown)])
	}
	s.fillRequest(v)
	if err := s.story(r, v); err != nil && !errors.Is(err, aggregate.ErrNotFound) {
		s.log.Warn("telling the story of a request", "uid", v.Row.UID, "err", err)
		v.Trouble = "The stored lines of this request could not be read; below is what its verdict quotes."
	}
	v.Copy = v.text()
	s.render(w, r, http.StatusOK, "request", v)
}

// noRequest says what ids look like, and looks for what was asked in the
// requests' other texts.
func (s *Server) noRequest(w http.ResponseWriter, r *http.Request, id string, err error) {
	if !errors.Is(err, aggregate.ErrNotFound) {
		s.fail(w, r, problemOf(err, "request"))
		return
	}
	v := s.errorView(r, problem{Status: http.StatusNotFound, Type: typeMissing, Title: "No such request", Detail: "The store has no failed request of this id."})
	v.ID = id
	v.Looks = "An id is a request id (X-Request-ID), a trace id of 32 hex digits, a VXID such as 65571, or six digits and more of a uid."
	if id != "" {
		rows, _, err := s.store.Failures(r.Context(), aggregate.Query{Text: id, Class: "all"}, "", 20)
		if err == nil {
			v.Found = s.requestRows(rows)
		}
	}
	s.render(w, r, http.StatusNotFound, "error", v)
}

func (s *Server) fillRequest(v *requestView) {
	f := v.Row
	v.Target = f.Path
	if v.Target == "" {
		v.Target = "request"
	}
	v.Heading = strings.TrimSpace(f.Method + " " + cut(brief(v.Target), 60))
	v.Took = took(f.DurationMS)
	v.At = f.Time
	if t, err := time.Parse(time.RFC3339Nano, f.Time); err == nil {
		v.At = t.In(s.cfg.Zone).Format("2 Jan 2006 15:04:05.000 MST")
	}
	links := make([]aggregate.ChainLink, len(f.Chain))
	for i := range f.Chain {
		links[i].Link = f.Chain[i]
	}
	if f.Join.How == "inferred" && f.Join.Score != nil && len(links) > 0 {
		links[len(links)-1].Inferred = *f.Join.Score
	}
	v.Chain = s.chain(f.Cause, "", 1, links)
	v.Missing, v.Place = f.Missing, place(f.Reached)
	v.Sentence = rowSentence(f)
	for _, a := range f.Attempts {
		v.Attempts = append(v.Attempts, attemptView{a, millis(a.SentMS), millis(a.FirstByteMS), millis(a.ClosedMS)})
	}
	v.facts()
	v.Ledger = s.ledger(nil)
}

// rowSentence says why, from the row alone.
func rowSentence(f *aggregate.Failure) string {
	words := ""
	if n := len(f.Chain); n > 0 {
		words = strings.TrimRight(strings.TrimSpace(report.Escape(cut(f.Chain[n-1].Words, maxShown))), ".")
	}
	lacking := ""
	if len(f.Missing) > 0 {
		lacking = ": " + brief(f.Missing[0].Source) + " " + report.WhyMissing(f.Missing[0].Why)
	}
	switch {
	case words == "":
		return "These logs cannot say why it failed" + lacking + "."
	case f.Confidence < 0.6 || !f.Decidable && len(f.Missing) > 0 && f.Confidence < 0.9:
		return report.UpperFirst(words) + "; these logs cannot say why" + lacking + "."
	case f.Confidence < 0.9 || !f.Decidable:
		return "Most likely " + words + "."
	}
	return report.UpperFirst(words) + "."
}

func millis(ms *float64) string {
	if ms == nil {
		return "not logged"
	}
	return took(*ms)
}

// facts are what the row says beside the story, what it does not say left out.
func (v *requestView) facts() {
	f := v.Row
	put := func(name, value string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{name, value})
		}
	}
	put("class", f.Class)
	put("site", f.Site)
	put("route", f.Route)
	put("backend", strings.TrimSpace(f.Backend+" "+f.BackendAddr))
	if f.OriginCode != 0 {
		put("origin answered", strconv.Itoa(f.OriginCode))
	}
	put("proxy", f.Proxy)
	put("handling", f.Handling)
	put("client", strings.TrimSpace(f.Client+" "+clientWords(f.ClientClass)))
	put("request id", f.RequestID)
	put("trace id", f.TraceID)
	if f.VXID != 0 {
		put("vxid", strconv.FormatUint(f.VXID, 10))
	}
	put("uid", f.UID)
	put("protocol", f.Protocol)
	if f.Bytes > 0 {
		put("bytes", report.Count(f.Bytes))
	}
	if f.ConnReused {
		put("connection", "reused")
	}
	if t := trigger(f.Trigger); t != "" {
		put("trigger", t)
	}
	put("confidence", fmt.Sprintf("%.2f", f.Confidence))
	put("evidence", f.Evidence)
	if !f.Final {
		put("state", "provisional, may still grow")
	}
}

func clientWords(class string) string {
	if class == "" || class == "unknown" {
		return ""
	}
	return "(" + class + ")"
}

// story draws the request's ladders, where its Records are stored.
func (s *Server) story(r *http.Request, v *requestView) error {
	if s.cfg.Explain == nil {
		return nil
	}
	var b []byte
	err := s.bounded(r.Context(), func(ctx context.Context) (err error) {
		b, _, err = s.store.Records(ctx, v.Row.UID)
		return err
	})
	if err != nil || len(b) == 0 {
		return err
	}
	q, verdict, file, err := s.cfg.Explain(b)
	if err != nil {
		return fmt.Errorf("decoding the records of %s: %w", v.Row.UID, err)
	}
	st, err := report.Tell(q, verdict, report.ExplainOptions{Options: report.Options{Zone: s.cfg.Zone}, File: file})
	if err != nil {
		return err
	}
	v.Sentence, v.More, v.Joined = st.Sentence, st.More, st.Joined
	for i := range v.Joined {
		if j := &v.Joined[i]; j.N == 1 {
			j.By = strings.Replace(j.By, "links", "link", 1)
		}
	}
	for i := range st.Ladders {
		v.Ladders = append(v.Ladders, drawLadder(&st.Ladders[i], v.Row.Cause))
	}
	for _, h := range st.Hops {
		x := hopView{Hop: h, Quote: quoted(h.Raw), Took: "", Place: h.File}
		if h.File != "" && h.Line > 0 {
			x.Place = fmt.Sprintf("%s:%d", h.File, h.Line)
		}
		if h.Duration > 0 {
			x.Took = report.Span(h.Duration)
		}
		if h.Inferred > 0 {
			x.Score = fmt.Sprintf("inferred %.2f", h.Inferred)
		}
		if h.Clock != 0 {
			x.Clock = "clock moved by " + report.Span(h.Clock)
		}
		v.Hops = append(v.Hops, x)
	}
	return nil
}

// text is the page as text, to paste.
func (v *requestView) text() string {
	var b strings.Builder
	f := v.Row
	fmt.Fprintf(&b, "%s %s  %d after %s  %s\n%s\n", brief(f.Method), brief(v.Target), f.Status, v.Took, brief(v.At), v.Sentence)
	for i, l := range v.Chain.Links {
		arrow := "chain  "
		if i > 0 {
			arrow = "     ← "
		}
		fmt.Fprintf(&b, "%s%s  %s\n", arrow, brief(l.Words), brief(l.Cause))
		if l.Place != "" {
			fmt.Fprintf(&b, "       %s\n", brief(l.Place))
		}
		if line, _, _ := strings.Cut(l.Line, "\n"); line != "" {
			fmt.Fprintf(&b, "       │ %s\n", report.Escape(cut(line, 500)))
		}
	}
	for _, x := range v.Facts {
		fmt.Fprintf(&b, "%s: %s\n", x.Name, brief(x.Value))
	}
	return b.String()
}
