//go:build integration && linux

package livetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"why503/cmd/internal/cli"
)

// asWhy503 makes this program be why503, so that serve is built as the tests are,
// with the race detector or without.
const asWhy503 = "WHY503_LIVETEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asWhy503) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: "livetest"})
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// need skips the test, with one loud line, where a program is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		missing(t, name+" is not installed")
	}
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED: " + why)
}

// phpFPM is the name under which PHP-FPM is installed: it has its version.
func phpFPM(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm8.1", "php-fpm7.4"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "php-fpm is not installed")
	return ""
}

// A daemon is a program that runs until it is stopped, in a process group of
// its own.
type daemon struct {
	t    *testing.T
	name string
	args []string
	env  []string
	dir  string
	out  output
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts a daemon for the time of a test.
func launch(t *testing.T, name string, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, name: name, args: args}
	d.start()
	return d
}

func (d *daemon) start() {
	d.t.Helper()
	if d.cmd == nil {
		d.t.Cleanup(func() {
			d.stop(syscall.SIGTERM)
			if d.t.Failed() {
				d.t.Logf("%s said:\n%s", d.name, d.out.last(4000))
			}
		})
	}
	d.cmd = exec.Command(d.name, d.args...)
	d.cmd.Env, d.cmd.Dir = append(os.Environ(), d.env...), d.dir
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Whoever took over its pipes does not hold up the end of the test.
	d.cmd.WaitDelay = time.Second
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	done := make(chan struct{})
	cmd := d.cmd
	go func() { _ = cmd.Wait(); close(done) }()
	d.done = done
}

// stop sends sig to the program, and ends what is left of its group after some
// time.
func (d *daemon) stop(sig syscall.Signal) {
	pid := d.cmd.Process.Pid
	select {
	case <-d.done:
	default:
		_ = d.cmd.Process.Signal(sig)
		select {
		case <-d.done:
		case <-time.After(15 * time.Second):
		}
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	<-d.done
}

// kill ends the whole group at once.
func (d *daemon) kill() {
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	<-d.done
}

// An output keeps what a program says.
type output struct {
	mu sync.Mutex
	b  []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

func (o *output) last(n int) string {
	s := o.String()
	return s[max(0, len(s)-n):]
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// answers waits until something listens.
func answers(t *testing.T, addr string) {
	t.Helper()
	eventually(t, "an answer at "+addr, 30*time.Second, func() error {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
}

var errNotYet = errors.New("not yet")

func eventually(t *testing.T, what string, most time.Duration, ready func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	t.Fatalf("waiting %s for %s: %v", most, what, err)
}

func write(t *testing.T, path, text string, args ...any) {
	t.Helper()
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}
