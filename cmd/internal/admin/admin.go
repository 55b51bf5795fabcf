package admin

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of scrapes.
const (
	maxScrapes    = 4
	scrapeTimeout = 10 * time.Second
)

// A Check says whether a part of the process can do its work.
type Check struct {
	Name string
	Err  func() error // nil when it can; quick, and safe to call at any time
}

// Handler answers /metrics, /healthz, /readyz and /debug/pprof/, and nothing
// else. The process is ready when no check has an error.
func Handler(reg prometheus.Gatherer, log *slog.Logger, checks ...Check) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog:            scrapeLog{log},
		ErrorHandling:       promhttp.ContinueOnError, // the rest is good
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
		EnableOpenMetrics:   true, // else there are no exemplars
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, checks) })
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle("GET "+path, localOnly(h))
	}
	return mux
}

// scrapeLog takes what promhttp says.
type scrapeLog struct{ log *slog.Logger }

func (l scrapeLog) Println(v ...any) {
	l.log.Error("gathering metrics", "err", strings.TrimSuffix(fmt.Sprintln(v...), "\n"))
}

func ready(w http.ResponseWriter, checks []Check) {
	status := http.StatusOK
	var b strings.Builder
	for _, c := range checks {
		if err := c.Err(); err != nil {
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&b, "%s: %v\n", c.Name, err)
			continue
		}
		fmt.Fprintf(&b, "%s: ok\n", c.Name)
	}
	if b.Len() == 0 {
		b.WriteString("ok\n")
	}
	answer(w, status, b.String())
}

func answer(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who asked has gone
}

// localOnly answers who asks from this machine, and not through a proxy on it
// or a page in a browser on it. Others are told that there is nothing.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLocal(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin"} {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	host := r.Host // a name of somebody else's that leads here: DNS rebinding
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return isLoopback(r.RemoteAddr) && (host == "localhost" || isLoopback(net.JoinHostPort(strings.Trim(host, "[]"), "0")))
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
