package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"why503/aggregate"
	"why503/aggregate/metrics"
	"why503/cmd/internal/admin"
	"why503/dashboards/web"
	"why503/parse"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// page makes the page and the API.
func (s *server) page() *web.Server {
	return web.New(web.Config{
		Token: s.cfg.Token.Reveal(), Zone: time.UTC, Explain: s.explain,
	}, s.store, s, s.log)
}

// handler adds what operators ask. It is for whoever may see the page.
func (s *server) handler(page *web.Server) http.Handler {
	mux := http.NewServeMux()
	metrics := admin.Handler(s.registry, s.log, admin.Check{Name: "store", Err: s.healthy})
	mux.Handle("GET /metrics", page.Guard(metrics))
	mux.Handle("GET /debug/pprof/", page.Guard(metrics))
	mux.Handle("/", page.Handler())
	return mux
}

// healthy says what keeps the store from taking what was found.
func (s *server) healthy() error {
	if text := s.Status().StoreError; text != "" {
		return errors.New(text)
	}
	return nil
}

// watched tells the page, too, what the metrics are told.
type watched struct {
	*metrics.Metrics
	s *server
}

// StoreWrite notes whether the store answers.
func (w watched) StoreWrite(took time.Duration, err error) {
	w.Metrics.StoreWrite(took, err)
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.status.StoreError = ""
	if err != nil {
		w.s.status.StoreError = err.Error()
	}
}

// Open notes how many incidents go on.
func (w watched) Open(n int) {
	w.Metrics.Open(n)
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.status.IncidentsOpen = n
}

// changed tells those who look that something new is stored.
func (s *server) changed(settled parse.Time) {
	s.mu.Lock()
	s.status.OldestOpen = time.Unix(0, int64(traffic.MinuteOf(settled).Start())).UTC()
	s.mu.Unlock()
	s.hub.changed()
}

// nameSites looks up which sites there are.
func (s *server) nameSites(ctx context.Context) {
	sites, err := s.store.Sites(ctx)
	if err != nil {
		return // the page goes on with those it knows
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Sites = s.status.Sites[:0:0]
	for _, name := range sites {
		s.status.Sites = append(s.status.Sites, aggregate.OfSite(name))
	}
}

// explain decodes a stored Request and diagnoses it again.
func (s *server) explain(records []byte) (*parse.Request, *rules.Verdict, func(parse.SourceID) string, error) {
	q, err := wire.DecodeRequest(records)
	if err != nil {
		return nil, nil, nil, err
	}
	var kinds rules.KindSet
	for i := range q.Coverage {
		kinds.Add(q.Coverage[i].Kind)
	}
	v := s.cfg.Rules.Diagnose(q, &rules.Env{Settings: s.settings.values, Kinds: kinds})
	return q, &v, nil, nil // the parts name their files
}

// Subscribe implements web.Live.
func (s *server) Subscribe() (<-chan struct{}, func()) { return s.hub.Subscribe() }

// Status implements web.Live.
func (s *server) Status() web.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Sources = slices.Clone(out.Sources)
	out.Sources = slices.DeleteFunc(out.Sources, func(x web.SourceStatus) bool { return x.Path == "" })
	out.Started, out.Lossless = s.started, true
	out.StoreAnswers = out.StoreError == ""
	for i := range out.Sources {
		out.Lossless = out.Lossless && out.Sources[i].Lossless
	}
	return out
}

// seen notes a source for the page.
func (s *server) seen(m *wire.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int(m.ID) >= len(s.status.Sources) {
		s.status.Sources = append(s.status.Sources, web.SourceStatus{Lossless: true})
	}
	x := &s.status.Sources[m.ID]
	x.Path, x.Format, x.Program, x.Host = m.Name, m.Format, m.Program.String(), m.Host
}

// placed notes for the page whose requests are those of clients.
func (s *server) placed(id parse.SourceID, front bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(id) < len(s.status.Sources) {
		s.status.Sources[id].Front = front
	}
}

func (s *server) progress(_ string, m *wire.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(m.Source) >= len(s.status.Sources) {
		return
	}
	x := &s.status.Sources[m.Source]
	x.LagS, x.Lossless = float64(m.Lag)/1e9, m.Lossless
	if m.Lines > s.lines[m.Source] { // its clock may be wrong, ours tells when it came
		x.LastLine = time.Now().Add(-time.Duration(m.Lag)).UTC()
	}
	s.lines[m.Source] = m.Lines
	x.Lost = 0
	for _, n := range m.Losses {
		x.Lost += n
	}
}
