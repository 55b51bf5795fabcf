package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"why503/aggregate"
)

// words are the texts of a page's elements by id.
func words(t testing.TB, body string) map[string]string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" {
				var b strings.Builder
				for d := range n.Descendants() {
					if d.Type == html.TextNode {
						b.WriteString(d.Data)
					}
				}
				out[a.Val] = strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u00a0", " ")), " ")
			}
		}
	}
	return out
}

func TestThePageSaysHowTheSiteIsDoing(t *testing.T) {
	for name, c := range map[string]struct {
		change          func(*memoryStore, *liveState)
		target          string
		state, sentence string
		class           string
	}{
		"failing": {func(*memoryStore, *liveState) {}, "/", "● FAILING for 7 min, since 21:17:02", "412 of 19,", "failing"},
		"over": {func(m *memoryStore, _ *liveState) {
			m.incidents[0].Ongoing, m.incidents[0].End = false, now.Add(-2*time.Minute)
		}, "/", "○ Over at 21:22:10 after 5 min", "412 of 19,", "over"},
		"well": {func(m *memoryStore, _ *liveState) {
			m.incidents = m.incidents[1:]
			for i := range m.rows {
				m.rows[i].Ended = now.Add(-6*time.Hour - 12*time.Minute).Format(time.RFC3339)
			}
		}, "/", "○ Well", "No failures for 6 h 12 min. 13,", "well"},
		"a few": {func(m *memoryStore, _ *liveState) {
			m.incidents, m.rows = m.incidents[1:], m.rows[len(m.rows)-3:]
		}, "/", "○ No incident in the last hour", "3 of 15", "well"},
		"no traffic": {func(m *memoryStore, l *liveState) {
			m.incidents, m.rows = nil, nil
			for at := range m.traffic {
				if time.Unix(at, 0).After(now.Add(-22 * time.Minute)) {
					delete(m.traffic, at)
				}
			}
			for i := range l.status.Sources {
				l.status.Sources[i].LastLine = now.Add(-22 * time.Minute)
			}
		}, "/", "○ No traffic", "No requests since 21:03:00 (21 min). Reading 6 sources; none has grown.", "doubt"},
		"first run": {func(m *memoryStore, l *liveState) {
			*m = memoryStore{}
			l.status.Sources = l.status.Sources[:3]
		}, "/", "○ No requests yet", "Reading 3 logs found on this machine.", "doubt"},
		"empty": {func(m *memoryStore, l *liveState) {
			*m, l.status.Sources = memoryStore{}, nil
		}, "/", "○ No requests yet", "No log is being read, and the store is empty.", "doubt"},
		"selected": {func(*memoryStore, *liveState) {}, "/?from=2026-11-22T20:30:00Z&to=2026-11-22T20:50:00Z", "○ Paused 20:30:00 to 20:50:00", "3 of 5", "plain"},
	} {
		t.Run(name, func(t *testing.T) {
			s, store, live := newServer(t)
			c.change(store, live)
			w := get(t, s.Handler(), c.target)
			got := words(t, w.Body.String())
			if w.Code != http.StatusOK || got["state"] != c.state || !strings.HasPrefix(got["sentence"], c.sentence) || !strings.Contains(w.Body.String(), `data-state="`+c.class+`"`) {
				t.Errorf("%d, state %q, sentence %q", w.Code, got["state"], got["sentence"])
			}
			checkPage(t, w.Body.String())
		})
	}
}

func TestTheFiguresOfAnIncidentAgree(t *testing.T) {
	s, store, _ := newServer(t)
	v, err := s.now(context.Background(), httpGet("/"), params{})
	if err != nil {
		t.Fatal(err)
	}
	in := store.incidents[0]
	sums := map[string]int64{"split": 0, "causes": 0, "backends": 0, "routes": 0}
	for _, c := range v.Split {
		sums["split"] += c.N
	}
	for name, rows := range map[string][]tableRow{"causes": v.Causes, "backends": v.Backends, "routes": v.Routes} {
		for _, r := range rows {
			sums[name] += r.N
		}
	}
	for name, n := range sums {
		if n != in.Failures {
			t.Errorf("%s add up to %d of %d", name, n, in.Failures)
		}
	}
}

func httpGet(target string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		panic(err)
	}
	return r
}

func TestOldFiguresStayWhenTheStoreIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		clock := func() time.Time { return now.Add(time.Since(start)) }
		store, live := shop(t)
		s := New(Config{Now: clock}, store, live, quietLog)
		h := s.Handler()
		if w := get(t, h, "/"); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		store.set(func() { store.wait = time.Minute })
		time.Sleep(10 * time.Second)
		before := time.Now()
		w := get(t, h, "/")
		took := time.Since(before)
		got := words(t, w.Body.String())
		if w.Code != http.StatusOK || got["trouble"] != "The store did not answer within 2 s; figures are of 21:24:10." || !strings.HasPrefix(got["sentence"], "412 of") {
			t.Errorf("%d %q %q", w.Code, got["trouble"], got["sentence"])
		}
		if took != storeTimeout {
			t.Errorf("it took %s", took)
		}
		w = get(t, h, "/?site=never.asked")
		if got = words(t, w.Body.String()); w.Code != http.StatusGatewayTimeout || got["trouble"] != "The store did not answer within 2 s; there are no figures yet." {
			t.Errorf("%d %q", w.Code, got["trouble"])
		}
		w = get(t, h, "/api/v1/summary")
		if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), typeTimeout) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		store.set(func() { store.wait, store.err = 0, errors.New("disk I/O error\x1b") })
		time.Sleep(2 * time.Second)
		got = words(t, get(t, h, "/").Body.String())
		if !strings.HasPrefix(got["trouble"], `The store could not answer (disk I/O error\x1b); figures are of`) {
			t.Errorf("%q", got["trouble"])
		}
		if w = get(t, h, "/api/v1/summary"); w.Code != http.StatusBadGateway {
			t.Error(w.Code)
		}
		store.set(func() { store.err = nil })
		time.Sleep(2 * time.Second)
		if got = words(t, get(t, h, "/").Body.String()); got["trouble"] != "" {
			t.Errorf("%q", got["trouble"])
		}
	})
}

func TestViewersShareTheQueriesOfAPage(t *testing.T) {
	s, store, _ := newServer(t)
	h := s.Handler()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { get(t, h, "/") })
	}
	wg.Wait()
	if store.asked > 5 {
		t.Errorf("50 viewers cost %d queries", store.asked)
	}
}

func TestFewQueriesMakeAPage(t *testing.T) {
	for target, most := range map[string]int{"/": 5, "/incidents": 1, "/incidents/20261122T2117Z": 4, "/requests/req-000300": 1, "/history?q=cart": 3, "/history?q=req-000300": 4} {
		s, store, _ := newServer(t)
		get(t, s.Handler(), target)
		if store.asked > most {
			t.Errorf("%s costs %d queries", target, store.asked)
		}
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	s, _, _ := newServer(t)
	h := s.Handler()
	for i := range 4 * maxViews {
		get(t, h, "/?q="+strings.Repeat("x", i%200+1))
	}
	if n := len(s.views.kept); n != maxViews {
		t.Errorf("%d answers are kept", n)
	}
}

func TestNoMoreQueriesRunThanMay(t *testing.T) {
	store, live := shop(t)
	slowly := &counting{Store: store}
	s := New(Config{Now: fixed}, slowly, live, quietLog)
	h := s.Handler()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() { get(t, h, "/api/v1/summary?q=x"+strings.Repeat("x", i)) })
	}
	wg.Wait()
	if n := slowly.most.Load(); n > maxQueries || n < 2 {
		t.Errorf("%d queries ran at a time", n)
	}
}

// counting counts the queries that run at a time.
type counting struct {
	Store
	running, most atomic.Int64
}

func (c *counting) Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error) {
	n := c.running.Add(1)
	defer c.running.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	time.Sleep(5 * time.Millisecond)
	return c.Store.Summary(ctx, q)
}
