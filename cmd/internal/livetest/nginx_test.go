//go:build integration && linux

package livetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An nginx of its own, which fails by itself.
type nginx struct {
	*daemon
	dir, addr string
}

// newNginx configures an nginx that logs to truth.log, and to where else serve is
// to hear of it: to a syslog server, or with "" to access.log and error.log.
func newNginx(t *testing.T, dir, syslog string) *nginx {
	t.Helper()
	n := &nginx{dir: dir, addr: freeAddr(t)}
	access, errors := filepath.Join(dir, "log", "access.log"), filepath.Join(dir, "log", "error.log")
	if syslog != "" {
		access, errors = "syslog:server="+syslog+",tag=nginx", "syslog:server="+syslog+",tag=nginx"
	} else if err := os.MkdirAll(filepath.Join(dir, "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	write(t, filepath.Join(dir, "nginx.conf"), `daemon off; %[1]s pid %[2]s/nginx.pid; error_log %[5]s;
worker_processes 2;
events { worker_connections 1024; }
http {
	log_format why503 '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
		'rt=$request_time us="$upstream_status" ua="$upstream_addr" id=$http_x_request_id host=$http_host';
	log_format truth '$http_x_request_id $status';
	access_log %[4]s why503;
	access_log %[2]s/truth.log truth;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s;
		location / { return 200 "ok\n"; }
		location /broken { return 500; }
		location /refused { proxy_pass http://127.0.0.1:1; }
	}
}
`, user, dir, n.addr, access, errors)
	return n
}

func (n *nginx) start(t *testing.T) {
	t.Helper()
	n.daemon = launch(t, "nginx", "-c", filepath.Join(n.dir, "nginx.conf"), "-p", n.dir, "-e", filepath.Join(n.dir, "startup.log"))
	answers(t, n.addr)
}

// truth is what nginx says itself: the status of each request.
func (n *nginx) truth(t *testing.T) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, l := range lines(read(t, filepath.Join(n.dir, "truth.log"))) {
		if id, status, ok := strings.Cut(l, " "); ok && id != "-" {
			out[id] = status
		}
	}
	return out
}

// agrees waits until the list holds every request that failed, but for so many
// that the way may lose, and holds that there are no others.
func (n *nginx) agrees(t *testing.T, s *server, begin time.Time, c *clients, losses int) {
	t.Helper()
	var truth map[string]string
	var rows []row
	want := 0
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		truth, want = n.truth(t), 0
		for _, status := range truth {
			if status >= "500" {
				want++
			}
		}
		var err error
		if rows, err = s.list(begin, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if len(truth) == c.sent && len(rows) >= want-losses {
			break
		}
	}
	time.Sleep(2 * time.Second) // in which nothing more may come
	rows, err := s.list(begin, time.Now().Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, r := range rows {
		if truth[r.RequestID] != fmt.Sprint(r.Status) || listed[r.RequestID] {
			t.Errorf("nginx answered %q, listed before: %v: %s", truth[r.RequestID], listed[r.RequestID], r.words())
		}
		listed[r.RequestID] = true
	}
	for id, status := range truth {
		if a := c.answers[id]; fmt.Sprint(a.status) != status {
			t.Errorf("nginx answered %s with %s, and the client got %+v", id, status, a)
		}
	}
	if len(rows) > want || len(rows) < want-losses || want == 0 || len(truth) != c.sent {
		t.Errorf("%d requests, nginx logged %d of which %d failed, listed %d", c.sent, len(truth), want, len(rows))
	}
	t.Logf("%d requests, %d failed, listed %d\n%s", c.sent, want, len(rows), causes(rows))
}
