package applog

import (
	"os"
	"strings"
	"testing"
)

// TestEveryKnownMessageSurvives feeds each message of the taxonomy's table of
// origin programs in a line as that program writes it: whatever the parser
// takes for header, a Note must still hold the message.
func TestEveryKnownMessageSurvives(t *testing.T) {
	data, err := os.ReadFile("testdata/literals.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.Split(row, "\t")
		id, where, text := f[0], f[1], fillHoles(f[2])
		for i, line := range linesOf(id, where) {
			t.Run(id, func(t *testing.T) {
				kind, shape, _ := strings.Cut(line, "|")
				input := strings.ReplaceAll(shape, "%", text)
				if strings.Contains(shape, "NOTICE: %") && strings.HasPrefix(text, "NOTICE: ") {
					input = strings.ReplaceAll(shape, "NOTICE: %", text)
				}
				rs, bad := records(t, parsers[kind](), input)
				if bad != 0 {
					t.Errorf("form %d: %d lines do not fit: %q", i, bad, input)
				}
				for _, r := range rs {
					for _, n := range r.Notes {
						if strings.Contains(string(n.Text), text) {
							return
						}
					}
				}
				var got []string
				for _, r := range rs {
					got = append(got, describe(r))
				}
				t.Errorf("form %d: no note holds %q\ninput %q\n%s", i, text, input, strings.Join(got, ""))
			})
		}
	}
}

// linesOf gives lines of the program, with % for the message. The word in
// front of | names the parser.
func linesOf(id, where string) []string {
	switch {
	case where == "php-fpm log":
		return []string{"fpmlog|[22-Nov-2026 21:36:10] NOTICE: %", "fpmlog|[22-Nov-2026 21:36:10.123456] NOTICE: pid 7, fpm_x(), line 9: %"}
	case where == "PHP error log / FastCGI stderr":
		return []string{
			"plain|[22-Nov-2026 21:36:10 UTC] %\nStack trace:\n#0 /srv/x.php(3): f()\n#1 {main}\n  thrown in /srv/x.php on line 3",
			"plain|[22-Nov-2026 21:36:10 Europe/Berlin] %",
			`fpmlog|[22-Nov-2026 21:36:10] WARNING: [pool www] child 7 said into stderr: "NOTICE: PHP message: %"`,
		}
	case id == "app.gunicorn.autorestart":
		return []string{"plain|[2026-11-22 21:35:16 +0000] [77] [INFO] %"}
	case strings.HasPrefix(id, "app.gunicorn."):
		return []string{"plain|[2026-11-22 21:35:16 +0000] [77] [CRITICAL] %", "plain|[2026-11-22 21:35:16 +0000] [77] [ERROR] %"}
	case strings.HasPrefix(id, "app.uwsgi."):
		return []string{
			"plain|Sun Nov 22 21:35:16 2026 - %",
			"plain|[pid: 7|app: 0|req: 1/1] 10.0.0.1 () {30 vars in 400 bytes} [Sun Nov 22 21:35:16 2026] GET /x => generated 12 bytes in 3 msecs (HTTP/1.1 200) 2 headers in 70 bytes (1 switches on core 0)\n%",
		}
	case id == "app.py.uvicorn_limit":
		return []string{"plain|WARNING:  %"}
	case strings.HasPrefix(id, "app.py."):
		return []string{
			"plain|2026-11-22 21:35:16,726 ERROR django.request: %",
			"plain|2026-11-22 21:35:16,726 - shop.web - ERROR - %",
			"plain|ERROR:root:%",
			"plain|2026-11-22 21:35:16,726 ERROR [worker-1] shop.web request failed\nTraceback (most recent call last):\n  File \"/srv/app.py\", line 3, in f\n    g()\n%",
			"plain|[2026-11-22 21:35:16,726: ERROR/MainProcess] %",
			`logfmt|time=2026-11-22T21:35:16Z level=error msg="%"`,
		}
	case id == "app.java.gc_pause":
		return []string{"plain|[2026-11-22T21:35:16.726+0000][info][gc] GC(3) %"}
	case id == "app.java.deadlock":
		return []string{"plain|2026-11-22 21:35:16\nFull thread dump OpenJDK 64-Bit Server VM:\n\n%\n============================="}
	case id == "app.java.startup":
		return []string{"plain|2026-11-22 21:35:16.726 ERROR 77 --- [           main] o.s.b.d.LoggingFailureAnalysisReporter   : \n\n***************************\n%\n***************************\n\nDescription:\n"}
	case strings.HasPrefix(id, "app.java."):
		return []string{
			"plain|2026-11-22 21:35:16.726 ERROR 77 --- [nio-8080-exec-1] c.shop.web.Api : %",
			"plain|2026-11-22T21:35:16.726+01:00  WARN 77 --- [shop] [nio-8080-exec-1] com.zaxxer.hikari.pool.HikariPool        : %",
			"plain|21:35:16.726 [http-nio-8080-exec-1] WARN  com.zaxxer.hikari.pool.HikariPool - %",
			"plain|2026-11-22 21:35:16,726 WARN  [http-nio-8080-exec-1] %",
			"plain|22-Nov-2026 21:35:16.726 SEVERE [http-nio-8080-exec-1] org.apache.catalina.core.StandardWrapperValve.invoke %",
			"plain|Nov 22, 2026 9:35:16 PM org.apache.tomcat.util.threads.ThreadPool logFull\nSEVERE: %",
			"plain|2026-11-22 21:35:16,726 ERROR [exec-1] c.s.Api - request failed\n%\n\tat com.shop.Api.get(Api.java:31)\nCaused by: %\n\t... 12 more",
		}
	case id == "app.node.oom":
		return []string{"plain|%", "plain|2026-11-22T21:35:16.726Z %"}
	case strings.HasPrefix(id, "app.node."):
		return []string{
			"plain|2026-11-22T21:35:16.726Z [ERROR] %\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
			"plain|2026-11-22T21:35:16.726Z error: %",
			`json|{"level":50,"time":1795383316726,"pid":7,"hostname":"h","err":{"type":"Error","message":"m","stack":"%\n    at x (y.js:1:2)"},"msg":"failed"}`,
		}
	case id == "app.go.fatal":
		return []string{"plain|%\n\ngoroutine 7 [running]:\nmain.f(0x1)\n\t/srv/main.go:3 +0x1"}
	case strings.HasPrefix(id, "app.go."):
		return []string{
			"plain|2026/11/22 21:35:16 %",
			"plain|2026/11/22 21:35:16.726123 server.go:3215: %",
			"plain|E1122 21:35:16.726123   77 server.go:31] %",
			`logfmt|time=2026-11-22T21:35:16.726Z level=ERROR msg="request failed" err="%"`,
			`json|{"time":"2026-11-22T21:35:16.726Z","level":"ERROR","msg":"request failed","err":"%"}`,
		}
	case id == "app.ruby.puma_timeout":
		return []string{"plain|[77] %"}
	case strings.HasPrefix(id, "app.ruby."):
		return []string{
			"plain|E, [2026-11-22T21:35:16.726123 #77] ERROR -- : %",
			"plain|F, [2026-11-22T21:35:16.726123 #77] FATAL -- : [4671875d-d75b-4458-a7b1-6cdd140a32c0] %",
			"plain|[ E 2026-11-22 21:35:16.7261 77/T1 age/Cor/x.cpp:1 ]: %",
		}
	case id == "app.dotnet.pool":
		return []string{"plain|2026-11-22 21:35:16.726 +00:00 [ERR] Unhandled\nSystem.InvalidOperationException: %\n   at Shop.Api.Get() in /src/Api.cs:line 3"}
	case strings.HasPrefix(id, "app.iis."):
		return []string{"plain|2026-11-22 21:35:16 10.0.0.1 51234 10.0.0.2 80 HTTP/1.1 GET /x 503 1 % DefaultAppPool"}
	}
	return []string{"plain|2026-11-22 21:35:16,726 INFO %", "plain|[2026-11-22 21:35:16] main.CRITICAL: % []"}
}

// fillHoles puts likely values for <names>.
func fillHoles(s string) string {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return s
		}
		j := i + strings.IndexByte(s[i:], '>')
		name := s[i+1 : j]
		v, ok := holes[name]
		if !ok {
			v = "7"
		}
		s = s[:i] + v + s[j+1:]
	}
}

var holes = map[string]string{
	"pool": "web", "script": "/srv/x.php", "method": "GET", "uri": "/x?a=1", "sec": "1.5", "name": "main", "why": "because", "addr": "10.0.0.9:80", "file": "/srv/x.php",
	"class": "My\\Error", "msg": "it broke", "sig": "SIGKILL", "ip": "10.0.0.1", "host": "db1", "url": "/y", "path": "/x", "handle": "Task", "thread": "exec-1", "conn": "conn0",
	"delta": "1m2s", "task": "t", "cause": "Allocation Failure", "what": "all goroutines are asleep - deadlock!", "where": "Reached heap limit", "server": "10.0.0.53:53", "d": "5ms", "detail": "err",
}
