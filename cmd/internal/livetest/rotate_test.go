//go:build integration && linux

package livetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logrotate itself moves logs aside, or copies and empties them, while requests
// fail all the time.
func TestLogrotateLosesNothing(t *testing.T) {
	need(t, "nginx", "logrotate")
	for _, c := range []struct {
		name, how string
		lossy     bool // what is written between copy and emptying is nowhere
	}{
		{"rename, as Debian sets it up", "create 0640\n\tdelaycompress\n\tcompress\n\tpostrotate\n\t\tkill -USR1 $(cat DIR/nginx.pid)\n\tendscript", false},
		{"rename, packed at once", "create 0640\n\tcompress\n\tpostrotate\n\t\tkill -USR1 $(cat DIR/nginx.pid)\n\t\tsleep 1\n\tendscript", false},
		{"copytruncate", "copytruncate", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := newNginx(t, dir, "")
			n.start(t)
			s := serve(t, dir, "--store", store(dir), "--nginx-conf", filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "log"))
			conf, state := filepath.Join(dir, "logrotate.conf"), filepath.Join(dir, "logrotate.state")
			write(t, conf, "%s/log/*.log {\n\trotate 9\n\tmissingok\n\tnotifempty\n\t%s\n}\n", dir, strings.ReplaceAll(c.how, "DIR", dir))
			if err := os.Chmod(filepath.Join(dir, "log"), 0o755); err != nil {
				t.Fatal(err)
			}
			begin := time.Now().Add(-time.Second)
			warmUp := newClients(n.addr, shop, "warm")
			eventually(t, "the first request in the list", 20*time.Second, func() error {
				warmUp.send(share{path: "/broken"})
				rows, err := s.list(begin, time.Now().Add(time.Second))
				if err == nil && len(rows) == 0 {
					err = errNotYet
				}
				return err
			})
			warmUp.all()
			clients := newClients(n.addr, shop, "req")
			for range 4 {
				clients.run(t, 100, 2*time.Second, share{path: "/refused", of: 20}, share{path: "/broken", of: 10})
				done := make(chan struct{})
				go func() {
					defer close(done)
					if out, err := exec.Command("logrotate", "--force", "--state", state, conf).CombinedOutput(); err != nil {
						t.Errorf("logrotate: %v\n%s", err, out)
					}
				}()
				clients.run(t, 100, time.Second, share{path: "/refused", of: 20}, share{path: "/broken", of: 10})
				<-done
			}
			clients.run(t, 100, 2*time.Second, share{path: "/broken", of: 10})
			clients.all()
			rotated, err := filepath.Glob(filepath.Join(dir, "log", "access.log.*"))
			if err != nil || len(rotated) != 4 {
				t.Errorf("rotated to %v", rotated)
			}
			n.kept(t, s, begin, clients, c.lossy)
		})
	}
}

// kept holds that the list has what nginx answered; where copies lose lines, all
// that is left of them.
func (n *nginx) kept(t *testing.T, s *server, begin time.Time, c *clients, lossy bool) {
	t.Helper()
	inLogs := n.inLogs(t)
	truth := n.truth(t)
	want := make(map[string]bool)
	for id, status := range truth {
		if strings.HasPrefix(id, "req") && status >= "500" {
			want[id] = true
		}
	}
	lost := 0
	for id := range want {
		if !inLogs[id] {
			lost++
		}
	}
	if lost > 0 && !lossy {
		t.Errorf("logrotate itself lost %d lines", lost)
	}
	listed := make(map[string]bool)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		rows, err := s.list(begin, time.Now().Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		clear(listed)
		for _, r := range rows {
			if listed[r.RequestID] || truth[r.RequestID] != fmt.Sprint(r.Status) {
				t.Errorf("listed before: %v, nginx answered %q: %s", listed[r.RequestID], truth[r.RequestID], r.words())
			}
			listed[r.RequestID] = true
		}
		missing := 0
		for id := range want {
			if !listed[id] && inLogs[id] {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if time.Now().After(end) {
			t.Errorf("%d requests that failed are not listed", missing)
			break
		}
	}
	t.Logf("%d requests, %d failed, %d lines lost by the copy, listed %d", c.sent, len(want), lost, len(listed))
}

// inLogs are the requests in what nginx's access log became.
func (n *nginx) inLogs(t *testing.T) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	text, err := exec.Command("sh", "-c", "cd "+filepath.Join(n.dir, "log")+" && zcat -f access.log*").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines(string(text)) {
		if _, rest, ok := strings.Cut(l, " id="); ok {
			out[strings.Fields(rest)[0]] = true
		}
	}
	return out
}
