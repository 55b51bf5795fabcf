package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"why503/dashboards/report"
)

const (
	eventEvery = time.Second      // at most
	aliveEvery = 15 * time.Second // at least, so that a lost connection shows
	writeIn    = 10 * time.Second
)

// An event is a change of the page Now, as its stream tells it.
type event struct {
	At        time.Time `json:"at"`
	State     string    `json:"state"` // failing, over, well, doubt, trouble
	Title     string    `json:"title"` // of the page
	Sentence  string    `json:"sentence"`
	Incident  string    `json:"incident"` // path of its page; empty without
	Cause     string    `json:"cause"`    // the largest
	Requests  int64     `json:"requests"`
	Failures  int64     `json:"failures"`
	Undecided int64     `json:"undecided"`
	Ratio     float64   `json:"failure_ratio"`
	Trouble   string    `json:"trouble"`
}

// apiEvents streams what changes on the page Now: server-sent events named
// `change`, at most one a second, and a comment now and then.
//
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (s *Server) apiEvents(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, "site", "cause", "backend", "q")
	if err != nil {
		s.fail(w, r, problemOf(err, ""))
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		s.fail(w, r, problem{Status: http.StatusServiceUnavailable, Type: typeBusy, Title: "Too many viewers follow", Detail: "Ask for the summary instead, or later."})
		return
	}
	changed, cancel := s.live.Subscribe()
	defer cancel()
	st := &stream{w: w, control: http.NewResponseController(w)}
	_ = st.control.SetReadDeadline(time.Time{}) // a test's writer has no deadlines
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	s.follow(r.Context(), r, p, st, changed)
}

// A stream writes events, each with a deadline.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    []byte
	n       int
}

func (st *stream) write(b []byte) error {
	_ = st.control.SetWriteDeadline(time.Now().Add(writeIn)) // where there are none, the connection has none
	if _, err := st.w.Write(b); err != nil {
		return err
	}
	return st.control.Flush()
}

func (s *Server) follow(ctx context.Context, r *http.Request, p params, st *stream, changed <-chan struct{}) {
	next := time.NewTimer(0)
	defer next.Stop()
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	waiting := true // a change has been seen, the timer will tell of it
	var told time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		case _, ok := <-changed:
			if !ok {
				changed = nil
				continue
			}
			if !waiting {
				waiting = true
				next.Reset(max(eventEvery-time.Since(told), 0))
			}
		case <-next.C:
			waiting, told = false, time.Now()
			err = s.tellChange(ctx, r, p, st)
		case <-alive.C:
			// Minutes pass also where nothing is written.
			if !waiting {
				waiting = true
				next.Reset(max(eventEvery-time.Since(told), 0))
			}
			err = st.write([]byte(": alive\n\n"))
		}
		if err != nil {
			return
		}
	}
}

// tellChange sends the state of things, unless it is what was sent before.
func (s *Server) tellChange(ctx context.Context, r *http.Request, p params, st *stream) error {
	v, _ := s.now(ctx, r, p) // an error stands in the view
	e := event{State: v.State.Class, Title: v.Title(), Sentence: v.Sentence, Incident: v.Incident, Trouble: v.Trouble}
	if v.Sum != nil {
		e.Requests, e.Failures, e.Undecided, e.Ratio = v.Sum.Requests, v.Sum.Failures, v.Sum.Undecided, v.Sum.Ratio
		if len(v.Sum.Causes) > 0 {
			e.Cause = v.Sum.Causes[0].Cause
		}
	}
	var b bytes.Buffer
	if err := report.Value(&b, e); err != nil {
		return err
	}
	if bytes.Equal(b.Bytes(), st.last) {
		return nil
	}
	st.last = bytes.Clone(b.Bytes())
	e.At = s.cfg.Now().UTC()
	b.Reset()
	if err := report.Value(&b, e); err != nil {
		return err
	}
	st.n++
	return st.write(fmt.Appendf(nil, "event: change\nid: %d\ndata: %s\n\n", st.n, bytes.TrimSpace(b.Bytes())))
}
