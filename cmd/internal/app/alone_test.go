package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"why503/aggregate"
	"why503/cmd/internal/loggen"
	"why503/parse"
	"why503/rules"
)

// An outcome is all that a run tells.
type outcome struct {
	Summary aggregate.Summary
	Rows    string
}

// analyzed runs an analysis. joined makes it take the way of logs that must be
// joined; listed asks for each failure.
func analyzed(t *testing.T, path string, cfg AnalyzeConfig, joined, listed bool) outcome {
	t.Helper()
	cfg.Paths, cfg.Rules = []string{path}, rules.Builtin()
	if joined {
		cfg.Record = func(*parse.Record) {}
	}
	var rows *aggregate.Describer
	var list *List
	cfg.Started = func(d *aggregate.Describer) { // again for each try
		rows, list = d, NewList()
	}
	if listed {
		cfg.Request = func(q *parse.Request, v *rules.Verdict) {
			row := rows.Row(q, v)
			if err := list.Add(q, &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, s, err := Analyze(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var b bytes.Buffer
	if _, err := list.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return outcome{*s, b.String()}
}

// A log that needs no join gives the same by the way that needs none as by the
// join, whatever the size of its blocks and the number of workers.
func TestALogAloneNeedsNoJoin(t *testing.T) {
	for name, log := range logsAlone(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			if err := os.WriteFile(path, log, 0o644); err != nil {
				t.Fatal(err)
			}
			want := analyzed(t, path, AnalyzeConfig{}, true, true)
			if want.Summary.Failures == 0 {
				t.Fatal("the log holds no failure")
			}
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
			for _, with := range []struct{ procs, block int }{{1, 4096}, {5, 4999}, {2, blockBytes}} {
				runtime.GOMAXPROCS(with.procs)
				cfg := AnalyzeConfig{blockBytes: with.block}
				grouped, listed := analyzed(t, path, cfg, false, false), analyzed(t, path, cfg, false, true)
				if diff := cmp.Diff(want, listed, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%+v, listed (-joined +alone):\n%s", with, diff)
				}
				if diff := cmp.Diff(want.Summary, grouped.Summary, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%+v, grouped (-joined +alone):\n%s", with, diff)
				}
			}
		})
	}
}

// logsAlone are logs of one hop: of the generator, and with what strangers put
// into them.
func logsAlone(t *testing.T) map[string][]byte {
	t.Helper()
	write := func(format string, seed uint64, change func(*loggen.Config)) []byte {
		c := loggen.Defaults()
		c.Seed, c.Requests, c.Failures = seed, 800, 0.05
		change(&c)
		var b bytes.Buffer
		if _, err := loggen.Write(&b, format, c); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	plain := write("combined", 1, func(c *loggen.Config) { c.Rate = 20 })
	lines := bytes.SplitAfter(plain, []byte("\n"))
	edit := func(every int, fn func(i int, line []byte) []byte) []byte {
		var out []byte
		for i, l := range lines {
			if i%every == every-1 {
				l = fn(i, bytes.Clone(l))
			}
			out = append(out, l...)
		}
		return out
	}
	swapped := bytes.Join([][]byte{bytes.Join(lines[400:], nil), bytes.Join(lines[:400], nil)}, nil)
	near := append([][]byte(nil), lines...)
	for i := 0; i+150 < len(near); i += 151 { // 150 lines are 7 seconds
		near[i], near[i+150] = near[i+150], near[i]
	}
	return map[string][]byte{
		"combined":         plain,
		"many failures":    write("combined", 2, func(c *loggen.Config) { c.Failures = 0.6 }),
		"bursts":           write("combined", 3, func(c *loggen.Config) { c.Bursts, c.Rate = true, 5 }),
		"over hours":       write("combined", 4, func(c *loggen.Config) { c.Rate, c.Requests = 0.1, 5000 }),
		"more fields":      write("combined-ext", 5, func(c *loggen.Config) { c.Failures = 0.3 }),
		"torn lines":       edit(9, func(i int, l []byte) []byte { return append(l[:len(l)*(i%7)/7], '\n') }),
		"noise":            edit(50, func(i int, l []byte) []byte { return []byte(strings.Repeat("\x00\xff\x1b[2J", i%40) + "\n") }),
		"empty lines":      edit(4, func(_ int, l []byte) []byte { return append(l, '\n') }),
		"no line end":      bytes.TrimSuffix(plain, []byte("\n")),
		"carriage returns": bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")),
		"long lines": edit(200, func(_ int, l []byte) []byte {
			return bytes.Replace(l, []byte("GET /"), append([]byte("GET /"), bytes.Repeat([]byte("x"), 9000)...), 1)
		}),
		"impossible times": edit(30, func(i int, l []byte) []byte {
			return bytes.Replace(l, []byte("/Jan/2026:"), []byte(fmt.Sprintf("/Jan/%d:", 1970+100*(i%2))), 1)
		}),
		"begins impossible": append(bytes.Replace(bytes.Join(lines[:300], nil), []byte("/2026:"), []byte("/1970:"), 40), bytes.Join(lines[300:], nil)...),
		"a little disorder": bytes.Join(near, nil),
		"much disorder":     swapped,
	}
}

// A filter leaves the same requests by both ways.
func TestFilteredAlone(t *testing.T) {
	c := loggen.Defaults()
	c.Requests, c.Failures, c.Rate = 1500, 0.2, 10
	var b bytes.Buffer
	if _, err := loggen.Write(&b, "combined-ext", c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	all := analyzed(t, path, AnalyzeConfig{}, true, true)
	from := all.Summary.Window.From.Add(20 * time.Second)
	for name, cfg := range map[string]AnalyzeConfig{
		"since":         {Since: from},
		"since, until":  {Since: from, Until: from.Add(time.Minute)},
		"site":          {Site: c.Site},
		"another site":  {Site: "other.example"},
		"cause":         {Cause: all.Summary.Causes[0].Cause},
		"backend":       {Backend: all.Summary.Causes[0].Backends[0].Name},
		"since, before": {SinceLast: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			want := analyzed(t, path, cfg, true, true)
			cfg.blockBytes = 4096
			if diff := cmp.Diff(want, analyzed(t, path, cfg, false, true), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-joined +alone):\n%s", diff)
			}
			if diff := cmp.Diff(want.Summary, analyzed(t, path, cfg, false, false).Summary, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("without a list (-joined +alone):\n%s", diff)
			}
		})
	}
}

// A compressed file that ends early is read as far as it goes.
func TestTruncatedGzipAlone(t *testing.T) {
	c := loggen.Defaults()
	c.Requests, c.Failures = 20_000, 0.1
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := loggen.Write(z, "combined", c); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.log.gz")
	if err := os.WriteFile(path, packed.Bytes()[:packed.Len()*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	want := analyzed(t, path, AnalyzeConfig{}, true, true)
	got := analyzed(t, path, AnalyzeConfig{}, false, true)
	if got.Summary.Sources[0].Lossless || got.Summary.Sources[0].Records < 5000 {
		t.Errorf("read %d records, lossless %v", got.Summary.Sources[0].Records, got.Summary.Sources[0].Lossless)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-joined +alone):\n%s", diff)
	}
}

// A run that is stopped tells what it read until then, and that it was stopped.
func TestStoppedAlone(t *testing.T) {
	c := loggen.Defaults()
	c.Requests = 40_000
	var b bytes.Buffer
	if _, err := loggen.Write(&b, "combined", c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, s, err := Analyze(ctx, AnalyzeConfig{
		Paths: []string{path}, Rules: rules.Builtin(), Progress: stopAt{b.Len() / 4, cancel}, blockBytes: 16 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Stopped() || s.Partial == nil || s.Partial.Share <= 0 || s.Partial.Share >= 1 {
		t.Fatalf("stopped %v, partial %+v", r.Stopped(), s.Partial)
	}
	if n := s.Requests; n < 10_000*9/10 || n >= 40_000 || n != s.Sources[0].Records {
		t.Errorf("%d requests of 40000, %d records", n, s.Sources[0].Records)
	}
}

type stopAt struct {
	bytes  int
	cancel func()
}

func (s stopAt) Reading(_ string, done, _, _ int64) {
	if done >= int64(s.bytes) {
		s.cancel()
	}
}

func (stopAt) Joining(int64) {}

// Of a rotated log each line is told where it stands in its own file, while
// others read on.
func TestRotatedAlone(t *testing.T) {
	c := loggen.Defaults()
	c.Requests, c.Failures, c.Rate = 4000, 0.2, 50
	var b bytes.Buffer
	if _, err := loggen.Write(&b, "combined", c); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
	dir := t.TempDir()
	older := filepath.Join(dir, "access.log.2.gz")
	for name, part := range map[string][][]byte{"access.log.2.gz": lines[:1500], "access.log.1": lines[1500:2700], "access.log": lines[2700:]} {
		text := bytes.Join(part, nil)
		if name == filepath.Base(older) {
			text = packed(t, text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := analyzed(t, dir, AnalyzeConfig{}, true, true)
	if n := len(want.Summary.Sources); n != 1 || want.Summary.Requests != c.Requests {
		t.Fatalf("%d sources, %d requests", n, want.Summary.Requests)
	}
	for _, name := range []string{"access.log.2.gz", "access.log.1", "access.log"} {
		if !strings.Contains(want.Rows, `"`+name+`"`) {
			t.Errorf("no row names %s", name)
		}
	}
	if diff := cmp.Diff(want, analyzed(t, dir, AnalyzeConfig{blockBytes: 4096}, false, true), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-joined +alone):\n%s", diff)
	}
	if diff := cmp.Diff(want.Summary, analyzed(t, dir, AnalyzeConfig{blockBytes: 4096}, false, false).Summary, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("without a list (-joined +alone):\n%s", diff)
	}
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
