//go:build integration

package syslog

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"why503/parse"
	"why503/parse/detect"
)

// program finds a real sender, or skips the test with one loud line.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("SKIPPED: %s is not installed", name)
	}
	return path
}

// start runs a daemon in the foreground until the test ends.
func start(t *testing.T, path string, args ...string) *bytes.Buffer {
	t.Helper()
	cmd := exec.Command(path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return &out
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func get(t *testing.T, url string) {
	t.Helper()
	until(t, url, func() bool {
		r, err := http.Get(url)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return true
	})
}

// records detects the format of a stream as of a file, and parses it.
func records(t *testing.T, lines string) (format string, all []parse.Record) {
	t.Helper()
	r := detect.Detect([]byte(lines), detect.Hints{})
	if r.Parser == nil {
		return r.Format.Name, nil
	}
	emit := func(r *parse.Record) {
		c := *r
		c.URL, c.Machine = bytes.Clone(r.URL), bytes.Clone(r.Machine)
		all = append(all, c)
	}
	n := int64(0)
	for line := range strings.Lines(lines) {
		n++
		if err := r.Parser.Parse(parse.Line{Text: []byte(strings.TrimSuffix(line, "\n")), Number: n}, emit); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	r.Parser.Flush(emit)
	return r.Format.Name, all
}

func TestRealNginxLogsHere(t *testing.T) {
	nginx := program(t, "nginx")
	s, stop := serve(t, Config{})
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `daemon off; worker_processes 1; pid %[1]s/pid; error_log syslog:server=%[2]s warn;
events {}
http {
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  access_log syslog:server=%[2]s combined;
  access_log syslog:server=unix:%[3]s,tag=edge,nohostname combined;
  server { listen 127.0.0.1:%[4]d; location / { proxy_pass http://127.0.0.1:%[5]d; } }
}
`, dir, s.Addrs()[0], s.Addrs()[2], port, freePort(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, nginx, "-p", dir, "-c", conf, "-e", filepath.Join(dir, "start.log"))
	for range 12 {
		get(t, fmt.Sprintf("http://127.0.0.1:%d/cart", port))
	}
	self := string(s.self)
	until(t, "all messages", func() bool {
		all := content(t, s)
		return min(strings.Count(all["nginx@"+self], "\n"), strings.Count(all["edge@"+self], "\n"), strings.Count(all["nginx-error@"+self], "\n")) >= 12
	})
	stop()
	all := content(t, s)
	for name, want := range map[string]string{"nginx@" + self: "nginx", "edge@" + self: "nginx", "nginx-error@" + self: "nginx-error"} {
		format, got := records(t, all[name])
		if format != want || len(got) < 12 {
			t.Errorf("%s is taken for %s, %d records:\n%s", name, format, len(got), all[name])
		}
		for _, r := range got {
			if string(r.Machine) != self || want == "nginx" && (r.Status != 502 || string(r.URL) != "/cart") {
				t.Errorf("%s: %q answered %d to %q", name, r.Machine, r.Status, r.URL)
			}
		}
	}
	if st := s.Stats(); st.Lost.Any() || st.Bare > 0 || st.Streams != 3 {
		t.Errorf("%+v", st)
	}
}

func TestRealLoggerInAllItsForms(t *testing.T) {
	logger := program(t, "logger")
	s, stop := serve(t, Config{})
	_, udp, _ := net.SplitHostPort(s.Addrs()[0].String())
	_, tcp, _ := net.SplitHostPort(s.Addrs()[1].String())
	forms := [][]string{
		{"--udp", "--port", udp, "--rfc3164"}, {"--udp", "--port", udp, "--rfc5424"}, {"--tcp", "--port", tcp, "--rfc3164"}, {"--tcp", "--port", tcp, "--rfc5424"},
		{"--tcp", "--port", tcp, "--octet-count", "--rfc3164"}, {"--tcp", "--port", tcp, "--octet-count", "--rfc5424"}, {"--udp", "--port", udp, "--rfc5424=notime,nohost"},
	}
	for i, form := range forms {
		args := append([]string{"--server", "127.0.0.1", "--tag", "prog" + strconv.Itoa(i), "--id=77"}, form...)
		if out, err := exec.Command(logger, append(args, "a text")...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for i, socket := range []int{2, 3} {
		args := []string{"--socket", s.Addrs()[socket].String(), "--tag", "local" + strconv.Itoa(i), "a text"}
		if out, err := exec.Command(logger, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	until(t, "all messages", func() bool { return s.Stats().Messages >= int64(len(forms)+2) })
	stop()
	all := content(t, s)
	for name, lines := range all {
		if !strings.HasPrefix(name, "prog") && !strings.HasPrefix(name, "local") || strings.Count(lines, "\n") != 1 || !strings.HasSuffix(lines, " a text\n") {
			t.Errorf("%s: %q", name, lines)
		}
	}
	if len(all) != len(forms)+2 {
		t.Errorf("%d streams", len(all))
	}
}

func TestRealHAProxyLogsHere(t *testing.T) {
	haproxy := program(t, "haproxy")
	s, stop := serve(t, Config{})
	dir := t.TempDir()
	port := freePort(t)
	conf := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `global
  log %[1]s local0
  log %[2]s format rfc5424 local1
  log ring@tcp local2
ring tcp
  format rfc3164
  maxlen 4096
  size 65536
  timeout connect 1s
  timeout server 1s
  server here %[3]s log-proto octet-count
defaults
  mode http
  log global
  option httplog
  retries 0
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend fe
  bind 127.0.0.1:%[4]d
  default_backend be
backend be
  server app 127.0.0.1:%[5]d
`, s.Addrs()[0], s.Addrs()[2], s.Addrs()[1], port, freePort(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, haproxy, "-db", "-f", conf)
	for range 12 {
		get(t, fmt.Sprintf("http://127.0.0.1:%d/cart", port))
	}
	until(t, "36 request lines", func() bool {
		n := 0
		for name, lines := range content(t, s) {
			if strings.HasPrefix(name, "haproxy@") {
				n += strings.Count(lines, `"GET /cart HTTP/1.1"`)
			}
		}
		return n >= 36
	})
	stop()
	if st := s.Stats(); st.Lost.Any() || st.Bare > 0 {
		t.Errorf("%+v", st)
	}
}

func TestRealRsyslogForwardsHere(t *testing.T) {
	rsyslogd := program(t, "rsyslogd")
	logger := program(t, "logger")
	s, stop := serve(t, Config{})
	dir, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	in := filepath.Join(dir, "in")
	_, udp, _ := net.SplitHostPort(s.Addrs()[0].String())
	_, tcp, _ := net.SplitHostPort(s.Addrs()[1].String())
	conf := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `global(workDirectory="%[1]s")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="%[2]s" CreatePath="on")
action(type="omfwd" target="127.0.0.1" port="%[3]s" protocol="udp" template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" target="127.0.0.1" port="%[4]s" protocol="tcp" template="RSYSLOG_ForwardFormat")
action(type="omfwd" target="127.0.0.1" port="%[4]s" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
`, dir, in, udp, tcp), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, rsyslogd, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	until(t, "rsyslogd", func() bool { _, err := os.Stat(in); return err == nil })
	if out, err := exec.Command(logger, "--socket", in, "--tag", "shop", "--id=77", "a text").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	until(t, "three forms", func() bool {
		n := 0
		for name, lines := range content(t, s) {
			if strings.HasPrefix(name, "shop@") {
				n += strings.Count(lines, " a text\n")
			}
		}
		return n >= 3
	})
	stop()
	if st := s.Stats(); st.Lost.Any() || st.Bare > 0 {
		t.Errorf("%+v, %v", st, content(t, s))
	}
}
