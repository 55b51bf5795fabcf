package admin

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"why503/aggregate"
	"why503/aggregate/metrics"
)

func server(t *testing.T, checks ...Check) (*httptest.Server, *prometheus.Registry) {
	t.Helper()
	reg := NewRegistry("v1.2.3")
	s := httptest.NewServer(Handler(reg, slog.New(slog.DiscardHandler), checks...))
	t.Cleanup(s.Close)
	return s, reg
}

func get(t *testing.T, url string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestMetricsAreServedWithExemplars(t *testing.T) {
	s, reg := server(t)
	m := metrics.New(reg)
	m.Final(&aggregate.Failure{UID: "6f1c", Class: "failure", Cause: "unknown.unclassified", Reached: "late", Backend: "a\"b\n"})
	m.StoreWrite(time.Millisecond, nil)
	status, body := get(t, s.URL+"/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	for _, want := range []string{
		`why503_build_info{goversion="go`, `version="v1.2.3"} 1`,
		`why503_aggregate_facts_total{backend="a\"b\n",cause="unknown.unclassified",class="failure",layer="",reached="late"} 1.0 # {uid="6f1c"} 1.0`,
		`why503_aggregate_store_write_duration_seconds_bucket{le="0.0025"} 1`, "go_goroutines", "process_open_fds", "# EOF",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("status %d, and %s is missing in:\n%s", status, want, body)
		}
	}
}

func TestAPartThatCannotWorkMakesTheProcessNotReady(t *testing.T) {
	var broken error
	s, _ := server(t, Check{"store", func() error { return broken }}, Check{"sources", func() error { return nil }})
	if status, body := get(t, s.URL+"/readyz"); status != http.StatusOK || body != "store: ok\nsources: ok\n" {
		t.Errorf("%d %q", status, body)
	}
	broken = errors.New("disk full")
	if status, body := get(t, s.URL+"/readyz"); status != http.StatusServiceUnavailable || body != "store: disk full\nsources: ok\n" {
		t.Errorf("%d %q", status, body)
	}
	if status, body := get(t, s.URL+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("alive: %d %q", status, body)
	}
}

func TestProfilesAreForThisMachineAlone(t *testing.T) {
	s, _ := server(t)
	for name, c := range map[string]struct {
		header []string
		want   int
	}{
		"from here":                 {nil, http.StatusOK},
		"by name":                   {[]string{"Host", "localhost:8503"}, http.StatusOK},
		"by address, version 6":     {[]string{"Host", "[::1]:8503"}, http.StatusOK},
		"through a proxy":           {[]string{"X-Forwarded-For", "203.0.113.9"}, http.StatusNotFound},
		"through another proxy":     {[]string{"Forwarded", "for=203.0.113.9"}, http.StatusNotFound},
		"by a name that leads here": {[]string{"Host", "shop.example"}, http.StatusNotFound},
		"from a page":               {[]string{"Origin", "https://shop.example"}, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _ := get(t, s.URL+"/debug/pprof/cmdline", c.header...); status != c.want {
				t.Errorf("status %d, want %d", status, c.want)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/debug/pprof/", nil)
	r.RemoteAddr = "203.0.113.9:4711"
	w := httptest.NewRecorder()
	if s.Config.Handler.ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("from another machine: status %d", w.Code)
	}
}

func TestOtherPathsAndMethodsAreNotAnswered(t *testing.T) {
	s, _ := server(t)
	if status, _ := get(t, s.URL+"/"); status != http.StatusNotFound {
		t.Errorf("/: %d", status)
	}
	resp, err := http.Post(s.URL+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

func TestAScrapeThatFailsIsLogged(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "good"}, func() float64 { return 1 }), broken{})
	var b strings.Builder
	h := Handler(reg, slog.New(slog.NewTextHandler(&b, nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "good 1") || !strings.Contains(b.String(), "it broke") {
		t.Errorf("%d %s\nlog: %s", w.Code, w.Body, &b)
	}
}

type broken struct{}

func (broken) Describe(c chan<- *prometheus.Desc) { c <- prometheus.NewDesc("bad", "", nil, nil) }

func (broken) Collect(c chan<- prometheus.Metric) {
	c <- prometheus.NewInvalidMetric(prometheus.NewDesc("bad", "", nil, nil), errors.New("it broke"))
}
