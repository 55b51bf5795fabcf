//go:build integration

package child

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"why503/ingest/segment"
	"why503/parse"
	"why503/parse/varnish"
)

// instance is a varnishd of this test.
type instance struct {
	dir, addr string
	origin    *httptest.Server
	cmd       *exec.Cmd
}

func varnishd(t *testing.T) *instance {
	t.Helper()
	for _, name := range []string{"varnishd", "varnishlog"} {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("SKIPPED: %s is not installed", name)
	}
	dir, err := os.MkdirTemp("", "v")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	v := &instance{dir: filepath.Join(dir, "w")}
	v.origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(v.origin.Close)
	host, port, err := net.SplitHostPort(v.origin.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	vcl := fmt.Sprintf("vcl 4.1;\nbackend default { .host = %q; .port = %q; }\nsub vcl_recv { return (pass); }\n", host, port)
	if err := os.WriteFile(filepath.Join(dir, "t.vcl"), []byte(vcl), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.addr = l.Addr().String()
	l.Close()
	t.Cleanup(v.stop)
	return v
}

func (v *instance) start(t *testing.T) {
	t.Helper()
	// Small memory, so that a replay is quick and a test can overrun the log.
	v.cmd = exec.Command("varnishd", "-n", v.dir, "-a", v.addr, "-f", filepath.Join(filepath.Dir(v.dir), "t.vcl"), "-F", "-j", "none", "-s", "malloc,8m", "-p", "vsl_space=4M")
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	v.cmd.Stdout, v.cmd.Stderr = &out, &out
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", v.addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			v.stop()
			t.Fatalf("varnishd does not answer: %s", out.String())
		}
	}
}

func (v *instance) stop() {
	if v.cmd == nil {
		return
	}
	_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGTERM)
	_ = v.cmd.Wait()
	_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL)
	v.cmd = nil
}

func (v *instance) get(t *testing.T, path string) {
	t.Helper()
	r, err := http.Get("http://" + v.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
}

// requests counts the client requests in a stream by their URL.
func requests(t *testing.T, w *segment.Writer) map[string]int {
	t.Helper()
	p := new(varnish.Log)
	seen := make(map[string]int)
	emit := func(r *parse.Record) {
		if r.Kind == parse.KindRequest {
			seen[string(r.URL)]++
		}
	}
	r := w.Reader(segment.Position{})
	defer r.Close()
	for {
		l, err := r.Next()
		if err != nil {
			break
		}
		if err := p.Parse(parse.Line{Text: l.Text, Offset: l.Offset, Number: l.Number}, emit); err != nil {
			t.Fatalf("%v: %q", err, l.Text)
		}
	}
	p.Flush(emit)
	return seen
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

func TestRealVarnishlog(t *testing.T) {
	v := varnishd(t)
	v.start(t)
	dir := t.TempDir()
	open := func() (*segment.Writer, *Varnishlog, func()) {
		w, err := segment.Open(segment.Config{Dir: dir}, "varnish", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewVarnishlog(VarnishlogConfig{Name: v.dir, Backoff: Backoff{Min: 100 * time.Millisecond, Max: time.Second}}, w, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var run sync.WaitGroup
		run.Go(func() { l.Run(ctx) })
		return w, l, func() { cancel(); run.Wait() }
	}

	w, l, stop := open()
	await(t, "varnishlog to hold the log", func() bool { return holdsLog(l.pid.Load()) })
	v.get(t, "/first")
	await(t, "the first request", func() bool { return requests(t, w)["/first"] == 1 })

	// While nobody reads.
	stop()
	w.Close()
	v.get(t, "/missed")
	w, l, stop = open()
	await(t, "a missed request", func() bool { return requests(t, w)["/missed"] == 1 })
	if n := l.Stats(); n.Replays != 1 || n.Repeated == 0 {
		t.Errorf("%+v", n)
	}

	// varnishlog is killed.
	pid := int(l.pid.Load())
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	v.get(t, "/killed")
	await(t, "a request amid a restart of varnishlog", func() bool { return requests(t, w)["/killed"] == 1 })

	// varnishlog is held up until the log has gone round. It follows again from
	// the log's end, and what the log still has is replayed.
	await(t, "varnishlog to be back", func() bool { return holdsLog(l.pid.Load()) })
	pid = int(l.pid.Load())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for i := range 4000 {
		v.get(t, fmt.Sprintf("/many/%d", i))
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, "an overrun", func() bool { return l.Stats().Overruns > 0 })
	await(t, "what is left after an overrun", func() bool { return requests(t, w)["/many/3999"] == 1 })
	t.Logf("%d of 4000 requests are there after an overrun", len(requests(t, w)))

	// varnishd is started again.
	v.stop()
	v.start(t)
	v.get(t, "/restarted")
	await(t, "a request after a restart of varnishd", func() bool { return requests(t, w)["/restarted"] == 1 })
	stop()
	for url, n := range requests(t, w) {
		if n != 1 {
			t.Errorf("%s is there %d times", url, n)
		}
	}
	if n := l.Stats(); n.WriteErrors != 0 || n.Exits < 1 || n.Running {
		t.Errorf("%+v", n)
	}
	w.Close()
}

func TestRealVarnishlogWithoutVarnishd(t *testing.T) {
	v := varnishd(t)
	err := Command{Path: "varnishlog", Args: []string{"-n", v.dir, "-t", "0"}, Stdout: func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }}.Run(context.Background())
	l := Varnishlog{cfg: VarnishlogConfig{Name: v.dir}}
	if hint := l.mend(err); !strings.Contains(hint, "varnishd is not running") {
		t.Errorf("%v: %q", err, hint)
	}
}
