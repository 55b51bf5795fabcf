package journal

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/ingest/child"
	"why503/ingest/segment"
	"why503/parse/detect"
	"why503/parse/frame"
)

var (
	quiet  = slog.New(slog.DiscardHandler)
	update = flag.Bool("update", false, "rewrite golden files")
)

// entriesFile was written by journalctl 252 from the journal file beside it.
const entriesFile = "testdata/entries.export"

// TestMain lets this binary be journalctl.
func TestMain(m *testing.M) {
	if file := os.Getenv("JOURNAL_PLAY"); file != "" {
		play(file)
		return
	}
	code := m.Run()
	if left := goroutines(); code == 0 && left != "" {
		fmt.Printf("goroutines are left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks of those that run this package's code, after
// some time to end.
func goroutines() (left string) {
	for range 200 {
		left = ""
		buf := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "why503/ingest") && !strings.Contains(stack, "TestMain") {
				left += stack + "\n\n"
			}
		}
		if left == "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return left
}

// play prints the entries behind the cursor that it is given, as journalctl
// does, and notes how it was called. JOURNAL_AT_ONCE entries are printed by one
// run, after which it ends amid the next.
func play(file string) {
	if to := os.Getenv("JOURNAL_CALLS"); to != "" {
		f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, strings.Join(os.Args[1:], " "))
		f.Close()
	}
	b, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	entries := bytes.SplitAfter(b, []byte("\n\n__CURSOR"))
	for i := range entries[:len(entries)-1] {
		entries[i] = bytes.TrimSuffix(entries[i], []byte("__CURSOR"))
		entries[i+1] = append([]byte("__CURSOR"), entries[i+1]...)
	}
	for _, arg := range os.Args {
		cursor, ok := strings.CutPrefix(arg, "--after-cursor=")
		if !ok {
			continue
		}
		at := slices.IndexFunc(entries, func(e []byte) bool { return bytes.HasPrefix(e, []byte("__CURSOR="+cursor+"\n")) })
		if at < 0 {
			fmt.Fprintln(os.Stderr, "Failed to seek to cursor: Invalid argument")
			os.Exit(1)
		}
		entries = entries[at+1:]
	}
	if os.Getenv("JOURNAL_AT_ONCE") != "" && len(entries) > 1 {
		os.Stdout.Write(entries[0])
		os.Stdout.Write(entries[1][:len(entries[1])/2])
		return
	}
	for _, e := range entries {
		os.Stdout.Write(e)
	}
	time.Sleep(time.Hour)
}

// run reads until ok.
func run(t *testing.T, c Config, ok func(*Journal) bool) *Journal {
	t.Helper()
	if c.Path == "" {
		c.Path = os.Args[0]
	}
	c.Backoff = child.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}
	j, err := Open(c, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); !ok(j); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain: %+v", j.Stats())
			break
		}
	}
	cancel()
	all.Wait()
	return j
}

func content(t *testing.T, set *segment.Set) string {
	t.Helper()
	var b strings.Builder
	streams := set.Streams()
	slices.SortFunc(streams, func(a, b *segment.Writer) int { return strings.Compare(a.Name(), b.Name()) })
	for _, w := range streams {
		fmt.Fprintf(&b, "# %s\n", w.Name())
		r := w.Reader(segment.Position{})
		for {
			l, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", l.Text)
		}
		r.Close()
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

const usable = 7 // entries with a message

func TestEntriesBecomeLinesThatAreReadAsSyslog(t *testing.T) {
	t.Setenv("JOURNAL_PLAY", entriesFile)
	var cursors []string
	c := Config{Segments: segment.Config{Dir: t.TempDir()}, MaxMessage: 1024, From: FromStart, Batch: func(c string) { cursors = append(cursors, c) }}
	j := run(t, c, func(j *Journal) bool { return j.Stats().Entries == usable })
	got := content(t, j.Streams())
	golden(t, "entries.golden", got)
	for line := range strings.Lines(got) {
		if line = strings.TrimSuffix(line, "\n"); line[0] == '#' {
			continue
		}
		in, _, ok := frame.Unwrap(frame.Syslog, []byte(line), nil)
		if !ok || string(in.Host) != "web-1" || len(in.Tag) == 0 || in.Time == 0 || len(in.Text) == 0 {
			t.Errorf("%s is unwrapped as %+v", line, in)
		}
	}
	for name, want := range map[string]string{"nginx@web-1": "nginx", "systemd@web-1": "systemd", "kernel@web-1": "kernel", "shop@web-1": "syslog"} {
		_, lines, _ := strings.Cut(got, "# "+name+"\n")
		lines, _, _ = strings.Cut(lines, "# ")
		if r := detect.Detect([]byte(lines), detect.Hints{}); r.Format.Name != want {
			t.Errorf("%s is taken for %s", name, r.Format.Name)
		}
	}
	st := j.Stats()
	if st.Cut != 1 || st.Empty != 1 || st.Damaged != 0 || st.Streams != 5 {
		t.Errorf("%+v", st)
	}
	if n := len(cursors); int64(n) != st.Batches || cursors[n-1] != j.Cursor() {
		t.Errorf("%d cursors, the last is %s", n, cursors[n-1])
	}
}

func TestNothingIsTwiceOrMissingOverEndsOfTheProgramAndRestarts(t *testing.T) {
	t.Setenv("JOURNAL_PLAY", entriesFile)
	t.Setenv("JOURNAL_AT_ONCE", "1")
	calls := filepath.Join(t.TempDir(), "calls")
	t.Setenv("JOURNAL_CALLS", calls)
	dir := t.TempDir()
	c := Config{Segments: segment.Config{Dir: dir}, MaxMessage: 1024, From: FromBoot, Units: []string{"a", "b"}, Identifiers: []string{"i"}, Matches: []string{"X=y"}}
	run(t, c, func(j *Journal) bool { return j.Stats().Entries >= 2 })
	// A kill cuts off a line, which was not acknowledged then.
	torn, err := os.OpenFile(filepath.Join(dir, "nginx@web-1", "00000001.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`<30>1 2026-11-23T02:13:21.122956+00:00 web-1 nginx 700 - [journal n="9999" cursor="s=0`); err != nil {
		t.Fatal(err)
	}
	torn.Close()
	c.After = "not used, since the streams know better"
	run(t, c, func(j *Journal) bool { return j.Stats().Entries >= 1 })
	os.Unsetenv("JOURNAL_AT_ONCE")
	before := int64(strings.Count(contentOf(t, c), "cursor="))
	j := run(t, c, func(j *Journal) bool { return j.Stats().Entries == usable-before })
	golden(t, "entries.golden", content(t, j.Streams()))
	said, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(said), "\n")
	if want := "--output=export --follow --no-pager --quiet --boot --no-tail --unit=a --unit=b --identifier=i X=y"; first != want {
		t.Errorf("called with %s", first)
	}
	if !strings.Contains(rest, "--after-cursor=s=") || !strings.Contains(rest, "--no-tail") {
		t.Errorf("then with %s", rest)
	}
}

func contentOf(t *testing.T, c Config) string {
	t.Helper()
	set, err := segment.OpenSet(c.Segments, 0, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	return content(t, set)
}

func TestACursorThatTheJournalDoesNotKnowIsCounted(t *testing.T) {
	t.Setenv("JOURNAL_PLAY", entriesFile)
	c := Config{Segments: segment.Config{Dir: t.TempDir()}, After: "s=0;i=1"}
	j := run(t, c, func(j *Journal) bool { return j.Stats().Entries == usable })
	if st := j.Stats(); st.LostCursor != 1 || st.Exits != 1 {
		t.Errorf("%+v", st)
	}
}

func TestWhatTheDiskDoesNotTakeIsReadAgain(t *testing.T) {
	t.Setenv("JOURNAL_PLAY", entriesFile)
	dir := t.TempDir()
	c := Config{Segments: segment.Config{Dir: dir}, MaxMessage: 1024, From: FromStart, Path: os.Args[0], Backoff: child.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}}
	// A file where a stream's folder goes stands for a disk that refuses.
	inTheWay := filepath.Join(dir, "shop@web-1")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := run(t, c, func(j *Journal) bool {
		if j.Stats().Exits >= 2 {
			_ = os.Remove(inTheWay)
		}
		return j.Stats().Entries == usable
	})
	golden(t, "entries.golden", content(t, j.Streams()))
}

func TestExportIsReadInBoundedMemory(t *testing.T) {
	huge := io.MultiReader(strings.NewReader("__CURSOR=a\nCOREDUMP\n\x00\x00\x00\x40\x00\x00\x00\x00"), io.LimitReader(zeros{}, 1<<30), strings.NewReader("\nMESSAGE=x\n\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := newExport(huge, 1024)
	e, err := x.next()
	runtime.ReadMemStats(&after)
	if err != nil || string(e.message) != "x" || string(e.cursor) != "a" {
		t.Errorf("%q of %q, %v", e.message, e.cursor, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("allocated %d bytes", used)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestWhatIsNoExportIsAnError(t *testing.T) {
	for name, in := range map[string]string{
		"JSON": `{"MESSAGE":"x"}`, "short": "Nov 23 02:13:20 web-1 systemd[1]: x\n", "a name without end": strings.Repeat("A", 1000),
		"an impossible length": "MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff", "no line end behind a value": "MESSAGE\n\x01\x00\x00\x00\x00\x00\x00\x00xy", "no name": "=x\n",
	} {
		if _, err := newExport(strings.NewReader(in), 1024).next(); !errors.Is(err, errExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"", "MESSAGE=x\n", "MESSAGE", "MESSAGE\n\x01\x00"} {
		if _, err := newExport(strings.NewReader(in), 1024).next(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzExport(f *testing.F) {
	b, err := os.ReadFile(entriesFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("__CURSOR=\"\\]x\n__REALTIME_TIMESTAMP=1\n_HOSTNAME=a b\nSYSLOG_IDENTIFIER=\nMESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		x := newExport(bytes.NewReader(in), 100)
		for {
			e, err := x.next()
			if err != nil {
				return
			}
			if len(e.message) > 100 {
				t.Fatalf("a message of %d bytes", len(e.message))
			}
			if !e.usable() {
				continue
			}
			line := e.appendLine(nil, 7)
			if bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Fatalf("not one line: %q", line)
			}
			m, ok := readMark(line)
			if !ok || m.number != 7 || m.cursor != string(e.cursor) {
				t.Fatalf("cursor %q is read back as %+v from %q", e.cursor, m, line)
			}
		}
	})
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for want, c := range map[string]Config{
		"no folder given":   {},
		"Write FIELD=value": {Matches: []string{"--vacuum-size=1"}, Segments: segment.Config{Dir: "x"}},
		"Give 256 bytes":    {MaxMessage: 1, Segments: segment.Config{Dir: "x"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
