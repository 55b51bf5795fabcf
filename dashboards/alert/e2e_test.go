package alert

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/aggregate/slo"
)

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 150 {
		if ok() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("not within 15 s: %s", what)
}

// All channels at once, each with a real server, from the configuration to what
// arrives.
func TestAllChannelsTellAnIncident(t *testing.T) {
	hook, hooked := server(t, nil)
	incoming, slacked := server(t, nil)
	api, called := server(t, func(n int, w http.ResponseWriter) {
		fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":"1.%d"}`, n)
	})
	manager, managed := server(t, nil)
	smtp := &smtpServer{t: t}
	addr, roots := smtp.start()
	out := filepath.Join(t.TempDir(), "out")
	cfg := Config{
		Webhook: []Webhook{{URL: Secret(hook)}, {URL: Secret(hook), Sites: []string{"other.example"}}}, Slack: []Slack{{URL: Secret(incoming)}, {URL: Secret(api), Token: "xoxb", Channel: "#c"}},
		Alertmanager: []Alertmanager{{URLs: []string{manager}}}, Email: []Email{{To: []string{"a@shop.example"}, From: "b@shop.example", Server: addr}},
		Exec: []Exec{{Command: []string{script(t, `cat >>"`+out+`"`)}}}, Hold: time.Millisecond, EndHold: time.Millisecond, Edit: time.Millisecond,
	}
	n, err := New(cfg, NewMemory(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range n.channels {
		if e, ok := c.sender.(*email); ok {
			e.roots = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	sent := func(per int64) func() bool {
		return func() bool {
			for name, c := range n.Counts() {
				if c["sent"] < per && name != "webhook-2" {
					return false
				}
			}
			return true
		}
	}
	in := incidentOf("20260102T0303Z-0a1b2c3d", time.Now().Add(-time.Minute), 50, "db.lock")
	observe(t, n, in)
	eventually(t, "all were told that it opened", sent(1))
	in.Ongoing = false
	observe(t, n, in)
	eventually(t, "all were told that it ended", sent(2))
	if err := n.Budget(ctx, slo.Alert{Site: "shop.example", Severity: slo.Page, Since: time.Now().Unix() / 60, Objective: 0.999}); err != nil {
		t.Error(err)
	}
	eventually(t, "all were told of the budget", sent(3))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	program, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var hooks, programs, threads []string
	for _, p := range hooked() {
		hooks = append(hooks, kindOf(t, p.body))
	}
	for l := range strings.SplitSeq(strings.TrimSpace(string(program)), "\n") {
		programs = append(programs, kindOf(t, []byte(l)))
	}
	for _, p := range called() {
		var m slackBody
		if err := json.Unmarshal(p.body, &m); err != nil {
			t.Fatal(err)
		}
		if p.path == "/chat.postMessage" {
			threads = append(threads, m.Channel+" "+m.Thread)
		}
	}
	expect(t, []string{"opened", "ended", "slo_burning"}, hooks)
	expect(t, []string{"opened", "ended", "slo_burning"}, programs)
	expect(t, []string{"#c ", "C1 1.1", "#c "}, threads)
	if len(slacked()) != 3 || len(managed()) < 3 || len(smtp.mails) != 3 {
		t.Errorf("%d to the incoming webhook, %d to Alertmanager, %d mails", len(slacked()), len(managed()), len(smtp.mails))
	}
}

func kindOf(t *testing.T, body []byte) string {
	t.Helper()
	var a Alert
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatal(err)
	}
	return string(a.Kind)
}
