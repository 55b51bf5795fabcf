package web

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/parse"
	"why503/parse/traffic"
)

// localShop is the shop in a store as `serve` has it, with twenty requests a
// minute that went well.
func localShop(t testing.TB) (*localstore.Store, *memoryStore, *liveState) {
	t.Helper()
	m, live := shop(t)
	s, err := localstore.Open(t.Context(), localstore.Config{Path: filepath.Join(t.TempDir(), "why503.db"), Now: fixed, Log: quietLog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &aggregate.Batch{Incidents: m.incidents, Sources: m.sources, Settled: parse.Time(now.Add(-90 * time.Second).UnixNano())}
	for i := range m.rows {
		f := m.rows[i]
		b.Facts = append(b.Facts, aggregate.Fact{Row: f, Version: 1, Words: m.words[f.Cause], Advice: m.advice[f.Cause], Records: []byte("x")})
	}
	for at := now.Add(-90 * time.Minute).Truncate(time.Minute); at.Before(now); at = at.Add(time.Minute) {
		minute := traffic.MinuteOf(parse.Time(at.UnixNano()))
		cell := &traffic.Cell{}
		for range 20 {
			cell.Count(80*time.Millisecond, 1000)
		}
		b.Traffic = append(b.Traffic, aggregate.SourceMinute{Source: m.sources[0].Path, Front: true, Minute: minute, Rows: []traffic.Row[traffic.Key]{
			{Key: traffic.Key{Site: "shop.example", Minute: minute, Source: m.sources[0].Path}, Cell: cell},
		}})
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for _, x := range m.marks {
		if err := s.Mark(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	return s, m, live
}

func TestPagesOverTheLocalStore(t *testing.T) {
	store, m, live := localShop(t)
	s := New(Config{Now: fixed}, store, live, quietLog)
	h := s.Handler()
	for target, want := range map[string]string{
		"/": "412 of 19,270 requests (2.1 %) are failing since 21:17:02 UTC because a stock import holds row locks", "/incidents": "2 incidents in the last 28 days, 2,722 failed; 1 going on.",
		"/incidents/20261122T2117Z": "412 of 19,270 requests", "/requests/req-000300": "Rows were locked.", "/history?cause=cache_config.keepalive_race": "History",
		"/?from=2026-11-22T20:30:00Z&to=2026-11-22T20:50:00Z": "3 of 400 requests",
	} {
		w := get(t, h, target)
		got := words(t, w.Body.String())
		if w.Code != http.StatusOK || got["trouble"] != "" || target != "/history?cause=cache_config.keepalive_race" && !strings.HasPrefix(got["sentence"], want) {
			t.Errorf("%s: %d %q %q", target, w.Code, got["trouble"], got["sentence"])
		}
		checkPage(t, w.Body.String())
	}
	if w := get(t, h, "/history?q=req-000300"); w.Code != http.StatusSeeOther {
		t.Error("an id that is found is not opened:", w.Code)
	}
	if w := get(t, h, "/history?cause=cache_config.keepalive_race"); strings.Count(w.Body.String(), "<tr data-row") != 8+1 {
		t.Errorf("%d rows", strings.Count(w.Body.String(), "<tr data-row"))
	}
	doc := description(t)
	for path, target := range map[string]string{
		"/api/v1/summary": "", "/api/v1/timeseries": "?step=5m", "/api/v1/failures": "?limit=7", "/api/v1/incidents": "", "/api/v1/check": "", "/api/v1/sources": "", "/api/v1/marks": "",
	} {
		w := get(t, h, path+target)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		holds(t, schemaOf(t, doc, "/paths/"+escapePointer(path)+"/get/responses/200/content/application~1json/schema"), w.Body.Bytes())
	}
	if w := get(t, h, "/api/v1/failures?cursor=nonsense"); w.Code != http.StatusBadRequest {
		t.Errorf("a cursor that is none: %d %s", w.Code, w.Body)
	}
	points, err := store.Timeseries(t.Context(), aggregate.Query{From: now.Add(-time.Hour).Truncate(time.Minute), To: now, Site: "shop.example"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, p := range points {
		n += p.Failures
	}
	if n != int64(len(m.rows)) {
		t.Errorf("the plot has %d of %d failures", n, len(m.rows))
	}
}
