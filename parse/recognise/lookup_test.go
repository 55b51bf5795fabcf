package recognise

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Physical lines of each program, and what they mean first.
var lookups = []struct {
	name, line, program, cause string // no cause: the line means nothing bad
}{
	{"varnishlog grouped", "--  FetchError     first byte timeout", "varnish", "origin_slow.first_byte_timeout"},
	{"varnishlog from the tag on", "FetchError     first byte timeout", "varnish", "origin_slow.first_byte_timeout"},
	{"varnishlog tag and text", "FetchError backend web: fail errno 111 (Connection refused)", "varnish", "network.conn_refused"},
	{"varnishlog retry depth", "--- FetchError     backend web: busy", "varnish", "cache_config.max_connections"},
	{"varnishlog raw", "     32771 FetchError     b HTC eof (-1)", "varnish", "network.conn_closed"},
	{"varnishlog close", "--  BackendClose   18 web close Receive timeout", "varnish", "origin_slow.first_byte_timeout"},
	{"varnishlog probe", `         0 Backend_health - web Went sick 4---X-R- 2 3 8 0.000000 0.002 "HTTP/1.1 500 Internal Server Error"`, "varnish", "health.backend_down"},
	{"varnishlog header", "--  BerespHeader   Retry-After: timeout", "varnish", ""},
	{"varnishlog good status", "--  BerespStatus   200", "varnish", ""},
	{"varnishlog timestamp", "--  Timestamp      Beresp: 1767323045.123456 60.000123 60.000001", "varnish", ""},
	{"varnishncsa with fetch error", `- - - [02/Jan/2026:03:04:05 +0000] "GET http://shop.example/cart HTTP/1.1" 503 274 "-" "curl/8.1" handling=- fetcherror="backend web: unhealthy"`, "varnish", "health.backend_down"},
	{"varnishd", "Jan  2 03:04:05 edge-1 varnishd[812]: Child (4711) died signal=9", "varnish", "cache_config.proxy_crash"},
	{"nginx error", `2026/01/02 03:04:05 [error] 811#811: *4711 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: s, request: "GET / HTTP/1.1", upstream: "http://10.0.0.5:80/", host: "s"`, "nginx", "network.conn_refused"},
	{"nginx php", `2026/01/02 03:04:05 [error] 811#811: *4 FastCGI sent in stderr: "PHP message: PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /a.php on line 3" while reading response header from upstream, client: 203.0.113.9`, "nginx", "overload.heap_exhausted"},
	{"nginx notice", `2026/01/02 03:04:05 [notice] 811#811: using the "epoll" event method`, "nginx", ""},
	{"nginx access", `203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET /x HTTP/1.1" 504 167 "-" "curl/8.1"`, "nginx", "origin_slow.first_byte_timeout"},
	{"nginx access healthy", `203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET /no-space-left-on-device HTTP/1.1" 200 167 "-" "Too many open files"`, "", ""},
	{"nginx access not found", `203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET /x HTTP/1.1" 404 167 "-" "curl/8.1"`, "", ""},
	{"haproxy timeout", `Jan  2 03:04:05 lb-1 haproxy[811]: 203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe be/w1 0/0/1/-1/60002 504 217 - - sH-- 2/2/1/1/0 0/0 "GET /cart HTTP/1.1"`, "haproxy", "origin_slow.first_byte_timeout"},
	{"haproxy no server", `203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe be/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 2/2/0/0/0 0/0 "GET /cart HTTP/1.1"`, "haproxy", "health.all_down"},
	{"haproxy relayed", `203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe be/w1 0/0/0/9/9 503 217 - - ---- 2/2/0/0/0 0/0 "GET /cart HTTP/1.1"`, "haproxy", "app_error.origin_5xx"},
	{"haproxy healthy", `203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe be/w1 0/0/0/9/9 200 217 - - ---- 2/2/0/0/0 0/0 "GET /cart HTTP/1.1"`, "haproxy", ""},
	{"haproxy tcp", `203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe be/w1 0/0/5007 212 cD 2/2/0/0/0 0/0`, "haproxy", "client_abort.during_delivery"},
	{"haproxy event", `<133>Jan  2 03:04:05 lb-1 haproxy[811]: backend be has no server available!`, "haproxy", "health.all_down"},
	{"apache refused", `[Fri Jan 02 03:04:05.678901 2026] [proxy:error] [pid 811:tid 140123] (111)Connection refused: AH00957: http: attempt to connect to 10.0.0.5:80 (*) failed`, "apache", "network.conn_refused"},
	{"apache timeout", `[Fri Jan 02 03:04:05.678901 2026] [proxy_http:error] [pid 811:tid 140123] (70007)The timeout specified has expired: [client 203.0.113.9:51234] AH01102: error reading status line from remote server 10.0.0.5:80`, "apache", "origin_slow.first_byte_timeout"},
	{"envoy", `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 145 0 7 - "-" "curl/8.1" "5e9c" "shop" "10.0.0.5:80" outbound|80||cart -`, "envoy", "network.conn_refused"},
	{"envoy healthy", `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" 200 - via_upstream - "-" 0 91 12 10 "-" "curl/8.1" "5e9c" "shop" "10.0.0.5:80"`, "envoy", ""},
	{"envoy relayed", `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/2" 503 - via_upstream - "-" 0 91 12 10 "-" "curl/8.1" "5e9c" "shop" "10.0.0.5:80"`, "envoy", "app_error.origin_5xx"},
	{"envoy json", `{"response_code":503,"response_flags":"UH","response_code_details":"no_healthy_upstream"}`, "envoy", "health.all_down"},
	{"php-fpm", `[02-Jan-2026 03:04:05] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it`, "php-fpm", "overload.workers_exhausted"},
	{"gunicorn", `[2026-01-02 03:04:05 +0000] [811] [CRITICAL] WORKER TIMEOUT (pid:815)`, "app", "app_error.worker_timeout"},
	{"uwsgi", `*** uWSGI listen queue of socket "127.0.0.1:3031" (fd: 3) full !!! (101/100) ***`, "app", "overload.backlog_full"},
	{"java", `2026-01-02 03:04:05,678 ERROR [http-nio-8080-exec-7] c.a.Cart - HikariPool-1 - Connection is not available, request timed out after 30001ms.`, "app", "database.pool_exhausted"},
	{"node", `Error: connect ECONNREFUSED 10.0.0.7:9200`, "app", "app_error.dependency_failed"},
	{"go", `2026/01/02 03:04:05 http: panic serving 10.0.0.1:51234: runtime error: index out of range`, "app", "app_error.exception"},
	{"docker json", `{"log":"MemoryError\n","stream":"stderr","time":"2026-01-02T03:04:05.678Z"}`, "app", "overload.heap_exhausted"},
	{"cri", `2026-01-02T03:04:05.678901Z stderr F java.lang.OutOfMemoryError: Java heap space`, "app", "overload.heap_exhausted"},
	{"structured", `{"ts":"2026-01-02T03:04:05Z","level":"error","msg":"request","status":500,"error":"OSError: [Errno 24] Too many open files"}`, "app", "overload.fd_limit"},
	{"structured healthy", `{"ts":"2026-01-02T03:04:05Z","level":"info","msg":"request","status":200,"path":"/deadlock detected"}`, "app", ""},
	{"logfmt", `time=2026-01-02T03:04:05Z level=error msg="context deadline exceeded" path=/x`, "app", "app_error.dependency_slow"},
	{"application healthy", `2026-01-02 03:04:05,678 INFO [worker-3] web GET /cart -> 200 in 3.1 ms`, "", ""},
	{"postgresql", `2026-01-02 03:04:05.678 UTC [811] svc@orders FATAL:  sorry, too many clients already`, "database", "database.too_many_connections"},
	{"mysql", `2026-01-02T03:04:05.678901Z 12 [ERROR] [MY-013183] [InnoDB] The table 'orders' is full`, "database", "database.storage_full"},
	{"mysql slow", `# Query_time: 12.000123  Lock_time: 0.000012 Rows_sent: 1  Rows_examined: 900000`, "database", "database.slow_query"},
	{"redis", `811:M 02 Jan 2026 03:04:05.678 # Can't save in background: fork: Cannot allocate memory`, "database", "overload.memory_oom"},
	{"kernel", `Jan  2 03:04:05 app-1 kernel: [12345.678901] Out of memory: Killed process 4711 (php-fpm) total-vm:512000kB, anon-rss:300000kB`, "kernel", "overload.memory_oom"},
	{"dmesg", `[12345.678901] nf_conntrack: table full, dropping packet`, "kernel", "network.conntrack_full"},
	{"systemd", `2026-01-02T03:04:05.678901+00:00 app-1 systemd[1]: cart.service: Main process exited, code=killed, status=9/KILL`, "systemd", "app_error.crash"},
	{"systemd start", `Jan  2 03:04:05 app-1 systemd[1]: Started cart.service - Cart.`, "systemd", ""},
	{"kubernetes", `2m    Warning   Unhealthy   pod/cart-5d9c7   Readiness probe failed: HTTP probe failed with statuscode: 503`, "app", "health.probe_failed"},
	{"deploy", `Jan  2 03:04:05 w1 deploy[811]: deploying cart version=1.2.3 to w1`, "deploy", ""},
	{"alb", `http 2026-01-02T03:04:05.678901Z app/cart/50dc 203.0.113.9:51234 - -1 -1 -1 503 - 34 366 "GET http://s:80/ HTTP/1.1" "curl/8.1" - - arn:aws:x "Root=1-58337262-36d2" "-" "-" 0 2026-01-02T03:04:05.600000Z "forward" "-" "-" "-" "-" "-" "-"`, "cdn", "health.all_down"},
	{"alb healthy", `http 2026-01-02T03:04:05.678901Z app/cart/50dc 203.0.113.9:51234 10.0.0.5:80 0.000 0.001 0.000 200 200 34 366 "GET http://s:80/ HTTP/1.1" "curl/8.1" - - arn:aws:x "Root=1-58337262-36d2" "-" "-" 0 2026-01-02T03:04:05.600000Z "forward" "-" "-" "-" "-" "-" "-"`, "cdn", ""},
	{"heroku", `2026-01-02T03:04:05.678901+00:00 heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="/" status=503`, "cdn", "origin_slow.first_byte_timeout"},
	{"cloudflare", `{"EdgeResponseStatus":522,"OriginResponseStatus":0}`, "cdn", "network.conn_timeout"},
	{"google", `{"httpRequest":{"status":502},"jsonPayload":{"statusDetails":"failed_to_connect_to_backend"}}`, "cdn", "network.conn_refused"},
	{"iis", `2026-01-02 03:04:05 203.0.113.9 51234 10.0.0.5 80 HTTP/1.1 GET / 503 1 QueueFull DefaultAppPool`, "app", "rate_queue.queue_full"},
	{"bare fetch error", "first byte timeout", "varnish", "origin_slow.first_byte_timeout"},
	{"bare state", "sQ--", "haproxy", "rate_queue.queue_timeout"},
	{"bare status and flag", "503 UO", "envoy", "rate_queue.circuit_breaker"},
	{"bare page", "503 Backend fetch failed", "varnish", "unknown.unclassified"},
	{"bare status line", "HTTP/1.1 503 Service Unavailable", "nginx", "unknown.unclassified"},
	{"two pairs", "http_status=503 termination_state=sH--", "haproxy", "origin_slow.first_byte_timeout"},
	{"varnishlog squeezed", "-- FetchError b HTC eof (-1)", "varnish", "network.conn_closed"},
	{"container killed for memory", `container "cart" exited with exitCode: 137 reason: OOMKilled`, "app", "overload.memory_oom"},
	{"empty", "", "", ""},
	{"prose", "the quick brown fox jumps over the lazy dog", "", ""},
	{"binary", "\x00\xff\xfe[\x01] \"\"\"{", "", ""},
}

func TestLookup(t *testing.T) {
	for _, c := range lookups {
		t.Run(c.name, func(t *testing.T) {
			m := Default().Lookup([]byte(c.line))
			if c.cause == "" && len(m.Causes) > 0 || c.cause != "" && (len(m.Causes) == 0 || m.Causes[0] != c.cause) {
				t.Errorf("causes %v by %s, want %q first", m.Causes, m.Event, c.cause)
			}
			if c.program != "" && m.Program != c.program {
				t.Errorf("program %q, want %q", m.Program, c.program)
			}
			if c.cause != "" && (m.Advice == "" || len(m.Confirm) == 0) {
				t.Errorf("advice %q, confirm %q", m.Advice, m.Confirm)
			}
		})
	}
}

func TestLookupIsBounded(t *testing.T) {
	const most = 5 * time.Second // takes tens of milliseconds; much more only on a busy machine with the race detector
	for _, unit := range []string{"a", " ", `"`, "[", "] ", ": ", "= ", "x=1 ", "{", `{"a":`, "/", "\x00", "connect() failed (", "Caused by: x.Exception: ", "1/1/1/1/1 ----"} {
		line := bytes.Repeat([]byte(unit), (1<<20)/len(unit))
		start := time.Now()
		m := Default().Lookup(line)
		if took := time.Since(start); took > most {
			t.Errorf("%q: %v", unit, took)
		}
		if len(m.Line) > maxText || len(m.Causes) > maxCauses {
			t.Errorf("%q: %d bytes, %d causes", unit, len(m.Line), len(m.Causes))
		}
	}
}

func FuzzLookup(f *testing.F) {
	for _, c := range lookups {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m := Default().Lookup(line)
		if len(m.Causes) > maxCauses || m.Causes == nil || m.Confirm == nil {
			t.Fatalf("causes %v, confirm %v", m.Causes, m.Confirm)
		}
		for _, slug := range m.Causes {
			if CauseOf(slug) == nil {
				t.Fatalf("%q is no cause", slug)
			}
		}
		if m.Event != "" && Default().ByName(m.Event) == nil {
			t.Fatalf("%q is no event", m.Event)
		}
		if strings.TrimSpace(string(line)) == "" && m.Event != "" {
			t.Fatalf("an empty line is %s", m.Event)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, c := range lookups {
		switch c.name {
		case "varnishlog grouped", "nginx error", "nginx access healthy", "java", "prose":
			b.Run(c.name, func(b *testing.B) {
				b.SetBytes(int64(len(c.line)))
				b.ReportAllocs()
				for b.Loop() {
					Default().Lookup([]byte(c.line))
				}
			})
		}
	}
}
