package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/ingest/segment"
)

// TestMain lets this binary be the program that is run.
func TestMain(m *testing.M) {
	if script := os.Getenv("CHILD_SCRIPT"); script != "" {
		play(script)
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

// play runs the steps of a script, which are divided by |.
func play(script string) {
	if slices.Contains(os.Args, "-d") {
		script = os.Getenv("CHILD_REPLAY")
	}
	for step := range strings.SplitSeq(script, "|") {
		do, arg, _ := strings.Cut(step, " ")
		switch do {
		case "out":
			fmt.Print(strings.NewReplacer(`\n`, "\n").Replace(arg))
		case "err":
			fmt.Fprintln(os.Stderr, arg)
		case "wait":
			time.Sleep(time.Hour)
		case "deaf":
			signal.Ignore(syscall.SIGTERM)
		case "child": // one that keeps the pipes and the group
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "CHILD_SCRIPT="+"deaf|wait")
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Start(); err != nil {
				panic(err)
			}
			fmt.Println(cmd.Process.Pid)
		case "once": // the rest only the first time
			if _, err := os.Stat(arg); err == nil {
				return
			}
			if err := os.WriteFile(arg, nil, 0o600); err != nil {
				panic(err)
			}
		case "exit":
			code, _ := strconv.Atoi(arg)
			os.Exit(code)
		}
	}
}

func self(script string) Command {
	return Command{Path: os.Args[0], Env: []string{"CHILD_SCRIPT=" + script}, Stdout: func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }}
}

func TestRunSaysHowAProgramEnded(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Command
		want string
	}{
		{"by itself", self("out x"), os.Args[0] + " ended by itself"},
		{"with a status", self("err first|err why|exit 3"), os.Args[0] + " ended with exit status 3: first; why"},
		{"not there", Command{Path: "why503-no-such-program"}, "cannot start why503-no-such-program: it is not installed here, or not on the PATH. Install it, or give its path"},
		{"not there, by path", Command{Path: "/nonexistent/x"}, "cannot start /nonexistent/x: it is not installed here, or not on the PATH. Install it, or give its path"},
		{"not to be executed", Command{Path: "/etc/passwd"}, "cannot start /etc/passwd: permission denied. Let this user execute it"},
		{"reader gave up", func() Command {
			c := self("out x|wait")
			c.Stdout = func(r io.Reader) error { _, _ = r.Read(make([]byte, 1)); return errors.New("enough") }
			return c
		}(), "enough"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.c.Run(context.Background()); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	c := self("deaf|child|wait")
	ctx, cancel := context.WithCancel(context.Background())
	var pids []int
	c.Started = func(pid int) { pids = append(pids, pid) }
	c.Stdout = func(r io.Reader) error {
		b := make([]byte, 32)
		n, err := r.Read(b)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
		if err != nil {
			return err
		}
		pids = append(pids, pid)
		cancel()
		_, err = io.Copy(io.Discard, r)
		return err
	}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	for _, pid := range pids {
		for i := 0; alive(pid); i++ {
			if i == 200 {
				t.Fatalf("process %d of %v is left", pid, pids)
			}
			time.Sleep(10 * time.Millisecond) // init has to reap the grandchild
		}
	}
	if len(pids) != 2 {
		t.Errorf("processes %v", pids)
	}
}

// alive tells a process that runs from none and from one that only waits to be
// reaped.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(b, []byte(") "))
	return len(state) > 0 && state[0] != 'Z'
}

func TestStandardErrorIsHandedOutInLines(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	c := self("err a|err |err " + long + "|err b")
	var got []string
	c.Stderr = func(line []byte) { got = append(got, string(line)) }
	_ = c.Run(context.Background())
	if diff := cmp.Diff([]string{"a", long[:maxMessage], "b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBackoffGrowsAndIsSpread(t *testing.T) {
	b := Backoff{Min: 100, Max: 1000}
	for n, full := range []time.Duration{1: 100, 2: 200, 3: 400, 4: 800, 5: 1000, 60: 1000} {
		if full == 0 {
			continue
		}
		spread := make(map[time.Duration]bool)
		for range 200 {
			d := b.after(n)
			if d < full/2 || d > full {
				t.Fatalf("wait %d is %d", n, d)
			}
			spread[d] = true
		}
		if len(spread) < 10 {
			t.Errorf("wait %d is one of %d", n, len(spread))
		}
	}
}

// TestSuperviseBacksOffUntilItRanWell needs no program: one that is not there
// fails at once, in a bubble where time is not real.
func TestSuperviseBacksOffUntilItRanWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		var counts Counts
		var said bytes.Buffer
		var at []time.Duration
		began := time.Now()
		Supervise(ctx, Program{
			Command: func() Command {
				at = append(at, time.Since(began))
				if len(at) == 8 {
					time.Sleep(2 * time.Minute) // as if it ran
				}
				return Command{Path: "/nonexistent/program"}
			},
			Backoff: Backoff{Min: time.Second, Max: 16 * time.Second, Good: time.Minute},
			Mend:    func(error) string { return "mend it" },
		}, &counts, slog.New(slog.NewTextHandler(&said, nil)))
		if n := strings.Count(said.String(), "ended"); n < 6 || n > 7 {
			t.Errorf("said %d times in an hour:\n%s", n, said.String())
		}
		if !strings.Contains(said.String(), "not installed here") || !strings.Contains(said.String(), `hint="mend it"`) {
			t.Error(said.String())
		}
		if n := counts.Stats().Failures; n < 3600/16 || n > 2*3600/16+20 || int(n) != len(at) {
			t.Errorf("%d failures, %d starts", n, len(at))
		}
	})
}

func TestSuperviseStartsItAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var counts Counts
	starts := 0
	Supervise(ctx, Program{
		Command: func() Command {
			if starts++; starts == 3 {
				cancel()
			}
			return self("err oops|exit 1")
		},
		Backoff: Backoff{Min: time.Millisecond, Max: time.Millisecond},
	}, &counts, slog.New(slog.DiscardHandler))
	want := Stats{Starts: 2, Exits: 2, StderrLines: 2}
	if diff := cmp.Diff(want, counts.Stats()); diff != "" {
		t.Error(diff)
	}
}

const (
	group1 = "*   << Request  >> 2         \n-   Begin          req 1 rxreq\n-   End            \n\n"
	group2 = "*   << Request  >> 32770     \n-   Begin          req 1 rxreq\n**  << BeReq    >> 32771     \n--  End            \n\n"
	group3 = "*   << Request  >> 5         \n-   Begin          req 4 rxreq\n-   End            \n\n"
)

func script(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }

func stream(t *testing.T, dir string) *segment.Writer {
	t.Helper()
	w, err := segment.Open(segment.Config{Dir: dir}, "varnish", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// content waits until the stream holds n bytes.
func content(t *testing.T, w *segment.Writer, n int) string {
	t.Helper()
	r := w.Reader(segment.Position{})
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var b strings.Builder
	for b.Len() < n {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			err = r.Wait(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			t.Fatalf("%v, after %q", err, b.String())
		}
		b.Write(l.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestWhatWasMissedIsReplayedWithoutRepeats(t *testing.T) {
	dir := t.TempDir()
	before := stream(t, dir)
	if _, err := before.Append([]byte(group1)); err != nil {
		t.Fatal(err)
	}
	before.Close()

	t.Setenv("CHILD_SCRIPT", script("err Log overrun|err Log abandoned (vsm)|err Log reacquired|out "+group3+"|wait"))
	t.Setenv("CHILD_REPLAY", script("out "+group1+group2+group3))
	w := stream(t, dir)
	v, err := NewVarnishlog(VarnishlogConfig{Path: os.Args[0]}, w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	v.holds = func(int64) bool { return v.Stats().Groups > 0 }
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { v.Run(ctx) })
	got := content(t, w, len(group1+group2+group3))
	for v.Stats().Repeated < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	run.Wait()
	if want := group1 + group3 + group2; got != want {
		t.Errorf("the stream is %q", got)
	}
	want := VarnishlogStats{Stats: Stats{Starts: 1, StderrLines: 3}, Overruns: 1, Abandoned: 1, Reacquired: 1, Replays: 1, Groups: 4, Repeated: 2}
	if diff := cmp.Diff(want, v.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestGroupsOfTwoProcessesAreNotMixed(t *testing.T) {
	var out memory
	s := sink{to: &out, dedupe: true}
	var readers sync.WaitGroup
	for p := range 2 {
		r, w := io.Pipe()
		readers.Go(func() { _ = s.read(r) })
		readers.Go(func() {
			defer w.Close()
			for i := range 300 {
				for part := range strings.SplitAfterSeq(groupOf(p, i), "-") {
					_, _ = io.WriteString(w, part)
				}
			}
		})
	}
	readers.Wait()
	for i, g := range strings.SplitAfter(strings.TrimSuffix(out.String(), "\n\n")+"\n\n", "\n\n") {
		if g == "" {
			continue
		}
		var p, n int
		if _, err := fmt.Sscanf(g, "* %d.%d", &p, &n); err != nil || g != groupOf(p, n) {
			t.Fatalf("group %d is %q: %v", i, g, err)
		}
	}
	if s.groups != 600 || s.repeated != 0 {
		t.Errorf("%d groups, %d repeated", s.groups, s.repeated)
	}
}

func groupOf(p, i int) string {
	return fmt.Sprintf("* %d.%d\n%s\n", p, i, strings.Repeat(fmt.Sprintf("- %d %d\n", p, i), 20))
}

func TestAGroupWithoutEndIsWrittenInPieces(t *testing.T) {
	line := strings.Repeat("x", 1000) + "\n"
	huge := strings.Repeat(line, 2*maxGroup/len(line))
	for _, tt := range []struct{ name, in, want string }{
		{"and ends", huge + "\n" + group1, huge + "\n" + group1},
		{"and is cut off", huge + "half", huge + "half\n\n"},
		{"a small one is cut off", group1 + "* half", group1 + "* half\n\n"},
		{"and is one line", strings.Repeat("y", 2*maxGroup), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out memory
			s := sink{to: &out, dedupe: true}
			if err := s.read(strings.NewReader(tt.in)); err != nil {
				t.Fatal(err)
			}
			if tt.want == "" { // it has ends where it was cut
				tt.want, tt.in = tt.in, strings.ReplaceAll(out.String(), "\n", "")
			} else {
				tt.in = out.String()
			}
			if tt.in != tt.want {
				t.Errorf("%d bytes, want %d", len(tt.in), len(tt.want))
			}
			if !s.turn.TryLock() {
				t.Error("the turn was kept")
			}
		})
	}
}

type memory struct {
	mu sync.Mutex
	bytes.Buffer
}

func (m *memory) Append(b []byte) (segment.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Write(b)
	if b[len(b)-1] != '\n' {
		m.WriteByte('\n')
	}
	return segment.Position{}, nil
}

func TestVarnishlogTakesNoArgumentsThatTakeItsOutputAway(t *testing.T) {
	for _, c := range []VarnishlogConfig{{Args: []string{"-w", "x"}}, {Args: []string{"-D"}}, {Args: []string{"-wx"}}, {Grouping: "all"}} {
		if _, err := NewVarnishlog(c, nil, nil); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if _, err := NewVarnishlog(VarnishlogConfig{Args: []string{"-T", "10", "-I", "ReqURL:^/a"}}, nil, nil); err != nil {
		t.Error(err)
	}
}

func BenchmarkGroups(b *testing.B) {
	var all strings.Builder
	for i := range 2000 {
		all.WriteString(groupOf(i, i))
	}
	b.SetBytes(int64(all.Len()))
	b.ReportAllocs()
	for b.Loop() {
		s := sink{to: nothing{}, dedupe: true}
		if err := s.read(strings.NewReader(all.String())); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (nothing) Append([]byte) (segment.Position, error) { return segment.Position{}, nil }
