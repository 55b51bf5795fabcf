//go:build integration && linux

package livetest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inside says that this process has processes, mounts and a network of its own.
const inside = "WHY503_LIVETEST_INSIDE"

// serve alone, on a machine with what Debian's packages of Varnish and nginx
// set up: it finds what they log and tells of what fails. The machine is this
// one, with processes, logs and a network of its own, so that nothing here is
// touched and nothing that runs here is found.
func TestServeFindsWhatDebianSetsUp(t *testing.T) {
	need(t, "varnishd", "varnishlog", "nginx", "ip")
	if os.Geteuid() != 0 {
		missing(t, "only root may have a network of its own")
	}
	for _, path := range []string{"/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/default", "/etc/varnish/default.vcl", "/lib/systemd/system/varnish.service", "/lib/systemd/system/nginx.service"} {
		if _, err := os.Stat(path); err != nil {
			missing(t, "not Debian's packages of Varnish and nginx: "+err.Error())
		}
	}
	if os.Getenv(inside) == "" {
		enter(t)
		return
	}
	settle(t)
	for _, command := range []string{execOf(t, "/lib/systemd/system/varnish.service"), execOf(t, "/lib/systemd/system/nginx.service")} {
		launch(t, "sh", "-c", "exec "+command)
	}
	answers(t, "127.0.0.1:6081")
	answers(t, "127.0.0.1:80")

	dir := t.TempDir()
	s := serve(t, dir, "--listen", "127.0.0.1:8503")
	if _, err := os.Stat(store(dir)); err != nil {
		t.Error(err)
	}
	begin := time.Now().Add(-time.Second)
	// Nothing listens where Varnish looks for a backend, and nginx does not speak
	// this protocol: both fail by themselves.
	varnish := newClients("127.0.0.1:6081", shop, "varnish")
	var rows []row
	asked := 0
	eventually(t, "requests to both in the list", 30*time.Second, func() (err error) {
		varnish.send(share{path: "/cart"})
		if got := raw(t, "127.0.0.1:80", "GET / HTTP/3.0\r\nHost: "+shop+"\r\n\r\n"); !strings.Contains(got, " 505 ") {
			t.Fatalf("nginx answered %.100q", got)
		}
		asked++
		rows, err = s.list(begin, time.Now().Add(time.Second))
		if err == nil && (count(rows, "varnish") == 0 || count(rows, "nginx") == 0) {
			err = fmt.Errorf("%d rows, what was asked %d times", len(rows), asked)
		}
		return err
	})
	for _, r := range rows {
		if strings.HasPrefix(r.Proxy, "varnish") && (r.Status != http.StatusServiceUnavailable || r.Reached != "never" || r.Cause == "") {
			t.Errorf("not what happened: %s", r.words())
		}
	}
	for id, a := range varnish.all() {
		if a.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", id, a.status)
		}
	}
	t.Logf("after asking %d times:\n%s", asked, causes(rows))
	eventually(t, "an incident", 90*time.Second, func() error {
		varnish.run(t, 50, time.Second, share{path: "/cart", of: 100})
		if len(s.incidents(t)) == 0 {
			return errNotYet
		}
		return nil
	})
	told(t, s)
	sourcesHold(t, s)
	for _, path := range []string{"/var/log/nginx/access.log", "/var/log/nginx/error.log"} {
		if !strings.Contains(sources(t, s), path) {
			t.Errorf("%s is not read", path)
		}
	}
}

func count(rows []row, program string) int {
	n := 0
	for i := range rows {
		if strings.HasPrefix(rows[i].Proxy, program) {
			n++
		}
	}
	return n
}

func sources(t *testing.T, s *server) string {
	t.Helper()
	text, err := s.fetch("/api/v1/sources")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// enter runs this test again in namespaces.
func enter(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS, Setpgid: true}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		missing(t, "this system gives no namespaces: "+err.Error())
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}

// settle makes what is private to these namespaces, all of which goes when the
// last process in them ends.
func settle(t *testing.T) {
	t.Helper()
	must := func(what string, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("keeping mounts to ourselves", syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	must("mounting /proc", syscall.Mount("proc", "/proc", "proc", 0, ""))
	out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput()
	must(string(out), err)
	must("naming the host", syscall.Sethostname([]byte("edge-1")))
	for _, dir := range []string{"/var/log", "/var/lib/varnish", "/run"} {
		must("mounting over "+dir, syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"))
	}
	// As the packages leave them.
	must("folders of logs", os.MkdirAll("/var/log/varnish", 0o750))
	must("folders of logs", os.MkdirAll("/var/log/nginx", 0o755))
	for _, name := range []string{"access.log", "error.log"} {
		write(t, filepath.Join("/var/log/nginx", name), "")
	}
}

// execOf returns the command line that a unit of systemd starts.
func execOf(t *testing.T, unit string) string {
	t.Helper()
	text := strings.ReplaceAll(read(t, unit), "\\\n", " ")
	for _, l := range lines(text) {
		if command, ok := strings.CutPrefix(l, "ExecStart="); ok {
			return strings.Replace(command, "daemon on;", "daemon off;", 1)
		}
	}
	t.Fatalf("%s starts nothing", unit)
	return ""
}
