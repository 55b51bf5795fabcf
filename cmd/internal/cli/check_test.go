package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/aggregate"
)

var checkNow = time.Date(2026, 11, 22, 21, 24, 0, 0, time.UTC)

func minutesAgo(n int) *time.Time {
	t := checkNow.Add(-time.Duration(n) * time.Minute)
	return &t
}

func TestTheLineOfACheckIsWhatMonitoringSystemsTake(t *testing.T) {
	l := limits{warning: 1, critical: 5, requests: 200, lagWarning: 30 * time.Second, lagCritical: 2 * time.Minute}
	well := aggregate.Check{WindowS: 300, Requests: 13480, Failures: 3, LagS: 2, LastLine: minutesAgo(0), SilentS: 1, Sources: 11}
	with := func(change func(*aggregate.Check)) aggregate.Check {
		a := well
		change(&a)
		return a
	}
	const perf = " | 'failure_ratio'="
	for _, x := range []struct {
		name  string
		a     aggregate.Check
		state int
		want  string // up to the performance data, or all of it
	}{
		{"as in the manual", aggregate.Check{
			WindowS: 300, Requests: 13500, Failures: 3071, Undecided: 72, LagS: 2, LastLine: minutesAgo(0), Since: minutesAgo(7), Sources: 11,
			Causes: []aggregate.CheckCause{{Cause: "database.lock_wait", Count: 2979, Share: 0.97}},
		}, 2, "CRITICAL: 23 % failed (3,071 of 13,500 in 5 min), database.lock_wait 97 %, since 21:17 UTC | 'failure_ratio'=22.75%;1;5;0;100 'failures'=3071;;;0 'requests'=13500;;;0 'undecided'=72;;;0 'lag'=2s;30;120;0"},
		{"well", well, 0, "OK: 0.02 % failed (3 of 13,480 in 5 min)"},
		{"no failure", with(func(a *aggregate.Check) { a.Failures = 0 }), 0, "OK: 0 % failed (0 of 13,480 in 5 min)"},
		{"too few", with(func(a *aggregate.Check) { a.Requests, a.Failures = 41, 41 }), 0, "OK: 41 requests in 5 min, too few to judge (200)"},
		{"silent", with(func(a *aggregate.Check) { a.LastLine, a.SilentS, a.Front = minutesAgo(22), 22*60, "varnishlog" }), 3,
			"UNKNOWN: no line since 21:02 UTC (22 min): is varnishlog running?"},
		{"silent since the start", with(func(a *aggregate.Check) { a.LastLine, a.SilentS = nil, 400 }), 3, "UNKNOWN: no line since the start (7 min): are the proxies running?"},
		{"nothing to read", aggregate.Check{WindowS: 300}, 3, "UNKNOWN: no log is read. Name PATHs to why503 serve; why503 doctor says which there are"},
		{"exactly at the limit", with(func(a *aggregate.Check) { a.Requests, a.Failures = 1000, 10 }), 0, "OK: 1.0 % failed (10 of 1,000 in 5 min)"},
		{"a warning", with(func(a *aggregate.Check) { a.Requests, a.Failures = 1000, 11 }), 1, "WARNING: 1.1 % failed (11 of 1,000 in 5 min)"},
		{"all but one", with(func(a *aggregate.Check) { a.Requests, a.Failures = 1000, 999 }), 2, "CRITICAL: 99 % failed (999 of 1,000 in 5 min)"},
		{"all", with(func(a *aggregate.Check) { a.Requests, a.Failures = 1000, 1000 }), 2, "CRITICAL: 100 % failed (1,000 of 1,000 in 5 min)"},
		{"more failures than requests", with(func(a *aggregate.Check) { a.Requests, a.Failures = 990, 1000 }), 2, "CRITICAL: 100 % failed (1,000 of 1,000 in 5 min)"},
		{"since yesterday", with(func(a *aggregate.Check) { a.Failures, a.Since = 8000, minutesAgo(30*60) }), 2, "CRITICAL: 59 % failed (8,000 of 13,480 in 5 min), since 21 Nov 15:24 UTC"},
		{"behind", with(func(a *aggregate.Check) { a.LagS = 45 }), 1, "WARNING: reading is 45 s behind the logs; 0.02 % failed (3 of 13,480 in 5 min)"},
		{"behind and failing", with(func(a *aggregate.Check) { a.LagS, a.Failures = 300, 200 }), 2, "CRITICAL: 1.5 % failed (200 of 13,480 in 5 min); reading is 5 min behind the logs"},
		{"hostile", with(func(a *aggregate.Check) {
			a.Failures, a.Causes = 9000, []aggregate.CheckCause{{Cause: "a|b\n\x1b[31mü" + strings.Repeat("x", 5000), Share: 1}}
		}), 2, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			state, line := judge(&x.a, l, checkNow)
			text, _, _ := strings.Cut(line, perf)
			if strings.Contains(x.want, perf) {
				text = line
			}
			if state != x.state || x.want != "" && text != x.want {
				t.Errorf("%d %s\nwant %d %s", state, line, x.state, x.want)
			}
			if strings.Count(line, "|") != 1 || len(line) > 1400 {
				t.Errorf("%d bytes, %d bars: %q", len(line), strings.Count(line, "|"), line)
			}
			for _, r := range line {
				if r < ' ' || r > '~' {
					t.Fatalf("%U in %q", r, line)
				}
			}
		})
	}
}

// served answers as a running why503.
func served(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func check(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(t.Context(), append([]string{"check"}, args...), IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	if errs.Len() > 0 {
		t.Errorf("on standard error: %s", errs.String())
	}
	return code, out.String()
}

func TestACheckAsksARunningServe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret-token-of-16\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret-token-of-16" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		q := r.URL.Query()
		if r.URL.Path != "/api/v1/check" || q.Get("window") != "10m0s" || q.Get("site") != "shop.example" || q.Get("backend") != "app2" {
			t.Errorf("asked for %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(aggregate.Check{WindowS: 600, Requests: 1000, Failures: 20, Sources: 1})
	})
	code, out := check(t, "--url", url, "--token-file", file, "--window", "10m", "--site", "shop.example", "--backend", "app2", "--warning", "1%", "--critical=50")
	if code != stateWarning || !strings.HasPrefix(out, "WARNING: 2.0 % failed (20 of 1,000 in 10 min) | 'failure_ratio'=2%;1;50;0;100 ") {
		t.Errorf("%d %s", code, out)
	}
	code, out = check(t, "--url", url)
	if code != stateUnknown || !strings.Contains(out, "wants a token") || strings.Contains(out, "s3cret") {
		t.Errorf("%d %s", code, out)
	}
}

func TestACheckThatCannotBeMadeIsUnknown(t *testing.T) {
	t.Setenv("WHY503_TOKEN", "")
	block := make(chan struct{})
	slow := served(t, func(http.ResponseWriter, *http.Request) { <-block })
	t.Cleanup(func() { close(block) })
	answering := func(status int, body string) string {
		return served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"--url", slow, "--timeout", "50ms"}, "gave no answer within 50ms (--timeout)"},
		{[]string{"--url", gone.URL}, "refuses connections: is why503 serve running?"},
		{[]string{"--url", answering(200, "<html>")}, "answers, but not as why503 does"},
		{[]string{"--url", answering(200, "{}")}, "answers, but not as why503 does"},
		{[]string{"--url", answering(404, "")}, "has no /api/v1/check"},
		{[]string{"--url", answering(302, "")}, "answers 302: without saying why"},
		{[]string{"--url", answering(400, `{"title":"no such site","detail":"a|b\u001b[31m"}`)}, "answers 400: no such site a!b?[31m"},
		{[]string{"--url", "127.0.0.1:8503"}, "--url: not a URL"},
		{[]string{"--warning", "10"}, "--critical 5 is less than --warning 10"},
		{[]string{"--warning", "x"}, "--warning x: not a share"},
		{[]string{"--critical", "101"}, "--critical 101: not a share"},
		{[]string{"--window", "5"}, "--window 5: not a span of time"},
		{[]string{"--min-requests", "many"}, "--min-requests many: not a value that it takes"},
		{[]string{"--waning", "1"}, "--waning: no such flag. Did you mean --warning?"},
		{[]string{"now"}, "now: check takes no arguments"},
		{[]string{"--token-file", "/nonexistent/token"}, "--token-file: /nonexistent/token: no such file."},
		{[]string{"--url", answering(200, ""), "--ca", "/dev/null"}, "holds no certificate in PEM"},
	} {
		code, out := check(t, x.args...)
		if code != stateUnknown || !strings.HasPrefix(out, "UNKNOWN: ") || !strings.Contains(out, x.want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: %d %s", x.args, code, out)
		}
	}
}

func TestSpansOfChecksAreWordsThatPeopleUse(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Second: "90 s", time.Minute: "1 min", 5 * time.Minute: "5 min", 22*time.Minute + 10*time.Second: "22 min",
		time.Hour: "1 h", 90 * time.Minute: "90 min", 3 * time.Hour: "3 h", 150 * time.Minute: "2 h 30 min", 72 * time.Hour: "3 days",
	} {
		if got := spanWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
