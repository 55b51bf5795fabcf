package app

import (
	"net/http"
	"slices"
	"time"

	"why503/cmd/internal/admin"
	"why503/dashboards/web"
	"why503/parse"
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

func (s *server) healthy() error { return nil }

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
	out.Started, out.StoreAnswers, out.Lossless = s.started, true, true
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
	if m.To != 0 {
		x.LastLine = time.Unix(0, int64(m.To)).UTC()
	}
	x.Lost = 0
	for _, n := range m.Losses {
		x.Lost += n
	}
}
