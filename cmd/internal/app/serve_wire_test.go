package app

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/cmd/internal/conf"
	"why503/parse"
	"why503/parse/wire"
	"why503/rules"
)

// What `serve` finds while logs are read is what `analyze` finds in them, with
// collector and core in one process as with all that they tell each other
// encoded and decoded, as it will be when they are apart.
func TestServeFindsWhatAnalyzeFinds(t *testing.T) {
	type run struct {
		name string
		want map[string]finding
		got  map[string]finding
		err  error
	}
	var runs []*run
	var work sync.WaitGroup
	room := make(chan struct{}, 4) // some at once, since each of them mostly waits
	for _, name := range []string{
		"../../../examples/bad-release", "../../../examples/crash-loop", "../../../examples/php-pool", "../../../examples/timeout-wall",
		"../labtest/testdata/cached_503", "../labtest/testdata/edge_passes_503", "../labtest/testdata/refused_one_of_two",
		"../labtest/testdata/php_max_children", "../labtest/testdata/skewed_clock_nginx_tz",
	} {
		in := unpack(t, name)
		want := in.analyzed(t)
		if len(want) == 0 {
			t.Fatalf("analyze finds nothing in %s", name)
		}
		for how, link := range map[string]func(wire.Message) wire.Message{"as they are": nil, "encoded": throughWire(t)} {
			r := &run{name: filepath.Base(name) + ", messages " + how, want: want}
			runs = append(runs, r)
			store := filepath.Join(t.TempDir(), "why503.db")
			work.Go(func() {
				room <- struct{}{}
				r.got, r.err = in.served(t, store, link, len(want))
				<-room
			})
		}
	}
	work.Wait()
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			if r.err != nil {
				t.Fatal(r.err)
			}
			if diff := cmp.Diff(r.want, r.got); diff != "" {
				t.Errorf("(-analyze +serve):\n%s", diff)
			}
		})
	}
}

// throughWire is what a network does to messages.
func throughWire(t *testing.T) func(wire.Message) wire.Message {
	return func(m wire.Message) wire.Message {
		b, err := wire.Append(nil, m)
		if err != nil {
			t.Errorf("%T: %v", m, err)
			return m
		}
		out, err := wire.Decode(b)
		if err != nil {
			t.Errorf("%T: %v", m, err)
			return m
		}
		return out
	}
}

// A finding is what is compared of a fact.
type finding struct {
	Time, Class, Site, Path, Symptom, Cause, Reached string
	Decidable, Final                                 bool
	Chain                                            string
}

func findingOf(row *aggregate.Failure) finding {
	var chain []string
	for _, l := range row.Chain {
		chain = append(chain, l.Cause)
	}
	return finding{row.Time, row.Class, row.Site, row.Path, row.Symptom, row.Cause, row.Reached, row.Decidable, row.Final, strings.Join(chain, " < ")}
}

// logs are an incident's files, not compressed, and the configurations.
type logs struct {
	paths []string
	conf  []string // of nginx
	vcl   []string
}

// Of a log that is there in several formats one is read, that with ids.
var (
	noLog  = regexp.MustCompile(`^(truth|traps)\.`)
	poorer = regexp.MustCompile(`^((edge-)?nginx-access(\.json)?|app(-php)?|varnishlog-raw|varnishncsa)\.(log|txt)$`)
)

func unpack(t *testing.T, folder string) *logs {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	in, dir := &logs{}, t.TempDir()
	lab := strings.Contains(folder, "labtest")
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".gz")
		text := plain(t, filepath.Join(folder, f.Name()))
		if len(text) == 0 || lab && (noLog.MatchString(name) || poorer.MatchString(name)) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(name, ".vcl"):
			in.vcl = append(in.vcl, path)
		case strings.HasSuffix(name, ".conf"), strings.HasSuffix(name, ".conf.txt"):
			in.conf = append(in.conf, path)
		default:
			in.paths = append(in.paths, path)
		}
	}
	return in
}

func plain(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (in *logs) analyzed(t *testing.T) map[string]finding {
	t.Helper()
	var rows *aggregate.Describer
	var all map[string]finding
	cfg := AnalyzeConfig{Paths: in.paths, NginxConf: in.conf, VCL: in.vcl, Rules: rules.Builtin(), Log: slog.New(slog.DiscardHandler)}
	cfg.Started = func(d *aggregate.Describer) { rows, all = d, make(map[string]finding) }
	cfg.Request = func(q *parse.Request, v *rules.Verdict) {
		row := rows.Row(q, v)
		all[row.UID] = findingOf(&row)
	}
	if _, _, err := Analyze(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return all
}

// served runs a server until it has said its last word of so many requests, and
// returns what it stored.
func (in *logs) served(t *testing.T, store string, link func(wire.Message) wire.Message, n int) (map[string]finding, error) {
	c := conf.Default()
	c.Listen, c.FromStart, c.Store = "127.0.0.1:0", true, conf.Path(store)
	c.Retention.Age = conf.Age(10 * 365 * 24 * time.Hour)
	for _, p := range in.paths {
		c.Sources.Paths = append(c.Sources.Paths, conf.Source{Path: conf.Glob(p)})
	}
	c.NginxConf, c.VCL = pathsOf(in.conf), pathsOf(in.vcl)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- Serve(ctx, ServeConfig{
			Config: &c, Version: "test", Rules: rules.Builtin(), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			Link: link, Ready: func(string) { close(ready) },
		})
	}()
	select {
	case <-ready:
	case err := <-done:
		return nil, err
	}
	late := untilFinal(ctx, store, n)
	stop()
	if err := errors.Join(late, <-done); err != nil {
		return nil, err
	}
	rows, err := stored(t.Context(), store)
	all := make(map[string]finding, len(rows))
	for i := range rows {
		all[rows[i].UID] = findingOf(&rows[i])
	}
	return all, err
}

func pathsOf(list []string) []conf.Path {
	var out []conf.Path
	for _, p := range list {
		out = append(out, conf.Path(p))
	}
	return out
}

// untilFinal waits until a store holds n facts, all of them final, or until that
// is not to be expected any more: what differs then is seen by who compares.
func untilFinal(ctx context.Context, store string, n int) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		rows, err := stored(ctx, store)
		if err != nil {
			return err
		}
		if len(rows) == n && !slices.ContainsFunc(rows, func(r aggregate.Failure) bool { return !r.Final }) {
			return nil
		}
	}
	return nil
}

func stored(ctx context.Context, path string) ([]aggregate.Failure, error) {
	s, err := localstore.Open(ctx, localstore.Config{Path: path, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var all []aggregate.Failure
	for cursor := ""; ; {
		rows, next, err := s.Failures(ctx, aggregate.Query{Class: "all"}, cursor, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
}
