package segment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, c Config) *Writer {
	t.Helper()
	w, err := Open(c, "s", quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func add(t testing.TB, w *Writer, lines string) Position {
	t.Helper()
	at, err := w.Append([]byte(lines))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// all reads what is there, a gap as "<from-to>".
func all(t testing.TB, r *Reader) (lines []string) {
	t.Helper()
	for {
		l, err := r.Next()
		var gap *GapError
		switch {
		case errors.Is(err, io.EOF):
			return lines
		case errors.As(err, &gap):
			lines = append(lines, fmt.Sprintf("<%v-%v>", gap.From, gap.To))
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, string(l.Text))
		}
	}
}

func same(t testing.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLinesComeBackInOrderAcrossSegments(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir(), MaxSegment: 4096, MaxTotal: 1 << 20, MaxLine: 256})
	r := w.Reader(Position{})
	defer r.Close()
	var want, got []string
	seen := make(map[string]string)
	for i := range 3000 {
		want = append(want, fmt.Sprintf("line %d", i))
		add(t, w, want[i]+"\n")
		if i%17 > 0 {
			continue
		}
		for {
			l, err := r.Next()
			if err != nil {
				break
			}
			got = append(got, string(l.Text))
			id := fmt.Sprint(l.Fingerprint, l.Offset)
			if seen[id] != "" {
				t.Fatalf("%q and %q have the same place", seen[id], l.Text)
			}
			seen[id] = string(l.Text)
			b := make([]byte, len(l.Text))
			if _, err := w.ReadAt(b, l.At); err != nil || string(b) != string(l.Text) {
				t.Fatalf("%q is read again as %q: %v", l.Text, b, err)
			}
			file, err := os.ReadFile(l.Path)
			if err != nil || !bytes.HasPrefix(file[l.Offset:], l.Text) {
				t.Fatalf("%q does not stand at %v of %s: %v", l.Text, l.At, l.Path, err)
			}
			if n := bytes.Count(file[:l.Offset], lineEnd) + 1; int64(n) != l.Number {
				t.Fatalf("%q has number %d, want %d", l.Text, l.Number, n)
			}
		}
	}
	got = append(got, all(t, r)...)
	same(t, want, got)
	if s := w.Stats(); s.Segments < 8 || s.Lines != 3000 || len(s.Lost) > 0 {
		t.Errorf("%+v", s)
	}
	same(t, want[len(want)-1], lastFrom(t, w, r))
}

// lastFrom reads the last line by a reader that begins there.
func lastFrom(t *testing.T, w *Writer, r *Reader) string {
	at := r.Position()
	at.Offset -= int64(len("line 2999\n"))
	again := w.Reader(at)
	defer again.Close()
	return strings.Join(all(t, again), "|")
}

func TestABlockIsNeverDivided(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir(), MaxSegment: 4096, MaxTotal: 1 << 20, MaxLine: 1024})
	var writers sync.WaitGroup
	for g := range 8 {
		writers.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("%d-%d\n", g, i)
				if _, err := w.Append([]byte(strings.Repeat(id, 40))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	r := w.Reader(Position{})
	defer r.Close()
	for range 400 {
		first, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		text, seq := string(first.Text), first.At.Seq
		for range 39 {
			l, err := r.Next()
			if err != nil || string(l.Text) != text || l.At.Seq != seq {
				t.Fatalf("%q in %d, then %q in %d: %v", text, seq, l.Text, l.At.Seq, err)
			}
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("error is %v", err)
	}
}

func TestReopening(t *testing.T) {
	for _, tt := range []struct {
		name    string
		between func(t *testing.T, dir string)
		want    []string
		lost    map[string]Loss
		renamed bool // the identity is a new one
	}{
		{"goes on", func(*testing.T, string) {}, []string{"a", "b", "c"}, map[string]Loss{}, false},
		{"drops a torn line", func(t *testing.T, dir string) { write(t, dir, 1, "a\nb\nto") }, []string{"a", "b", "c"}, map[string]Loss{LostTorn: {1, 2}}, false},
		{"drops the zeros of a power cut", func(t *testing.T, dir string) { write(t, dir, 1, "a\n"+strings.Repeat("\x00", 200_000)) },
			[]string{"a", "c"}, map[string]Loss{LostTorn: {1, 200_000}}, false},
		{"never uses the number of an emptied segment", func(t *testing.T, dir string) { write(t, dir, 1, "") }, []string{"c"}, map[string]Loss{}, false},
		{"never uses the number of one that somebody removed", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "00000001.log")) }, []string{"c"}, map[string]Loss{}, false},
		{"makes a new identity where it was damaged", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, headerName), []byte("why"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"a", "b", "c"}, map[string]Loss{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{Dir: t.TempDir()}
			w := open(t, c)
			if w.Existed() {
				t.Error("a new stream existed")
			}
			add(t, w, "a\nb\n")
			epoch := w.Epoch()
			w.Close()
			tt.between(t, filepath.Join(c.Dir, "s"))
			w = open(t, c)
			at := add(t, w, "c\n")
			same(t, Position{Seq: 2}, at)
			if (w.Epoch() != epoch) != tt.renamed || w.Existed() == tt.renamed {
				t.Errorf("existed %v, same identity %v", w.Existed(), w.Epoch() == epoch)
			}
			r := w.Reader(Position{})
			defer r.Close()
			same(t, tt.want, all(t, r))
			same(t, tt.lost, w.Stats().Lost)
		})
	}
}

func write(t *testing.T, dir string, seq uint64, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, segmentName(seq)), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsDroppedUnreadIsCounted(t *testing.T) {
	c := Config{Dir: t.TempDir(), MaxSegment: 4096, MaxTotal: 8192, MaxLine: 256}
	w := open(t, c)
	line := strings.Repeat("x", 99) + "\n"
	for range 40 {
		add(t, w, line)
	}
	w.Release(Position{Seq: 1, Offset: 1000})
	held := w.Reader(Position{Seq: 1, Offset: 1000})
	defer held.Close()
	for range 60 {
		add(t, w, line)
	}
	same(t, map[string]Loss{LostSize: {30, 3000}}, w.Stats().Lost)
	got := all(t, held)
	if want := "<1:1000-2:0>"; got[0] != want || len(got) != 61 {
		t.Errorf("%d lines, the first is %q", len(got), got[0])
	}
	// What was read is no loss, and no gap for who had read it, after a restart too.
	read := held.Position()
	w.Release(read)
	w.Close()
	w = open(t, c)
	w.Release(read)
	for range 120 {
		add(t, w, line)
	}
	same(t, map[string]Loss{LostSize: {40, 4000}}, w.Stats().Lost) // of the second run
	w.Close()
	w = open(t, c)
	r := w.Reader(read)
	defer r.Close()
	if got := all(t, r); !strings.HasPrefix(got[0], "<3:2000-5:0>") {
		t.Errorf("after a restart it begins with %q", got[0])
	}
}

func TestAReadSegmentThatIsDroppedIsNoGap(t *testing.T) {
	c := Config{Dir: t.TempDir(), MaxAge: time.Hour}
	w := open(t, c)
	add(t, w, "a\n")
	r := w.Reader(Position{})
	defer r.Close()
	same(t, []string{"a"}, all(t, r))
	read := r.Position()
	w.Release(read)
	w.Close()
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(w.Path(1), past, past); err != nil {
		t.Fatal(err)
	}
	w = open(t, c)
	w.Release(read)
	if err := w.Expire(); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Segments != 0 || len(s.Lost) != 0 {
		t.Fatalf("%+v", s)
	}
	w.Close()
	w = open(t, c)
	r = w.Reader(read)
	defer r.Close()
	add(t, w, "b\n")
	same(t, []string{"b"}, all(t, r))
}

func TestOldLinesThatNobodyReadAreCountedByAge(t *testing.T) {
	c := Config{Dir: t.TempDir(), MaxAge: time.Hour}
	w := open(t, c)
	add(t, w, "a\nb\nc\n")
	w.Close()
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(w.Path(1), past, past); err != nil {
		t.Fatal(err)
	}
	w = open(t, c)
	add(t, w, "d\n")
	same(t, map[string]Loss{LostAge: {3, 6}}, w.Stats().Lost)
	if _, err := w.ReadAt(make([]byte, 1), Position{Seq: 1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir(), MaxLine: 256})
	add(t, w, "a\n"+strings.Repeat("x", 1000)+"\n"+strings.Repeat("y", 256)+"\nno end")
	r := w.Reader(Position{})
	defer r.Close()
	same(t, []string{"a", strings.Repeat("x", 256), strings.Repeat("y", 256), "no end"}, all(t, r))
	s := w.Stats()
	if s.CutLines != 1 || s.CutBytes != 744 || s.Lines != 4 {
		t.Errorf("%+v", s)
	}
}

func TestAFolderHasOneWriter(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	open(t, c)
	if _, err := Open(c, "s", quiet); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("error is %v", err)
	}
}

func TestNamesStayInTheFolder(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", ".hidden", "a\x00", strings.Repeat("a", 201), "ü"} {
		if _, err := Open(Config{Dir: t.TempDir()}, name, quiet); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestListFindsStreams(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"nginx@web-1", "app@10.0.0.1"} {
		w, err := Open(Config{Dir: dir}, name, quiet)
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
	if err := os.Mkdir(filepath.Join(dir, "else"), 0o755); err != nil {
		t.Fatal(err)
	}
	names, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	same(t, []string{"app@10.0.0.1", "nginx@web-1"}, names)
	if names, err := List(filepath.Join(dir, "missing")); err != nil || names != nil {
		t.Errorf("%v, %v", names, err)
	}
}

func TestWaitEndsWithALineOrClose(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir()})
	r := w.Reader(Position{})
	defer r.Close()
	got := make(chan string)
	go func() {
		defer close(got)
		for {
			l, err := r.Next()
			if err == nil {
				got <- string(l.Text)
				continue
			}
			if err := r.Wait(context.Background()); err != nil {
				got <- err.Error()
				return
			}
		}
	}()
	for i := range 100 {
		want := fmt.Sprint(i)
		add(t, w, want+"\n")
		same(t, want, <-got)
	}
	w.Close()
	same(t, ErrClosed.Error(), <-got)
	<-got
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	other := open(t, Config{Dir: t.TempDir()})
	if err := other.Reader(Position{}).Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := w.Append([]byte("x\n")); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v", err)
	}
	same(t, map[string]Loss{LostWrite: {1, 2}}, w.Stats().Lost)
}

// TestMain lets a test kill this binary while it writes.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SEGMENT_WRITE_TO"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints each number when it was appended.
func writeUntilKilled(dir string) {
	w, err := Open(Config{Dir: dir, MaxSegment: 4096, MaxTotal: 1 << 30, MaxLine: 1024}, "s", quiet)
	if err != nil {
		panic(err)
	}
	from := w.Stats().Size
	for i := 0; ; i++ {
		id := fmt.Sprintf("%d.%d", from, i)
		if _, err := w.Append([]byte(id + " " + strings.Repeat("p", rand.IntN(500)) + ".\n")); err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
}

func TestWhatWasAppendedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	var want []string
	seen := make(map[Position]string)
	for range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SEGMENT_WRITE_TO="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 1000+rand.IntN(4000))
		_, err = io.ReadFull(out, said)
		_ = cmd.Process.Kill()
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		if err != nil {
			t.Fatal(err)
		}
		told := strings.Split(string(said)+string(rest), "\n")
		want = append(want, told[:len(told)-1]...)

		w := open(t, Config{Dir: dir, MaxSegment: 4096, MaxTotal: 1 << 30, MaxLine: 1024})
		r := w.Reader(Position{})
		var got []string
		for {
			l, err := r.Next()
			if err != nil {
				break
			}
			if !bytes.HasSuffix(l.Text, []byte(".")) {
				t.Fatalf("half a line: %q", l.Text)
			}
			if s := seen[l.At]; s != "" && s != string(l.Text) {
				t.Fatalf("%v was %q and is %q", l.At, s, l.Text)
			}
			seen[l.At] = string(l.Text)
			id, _, _ := strings.Cut(string(l.Text), " ")
			got = append(got, id)
		}
		r.Close()
		w.Close()
		// One line may be there that the kill kept from being told.
		j := 0
		for _, id := range want {
			if j+1 < len(got) && got[j] != id {
				j++
			}
			if j >= len(got) || got[j] != id {
				t.Fatalf("line %d of %d is not %s", j, len(got), id)
			}
			j++
		}
		if len(got) > j+1 {
			t.Fatalf("%d lines are there, %d were told of", len(got), j)
		}
		want = got
	}
}

func BenchmarkAppendOne(b *testing.B) { benchmarkAppend(b, 1) }
func BenchmarkAppend64(b *testing.B)  { benchmarkAppend(b, 64) }

func benchmarkAppend(b *testing.B, n int) {
	w := open(b, Config{Dir: b.TempDir(), MaxTotal: 64 << 20})
	block := bytes.Repeat([]byte(strings.Repeat("x", 199)+"\n"), n)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		at, err := w.Append(block)
		if err != nil {
			b.Fatal(err)
		}
		w.Release(at)
	}
}

func BenchmarkRead(b *testing.B) {
	w := open(b, Config{Dir: b.TempDir()})
	block := bytes.Repeat([]byte(strings.Repeat("x", 199)+"\n"), 1000)
	for range 100 {
		add(b, w, string(block))
	}
	b.SetBytes(200)
	b.ReportAllocs()
	r := w.Reader(Position{})
	defer r.Close()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			r.Close()
			r = w.Reader(Position{})
		}
	}
}

func TestLastLine(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir(), MaxLine: 256})
	for _, tt := range [][2]string{{"", ""}, {"a\n", "a"}, {"b\nc\r\n", "c"}, {strings.Repeat("x", 300) + "\n", strings.Repeat("x", 256)}} {
		add(t, w, tt[0])
		got, err := w.LastLine()
		if err != nil || string(got) != tt[1] {
			t.Errorf("%q, %v, want %q", got, err, tt[1])
		}
	}
}

func TestReadingGoesOnAtAMark(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	w := open(t, c)
	add(t, w, "a\nb\nc\n")
	r := w.Resume(Mark{})
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(r.Mark())
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	w.Close()
	var m Mark
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	w = open(t, c)
	r = w.Resume(m)
	l, err := r.Next()
	if err != nil || string(l.Text) != "c" || l.Number != 3 || l.Offset != 4 {
		t.Errorf("%+v, %v", l, err)
	}
	r.Close()
	if n := w.Stats().Unread; n != 2 {
		t.Errorf("%d bytes unread", n)
	}
	w.Close()

	// Somebody removed the folder: its numbers begin again.
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	w = open(t, c)
	add(t, w, "new\n")
	r = w.Resume(Mark{m.Epoch, Position{Seq: 9, Offset: 4}})
	defer r.Close()
	same(t, []string{"<9:4-1:0>", "new"}, all(t, r))
	foreign := w.Reader(Position{Seq: 9, Offset: 4})
	defer foreign.Close()
	same(t, []string{"<9:4-1:0>", "new"}, all(t, foreign))
	if err := m.Epoch.UnmarshalText([]byte("abc")); err == nil {
		t.Error("half an identity was taken")
	}
}

func TestAFailedWriteIsCountedAndWritingGoesOn(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir()})
	add(t, w, "a\n")
	w.f.Close() // as a disk that is gone: neither write nor truncate work
	if _, err := w.Append([]byte("b\nc\n")); err == nil {
		t.Fatal("it was taken")
	}
	same(t, Position{Seq: 2}, add(t, w, "d\n"))
	r := w.Reader(Position{})
	defer r.Close()
	same(t, []string{"a", "d"}, all(t, r))
	same(t, map[string]Loss{LostWrite: {2, 4}}, w.Stats().Lost)
}

// TestAReaderThatFallsBehind holds that what a reader did not get is no more
// than what was counted, and that it gets the rest in order.
func TestAReaderThatFallsBehind(t *testing.T) {
	w := open(t, Config{Dir: t.TempDir(), MaxSegment: 4096, MaxTotal: 16384, MaxLine: 256})
	const lines = 3000
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range lines {
			if _, err := w.Append(fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("x", i%150))); err != nil {
				t.Error(err)
			}
		}
		w.Close()
	})
	r := w.Reader(Position{})
	defer r.Close()
	read, gaps, last := int64(0), 0, -1
	for {
		l, err := r.Next()
		var gap *GapError
		switch {
		case err == nil:
			var i int
			if _, err := fmt.Sscan(string(l.Text), &i); err != nil || i <= last || i != last+1 && gaps == 0 {
				t.Fatalf("%q behind %d: %v", l.Text, last, err)
			}
			read, last = read+1, i
			w.Release(r.Position())
			if read%700 == 0 { // it is held up
				for from := w.End().Seq; w.End().Seq < from+6 && w.Stats().Lines < lines; {
					runtime.Gosched()
				}
			}
			continue
		case errors.As(err, &gap):
			gaps++
			continue
		case !errors.Is(err, io.EOF):
			t.Fatal(err)
		}
		if err := r.Wait(context.Background()); err != nil {
			break
		}
	}
	writer.Wait()
	lost := w.Stats().Lost[LostSize].Lines
	t.Logf("%d read, %d lost in %d gaps", read, lost, gaps)
	if gaps == 0 || last != lines-1 || lines-read > lost || lost > 0 && read == 0 {
		t.Errorf("%d read, the last is %d, %d lost", read, last, lost)
	}
}
