package web

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"why503/aggregate"
	"why503/parse"
	"why503/rules"
)

// A Config says how the page is served. The zero value serves loopback, in
// UTC, without a token.
type Config struct {
	// Hosts are the names under which the page may be asked for, beside those of
	// loopback. Where it is empty and a Token is set, any name will do.
	Hosts []string
	// Token is asked of everyone where it is not empty. Who listens elsewhere
	// than on loopback sets it.
	Token string
	// Zone is that of the times on the page; nil is UTC.
	Zone *time.Location
	// StoreTimeout bounds the store queries of a page; 0 is two seconds.
	StoreTimeout time.Duration
	// Explain decodes a stored Request and diagnoses it, for the ladder. Where
	// it is nil, the page of a request shows what its row says.
	Explain func(records []byte) (*parse.Request, *rules.Verdict, func(parse.SourceID) string, error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	storeTimeout = 2 * time.Second
	maxViews     = 64  // answers that are kept for when the store does not answer
	maxStreams   = 128 // viewers that follow
	maxQueries   = 8   // queries at a time
)

// A Server answers for the page and the API.
type Server struct {
	cfg     Config
	store   Store
	live    Live
	log     *slog.Logger
	views   *memory
	queries chan struct{} // holds a value for each query that runs
	streams chan struct{}
	closed  chan struct{}
	close   sync.Once
	wrong   *attempts
	mac     []byte // key of the cookies' signatures
}

// New returns a Server over store. live may be nil where nothing is read here,
// as in a store that another process filled.
func New(cfg Config, store Store, live Live, log *slog.Logger) *Server {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.StoreTimeout <= 0 {
		cfg.StoreTimeout = storeTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if live == nil {
		live = still{}
	}
	return &Server{
		cfg: cfg, store: store, live: live, log: log, views: newMemory(maxViews), closed: make(chan struct{}),
		queries: make(chan struct{}, maxQueries), streams: make(chan struct{}, maxStreams), wrong: &attempts{}, mac: cookieKey(cfg.Token),
	}
}

// Close ends the streams of all viewers, which would keep an http.Server from
// shutting down.
func (s *Server) Close() { s.close.Do(func() { close(s.closed) }) }

// HTTP returns a server for Handler with bounds on times and sizes. Streams
// set their own deadlines.
func (s *Server) HTTP() *http.Server { return s.Serve(s.Handler()) }

// Serve is HTTP for a handler that has more than ours.
func (s *Server) Serve(h http.Handler) *http.Server {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Close)
	return srv
}

// A route is a path that is served, with the methods that it takes.
type route struct {
	path    string
	methods string // GET includes HEAD
	handle  http.HandlerFunc
	open    bool // also without the token
}

func (s *Server) routes() []route {
	return []route{
		{"/{$}", "GET", s.pageNow, false},
		{"/incidents", "GET", s.pageIncidents, false},
		{"/incidents/{id}", "GET", s.pageIncident, false},
		{"/requests/{id}", "GET", s.pageRequest, false},
		{"/history", "GET", s.pageHistory, false},
		{"/login", "GET POST", s.pageLogin, true},
		{"/static/{name}", "GET", s.static, true},
		{"/openapi.yaml", "GET", s.openAPI, false},
		{"/healthz", "GET", s.healthz, true},
		{"/readyz", "GET", s.readyz, true},
		{"/api/v1/summary", "GET", s.apiSummary, false},
		{"/api/v1/timeseries", "GET", s.apiTimeseries, false},
		{"/api/v1/failures", "GET", s.apiFailures, false},
		{"/api/v1/incidents", "GET", s.apiIncidents, false},
		{"/api/v1/incidents/{id}", "GET", s.apiIncident, false},
		{"/api/v1/requests/{id}", "GET", s.apiRequest, false},
		{aggregate.CheckPath, "GET", s.apiCheck, false},
		{"/api/v1/sources", "GET", s.apiSources, false},
		{"/api/v1/marks", "GET POST", s.apiMarks, false},
		{"/api/v1/events", "GET", s.apiEvents, false},
	}
}

// Handler returns the page and the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		h := s.methods(r.methods, r.handle)
		if !r.open {
			h = s.authorised(h)
		}
		mux.Handle(r.path, h)
	}
	mux.Handle("/", s.authorised(http.HandlerFunc(s.notFound)))
	zipped, err := gzhttp.NewWrapper(gzhttp.MinSize(1<<10), gzhttp.CompressionLevel(5), gzhttp.ExceptContentTypes([]string{"text/event-stream"}))
	if err != nil { // the options above are constants
		panic(err)
	}
	return s.guard(zipped(mux))
}

// Guard puts in front of another handler what stands in front of the page:
// headers, the check of the Host, the token.
func (s *Server) Guard(h http.Handler) http.Handler { return s.guard(s.authorised(h)) }

// still is a Live for a store that nothing is added to.
type still struct{}

func (still) Subscribe() (<-chan struct{}, func()) { return nil, func() {} }
func (still) Status() Status                       { return Status{Lossless: true, StoreAnswers: true} }
