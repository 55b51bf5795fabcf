package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"why503/aggregate"
)

// A tape is a ResponseWriter that keeps when what was written.
type tape struct {
	mu     sync.Mutex
	header http.Header
	status int
	text   strings.Builder
	at     []time.Time // of the events
}

func (w *tape) Header() http.Header { return w.header }
func (w *tape) WriteHeader(s int)   { w.status = s }
func (w *tape) Flush()              {}
func (w *tape) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(string(b), "event: change") {
		w.at = append(w.at, time.Now())
	}
	return w.text.Write(b)
}

func TestTheStreamTellsOfChangesOnceASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store, live := shop(t)
		s := New(Config{Now: func() time.Time { return now.Add(time.Since(start)) }}, store, live, quietLog)
		ctx, cancel := context.WithCancel(t.Context())
		w := &tape{header: http.Header{}}
		r := httptest.NewRequest(http.MethodGet, "/api/v1/events?site=shop.example", nil).WithContext(ctx)
		done := make(chan struct{})
		go func() { s.apiEvents(w, r); close(done) }()
		for i := range 100 {
			store.set(func() { store.incidents[0].Failures = int64(1000 + i) })
			live.change()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		n := len(w.at)
		if n < 8 || n > 11 {
			t.Errorf("%d events in ten seconds", n)
		}
		for i := 1; i < len(w.at); i++ {
			if d := w.at[i].Sub(w.at[i-1]); d < eventEvery {
				t.Errorf("two events within %s", d)
			}
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		last := len(w.at)
		time.Sleep(10 * time.Second) // nothing changes
		synctest.Wait()
		if len(w.at) != last {
			t.Errorf("%d events of nothing", len(w.at)-last)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if !strings.Contains(w.text.String(), ": alive\n\n") {
			t.Error("no sign of life")
		}
		cancel()
		<-done
		if len(live.subs) != 0 || len(s.streams) != 0 {
			t.Error("the viewer is not forgotten")
		}
		var e event
		for line := range strings.Lines(w.text.String()) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Fatal(err)
				}
			}
		}
		if e.State != "failing" || e.Failures != 1099 || e.Cause != "database.lock_wait" || !strings.HasPrefix(e.Title, "● ") || e.Incident != "/incidents/20261122T2117Z-1f2e3d4c" {
			t.Errorf("%+v", e)
		}
	})
}

func TestEventsAreAsTheDescriptionSays(t *testing.T) {
	schema := schemaOf(t, description(t), "/components/schemas/Event")
	s, _, _ := newServer(t)
	for _, line := range streamed(t, s, "/api/v1/events", 1) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			holds(t, schema, []byte(data))
			return
		}
	}
	t.Error("no event")
}

func TestClosingEndsTheStreams(t *testing.T) {
	s, _, live := newServer(t)
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	if !in.Scan() || in.Text() != "event: change" {
		t.Fatal(in.Text(), in.Err())
	}
	s.Close()
	s.Close()
	for in.Scan() {
	}
	live.change() // to nobody
}

func TestViewersWhoFollowAreBounded(t *testing.T) {
	s, _, _ := newServer(t)
	for range maxStreams {
		s.streams <- struct{}{}
	}
	w := get(t, s.Handler(), "/api/v1/events")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code, w.Body)
	}
}

func TestAStoreWithoutReadingIsServed(t *testing.T) {
	store, _ := shop(t)
	s := New(Config{Now: fixed}, store, nil, quietLog)
	for _, p := range []string{"/", "/incidents", "/readyz", "/api/v1/sources"} {
		if w := get(t, s.Handler(), p); w.Code != http.StatusOK {
			t.Errorf("%s: %d", p, w.Code)
		}
	}
	var c aggregate.Check
	if err := json.Unmarshal(get(t, s.Handler(), "/api/v1/check").Body.Bytes(), &c); err != nil || c.Failures == 0 {
		t.Error(err, c)
	}
}
