package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// quietLog is for what a test provokes.
var quietLog = slog.New(slog.DiscardHandler)

func fixed() time.Time { return now }

func newServer(t testing.TB, change ...func(*Config)) (*Server, *memoryStore, *liveState) {
	t.Helper()
	store, live := shop(t)
	cfg := Config{Now: fixed}
	for _, f := range change {
		f(&cfg)
	}
	s := New(cfg, store, live, quietLog)
	t.Cleanup(s.Close)
	return s, store, live
}

// get asks h as a browser on this machine does.
func get(t testing.TB, h http.Handler, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "localhost:8503"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func recorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }
