package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"why503/aggregate"
	"why503/cmd/internal/loggen"
	"why503/parse"
	"why503/rules"
)

// A logSet is some log files by name, uncompressed.
type logSet map[string][]byte

func (l logSet) names() []string {
	names := make([]string, 0, len(l))
	for n := range l {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func readScenario(t testing.TB, name string) logSet {
	t.Helper()
	set := make(logSet)
	paths, err := filepath.Glob(filepath.Join("testdata", "stability", name, "*.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs of %s: %v", name, err)
	}
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		set[strings.TrimSuffix(filepath.Base(p), ".gz")] = b
	}
	return set
}

func writeFiles(t testing.TB, files logSet) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A result is the list of a run, without what must differ where files do.
type result struct {
	rows    []aggregate.Failure
	summary *aggregate.Summary
}

func analyzePaths(t testing.TB, paths ...string) result {
	t.Helper()
	var out result
	var rows *aggregate.Describer
	cfg := AnalyzeConfig{Paths: paths, Rules: rules.Builtin()}
	cfg.Started = func(d *aggregate.Describer) { rows, out.rows = d, nil }
	cfg.Request = func(q *parse.Request, v *rules.Verdict) {
		row := rows.Row(q, v)
		row.UID = ""
		row.Chain = slices.Clone(row.Chain)
		for i := range row.Chain {
			row.Chain[i].File, row.Chain[i].Offset, row.Chain[i].LineNo = "", 0, 0
		}
		out.rows = append(out.rows, row)
	}
	run, s, err := Analyze(context.Background(), cfg)
	if err = errors.Join(append(run.Problems(), err)...); err != nil {
		t.Fatal(err)
	}
	out.summary = s
	slices.SortStableFunc(out.rows, func(a, b aggregate.Failure) int {
		return strings.Compare(rowKey(&a), rowKey(&b))
	})
	return out
}

func rowKey(f *aggregate.Failure) string {
	return fmt.Sprint(f.Time, f.VXID, f.Ended, f.Method, f.Path, f.RequestID, f.Client, f.Bytes, f.Status)
}

// compare checks that two runs say the same of the same requests.
func compare(t testing.TB, want, got result) {
	t.Helper()
	if diff := cmp.Diff(want.rows, got.rows); diff != "" {
		t.Errorf("the list differs (-want +got):\n%.3000s", diff)
	}
	if want.summary.Requests != got.summary.Requests || want.summary.Failures != got.summary.Failures {
		t.Errorf("%d of %d requests failed, want %d of %d", got.summary.Failures, got.summary.Requests, want.summary.Failures, want.summary.Requests)
	}
	if want.summary.Ledger.Unjoined != got.summary.Ledger.Unjoined {
		t.Errorf("%d unjoined, want %d", got.summary.Ledger.Unjoined, want.summary.Ledger.Unjoined)
	}
	var incidents [2][]string
	for i, s := range []*aggregate.Summary{want.summary, got.summary} {
		for _, in := range s.Incidents {
			incidents[i] = append(incidents[i], fmt.Sprint(in.Start, in.End, in.Failures))
		}
	}
	if diff := cmp.Diff(incidents[0], incidents[1]); diff != "" {
		t.Errorf("the incidents differ (-want +got):\n%s", diff)
	}
}

func paths(dir string, names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = filepath.Join(dir, n)
	}
	return out
}

func scenarios(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join("testdata", "stability", "*"))
	if err != nil || len(dirs) < 5 {
		t.Fatal(dirs, err)
	}
	for i := range dirs {
		dirs[i] = filepath.Base(dirs[i])
	}
	if testing.Short() {
		return dirs[:2]
	}
	return dirs
}

// How the files are cut, named, packed and given makes no difference to what is
// said of the requests in them.
func TestTheSameListHoweverTheFilesAreGiven(t *testing.T) {
	for _, name := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			logs := readScenario(t, name)
			rng := rand.New(rand.NewPCG(503, uint64(len(name))))
			dir := writeFiles(t, logs)
			names := logs.names()
			want := analyzePaths(t, paths(dir, names...)...)
			if len(want.rows) == 0 {
				t.Fatal("nothing failed: the test proves nothing")
			}
			t.Run("as a folder", func(t *testing.T) { compare(t, want, analyzePaths(t, dir)) })
			t.Run("in any order", func(t *testing.T) {
				for range 4 {
					order := slices.Clone(names)
					rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
					compare(t, want, analyzePaths(t, paths(dir, order...)...))
				}
			})
			t.Run("the other way round", func(t *testing.T) {
				order := slices.Clone(names)
				slices.Reverse(order)
				compare(t, want, analyzePaths(t, paths(dir, order...)...))
			})
			t.Run("compressed", func(t *testing.T) {
				for _, pack := range packers(t) {
					packed := make(logSet)
					for n, b := range logs {
						packed[n+pack.suffix] = pack.pack(t, b)
					}
					dir := writeFiles(t, packed)
					compare(t, want, analyzePaths(t, paths(dir, packed.names()...)...))
				}
			})
			t.Run("rotated", func(t *testing.T) {
				for range 4 {
					parts := make(logSet)
					for n, b := range logs {
						rotate(t, rng, parts, n, b)
					}
					compare(t, want, analyzePaths(t, writeFiles(t, parts)))
				}
			})
			t.Run("with line ends of Windows", func(t *testing.T) {
				crlf := make(logSet)
				for n, b := range logs {
					crlf[n] = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
				}
				compare(t, want, analyzePaths(t, paths(writeFiles(t, crlf), names...)...))
			})
			t.Run("with a torn last line", func(t *testing.T) {
				torn := make(logSet)
				for n, b := range logs {
					torn[n] = append(slices.Clone(b), tornLine(b)...)
				}
				compare(t, want, analyzePaths(t, paths(writeFiles(t, torn), names...)...))
			})
			t.Run("through a pipe", func(t *testing.T) {
				for _, n := range names {
					pipe := filepath.Join(t.TempDir(), n)
					if err := syscall.Mkfifo(pipe, 0o600); err != nil {
						t.Fatal(err)
					}
					wrote := make(chan error, 1)
					go func() { wrote <- os.WriteFile(pipe, logs[n], 0o600) }()
					all := append(paths(dir, slices.DeleteFunc(slices.Clone(names), func(o string) bool { return o == n })...), pipe)
					got := analyzePaths(t, all...)
					if err := <-wrote; err != nil {
						t.Fatal(err)
					}
					compare(t, want, got)
				}
			})
		})
	}
}

type packer struct {
	suffix string
	pack   func(testing.TB, []byte) []byte
}

func packers(t testing.TB) []packer {
	t.Helper()
	all := []packer{
		{".gz", func(t testing.TB, b []byte) []byte {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			_, err := w.Write(b)
			if err = errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}},
		{".zst", func(t testing.TB, b []byte) []byte {
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			return w.EncodeAll(b, nil)
		}},
	}
	if path, err := exec.LookPath("bzip2"); err == nil { // the standard library only reads it
		all = append(all, packer{".bz2", func(t testing.TB, b []byte) []byte {
			c := exec.Command(path, "-c")
			c.Stdin = bytes.NewReader(b)
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			return out
		}})
	}
	return all
}

// rotate cuts b at one or two borders of its records into x.2.gz, x.1 and x.
func rotate(t testing.TB, rng *rand.Rand, into logSet, name string, b []byte) {
	borders := recordBorders(name, b)
	if len(borders) == 0 {
		into[name] = b
		return
	}
	cut := borders[rng.IntN(len(borders))]
	into[name], into[name+".1"] = b[cut:], b[:cut]
	if first := borders[rng.IntN(len(borders))]; first < cut {
		into[name+".1"] = b[first:cut]
		into[name+".2.gz"] = packers(t)[0].pack(t, b[:first])
	}
}

// recordBorders returns where a log may be rotated: between lines that each
// begin a record, and between the groups of a varnishlog.
func recordBorders(name string, b []byte) []int {
	var out []int
	for i := 1; i < len(b); i++ {
		if b[i-1] != '\n' {
			continue
		}
		line, _, _ := bytes.Cut(b[i:], []byte{'\n'})
		switch {
		case strings.HasPrefix(name, "varnishlog"):
			if !bytes.HasPrefix(line, []byte("*   <<")) {
				continue
			}
		case strings.Contains(name, "slow"):
			if len(line) > 0 { // the blank line before a record ends the one before
				continue
			}
		case len(line) == 0 || line[0] == ' ' || line[0] == '\t':
			continue
		}
		out = append(out, i)
	}
	return out
}

// tornLine returns the beginning of the last line of b, as a writer leaves it
// that was copied in the midst of its write.
func tornLine(b []byte) []byte {
	b = bytes.TrimRight(b, "\n")
	line := b[bytes.LastIndexByte(b, '\n')+1:]
	return line[:min(len(line)/3, 25)]
}

// Two logs of one format in one file are read as if they were two files.
func TestConcatenatedLogsAreSorted(t *testing.T) {
	a, b := readScenario(t, "retry_fails"), readScenario(t, "mixed_refused_and_slow")
	const log = "nginx-access-ext.log"
	for _, tt := range []struct {
		name          string
		first, second []byte
	}{{"one way", a[log], b[log]}, {"the other", b[log], a[log]}} {
		t.Run(tt.name, func(t *testing.T) {
			rest := logSet{"a-varnish.log": a["varnishlog-request.txt"], "b-varnish.log": b["varnishlog-request.txt"]}
			apart := logSet{"a-nginx.log": a[log], "b-nginx.log": b[log]}
			one := logSet{"nginx.log": slices.Concat(tt.first, tt.second)}
			for n, text := range rest {
				apart[n], one[n] = text, text
			}
			got := analyzePaths(t, writeFiles(t, one))
			compareVerdicts(t, analyzePaths(t, writeFiles(t, apart)), got)
			sorted := lastStamp(tt.first) > firstStamp(tt.second)
			for _, s := range got.summary.Sources {
				if strings.HasSuffix(s.Path, "/nginx.log") && s.Sorted != sorted {
					t.Errorf("sorted is %v, want %v", s.Sorted, sorted)
				}
			}
			if told := slices.ContainsFunc(got.summary.Warnings, func(w string) bool { return strings.Contains(w, "not in order of time") }); told != sorted {
				t.Errorf("warnings: %q", got.summary.Warnings)
			}
		})
	}
}

// compareVerdicts is compare where sources differ in number.
func compareVerdicts(t testing.TB, want, got result) {
	t.Helper()
	if diff := cmp.Diff(want.rows, got.rows); diff != "" {
		t.Errorf("the list differs (-want +got):\n%.3000s", diff)
	}
}

func firstStamp(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	return stampIn(line)
}

func lastStamp(b []byte) string {
	b = bytes.TrimRight(b, "\n")
	return stampIn(b[bytes.LastIndexByte(b, '\n')+1:])
}

// stampIn cuts out what stands in brackets; both scenarios are of one day.
func stampIn(line []byte) string {
	_, rest, _ := bytes.Cut(line, []byte{'['})
	stamp, _, _ := bytes.Cut(rest, []byte{']'})
	return string(stamp)
}

// onStdin runs fn with b on standard input.
func onStdin(t testing.TB, b []byte, fn func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	old := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = old }()
	fn()
}

func TestTheSameListFromStandardInput(t *testing.T) {
	for _, name := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			logs := readScenario(t, name)
			dir := writeFiles(t, logs)
			names := logs.names()
			want := analyzePaths(t, paths(dir, names...)...)
			for _, n := range names {
				rest := slices.DeleteFunc(slices.Clone(names), func(o string) bool { return o == n })
				onStdin(t, logs[n], func() { compare(t, want, analyzePaths(t, append(paths(dir, rest...), "-")...)) })
				onStdin(t, packers(t)[0].pack(t, logs[n]), func() { compare(t, want, analyzePaths(t, append([]string{"-"}, paths(dir, rest...)...)...)) })
			}
		})
	}
}

// generated writes an access log of n requests in some minutes.
func generated(t testing.TB, n int64) []byte {
	t.Helper()
	c := loggen.Defaults()
	c.Requests, c.Rate = n, 50
	var b bytes.Buffer
	if _, err := loggen.Write(&b, "combined-ext", c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// swapped returns b with its halves swapped at a line.
func swapped(b []byte) []byte {
	at := bytes.IndexByte(b[len(b)/2:], '\n') + len(b)/2 + 1
	return slices.Concat(b[at:], b[:at])
}

func TestDisorderDoesNotChangeTheList(t *testing.T) {
	logs := readScenario(t, "edge_passes_503")
	log := generated(t, 20000)
	want := analyzePaths(t, paths(writeFiles(t, logSet{"access.log": log}), "access.log")...)
	if len(want.rows) < 100 {
		t.Fatalf("%d rows: the test proves nothing", len(want.rows))
	}
	gz := packers(t)[0]
	// A piece of the log that stands in the wrong place, where no sample looks.
	late := bytes.IndexByte(log[len(log)/4:], '\n') + len(log)/4 + 1
	piece := bytes.IndexByte(log[late+20000:], '\n') + late + 20001
	to := bytes.IndexByte(log[len(log)*5/8:], '\n') + len(log)*5/8 + 1
	moved := slices.Concat(log[:late], log[piece:to], log[late:piece], log[to:])
	for _, tt := range []struct {
		name  string
		files logSet
	}{
		{"two halves swapped", logSet{"access.log": swapped(log)}},
		{"two halves swapped and compressed", logSet{"access.log.gz": gz.pack(t, swapped(log))}},
		{"a piece in the wrong place", logSet{"access.log": moved}},
		{"a piece in the wrong place, compressed", logSet{"access.log.gz": gz.pack(t, moved)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := analyzePaths(t, writeFiles(t, tt.files))
			compare(t, want, got)
			if !got.summary.Sources[0].Sorted {
				t.Error("it does not say that it was sorted")
			}
			if !slices.ContainsFunc(got.summary.Warnings, func(w string) bool { return strings.Contains(w, "not in order of time") }) {
				t.Errorf("it does not tell: %q", got.summary.Warnings)
			}
		})
	}
	t.Run("on standard input it is told", func(t *testing.T) {
		onStdin(t, swapped(log), func() {
			got := analyzePaths(t, "-")
			compareVerdicts(t, want, got)
			if !slices.ContainsFunc(got.summary.Warnings, func(w string) bool { return strings.Contains(w, "cannot be read again") }) {
				t.Errorf("warnings %q", got.summary.Warnings)
			}
		})
	})
	t.Run("on standard input beside others", func(t *testing.T) {
		dir := writeFiles(t, logs)
		beside := append(paths(dir, logs.names()...), paths(writeFiles(t, logSet{"access.log": log}), "access.log")...)
		all := analyzePaths(t, beside...)
		onStdin(t, swapped(log), func() {
			got := analyzePaths(t, append(beside[:len(beside)-1:len(beside)-1], "-")...)
			if len(got.rows) != len(all.rows) || got.summary.Ledger.Late == 0 {
				t.Errorf("%d rows, want %d; %d late", len(got.rows), len(all.rows), got.summary.Ledger.Late)
			}
		})
	})
	t.Run("beside others", func(t *testing.T) {
		files, bad := make(logSet), make(logSet)
		for n, b := range logs {
			files[n], bad[n] = b, b
		}
		files["access.log"], bad["access.log"] = log, moved
		compare(t, analyzePaths(t, writeFiles(t, files)), analyzePaths(t, writeFiles(t, bad)))
	})
}

// One line that is dated wrong must not spoil the time of all others.
func TestImpossibleStampsAreKeptOutOfTheClock(t *testing.T) {
	for _, name := range []string{"app_crash_restart", "php_max_children"} {
		t.Run(name, func(t *testing.T) {
			logs := readScenario(t, name)
			const log = "nginx-access-ext.log"
			want := analyzePaths(t, writeFiles(t, logs))
			for _, date := range []string{"22/Nov/2099:21:35:00 +0000", "01/Jan/1970:00:00:09 +0000"} {
				bad := make(logSet)
				for n, b := range logs {
					bad[n] = b
				}
				lines := bytes.SplitAfter(bytes.Clone(logs[log]), []byte("\n"))
				for _, at := range []int{0, len(lines) / 3, len(lines) - 2} {
					line := fmt.Sprintf(`127.0.0.1 - - [%s] "GET /nobody-asked HTTP/1.1" 200 1 "-" "-" rid=- nginx_rid=- xv=- rt=0.001 uct="-" uht="-" urt="-" ua="-" us="-" conn=9.1 msec=-`, date)
					lines[at] = append([]byte(line+"\n"), lines[at]...)
				}
				bad[log] = bytes.Join(lines, nil)
				got := analyzePaths(t, writeFiles(t, bad))
				compareVerdicts(t, want, got)
				if w, g := want.summary.Window, got.summary.Window; !w.To.Equal(g.To) || !w.From.Equal(g.From) {
					t.Errorf("%s: the window is %v to %v, want %v to %v", date, g.From, g.To, w.From, w.To)
				}
				if !slices.ContainsFunc(got.summary.Warnings, func(w string) bool { return strings.Contains(w, "cannot be") }) {
					t.Errorf("%s: warnings %q", date, got.summary.Warnings)
				}
			}
		})
	}
}
