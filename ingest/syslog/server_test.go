package syslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/ingest/segment"
)

var quiet = slog.New(slog.DiscardHandler)

// TestMain fails when goroutines outlive the tests.
func TestMain(m *testing.M) {
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

// serve runs a server on all four kinds of socket until the test ends or stop is
// called.
func serve(t testing.TB, c Config) (s *Server, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // senders run as other users
		t.Fatal(err)
	}
	if c.Listen == nil {
		c.Listen = []Listen{
			{Network: "udp", Address: "127.0.0.1:0"}, {Network: "tcp", Address: "127.0.0.1:0"},
			{Network: "unixgram", Address: filepath.Join(dir, "gram")}, {Network: "unix", Address: filepath.Join(dir, "stream")},
		}
	}
	if c.Segments.Dir == "" {
		c.Segments.Dir = t.TempDir()
	}
	s, err = Open(c, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); run.Wait() }
	t.Cleanup(stop)
	return s, stop
}

func dial(t testing.TB, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// until waits for what other goroutines bring about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// content returns each stream's lines.
func content(t testing.TB, s *Server) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, w := range s.Streams().Streams() {
		r := w.Reader(segment.Position{})
		for {
			l, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out[w.Name()] += string(l.Text) + "\n"
		}
		r.Close()
	}
	return out
}

func TestMessagesOfAllSocketsComeToTheirStreams(t *testing.T) {
	s, stop := serve(t, Config{})
	host := string(s.self)
	addrs := s.Addrs()
	send(t, dial(t, addrs[0]), "<190>Nov 23 02:10:43 web-1 nginx: over UDP")
	send(t, dial(t, addrs[0]), "<134>Nov 23 02:10:43 haproxy[1]: over UDP")
	send(t, dial(t, addrs[1]), "<190>Nov 23 02:10:43 web-2 nginx: over TCP by LF\n43 <190>Nov 23 02:10:43 web-2 nginx: by\nlength")
	send(t, dial(t, addrs[2]), "<134>Nov 23 02:10:43 haproxy[1]: over a unix socket")
	send(t, dial(t, addrs[3]), "<13>Nov 23 02:10:43 app: over a unix stream\x00no header\n")
	until(t, "7 messages", func() bool { return s.Stats().Messages == 7 })
	stop()
	want := map[string]string{
		"nginx@web-1":       "<190>Nov 23 02:10:43 web-1 nginx: over UDP\n",
		"haproxy@127.0.0.1": "<134>Nov 23 02:10:43 127.0.0.1 haproxy[1]: over UDP\n",
		"nginx@web-2":       "<190>Nov 23 02:10:43 web-2 nginx: over TCP by LF\n<190>Nov 23 02:10:43 web-2 nginx: by#012length\n",
		"haproxy@" + host:   "<134>Nov 23 02:10:43 " + host + " haproxy[1]: over a unix socket\n",
		"app@" + host:       "<13>Nov 23 02:10:43 " + host + " app: over a unix stream\n",
		"unknown@" + host:   "no header\n",
	}
	if diff := cmp.Diff(want, content(t, s)); diff != "" {
		t.Error(diff)
	}
	st := s.Stats()
	if st.Connections != 0 || st.Accepted != 2 || st.Bare != 1 || st.Lost.Any() || st.Streams != 6 {
		t.Errorf("%+v", st)
	}
}

func TestWhatIsBeyondTheBoundsIsCounted(t *testing.T) {
	s, stop := serve(t, Config{MaxConns: 2, MaxMessage: 480, MaxStreams: 2, IdleTimeout: time.Second})
	tcp := s.Addrs()[1]
	a, b := dial(t, tcp), dial(t, tcp)
	until(t, "two connections", func() bool { return s.Stats().Connections == 2 })
	refused := dial(t, tcp)
	if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the third connection: %v", err)
	}
	send(t, a, "<13>Nov 23 02:10:43 h p: "+strings.Repeat("x", 1000)+"\n")
	send(t, a, "<13>Nov 23 02:10:43 h q: x\n<13>Nov 23 02:10:43 h r: x\n<13>Nov 23 02:10:43 h s: x\n")
	send(t, a, "100 <1>half")
	a.Close()
	send(t, b, "3 <1>999999999 <1>")
	until(t, "both connections to end", func() bool { return s.Stats().Connections == 0 })
	dial(t, tcp)
	until(t, "an idle connection to end", func() bool { return s.Stats().Lost.Idle == 1 })
	send(t, dial(t, s.Addrs()[0]), "<13>Nov 23 02:10:43 h p: "+strings.Repeat("y", 1000))
	until(t, "a datagram", func() bool { return s.Stats().Cut == 2 })
	stop()
	st := s.Stats()
	if diff := cmp.Diff(Lost{Refused: 1, Idle: 1, Framing: 1, HalfSent: 1}, st.Lost); diff != "" {
		t.Error(diff)
	}
	if st.Streams != 3 || st.Overflow < 2 {
		t.Errorf("%+v", st)
	}
	if got := content(t, s)[segment.Other]; !strings.Contains(got, " r: x\n") || !strings.Contains(got, " s: x\n") {
		t.Errorf("the others are %q", got)
	}
}

func TestWhatTheKernelDropsIsCounted(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/udp"); err != nil {
		t.Skip("this system does not say what it drops")
	}
	dir := t.TempDir()
	s, err := Open(Config{Listen: []Listen{{Network: "udp", Address: "127.0.0.1:0"}}, Segments: segment.Config{Dir: dir}, ReceiveBytes: 4096}, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s.Addrs()[0])
	const sent = 2000
	for range sent { // nobody reads yet
		send(t, c, "<13>Nov 23 02:10:43 h p: "+strings.Repeat("x", 500))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx) })
	until(t, "all to be counted", func() bool { st := s.Stats(); return st.Messages+st.Lost.Kernel == sent })
	cancel()
	run.Wait()
	if n := s.Stats().Lost.Kernel; n == 0 || n == sent {
		t.Errorf("%d of %d dropped", n, sent)
	}
}

func TestReadDrops(t *testing.T) {
	got := make(map[uint64]int64)
	readDrops(strings.NewReader(`   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  362: 0100007F:1414 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 21613 2 00000000a1b2c3d4 17
  363: broken
  364: 00000000000000000000000000000000:1414 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 31613 2 0000000000000000 0
`), got)
	if diff := cmp.Diff(map[uint64]int64{21613: 17, 31613: 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestASocketThatWasLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, network := range []string{"unix", "unixgram"} {
		l := Listen{Network: network, Address: path}
		left := Config{Listen: []Listen{l}, Segments: segment.Config{Dir: t.TempDir()}}
		s, err := Open(left, nil, quiet)
		if err != nil {
			t.Fatal(err)
		}
		left.Segments.Dir = t.TempDir()
		if _, err := Open(left, nil, quiet); err == nil || !strings.Contains(err.Error(), "another process listens on") {
			t.Errorf("%s in use: %v", network, err)
		}
		if u, ok := closer(s).(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		closer(s).Close() // as a kill does: the file stays
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		again, err := Open(left, nil, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(again.close(), s.set.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Listen: []Listen{{Network: "unix", Address: path}}, Segments: segment.Config{Dir: t.TempDir()}}
	if _, err := Open(c, nil, quiet); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

func closer(s *Server) io.Closer {
	if len(s.packets) > 0 {
		return s.packets[0]
	}
	return s.streams[0]
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	ok := segment.Config{Dir: "x"}
	udp := []Listen{{Network: "udp", Address: "127.0.0.1:0"}}
	for want, c := range map[string]Config{
		"nowhere to listen":                  {Segments: ok},
		"no folder given":                    {Listen: udp},
		"Use udp, tcp":                       {Listen: []Listen{{Network: "tls", Address: ":1"}}, Segments: ok},
		"Write host:port":                    {Listen: []Listen{{Network: "udp", Address: "127.0.0.1"}}, Segments: ok},
		"Give its path":                      {Listen: []Listen{{Network: "unix"}}, Segments: ok},
		"Give 480 (the least that RFC 5424 ": {Listen: udp, Segments: ok, MaxMessage: 100},
		"must be above zero":                 {Listen: udp, Segments: ok, MaxConns: -1},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := ParseListen("127.0.0.1:514"); err == nil {
		t.Error("an address without a network was taken")
	}
	if l, err := ParseListen("unixgram:///run/x"); err != nil || l.Address != "/run/x" {
		t.Errorf("%+v, %v", l, err)
	}
}

func BenchmarkMessages(b *testing.B) {
	set, err := segment.OpenSet(segment.Config{Dir: b.TempDir(), MaxTotal: 64 << 20}, 0, nil, quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	s := &Server{set: set, log: quiet}
	msg := []byte(`<190>Nov 23 02:10:43 web-1 nginx: 127.0.0.1 - - [23/Nov/2026:02:10:43 +0000] "GET /a/path HTTP/1.1" 502 150 "-" "Mozilla/5.0 (X11; Linux x86_64)"`)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	var to router
	from := sender{host: []byte("10.0.0.1")}
	for b.Loop() {
		s.message(&to, msg, false, &from)
		if len(to.buf) > 64<<10 {
			s.flush(&to)
			to.stream.Release(to.stream.End())
		}
	}
}
