package detect

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/frame"
	"why503/parse/nginx"
)

// samples are lines true to each format; none of them is long.
var samples = []struct{ name, want, text string }{
	{"varnishlog grouped", "varnishlog", "*   << Request  >> 3         \n-   Begin          req 2 rxreq\n-   Timestamp      Start: 1795383245.952607 0.000000 0.000000\n-   VCL_call       RECV\n\n"},
	{"varnishlog grouped deeper", "varnishlog", "**  << BeReq    >> 32771     \n--  Begin          bereq 32770 fetch\n--  FetchError     HTC eof (-1)\n"},
	{"varnishlog raw", "varnishlog", "         2 Begin          c sess 0 HTTP/1\n         0 Backend_health - boot.a Still healthy 4---X-RH 8 3 8 0.0 0.0 HTTP/1.1 200 OK\n     32771 End            b \n"},
	{"varnishlog one tag", "varnishlog", "-   ReqURL         /a/b\n"},
	{"varnishncsa", "varnishncsa", `10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] "GET http://www.example.org/x HTTP/1.1" 503 281 "-" "curl/8.1"`},
	{"varnishncsa with handling", "varnishncsa", `10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] "GET /x HTTP/1.1" 503 281 "-" "curl/8.1" miss 0.003`},
	{"nginx combined", "nginx", `10.1.2.3 - bob [02/Jan/2027:01:02:03 +0100] "GET /x HTTP/1.1" 503 281 "-" "curl/8.1"`},
	{"nginx combined with its cache's words", "nginx", `10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] "GET /x HTTP/2.0" 503 281 "-" "curl/8.1" HIT 0.003`},
	{"nginx with words of an agent", "nginx", `10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] "GET /x HTTP/2.0" 200 281 "-" "hit or miss robot" rt=0.001`},
	{"nginx probed by scanners", "nginx", "10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] \"GET /x HTTP/2.0\" 200 281 \"-\" \"-\"\n10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] \"GET http://example.com/ HTTP/1.1\" 400 150 \"-\" \"-\"\n10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] \"\\x16\\x03\\x01\" 400 150 \"-\" \"-\"\n"},
	{"nginx JSON", "nginx-json", `{"time_iso8601":"2027-01-02T01:02:03+01:00","remote_addr":"10.1.2.3","request":"GET /x HTTP/1.1","status":"503","request_time":"0.003","upstream_status":"503"}`},
	{"nginx error", "nginx-error", `2027/01/02 01:02:03 [error] 29#29: *12 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.3, server: x, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:80/", host: "x"`},
	{"nginx error with PHP's lines", "nginx-error", "2027/01/02 01:02:03 [error] 29#29: *12 FastCGI sent in stderr: \"PHP message: PHP Fatal error:  Uncaught Exception: x in /a.php:3\nStack trace:\n#0 {main}\n  thrown in /a.php on line 3\" while reading response header from upstream, client: 10.1.2.3, server: x\n"},
	{"PHP-FPM", "php-fpm", "[02-Jan-2027 01:02:03] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it\n"},
	{"PHP-FPM with microseconds", "php-fpm", "[02-Jan-2027 01:02:03.123456] NOTICE: pid 7, fpm_init(), line 90: fpm is running, pid 7\n"},
	{"PHP-FPM slow", "php-fpm-slow", "\n[02-Jan-2027 01:02:03]  [pool www] pid 4\nscript_filename = /a.php\n[0x00007f8434413170] sleep() /a.php:44\n"},
	{"PHP-FPM access", "php-fpm-access", `10.1.2.3 -  02/Jan/2027:01:02:03 +0000 "GET /index.php" 200`},
	{"PHP's error log", "app", "[02-Jan-2027 01:02:03 UTC] PHP Fatal error:  Uncaught Exception: x in /a.php:3\nStack trace:\n#0 {main}\n  thrown in /a.php on line 3\n"},
	{"zap", "app-json", `{"level":"error","ts":1798851723.1,"caller":"web/x.go:10","msg":"no rows","status":500}`},
	{"pino", "app-json", `{"level":50,"time":1798851723100,"pid":4,"hostname":"h","msg":"boom"}`},
	{"JSON access lines of an application", "app-json", `{"time":"2027-01-02T01:02:03Z","level":"INFO","msg":"request","method":"GET","path":"/x","status":503,"remote_addr":"10.1.2.3"}`},
	{"logback JSON", "app-json", `{"@timestamp":"2027-01-02T01:02:03.004Z","logger_name":"a.b.C","thread_name":"main","level":"ERROR","message":"x","stack_trace":"java.lang.X: y\n\tat a.b.C(C.java:1)"}`},
	{"logfmt", "logfmt", `time=2027-01-02T01:02:03Z level=error msg="no rows" status=500`},
	{"logfmt of go-kit", "logfmt", `ts=1798851723.1 caller=x.go:10 err="no rows" status=500`},
	{"logback", "app", "2027-01-02 01:02:03,004 ERROR [http-1] a.b.C - x\njava.lang.IllegalStateException: y\n\tat a.b.C.d(C.java:1)\nCaused by: java.net.ConnectException: Connection refused\n"},
	{"Spring Boot", "app", "2027-01-02T01:02:03.004Z  WARN 1 --- [nio-8080-exec-1] o.a.c.C : x\n"},
	{"Python", "app", "2027-01-02 01:02:03,004 root ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'\n"},
	{"Go's log", "app", "2027/01/02 01:02:03 listen tcp :80: bind: address already in use\n"},
	{"Ruby's logger", "app", "E, [2027-01-02T01:02:03.004567 #4] ERROR -- : x\n"},
	{"gunicorn", "app", "[2027-01-02 01:02:03 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)\n"},
	{".NET", "app", "[01:02:03 ERR] Unhandled exception\nSystem.Exception: x\n   at A.B() in C.cs:line 1\n2027-01-02 01:02:03.004 +00:00 [ERR] y\n"},
	{"systemd", "systemd", "Jan  2 01:02:03 h systemd[1]: x.service: Main process exited, code=killed, status=9/KILL\n"},
	{"supervisord", "systemd", "2027-01-02 01:02:03,004 INFO exited: web (exit status 1; not expected)\n2027-01-02 01:02:04,004 INFO spawned: 'web' with pid 9\n"},
	{"deploy", "deploy", "Jan  2 01:02:03 h deploy[7]: deploying x version=3 to h\n"},
	{"syslog of many", "syslog", "Jan  2 01:02:03 h systemd[1]: Started x.service.\nJan  2 01:02:03 h CRON[7]: (root) CMD (true)\nJan  2 01:02:04 h shop[9]: ERROR no rows\nJan  2 01:02:05 h kernel: x\n"},

	{"the journal as JSON", "syslog", `{"__REALTIME_TIMESTAMP":"1798851723000000","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"systemd","_PID":"1","PRIORITY":"6","MESSAGE":"x.service: Failed with result 'signal'."}`},

	{"HAProxy", "haproxy", `Jan  2 01:02:03 h haproxy[60]: 10.1.2.3:40854 [02/Jan/2027:01:02:03.939] fe be/s1 0/0/0/2/2 503 345 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"`},
	{"HAProxy without a header", "haproxy", `10.1.2.3:40854 [02/Jan/2027:01:02:03.939] fe be/s1 0/0/0/2/2 503 345 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"`},
	{"Apache error", "apache-error", "[Sat Jan 02 01:02:03.464724 2027] [proxy:error] [pid 7:tid 7] (111)Connection refused: AH00957: http: attempt to connect to 10.0.0.1:80 failed\n"},
	{"Apache 2.2 error", "apache-error", "[Sat Jan 02 01:02:03 2027] [error] [client 10.1.2.3] File does not exist: /x\n"},
	{"Envoy", "envoy", `[2027-01-02T01:02:03.464Z] "GET / HTTP/1.1" 503 UF,URX 0 91 3 - "-" "curl" "id" "x" "10.0.0.1:80"`},
	{"Envoy JSON", "envoy-json", `{"start_time":"2027-01-02T01:02:03.464Z","method":"GET","path":"/","response_code":503,"response_flags":"UF","upstream_cluster":"x","upstream_host":"10.0.0.1:80"}`},
	{"MariaDB error", "mysql-error", "2027-01-02  1:02:03 0 [Note] InnoDB: Buffer pool(s) load completed\n"},
	{"MySQL 8 error", "mysql-error", "2027-01-02T01:02:03.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 1\n"},
	{"MySQL slow", "mysql-slow", "# Time: 2027-01-02T01:02:03.123456Z\n# User@Host: a[a] @ localhost []  Id: 8\n# Query_time: 7.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 0\nSET timestamp=1798851723;\nSELECT SLEEP(7)\n  FROM t\n WHERE a = 1;\n"},
	{"PostgreSQL", "postgresql", "2027-01-02 01:02:03.123 UTC [123] app@db ERROR:  canceling statement due to statement timeout\n2027-01-02 01:02:03.123 UTC [123] app@db STATEMENT:  SELECT 1\n"},
	{`PostgreSQL with the default prefix`, "postgresql", `2027-01-02 01:02:03.123 UTC [123] LOG:  x`},
	{`PostgreSQL with the default of Debian`, "postgresql", `2027-01-02 01:02:03.123 CET [123] app@db FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL with a numeric zone`, "postgresql", `2027-01-02 01:02:03 +03 [123] app db ERROR:  x`},
	{`PostgreSQL with the prefix of pgBadger`, "postgresql", `2027-01-02 01:02:03 UTC [123]: [3-1] user=app,db=db,app=psql,client=10.1.2.3 ERROR:  x`},
	{`PostgreSQL with the prefix of RDS`, "postgresql", `2027-01-02 01:02:03 UTC:10.1.2.3(4242):app@db:[123]:ERROR:  x`},
	{`PostgreSQL with the prefix of old Red Hat`, "postgresql", `< 2027-01-02 01:02:03.123 CET >LOG:  x`},
	{`PostgreSQL with no process`, "postgresql", `2027-01-02 01:02:03 UTC LOG:  x`},
	{`PostgreSQL with seconds since 1970`, "postgresql", `1798851723.123 [123] LOG:  x`},
	{`PostgreSQL with [%p]`, "postgresql", `[123] LOG:  x`},
	{`PostgreSQL with [%p] with names`, "postgresql", `[3-1] user=app,db=db ERROR:  x`},
	{`PostgreSQL quoted by Python`, "app", `2027-01-02 01:02:03,726 ERROR app [3f2504e0-4f89-41d3-9a0c-0305e82c3301] connection to server at "db" failed: FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by Python without a logger`, "app", `2027-01-02 01:02:03,726 ERROR FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by Python with a dotted logger`, "app", `2027-01-02 01:02:03,726 ERROR shop.db [1] FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by gunicorn`, "app", `[2027-01-02 01:02:03 +0000] [7] [ERROR] FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by a zone and a process`, "app", `2027-01-02 01:02:03.123 UTC [123] ERROR app FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by a zone, a process and prose`, "app", `2027-01-02 01:02:03.123 UTC [123] connection to server failed: FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by a level for a zone`, "app", `2027-01-02 01:02:03.123 ERROR [123] FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by a line with a number for a zone`, "app", `2027-01-02 01:02:03.123 77 [main] FATAL:  x`},
	{`PostgreSQL quoted by lower case`, "app", `2027-01-02 01:02:03.123 +0000 [123] error app FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by log4j`, "app", `2027-01-02 01:02:03.123 ERROR [main] a.b.C - FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{`PostgreSQL quoted by RFC 3339`, "app", `2027-01-02T01:02:03Z ERROR [123] org.postgresql.util.PSQLException: FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`},
	{"Redis", "redis", "123:M 02 Jan 2027 01:02:03.123 * Background saving started by pid 9\n"},
	{"MongoDB", "mongodb", `{"t":{"$date":"2027-01-02T01:02:03.123+00:00"},"s":"I","c":"NETWORK","id":1,"ctx":"listener","msg":"Connection accepted","attr":{}}`},
	{"dmesg", "kernel", "[12345.678901] Out of memory: Killed process 123 (x) total-vm:1kB\n"},
	{"kernel by syslog", "kernel", "Jan  2 01:02:03 h kernel: [12345.678901] TCP: request_sock_TCP: Possible SYN flooding on port 80.\n"},
	{"CloudFront", "w3c", "#Version: 1.0\n#Fields: date time x-edge-location\n2027-01-02\t01:02:03\tFRA2\n"},
	{"binary varnishlog", "varnishlog-binary", "VSL\x00\x0e\x00\x00\x4c"},

	{"prose", "", "This is a letter.\nIt goes on for some lines.\nNothing in it is a log.\n"},
	{"a configuration", "", "server {\n    listen 80;\n    server_name x;\n    location / { proxy_pass http://a; }\n}\n"},
	{"CSV", "", "a,b,c\n1,2,3\n4,5,6\n"},
	{"XML", "", "<a>\n <b>1</b>\n</a>\n"},
	{"binary noise", "", strings.Repeat("\x01\x02\x9f\x00\xfe\x10", 100)},
	{"nothing", "", "\n\n  \n"},
}

func TestDetect(t *testing.T) {
	for _, tt := range samples {
		t.Run(tt.name, func(t *testing.T) {
			r := Detect([]byte(tt.text), Hints{})
			if r.Format.Name != tt.want {
				t.Fatalf("taken for %q, want %q; tried %v", r.Format.Name, tt.want, r.Tried)
			}
			if (r.Parser == nil) != (r.New == nil) {
				t.Error("parser and its maker do not go together")
			}
			if r.Format.Unread != (r.Err("x") != nil && r.Format.Name != "") {
				t.Errorf("error is %v", r.Err("x"))
			}
		})
	}
}

func TestContentBehindACutLine(t *testing.T) {
	for _, tt := range samples {
		if n := strings.Count(tt.text, "\n"); tt.want == "" || n > 1 || strings.HasPrefix(tt.text, "VSL") {
			continue
		}
		line := strings.TrimRight(tt.text, "\n") + "\n"
		r := Detect([]byte(line[len(line)/2:]+line+line), Hints{})
		if r.Format.Name != tt.want {
			t.Errorf("%s: taken for %q, want %q", tt.name, r.Format.Name, tt.want)
		}
	}
}

func TestEnvelopesAreSeenThrough(t *testing.T) {
	cri := func(s string) string { return "2027-01-02T01:02:03.004Z stdout F " + s }
	docker := func(s string) string {
		b, err := json.Marshal(s + "\n")
		if err != nil {
			t.Fatal(err)
		}
		return `{"log":` + string(b) + `,"stream":"stdout","time":"2027-01-02T01:02:03.004Z"}`
	}
	syslog := func(s string) string { return "<190>Jan  2 01:02:03 h prog[7]: " + s }
	for _, tt := range samples {
		f := byName(tt.want)
		if f == nil || tt.want == "syslog" || strings.Contains(tt.text, "h kernel") || strings.Contains(tt.text, "h systemd") || strings.Contains(tt.text, "h deploy") || strings.Contains(tt.text, "haproxy[") {
			continue
		}
		for kind, wrap := range map[frame.Kind]func(string) string{frame.CRI: cri, frame.Docker: docker, frame.Syslog: syslog} {
			if kind == frame.Syslog && !f.structured {
				continue
			}
			var b strings.Builder
			for l := range strings.Lines(tt.text) {
				b.WriteString(wrap(strings.TrimRight(l, "\n")) + "\n")
			}
			r := Detect([]byte(b.String()), Hints{})
			if r.Format.Name != tt.want || r.Wrapped != kind {
				t.Errorf("%s in %v is taken for %q in %v", tt.name, kind, r.Format.Name, r.Wrapped)
			}
			if _, ok := r.Parser.(*frame.Parser); r.Parser != nil && !ok {
				t.Errorf("%s in %v: the parser does not unwrap", tt.name, kind)
			}
		}
	}
}

func TestTheStreamsOfAContainerMayDiffer(t *testing.T) {
	text := `2027-01-02T01:02:03.004Z stdout F 10.1.2.3 - - [02/Jan/2027:01:02:03 +0000] "GET /x HTTP/1.1" 502 281 "-" "curl/8.1"
2027-01-02T01:02:03.004Z stderr F 2027/01/02 01:02:03 [error] 29#29: *12 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.3, server: x, request: "GET /x HTTP/1.1", upstream: "http://10.0.0.1:80/x"
`
	r := Detect([]byte(text), Hints{})
	if r.Format.Name != "nginx" || r.Also.Name != "nginx-error" || r.Parser == nil {
		t.Fatalf("%v and %v", r.Format, r.Also)
	}
	var kinds []parse.Kind
	l := frame.NewLines(strings.NewReader(text), 0)
	for line, err := l.Next(); err == nil; line, err = l.Next() {
		if err := r.Parser.Parse(line, func(r *parse.Record) { kinds = append(kinds, r.Kind) }); err != nil {
			t.Errorf("line %d: %v", line.Number, err)
		}
	}
	r.Parser.Flush(func(r *parse.Record) { kinds = append(kinds, r.Kind) })
	if diff := cmp.Diff([]parse.Kind{parse.KindRequest, parse.KindLog}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestAFormatOfTheConfigurationWins(t *testing.T) {
	line := []byte("10.1.2.3|2027-01-02T01:02:03+00:00|GET /x HTTP/1.1|503\n")
	if r := Detect(line, Hints{}); r.Parser != nil {
		t.Fatalf("taken for %q without the configuration", r.Format.Name)
	}
	custom := Candidate{Format: Format{Name: "nginx", Title: "nginx access log (main)"}, New: func() parse.Parser {
		p, err := nginx.CompileAccess(`$remote_addr|$time_iso8601|$request|$status`, nginx.EscapeDefault)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}}
	if r := Detect(line, Hints{Candidates: []Candidate{custom}}); r.Format != custom.Format || r.Parser == nil {
		t.Errorf("taken for %v", r.Format)
	}
	if r := Detect([]byte("prose\n"), Hints{Candidates: []Candidate{custom}}); r.Parser != nil {
		t.Errorf("prose is taken for %v", r.Format)
	}
}

func TestWhatIsNotReadIsWordedForAPerson(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("once\n", 9) + "2027/01/02 01:02:03 [notice] 29#29: x\n": "dump.txt: no known log format. Tried 31 on its first 64 KiB; nearest was nginx error (1 of 10 lines). If you know it: --format NAME=dump.txt (names: --format list)",
		"\x01\x02\x03\x04": "dump.txt: not a text. Tried 31 on its first 64 KiB. If you know it: --format NAME=dump.txt (names: --format list)",
		`10.1.2.3:4 [02/Jan/2027:01:02:03.939] fe be/s1 0/0/0/2/2 503 3 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"`: "dump.txt: looks like a HAProxy log, which this version does not read",
		"[Sat Jan 02 01:02:03 2027] [error] [client 10.1.2.3] File does not exist: /x":                           "dump.txt: looks like an Apache error log, which this version does not read",
	} {
		err := Detect([]byte(text), Hints{}).Err("dump.txt")
		var fe *FormatError
		if !errors.As(err, &fe) || fe.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestByName(t *testing.T) {
	for _, f := range Names() {
		got, mk, err := ByName(f.Name)
		if err != nil || got != f || mk == nil || mk() == nil {
			t.Errorf("%s: %v, %v", f.Name, got, err)
		}
	}
	for _, spec := range []string{`varnishncsa:%h %l %u %t "%r" %s %b %{Varnish:vxid}x`, `nginx:$remote_addr [$time_local] "$request" $status`, `nginx-json:{"s":"$status","t":"$msec","r":"$request"}`, `php-fpm-access:%R - %u %t "%m %r" %s %{mili}d`} {
		f, mk, err := ByName(spec)
		if err != nil || mk == nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if mk() == nil || !strings.HasPrefix(spec, f.Name+":") {
			t.Errorf("%s: %v, %v", spec, f, err)
		}
		if mk() == mk() {
			t.Errorf("%s: one parser for all", spec)
		}
	}
	for spec, want := range map[string]string{
		"nginks":          `format "nginks": no such format. --format list names all`,
		"varnish":         `format "varnish": no such format. Did you mean varnishlog or varnishncsa or varnishncsa-json?`,
		"haproxy":         `format "haproxy": a HAProxy log is recognised, but this version does not read it`,
		"varnishlog:x":    `format "varnishlog:x": varnishlog takes no definition. Leave out what follows the colon`,
		"":                `format "": no such format. --format list names all`,
		"nginx-error:foo": `format "nginx-error:foo": nginx-error takes no definition. Leave out what follows the colon`,
	} {
		if _, _, err := ByName(spec); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, _, err := ByName("nginx:$"); err == nil {
		t.Error("a bad definition is accepted")
	}
}

func FuzzDetect(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.text), s.name)
	}
	f.Add([]byte(`{"log":"2027/01/02 01:02:03 [error] 1#1: x\n","stream":"stderr","time":"2027-01-02T01:02:03Z"}`), "x-json.log")
	f.Fuzz(func(t *testing.T, sample []byte, name string) {
		r := Detect(sample, Hints{Name: name})
		if r.Confidence < 0 || r.Confidence > 1 {
			t.Fatalf("confidence %v", r.Confidence)
		}
		if r.Parser == nil && !r.Empty && r.Err("x") == nil {
			t.Fatal("neither a parser nor a word why")
		}
		if r.Parser == nil {
			return
		}
		// What was detected can be read.
		l := frame.NewLines(strings.NewReader(string(sample)), 0)
		for line, err := l.Next(); err == nil; line, err = l.Next() {
			_ = r.Parser.Parse(line, discard)
		}
		r.Parser.Flush(discard)
	})
}

func BenchmarkDetect(b *testing.B) {
	line := samples[6].text + "\n"
	sample := []byte(strings.Repeat(line, 64<<10/len(line)))
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		if r := Detect(sample, Hints{}); r.Format.Name != "nginx" {
			b.Fatal(r.Format)
		}
	}
}
