package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"why503/aggregate"
	"why503/aggregate/live"
	"why503/aggregate/localstore"
	"why503/aggregate/metrics"
	"why503/cmd/internal/admin"
	"why503/cmd/internal/conf"
	"why503/dashboards/web"
	"why503/ingest"
	"why503/ingest/collect"
	"why503/ingest/segment"
	"why503/parse"
	"why503/parse/detect"
	"why503/parse/nginx"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// ServeConfig is what `why503 serve` was told.
type ServeConfig struct {
	*conf.Config
	Version string
	Rules   *rules.Set
	Log     *slog.Logger
	Stdin   *os.File // read when the Config asks for it
	// Ready is called with the address of the page once everything runs.
	Ready func(addr string)
	// Link stands between collector and core, for what goes there and what goes
	// back, from more than one goroutine; nil hands messages on as they are.
	Link func(wire.Message) wire.Message
}

// Serve runs until ctx ends: sources, then the core, then the page stop, in the
// order in which data flows.
func Serve(ctx context.Context, cfg ServeConfig) error {
	s := &server{cfg: cfg, log: cfg.Log, started: time.Now(), lines: make(map[parse.SourceID]int64)}
	return s.run(ctx)
}

// A server is the parts of `why503 serve`.
type server struct {
	cfg      ServeConfig
	log      *slog.Logger
	started  time.Time
	store    *localstore.Store
	settings settings
	collect  *collect.Collector
	core     *live.Core
	registry *prometheus.Registry
	ingested *ingest.Metrics
	streams  sync.Map // *segment.Writer: the streams that are written
	spill    *os.File // what the join does not hold in memory
	hub      hub

	mu     sync.Mutex
	status web.Status
	lines  map[parse.SourceID]int64 // that were read
	again  parse.Time
	stored map[string]aggregate.SourceState
}

// waiting is how many messages may wait between collector and core. Each
// holds at most some hundred Records.
const waiting = 64

// ErrNotStored is what Serve returns where all went well but its end.
var ErrNotStored = errors.New("the store did not take what was read last, which is read again at the next start")

// storeMost is how long the end waits for a store that takes nothing, as on a
// disk that is full.
const storeMost = 10 * time.Second

func (s *server) run(ctx context.Context) (err error) {
	boundMemory()
	saveMemory()
	listener, err := net.Listen("tcp", string(s.cfg.Listen))
	if err != nil {
		return fmt.Errorf("listening on %s: %w. Another address: --listen", s.cfg.Listen, err)
	}
	defer listener.Close()
	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()

	var work sync.WaitGroup
	failed := make(chan error, 8)
	start := func(fn func() error) {
		work.Add(1)
		go func() {
			defer work.Done()
			if err := fn(); err != nil && ctx.Err() == nil {
				failed <- err
			}
		}()
	}
	messages := make(chan wire.Message, waiting)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	storing, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(storeMost, stopStoring) })()
	if err := s.wire(ctx, messages); err != nil {
		return err
	}
	defer s.spill.Close()
	alerts, err := s.alerts()
	if err != nil {
		return err
	}
	sources, err := s.sources(reading, start)
	if err != nil {
		return err
	}
	start(func() error { return s.pump(reading) })
	start(func() error { defer close(messages); return s.collect.Run(reading) })
	var unstored error
	start(func() error { // until all that was read is stored
		unstored = s.core.Run(storing, s.linked(storing, messages))
		return unstored
	})
	start(func() error { return sources.follow(reading) })
	start(func() error { return s.maintain(ctx) })
	start(func() error { return alerts(ctx) })

	page := s.page()
	httpServer := page.Serve(s.handler(page))
	start(func() error {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving %s: %w", listener.Addr(), err)
		}
		return nil
	})
	if s.cfg.Ready != nil {
		s.cfg.Ready(listener.Addr().String())
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopReading()
	page.Close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = httpServer.Shutdown(end)
	if err != nil {
		return err // the process ends; what was not written is read again
	}
	work.Wait()
	if unstored != nil {
		return fmt.Errorf("%w: %w", ErrNotStored, unstored)
	}
	return nil
}

// open opens the store and reads the configurations of the proxies.
func (s *server) open(ctx context.Context) error {
	age, size := time.Duration(s.cfg.Retention.Age), int64(s.cfg.Retention.Size)
	c := localstore.Config{Path: string(s.cfg.Store), Log: s.log, MaxBytes: size}
	if age > 0 {
		c.Facts, c.Minutes, c.Hours = age, 10*age, 10*age
	}
	var err error
	if s.store, err = localstore.Open(ctx, c); err != nil {
		return err
	}
	var problems []error
	s.settings, problems = readSettings(AnalyzeConfig{NginxConf: texts(s.cfg.NginxConf), VCL: texts(s.cfg.VCL), VarnishParams: texts(s.cfg.Params)})
	for _, p := range problems {
		s.log.Warn("reading a configuration", "err", p)
	}
	return s.recall(ctx)
}

// lookBack is how far before what is settled reading begins again, at least: a
// request that fails now may have begun that long ago.
const lookBack = parse.Time(90 * time.Second)

// recall reads where reading goes on.
func (s *server) recall(ctx context.Context) error {
	states, err := s.store.Sources(ctx)
	if err != nil {
		return fmt.Errorf("reading where %s left off: %w", s.cfg.Store, err)
	}
	s.stored = make(map[string]aggregate.SourceState, len(states))
	for _, st := range states {
		s.stored[st.Path] = st
	}
	settled, err := s.store.Settled(ctx)
	if err != nil {
		return fmt.Errorf("reading where %s left off: %w", s.cfg.Store, err)
	}
	if settled != 0 {
		s.again = settled - lookBack
	}
	return nil
}

// wire makes collector and core.
func (s *server) wire(ctx context.Context, out chan<- wire.Message) error {
	s.registry = admin.NewRegistry(s.cfg.Version)
	s.ingested = ingest.NewMetrics(s.registry)
	routes, err := traffic.NewPatterns(texts(s.cfg.Routes))
	if err != nil {
		return err
	}
	s.collect = collect.New(collect.Config{
		Zone: s.cfg.Zone.Location(), Detect: s.detect, Site: aggregate.Site, Routes: routes, Recall: s.minute(ctx), Out: out, Log: s.log,
	})
	queue := newQueue()
	s.hub.queue = queue
	join, err := s.join()
	if err != nil {
		return err
	}
	s.core, err = live.New(ctx, live.Config{
		Store: s.store, Rules: s.cfg.Rules, HashKey: []byte("why503 analyze"), Routes: routes, Redact: s.cfg.Redact, Join: join, Stored: s.stored,
		Env: func(k rules.KindSet) *rules.Env { return &rules.Env{Settings: s.settings.values, Kinds: k} },
		Ask: func(w *wire.Want) { queue.put(s.link(w)) }, Tell: func(c *wire.Clock) { queue.put(s.link(c)) },
		Changed: s.changed, Notice: s.hub.notice, Placed: s.placed,
		Kept: func(id parse.SourceID, position []byte) { queue.put(collect.Stored{Source: id, Position: position}) }, Metrics: watched{metrics.New(s.registry), s}, Log: s.log,
	})
	return err
}

// minute returns what the store has of a source's minute.
func (s *server) minute(ctx context.Context) func(string, traffic.Minute) (*wire.Minute, []wire.Second, error) {
	return func(source string, m traffic.Minute) (*wire.Minute, []wire.Second, error) {
		old, err := s.store.Minute(ctx, source, m)
		if errors.Is(err, aggregate.ErrNotFound) {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		from := int64(m.Start()) / 1e9
		seconds, err := s.store.SourceSeconds(ctx, source, from, from+60)
		if err != nil {
			return nil, nil, err
		}
		out := make([]wire.Second, len(seconds))
		for i, x := range seconds {
			out[i] = wire.Second{Site: x.Site, At: x.At, Requests: x.Requests}
		}
		return &wire.Minute{Minute: m, Failed: old.Failed, Rows: old.Rows}, out, nil
	}
}

// detect tells a source's format: by what the configuration says of it, by the
// configuration of the program that writes it, by its content.
func (s *server) detect(in collect.Input, sample []byte) detect.Result {
	for i := range s.cfg.Sources.Paths {
		p := &s.cfg.Sources.Paths[i]
		if p.Format == "" || !covers(string(p.Path), in.Path) {
			continue
		}
		if format, mk, err := detect.ByName(string(p.Format)); err == nil { // the configuration was checked
			return detect.Result{Format: format, New: mk}
		}
	}
	hints := detect.Hints{Name: filepath.Base(in.Path)}
	var known []*nginx.Access
	if in.Stream != nil {
		known = s.settings.nginxFormats()
	} else if access, ok := s.settings.nginxFormat(in.Path); ok {
		known = append(known, access)
	}
	for _, access := range known {
		hints.Candidates = append(hints.Candidates, detect.Candidate{
			Format: detect.Format{Name: "nginx", Title: "nginx access log"},
			New:    func() parse.Parser { return access.Fork() },
		})
	}
	return detect.Detect(sample, hints)
}

// linked hands messages on, through Link where there is one, and tells the
// metrics of them. When ctx ends nobody takes them any more.
func (s *server) linked(ctx context.Context, in <-chan wire.Message) <-chan wire.Message {
	out := make(chan wire.Message, 1)
	names := make(map[parse.SourceID]string)
	go func() {
		defer close(out)
		for m := range in {
			switch m := m.(type) {
			case *wire.Source:
				names[m.ID] = m.Name
				s.seen(m)
			case *wire.Progress:
				s.ingested.Progress(names[m.Source], m)
				s.progress(names[m.Source], m)
			}
			select {
			case out <- s.link(m):
			case <-ctx.Done():
			}
		}
	}()
	return out
}

func (s *server) link(m wire.Message) wire.Message {
	if s.cfg.Link == nil {
		return m
	}
	return s.cfg.Link(m)
}

// pump hands the core's questions to the collector. The core never waits for
// the collector, which may be waiting for the core.
func (s *server) pump(ctx context.Context) error {
	for {
		m, ok := s.hub.queue.take(ctx)
		if !ok {
			return nil
		}
		switch m := m.(type) {
		case *wire.Want:
			_ = s.collect.Want(ctx, m)
		case *wire.Clock:
			_ = s.collect.Clock(ctx, m)
		case collect.Stored:
			_ = s.collect.Stored(ctx, m)
		}
	}
}

// maintain keeps the store small and quick.
func (s *server) maintain(ctx context.Context) error {
	s.nameSites(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Minute):
		}
		s.expire()
		s.nameSites(ctx)
		if err := s.store.Maintain(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("tidying the store", "err", err)
		}
	}
}

// expire lets streams drop what is too old.
func (s *server) expire() {
	s.streams.Range(func(w, _ any) bool {
		if err := w.(*segment.Writer).Expire(); err != nil && !errors.Is(err, segment.ErrClosed) {
			s.log.Warn("tidying a stream", "err", err)
		}
		return true
	})
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = string(list[i])
	}
	return out
}
