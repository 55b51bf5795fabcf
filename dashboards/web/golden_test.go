package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/rules"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares got with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (rewrite with -update):\n%.4000s", name, d)
	}
}

// version is what an asset's URL has of its content.
var version = regexp.MustCompile(`\?v=[A-Za-z0-9_-]+`)

func TestPagesMatchGoldenFiles(t *testing.T) {
	s, store, _ := newServer(t, func(c *Config) {
		c.Explain = func([]byte) (*parse.Request, *rules.Verdict, func(parse.SourceID) string, error) {
			q, v := told("")
			names := []string{"varnishlog.log", "nginx-access.log", "php-fpm-access.log", "mariadb-slow.log"}
			return q, v, func(id parse.SourceID) string { return names[id] }, nil
		}
	})
	for i := range store.rows {
		store.rows[i].Attempts = nil
	}
	store.records = map[string][]byte{uid(300): {1}}
	h := s.Handler()
	for name, target := range map[string]string{
		"now": "/?site=shop.example", "selected": "/?from=2026-11-22T20:30:00Z&to=2026-11-22T20:50:00Z", "incidents": "/incidents", "incident": "/incidents/20261122T2117Z",
		"request": "/requests/req-000300", "history": "/history?cause=cache_config.keepalive_race", "missing": "/requests/none",
	} {
		t.Run(name, func(t *testing.T) {
			w := get(t, h, target)
			body := version.ReplaceAll(w.Body.Bytes(), []byte("?v=V"))
			golden(t, name+".html", body)
			checkPage(t, w.Body.String())
		})
	}
}

func TestAnswersMatchGoldenFiles(t *testing.T) {
	s, _, _ := newServer(t)
	h := s.Handler()
	for name, target := range map[string]string{
		"summary": "/api/v1/summary?from=2026-11-22T21:17:00Z", "timeseries": "/api/v1/timeseries?from=2026-11-22T21:10:00Z&step=2m", "failures": "/api/v1/failures?limit=2",
		"check": "/api/v1/check", "problem": "/api/v1/summary?from=x&limit=3",
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := json.Indent(&b, get(t, h, target).Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", b.Bytes())
		})
	}
}

func TestTheSameWordsStandOnAllPages(t *testing.T) {
	s, store, _ := newServer(t)
	h := s.Handler()
	var in struct{ Sentence string }
	if err := json.Unmarshal(get(t, h, "/api/v1/incidents/20261122T2117Z").Body.Bytes(), &in); err != nil {
		t.Fatal(err)
	}
	if in.Sentence == "" || !strings.HasPrefix(in.Sentence, "412 of ") {
		t.Fatalf("%q, of %d failures", in.Sentence, store.incidents[0].Failures)
	}
	for _, p := range []string{"/", "/incidents/20261122T2117Z"} {
		if body := strings.ReplaceAll(get(t, h, p).Body.String(), "\u00a0", " "); !strings.Contains(body, in.Sentence) {
			t.Errorf("%s does not say: %s", p, in.Sentence)
		}
	}
}
