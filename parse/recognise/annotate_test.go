package recognise

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"why503/parse"
)

// Texts that real programs were seen to write.
func TestAnnotateObservedTexts(t *testing.T) {
	for _, c := range []struct {
		field parse.Field
		text  string
		event string
		cause string
	}{
		{parse.FieldFetchError, "HTC eof (-1)", "varnish.fe.htc_eof", "network.conn_closed"},
		{parse.FieldFetchError, "backend web: fail errno 0 (Success)", "varnish.fe.fail_errno_zero", "network.conn_refused"},
		{parse.FieldFetchError, "backend web: fail errno 111 (Connection refused)", "varnish.fe.fail_errno_econnrefused", "network.conn_refused"},
		{parse.FieldFetchError, "backend a.b: busy", "varnish.fe.busy", "cache_config.max_connections"},
		{parse.FieldFetchError, "Director d returned no backend", "varnish.fe.director_none", "health.all_down"},
		{parse.FieldFetchError, "first byte timeout (reused connection)", "varnish.fe.first_byte_reused", "origin_slow.first_byte_timeout"},
		{parse.FieldFetchError, "timeout", "varnish.fe.timeout", "origin_slow.between_bytes_timeout"},
		{parse.FieldVSL, "timeout", "varnish.vsl.timeout", "unknown.log_incomplete"},
		{parse.FieldFetchError, "no backend connection", "varnish.fe.h_no_backend_conn", "network.conn_refused"},
		{parse.FieldFetchError, "words of no version", "", ""},
		{parse.FieldBackendClose, "18 web close Receive timeout", "varnish.own.bclose_rx_timeout", "origin_slow.first_byte_timeout"},
		{parse.FieldBackendClose, "18 web recycle", "varnish.bclose.recycle", "unknown.normal"},
		{parse.FieldBackendClose, "18 web", "varnish.own.bclose_other", "unknown.context"},
		{parse.FieldError, "out of workspace (bo)", "varnish.err.ws_named", "cache_config.workspace_overflow"},
		{parse.FieldVCLError, "Failed from VCL", "varnish.vclerr.failed_from_vcl", "deliberate.vcl_synth"},
		{parse.FieldVCLError, "something that a module says", "varnish.vclerr.other", "cache_config.vcl_failure"},
		{parse.FieldBackendHealth, `web Went sick 4---X-R- 2 3 8 0.001 0.002 "HTTP/1.1 500 x"`, "varnish.probe.went_sick", "health.backend_down"},
		{parse.FieldBackendHealth, `web Still healthy 4---X-RH 8 3 8 0.001 0.002 "HTTP/1.1 200 OK"`, "varnish.probe.line", "unknown.context"},
		{parse.FieldNginxError, "upstream timed out (110: Connection timed out) while reading response header from upstream", "nginx.tmo.header", "origin_slow.first_byte_timeout"},
		{parse.FieldNginxError, "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream", "nginx.tls.wrong_version", "tls.protocol_mismatch"},
		{parse.FieldNginxError, "connect() to unix:/run/a.sock failed (11: Resource temporarily unavailable) while connecting to upstream", "nginx.conn.eagain", "overload.backlog_full"},
		{parse.FieldNginxError, `write() to "/var/log/nginx/access.log" failed (28: No space left on device) while logging request`, "sys.enospc", "overload.disk_full"},
		{parse.FieldNginxError, "client 10.0.0.1 closed keepalive connection", "nginx.own.keepalive", "unknown.normal"},
		{parse.FieldHAProxy, "sH--", "haproxy.st.lsH", "origin_slow.first_byte_timeout"},
		{parse.FieldHAProxy, "SC", "haproxy.st.SC", "network.conn_refused"},
		{parse.FieldHAProxy, "be/<NOSRV>", "haproxy.f.nosrv", "health.all_down"},
		{parse.FieldHAProxy, `Server be/web1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left.`, "haproxy.log.down", "health.backend_down"},
		{parse.FieldEnvoy, "UF,URX", "envoy.flag.UF", "network.conn_refused"},
		{parse.FieldEnvoy, "upstream_reset_before_response_started{connection_timeout}", "envoy.reset.before.connection_timeout", "network.conn_timeout"},
		{parse.FieldFPM, "[pool www] server reached pm.max_children setting (5), consider raising it", "app.fpm.max_children", "overload.workers_exhausted"},
		{parse.FieldFPM, `[pool www] child 12 said into stderr: "PHP message: PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted"`, "app.php.memory", "overload.heap_exhausted"},
		{parse.FieldFPM, "Terminating ...", "app.own.fpm_stop", "app_error.deploy_restart"},
		{parse.FieldAppText, "OSError: [Errno 24] Too many open files: '/dev/null'", "app.own.py_emfile", "overload.fd_limit"},
		{parse.FieldAppText, "OSError: [Errno 28] No space left on device", "app.own.py_enospc", "overload.disk_full"},
		{parse.FieldAppText, "mysqli_sql_exception: Connection refused", "db.own.mysqli_refused", "database.unavailable"},
		{parse.FieldAppText, "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30001ms.", "app.java.hikari", "database.pool_exhausted"},
		{parse.FieldAppText, "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) FATAL:  sorry, too many clients already", "db.pg.53300", "database.too_many_connections"},
		{parse.FieldAppText, "pymysql.err.OperationalError: (1205, 'Lock wait timeout exceeded; try restarting transaction')", "db.mysql.1205", "database.lock_wait"},
		{parse.FieldAppText, "PHP Fatal error:  Uncaught RedisException: Connection lost", "app.php.redis", "database.keyvalue_store"},
		{parse.FieldAppText, "client went away: ConnectionResetError(104, 'Connection reset by peer')", "app.own.peer_left", "cache_config.timeout_too_short"},
		{parse.FieldAppText, "client went away: BrokenPipeError(32, 'Broken pipe')", "app.own.peer_left", "cache_config.timeout_too_short"},
		{parse.FieldAppText, "slow upstream call, waiting (budget 8.0s)", "app.own.dep_slow", "app_error.dependency_slow"},
		{parse.FieldAppText, "load shed: queue depth 64 >= limit 64, answering 503", "app.own.load_shed", "rate_queue.load_shed"},
		{parse.FieldAppText, "overloaded", "app.own.overloaded", "rate_queue.load_shed"},
		{parse.FieldAppText, "assertion failed: version >= 0, aborting", "app.own.assert", "app_error.crash"},
		{parse.FieldAppText, "thread 'main' panicked at src/main.rs:4:5:", "app.own.rust_panic", "app_error.exception"},
		{parse.FieldAppText, "com.acme.OddException: no stock", "app.own.exception", "app_error.exception"},
		{parse.FieldAppText, "KeyError: 'avail'", "app.own.key_error", "app_error.exception"},
		{parse.FieldAppText, "startup version=2.14.0", "app.life.start", "unknown.context"},
		{parse.FieldAppText, "SIGTERM received, shutting down version=2.14.0", "app.life.stop", "unknown.context"},
		{parse.FieldAppText, "GET /timeout-page/Disabled -> 200 in 3.1 ms", "", ""},
		{parse.FieldAppText, "request", "", ""},
		{parse.FieldAppText, "duration: 12.5 ms", "", ""},
		{parse.FieldSystemd, "cart.service: Main process exited, code=killed, status=9/KILL", "systemd.main_exited_killed", "app_error.crash"},
		{parse.FieldSystemd, "cart.service: Main process exited, code=dumped, status=6/ABRT", "systemd.main_exited_dumped", "app_error.crash"},
		{parse.FieldSystemd, "cart.service: Main process exited, code=exited, status=203/EXEC", "systemd.main_exited_exec", "app_error.startup_failed"},
		{parse.FieldSystemd, "cart.service: Main process exited, code=exited, status=1/FAILURE", "systemd.main_exited_code", "app_error.crash"},
		{parse.FieldSystemd, "cart.service: Failed with result 'oom-kill'.", "sys.systemd_oom_result", "overload.memory_oom"},
		{parse.FieldSystemd, "cart.service: Failed with result 'start-limit-hit'.", "systemd.start_limit", "app_error.startup_failed"},
		{parse.FieldSystemd, "cart.service: Scheduled restart job, restart counter is at 3.", "systemd.restart_scheduled", "unknown.context"},
		{parse.FieldSystemd, "Started cart.service - Cart (1.2.3).", "systemd.started", "unknown.context"},
		{parse.FieldSystemd, "Stopped cart.service - Cart.", "systemd.stopped", "unknown.context"},
		{parse.FieldSystemd, "exited: cart (terminated by SIGKILL; not expected)", "supervisor.exited", "app_error.crash"},
		{parse.FieldDeploy, "deploying cart version=1.2.3 to w1", "deploy.begin", "unknown.context"},
		{parse.FieldDeploy, "deploy of cart version=1.2.3 done", "deploy.done", "unknown.context"},
		{parse.FieldDeploy, "rolling back cart to 1.2.2", "deploy.rollback", "unknown.context"},
		{parse.FieldDatabase, "[Warning] Aborted connection 5 to db: 'shop' user: 'u' host: 'h' (Got timeout reading communication packets)", "db.mysql.aborted", "database.connection_lost"},
		{parse.FieldNCSAFetchError, "first byte timeout", "varnish.fe.first_byte", "origin_slow.first_byte_timeout"},
		{parse.FieldNone, "first byte timeout", "", ""},
		{parse.Field(250), "first byte timeout", "", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			for range 2 { // the second answer is a remembered one
				r := parse.Record{Notes: []parse.Note{{Field: c.field, Text: []byte(c.text), Event: 7}}}
				Default().Annotate(&r)
				var event, cause string
				if e := Default().Event(r.Notes[0].Event); e != nil {
					event, cause = e.Name, e.Cause
				}
				if event != c.event || cause != c.cause {
					t.Fatalf("got %q (%s), want %q (%s)", event, cause, c.event, c.cause)
				}
			}
		})
	}
}

func TestCaptures(t *testing.T) {
	n := parse.Note{Field: parse.FieldFetchError, Text: []byte("backend web: fail errno 111 (Connection refused)")}
	r := parse.Record{Notes: []parse.Note{n}}
	Default().Annotate(&r)
	got := map[string]string{}
	for _, c := range Default().Captures(&r.Notes[0]) {
		got[c.Name] = string(c.Value)
	}
	if diff := cmp.Diff(map[string]string{"backend": "web", "errno": "111"}, got); diff != "" {
		t.Error(diff)
	}
	if c := Default().Captures(&parse.Note{Text: []byte("x")}); c != nil {
		t.Errorf("captures of a text that is no event: %v", c)
	}
}

func TestAnnotateDoesNotAllocate(t *testing.T) {
	s := Default()
	for _, c := range []struct {
		name string
		note parse.Note
	}{
		{"healthy", parse.Note{Field: parse.FieldAppText, Text: []byte("GET /product/12 -> 200 in 3.1 ms for the customer with the long name")}},
		{"long", parse.Note{Field: parse.FieldAppText, Text: []byte(strings.Repeat("nothing of interest ", 1000))}},
		{"seen before", parse.Note{Field: parse.FieldFetchError, Text: []byte("backend web: busy")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parse.Record{Notes: []parse.Note{c.note}}
			s.Annotate(&r)
			if n := testing.AllocsPerRun(100, func() { s.Annotate(&r) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func FuzzAnnotate(f *testing.F) {
	s := Default()
	for i := range s.Events() {
		if e := &s.Events()[i]; i%17 == 0 {
			f.Add(uint8(e.Field), []byte(filled(e)))
		}
	}
	f.Fuzz(func(t *testing.T, field uint8, text []byte) {
		r := parse.Record{Notes: []parse.Note{{Field: parse.Field(field), Text: text}}}
		s.Annotate(&r)
		n := &r.Notes[0]
		e := s.Event(n.Event)
		if e == nil {
			return
		}
		if !e.expr.Match(bounded(text)) {
			t.Fatalf("%q is not %s", text, e.Name)
		}
		for _, c := range s.Captures(n) {
			if len(c.Value) == 0 {
				t.Fatalf("%s of %q is empty", c.Name, text)
			}
		}
	})
}

func BenchmarkAnnotate(b *testing.B) {
	for _, c := range []struct {
		name, text string
		field      parse.Field
	}{
		{"healthy", "GET /product/1234 -> 200 in 3.1 ms", parse.FieldAppText},
		{"matching", "backend web: fail errno 111 (Connection refused)", parse.FieldFetchError},
		{"trace", "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) FATAL:  sorry, too many clients already", parse.FieldAppText},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := parse.Record{Notes: []parse.Note{{Field: c.field, Text: []byte(c.text)}}}
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				Default().Annotate(&r)
			}
		})
		b.Run(c.name+"/unseen", func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				Default().recognise(c.field, []byte(c.text))
			}
		})
	}
}
