package applog

import (
	"fmt"
	"strings"
	"testing"

	"why503/parse"
)

func TestLinesOfOtherKindsAreRefused(t *testing.T) {
	lines := map[string]string{
		"json":    `{"time":"2026-11-22T21:35:16Z","level":"info","msg":"x"}`,
		"logfmt":  `time=2026-11-22T21:35:16Z level=info msg=x`,
		"plain":   `2026-11-22 21:35:16,726 ERROR x`,
		"fpmlog":  `[22-Nov-2026 21:36:10] NOTICE: ready to handle connections`,
		"fpmslow": `[22-Nov-2026 21:36:45]  [pool www] pid 23`,
		"access":  `- -  22/Nov/2026:21:36:06 +0000 "GET /x" 200`,
		"systemd": `Nov 22 21:35:00 web01 systemd[1]: Started x.service.`,
		"vsl":     `*   << Request  >> 32771`,
		"noise":   "\x00\x01\x02\xff\xfe",
		"prose":   `the quick brown fox`,
	}
	accepts := map[string]string{
		"json": "json", "logfmt": "logfmt", "plain": "json plain fpmlog fpmslow systemd", "fpmlog": "fpmlog", "fpmslow": "fpmslow",
		"fpmaccess": "access", "systemd": "systemd", "deploy": "", "syslog": "systemd",
	}
	for kind, make := range parsers {
		for name, line := range lines {
			want := strings.Contains(" "+accepts[kind]+" ", " "+name+" ")
			if _, bad := records(t, make(), line); (bad == 0) != want {
				t.Errorf("%s takes %s: %v, want %v", kind, name, bad == 0, want)
			}
		}
	}
}

func TestRoutineLinesGiveNoRecord(t *testing.T) {
	rs, bad := records(t, new(Plain), "2026-11-22 21:35:16,726 INFO shop.web cache warmed\n2026-11-22 21:35:16,727 DEBUG shop.web 12 rows\n")
	if len(rs) != 0 || bad != 0 {
		t.Errorf("%d records, %d bad lines", len(rs), bad)
	}
}

func TestTraceAfterRoutineLineIsItsOwn(t *testing.T) {
	rs, _ := records(t, new(Plain), "2026-11-22 21:35:16,726 INFO [req=r1] GET /x -> 200 in 1 ms\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nOSError: disk\n")
	if len(rs) != 2 {
		t.Fatalf("%d records", len(rs))
	}
	if r := rs[1]; string(r.Exception) != "OSError" || len(r.RequestID) != 0 || r.Time == 0 || r.Level != parse.LevelError {
		t.Errorf("got\n%s", describe(r))
	}
}

func TestLongTracesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("2026-11-22 21:35:16,726 ERROR boom\njava.lang.IllegalStateException: top\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "\tat com.shop.A.f(A.java:%d)\n", i)
	}
	b.WriteString("Caused by: java.net.ConnectException: Connection refused\n")
	p := new(Plain)
	r := one(t, p, b.String())
	if p.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	if last := r.Notes[len(r.Notes)-1]; !strings.HasPrefix(string(last.Text), "Caused by: ") || last.LineNo != 5003 {
		t.Errorf("the cause is lost: last note is %q in line %d", last.Text, last.LineNo)
	}
	if cap(p.buf) > 4*maxHeld {
		t.Errorf("%d bytes kept", cap(p.buf))
	}
}

func TestRequestsWrittenAsPairs(t *testing.T) {
	r := one(t, new(Plain), "2026-11-22 21:35:16,726 INFO method=GET path=/x status=503 duration=12ms request_id=r1")
	if r.Kind != parse.KindRequest || r.Status != 503 || string(r.URL) != "/x" || r.Ended-r.Time != parse.Time(12*millisecond) {
		t.Errorf("got\n%s", describe(r))
	}
	r = one(t, new(Plain), "2026-11-22 21:35:16,726 ERROR child exited status=203")
	if r.Status != 0 || r.Kind != parse.KindSignal {
		t.Errorf("got\n%s", describe(r))
	}
}

func TestTracesOfTwoThreadsMayInterleave(t *testing.T) {
	rs, bad := records(t, new(Plain), `2026-11-22 21:35:16,726 ERROR [a] first failed request_id=r1
java.lang.IllegalStateException: one
2026-11-22 21:35:16,727 ERROR [b] second failed request_id=r2
	at com.shop.A.f(A.java:1)
java.lang.NullPointerException: two
	at com.shop.B.g(B.java:2)
	at com.shop.A.g(A.java:3)
Caused by: java.io.IOException: three
`)
	if len(rs) != 2 || bad != 0 {
		t.Fatalf("%d records, %d bad lines", len(rs), bad)
	}
	if string(rs[0].RequestID) != "r1" || string(rs[1].RequestID) != "r2" || len(rs[1].Notes) != 3 {
		t.Errorf("got\n%s%s", describe(rs[0]), describe(rs[1]))
	}
}

// TestHugeLines holds that quotes and what is kept stay small.
func TestHugeLines(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	for kind, line := range map[string]string{
		"json":   `{"level":"error","time":"2026-11-22T21:35:16Z","pad":"` + huge + `","msg":"here it is","err":"` + huge + `"}`,
		"logfmt": `time=2026-11-22T21:35:16Z level=error msg="` + huge + `"`,
		"plain":  "2026-11-22 21:35:16,726 ERROR " + huge,
		"syslog": "Nov 22 21:35:16 web01 app[7]: ERROR " + huge,
	} {
		t.Run(kind, func(t *testing.T) { one(t, parsers[kind](), line) })
	}
	for _, deep := range []string{strings.Repeat(`{"a":`, 1<<16), strings.Repeat(`{"a":[`, 1<<16), "2026-11-22 21:35:16 " + strings.Repeat("[a]", 1<<16), strings.Repeat("Caused by: ", 1<<16)} {
		for _, make := range parsers {
			records(t, make(), deep)
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct{ line, level, message, logger, request string }{
		{"2026-11-22 21:35:16,726 - shop.web - ERROR - it broke", "error", "it broke", "shop.web", ""},
		{"2026-11-22 21:35:16,726 ERROR [worker-1] shop.web [req=r1] it broke", "error", "it broke", "shop.web", "r1"},
		{"2026-11-22 21:35:16.726  WARN 77 --- [shop] [nio-1] c.s.Api                  : it broke", "warn", "it broke", "c.s.Api", ""},
		{"[2026-11-22 21:35:16,726: ERROR/MainProcess] it broke", "error", "it broke", "", ""},
		{"[2026-11-22 21:35:16 +0000] [77] [CRITICAL] it broke", "fatal", "it broke", "", ""},
		{"ERROR:django.request:it broke", "error", "it broke", "django.request", ""},
		{"E1122 21:35:16.726123   77 server.go:31] it broke", "error", "it broke", "", ""},
		{"E, [2026-11-22T21:35:16.726 #77] ERROR -- : [4671875d-d75b-4458-a7b1-6cdd140a32c0] it broke", "error", "it broke", "", "4671875d-d75b-4458-a7b1-6cdd140a32c0"},
		{"[2026-11-22 21:35:16] shop.ERROR: it broke {\"request_id\":\"r1\"}", "error", "it broke {\"request_id\":\"r1\"}", "shop", "r1"},
		{"2026-11-22T21:35:16.726Z\terror\tshop\tit broke", "error", "shop\tit broke", "", ""},
		{"2026-11-22T21:35:16Z [warn] it broke rid=r1, xv=12", "warn", "it broke rid=r1, xv=12", "", "r1"},
		{"2026/11/22 21:35:16 error connecting", "none", "error connecting", "", ""},
		{"2026/11/22 21:35:16 FATAL ERROR: heap", "fatal", "FATAL ERROR: heap", "", ""},
		{"2026-11-22 21:35:16 | ERROR | it broke request_id=-", "error", "it broke request_id=-", "", ""},
		{"22-Nov-2026 21:35:16.726 SEVERE [main] org.apache.catalina.core.StandardServer.await it broke", "error", "it broke", "org.apache.catalina.core.StandardServer.await", ""},
		{"ERROR 2026-11-22 21:35:16,726 log 77 140 it broke", "error", "log 77 140 it broke", "", ""},
		{"2026-11-22 21:35:16.726 ERROR [shop,4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7] 77 --- [nio-1] c.s.Api : it broke", "error", "it broke", "c.s.Api", ""},
		{"2026-11-22 21:35:16.726 ERROR [0af7651916cd43dd8448eb211c80319c] it broke", "error", "it broke", "", "0af7651916cd43dd8448eb211c80319c"},
		{"2026-11-22 21:35:16,726 ERROR java.io.IOException: Too many open files", "error", "java.io.IOException: Too many open files", "", ""},
		{`2026-11-22 21:35:16,726 ERROR app [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR app [0af7651916cd43dd8448eb211c80319c] boom`, "error", `boom`, "app", "0af7651916cd43dd8448eb211c80319c"},
		{`2026-11-22 21:35:16,726 ERROR app [req=r1] boom`, "error", `boom`, "app", "r1"},
		{`2026-11-22 21:35:16,726 ERROR app: [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR app - [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 - app - ERROR - [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 root ERROR [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "root", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 shop.web ERROR [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "shop.web", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 [3f2504e0-4f89-41d3-9a0c-0305e82c3301] ERROR app boom`, "error", `app boom`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 error [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "none", `boom`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`ERROR:app:[3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR app [worker-1] boom`, "error", `app [worker-1] boom`, "", ""},
		{`2026-11-22 21:35:16,726 ERROR app [3f2504e0-4f89-41d3-9a0c-0305e82c3301`, "error", `app [3f2504e0-4f89-41d3-9a0c-0305e82c3301`, "", ""},
		{`2026-11-22 21:35:16,726 ERROR refused [3f2504e0-4f89-41d3-9a0c-0305e82c3301]`, "error", `refused [3f2504e0-4f89-41d3-9a0c-0305e82c3301]`, "", ""},
		{`2026-11-22 21:35:16,726 ERROR timeout [3f2504e0-4f89-41d3-9a0c-0305e82c3301] of the pool`, "error", `timeout [3f2504e0-4f89-41d3-9a0c-0305e82c3301] of the pool`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR timeout [3f2504e0-4f89-41d3-9a0c-0305e82c3301] of the pool request_id=r1`, "error", `timeout [3f2504e0-4f89-41d3-9a0c-0305e82c3301] of the pool request_id=r1`, "", "r1"},
		{`2026-11-22 21:35:16,726 ERROR TimeoutError [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `TimeoutError [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR [traceId=3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR app [trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom`, "error", `boom`, "app", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR boom trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301`, "error", `boom trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301`, "", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
		{`2026-11-22 21:35:16,726 ERROR [traceId=3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom request_id=r1`, "error", `boom request_id=r1`, "", "r1"},
		{`2026-11-22 21:35:16,726 ERROR boom trace_id=0af7651916cd43dd8448eb211c80319c`, "error", `boom trace_id=0af7651916cd43dd8448eb211c80319c`, "", ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			r := one(t, new(Plain), c.line)
			got := []string{levelName[r.Level], string(r.Message), string(r.Logger), string(r.RequestID)}
			want := []string{c.level, c.message, c.logger, c.request}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("got %q, want %q", got[i], want[i])
				}
			}
		})
	}
}

func TestSummaries(t *testing.T) {
	for _, c := range []struct {
		message, method, url string
		status               int
		dur                  int64
	}{
		{"GET /x -> 200 in 0.3 ms", "GET", "/x", 200, 300 * microsecond},
		{"GET /x 200 1.234 ms - 12", "GET", "/x", 200, 1234 * microsecond},
		{`"GET /x HTTP/1.1" 503 Service Unavailable`, "GET", "/x", 503, -1},
		{"HTTP GET /x responded 500 in 12.3 ms", "GET", "/x", 500, 12300 * microsecond},
		{"Request finished HTTP/1.1 GET http://shop.test/x?a=1 - 500 0 text/html 12.3ms", "GET", "/x?a=1", 500, 12300 * microsecond},
		{"Completed 500 Internal Server Error in 12ms (Views: 3ms)", "", "", 500, 12 * millisecond},
		{`Started GET "/x" for 10.0.0.1`, "GET", "/x", 0, -1},
		{"retry of POST /pay failed after 500 tries", "POST", "/pay", 0, -1},
		{"GET /x took 12ms", "GET", "/x", 0, -1},
		{"FORGET /x 200", "", "", 0, -1},
		{"GET", "", "", 0, -1},
	} {
		var e entry
		e.reset()
		readSummary([]byte(c.message), &e)
		if string(e.method) != c.method || string(e.url) != c.url || e.status != c.status || e.dur != c.dur {
			t.Errorf("%q: got %s %s %d %d", c.message, e.method, e.url, e.status, e.dur)
		}
	}
}
