//go:build integration

package alert

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lookFor returns the path of a program under one of its names.
func lookFor(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", names[0])
	}
	t.Skipf("SKIPPED: %s is not installed (Debian: prometheus-alertmanager)", names[0])
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The real Alertmanager takes what is posted, groups a change of cause as the
// end of one alert and the begin of another, and sends it on; amtool lists it.
func TestRealAlertmanager(t *testing.T) {
	program := lookFor(t, "prometheus-alertmanager", "alertmanager")
	amtool := lookFor(t, "amtool")
	hook, got := server(t, nil)
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf("route: {receiver: hook, group_by: [alertname, site], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\nreceivers:\n- name: hook\n  webhook_configs: [{url: '%s/hook', send_resolved: true}]\n", hook)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freePort(t)
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--cluster.listen-address=")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	url := "http://" + addr
	eventually(t, "alertmanager answers", func() bool {
		resp, err := http.Get(url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})

	m := newAlertmanager(Alertmanager{URLs: []string{url}, Labels: map[string]string{"team": "web"}}, newClient(5*time.Second), quiet())
	first := sample()
	first.Start = time.Now().Add(-time.Minute)
	firing := func() string {
		resp, err := http.Get(url + "/api/v2/alerts")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Labels       map[string]string
			Annotations  map[string]string
			GeneratorURL string
		}
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, a := range list {
			out = append(out, a.Labels["site"]+" "+a.Labels["cause"]+" "+a.Labels["team"]+" "+a.Annotations["incident"]+" "+a.GeneratorURL)
		}
		return strings.Join(out, "\n")
	}
	send := func(a Alert) {
		if _, err := m.send(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
	}
	send(first)
	send(first) // again is nothing new
	want := "shop.example database.lock_wait web " + first.ID + " " + first.Link
	if got := firing(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	out, err := exec.Command(amtool, "--alertmanager.url="+url, "alert", "query", "-o", "simple").CombinedOutput()
	if err != nil || !strings.Contains(string(out), first.Title) {
		t.Errorf("%v: %s", err, out)
	}
	changed := first
	changed.WasCause, changed.WasLayer, changed.Cause = first.Cause, first.Layer, "database.crash"
	changed = changed.as(CauseChanged)
	send(changed)
	if got := firing(); !strings.HasPrefix(got, "shop.example database.crash ") || strings.Contains(got, "\n") {
		t.Errorf("after the change: %s", got)
	}
	if err := m.state(t.Context(), []Alert{changed}); err != nil {
		t.Error(err)
	}
	end := time.Now().Add(-time.Second)
	over := changed
	over.Firing, over.End = false, &end
	send(over.as(Ended))
	if got := firing(); got != "" {
		t.Errorf("after the end: %s", got)
	}
	evil := hostile()
	evil.Start = time.Now()
	send(evil)
	if got := firing(); !strings.Contains(got, evil.Site) {
		t.Errorf("%s", got)
	}
	eventually(t, "the receiver heard of the begin, and of the end of both", func() bool {
		var all strings.Builder
		for _, p := range got() {
			var body struct {
				Alerts []struct {
					Status string
					Labels map[string]string
				}
			}
			if json.Unmarshal(p.body, &body) == nil {
				for _, a := range body.Alerts {
					fmt.Fprintln(&all, a.Status, a.Labels["cause"])
				}
			}
		}
		s := all.String()
		return strings.Contains(s, "firing database.lock_wait") && strings.Contains(s, "resolved database.lock_wait") && strings.Contains(s, "resolved database.crash")
	})
}
