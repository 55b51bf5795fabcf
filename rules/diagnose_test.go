package rules

import (
	"slices"
	"testing"
	"time"

	"why503/parse"
)

// want is what a Verdict must say; empty fields are not compared.
type expected struct {
	symptom, cause string
	reached        Reached
	class          Class
	undecided      bool
	missing        []parse.SourceKind // must be among the missing
	words          string
}

var scenes = []struct {
	name  string
	build func() *scene
	want  expected
}{
	{"nothing listened", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		return s
	}, expected{"network.conn_refused", "network.conn_refused", ReachedNever, ClassFailure, true, []parse.SourceKind{parse.SourceJournal, parse.SourceApp, parse.SourceChanges}, "cart7 refused the connection"}},

	{"a refused connect whose service had crashed", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		s.unit(noon-parse.Time(40*second), "basketd.service: Main process exited, code=dumped, status=11/SEGV")
		return s
	}, expected{"network.conn_refused", "app_error.crash", ReachedNever, ClassFailure, false, nil, "basketd had crashed"}},

	{"a crash that was over", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		s.unit(noon-parse.Time(40*second), "basketd.service: Main process exited, code=dumped, status=11/SEGV")
		s.unit(noon-parse.Time(30*second), "Started basketd.service - Basket.")
		return s
	}, expected{"network.conn_refused", "network.conn_refused", ReachedNever, ClassFailure, true, []parse.SourceKind{parse.SourceApp}, ""}},

	{"a crash after the failure explains nothing", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		s.unit(noon+parse.Time(20*second), "basketd.service: Main process exited, code=dumped, status=11/SEGV")
		return s
	}, expected{"network.conn_refused", "network.conn_refused", ReachedNever, ClassFailure, true, nil, ""}},

	{"errno 0 repeats what an earlier attempt saw", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 110 (Connection timed out)")
		g := f.Clone()
		g.VXID, g.Time, g.Tx.Parent, g.Tx.Reason, g.Notes = 103, f.Time+5, 101, parse.ReasonRetry, nil
		note(g, parse.FieldFetchError, "backend cart7: fail errno 0 (Success)")
		s.add(g, 0, 1, parse.SourceVarnishlog, parse.JoinLink)
		return s
	}, expected{symptom: "network.conn_timeout", reached: ReachedNever, class: ClassFailure, undecided: true}},

	{"errno 0 does not take the errno of another backend", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 110 (Connection timed out)")
		g := f.Clone()
		g.VXID, g.Time, g.Tx.Parent, g.Tx.Reason, g.Notes = 103, f.Time+5, 101, parse.ReasonRetry, nil
		g.Tx.Backend = []byte("cart8")
		note(g, parse.FieldFetchError, "backend cart8: fail errno 0 (Success)")
		s.add(g, 0, 1, parse.SourceVarnishlog, parse.JoinLink)
		return s
	}, expected{symptom: "network.conn_refused", cause: "network.conn_refused", reached: ReachedNever, class: ClassFailure, undecided: true}},

	{"first byte timeout, and the origin was still at work", func() *scene {
		s, f := varnish(503, 4*second, 503)
		broke(f, "first byte timeout (reused connection)")
		s.nginx(499, 4*second)
		return s
	}, expected{"origin_slow.first_byte_timeout", "origin_slow.first_byte_timeout", ReachedLate, ClassFailure, true, []parse.SourceKind{parse.SourceApp, parse.SourceDatabaseSlow}, "Varnish gave up at 4.00 s"}},

	{"first byte timeout without any other log", func() *scene {
		s, f := varnish(503, 4*second, 503)
		broke(f, "first byte timeout")
		return s
	}, expected{"origin_slow.first_byte_timeout", "origin_slow.first_byte_timeout", ReachedUnknown, ClassFailure, true, []parse.SourceKind{parse.SourceNginxAccess, parse.SourceApp, parse.SourcePHPFPM, parse.SourcePHPFPMSlow, parse.SourceDatabaseSlow}, ""}},

	{"a full pool took the time", func() *scene {
		s, f := varnish(503, 4*second, 503)
		broke(f, "first byte timeout")
		s.signal(parse.SourcePHPFPM, parse.PHPFPM, parse.FieldFPM, "shop", noon-parse.Time(3*second), "[pool shop] server reached pm.max_children setting (9), consider raising it")
		return s
	}, expected{"origin_slow.first_byte_timeout", "overload.workers_exhausted", ReachedUnknown, ClassFailure, false, nil, "no PHP worker was free"}},

	{"between bytes: errno text, then framing text", func() *scene {
		s, f := varnish(503, 2*second, 200, 503)
		broke(f, "Resource temporarily unavailable", "straight insufficient bytes")
		return s
	}, expected{symptom: "origin_slow.between_bytes_timeout", cause: "origin_slow.between_bytes_timeout", reached: ReachedLost, class: ClassFailure, undecided: true}},

	{"reset in the body", func() *scene {
		s, f := varnish(503, 1e8, 200, 503)
		broke(f, "Connection reset by peer", "chunked insufficient bytes")
		return s
	}, expected{symptom: "network.conn_reset", reached: ReachedLost, class: ClassFailure, undecided: true}},

	{"short body", func() *scene {
		s, f := varnish(503, 1e8, 200, 503)
		broke(f, "straight insufficient bytes")
		return s
	}, expected{symptom: "app_error.truncated_body", reached: ReachedLost, class: ClassFailure, undecided: true}},

	{"too many headers look like bad HTTP", func() *scene {
		s, f := varnish(503, 1e6, 503, 503)
		note(f, parse.FieldBogoHeader, "Too many headers: X-Trace-7: q")
		note(f, parse.FieldHTTPGarbage, `"HTTP/1.1%00"`)
		broke(f, "http format error")
		return s
	}, expected{"cache_config.header_limit", "cache_config.header_limit", ReachedLost, ClassFailure, false, nil, "the response header of cart7 was larger than Varnish takes"}},

	{"bad HTTP", func() *scene {
		s, f := varnish(503, 1e6, 503, 503)
		note(f, parse.FieldHTTPGarbage, `"SSH-2.0-x"`)
		broke(f, "http format error")
		return s
	}, expected{symptom: "app_error.bad_http_response", cause: "app_error.bad_http_response", reached: ReachedLost, class: ClassFailure}},

	{"no workspace", func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		note(f, parse.FieldLostHeader, "X-Big:")
		broke(f, "out of workspace")
		return s
	}, expected{symptom: "cache_config.workspace_overflow", cause: "cache_config.workspace_overflow", reached: ReachedNever, class: ClassFailure}},

	{"the origin's own 500, made a 503 by VCL", func() *scene {
		s, f := varnish(503, 1e7, 500)
		s.q.Parts[0].Record.Tx.Statuses = []int{500, 503}
		s.q.Parts[0].Record.Tx.Calls |= parse.CallSynth
		note(f, parse.FieldBerespStatus, "500")
		return s
	}, expected{"app_error.origin_5xx", "app_error.origin_5xx", ReachedOrigin, ClassFailure, true, []parse.SourceKind{parse.SourceApp, parse.SourceNginxError}, "cart7 answered 500"}},

	{"return(error) of a 500", func() *scene {
		s, f := varnish(503, 1e7, 500, 503)
		f.Tx.Returns |= parse.ReturnError
		note(f, parse.FieldBerespStatus, "500")
		broke(f)
		return s
	}, expected{symptom: "app_error.origin_5xx", reached: ReachedOrigin, class: ClassFailure, undecided: true}},

	{"a full disk says more than the exception around it", func() *scene {
		s, f := varnish(500, 1e7, 500)
		note(f, parse.FieldBerespStatus, "500")
		n := s.nginx(500, 1e7, parse.Upstream{Addr: []byte("10.2.2.2:5000"), Status: 500, Header: 5e6})
		s.app(n, "Traceback (most recent call last):", "OSError: [Errno 28] No space left on device: '/var/spool/x'")
		return s
	}, expected{"app_error.origin_5xx", "overload.disk_full", ReachedOrigin, ClassFailure, false, nil, "the disk was full"}},

	{"an exception", func() *scene {
		s, f := varnish(500, 1e7, 500)
		note(f, parse.FieldBerespStatus, "500")
		n := s.nginx(500, 1e7, parse.Upstream{Addr: []byte("10.2.2.2:5000"), Status: 500, Header: 5e6})
		s.app(n, "Traceback (most recent call last):")
		s.unit(noon-parse.Time(5*second), "Stopped basketd.service - Basket.")
		return s
	}, expected{symptom: "app_error.origin_5xx", cause: "app_error.exception", reached: ReachedOrigin, class: ClassFailure}},

	{"nginx was refused while the service was being replaced", func() *scene {
		s, f := varnish(502, 1e7, 502)
		note(f, parse.FieldBerespStatus, "502")
		n := s.nginx(502, 1e7, parse.Upstream{Addr: []byte("10.2.2.2:5000"), Status: 502, Connect: -1, Header: -1})
		s.nginxError(n, "connect() failed (111: Connection refused) while connecting to upstream")
		s.signal(parse.SourceChanges, parse.Deploy, parse.FieldDeploy, "basketd", noon-parse.Time(4*second), "deploying basketd version=7.1 to n1")
		s.unit(noon-parse.Time(3*second), "Stopped basketd.service - Basket.")
		return s
	}, expected{symptom: "app_error.origin_5xx", cause: "app_error.deploy_restart", reached: ReachedOrigin, class: ClassFailure, words: "basketd had been stopped"}},

	{"an answer of the service itself is not explained by its having been down", func() *scene {
		s, f := varnish(500, 1e7, 500)
		note(f, parse.FieldBerespStatus, "500")
		s.nginx(500, 1e7, parse.Upstream{Addr: []byte("10.2.2.2:5000"), Status: 500, Header: 5e6})
		s.unit(noon-parse.Time(3*second), "Stopped basketd.service - Basket.")
		return s
	}, expected{symptom: "app_error.origin_5xx", cause: "app_error.origin_5xx", reached: ReachedOrigin, class: ClassFailure, undecided: true, missing: []parse.SourceKind{parse.SourceApp}}},

	{"a limit by policy", func() *scene {
		s, f := varnish(503, 1e6, 503)
		note(f, parse.FieldBerespStatus, "503")
		n := s.nginx(503, 1e6)
		s.nginxError(n, `limiting requests, excess: 3.1 by zone "perip"`)
		return s
	}, expected{"app_error.origin_5xx", "rate_queue.rate_limited", ReachedOrigin, ClassDeliberate, false, nil, "nginx limits requests here (zone perip)"}},

	{"an error from the cache", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Varnish, Time: noon, Ended: noon + 1e6, Status: 503, VXID: 9, Tx: &parse.Tx{
			Type: parse.TxRequest, Handling: parse.HandlingHit, HitVXID: 5, Statuses: []int{503}, Calls: parse.CallRecv | parse.CallHit | parse.CallDeliver}}, 0, -1, parse.SourceVarnishlog, parse.JoinRoot)
		return s
	}, expected{symptom: "cache_config.cached_error", cause: "cache_config.cached_error", reached: ReachedNotSent, class: ClassFailure, undecided: true}},

	{"maintenance", func() *scene { return synth("Site under maintenance") }, expected{symptom: "deliberate.maintenance", cause: "deliberate.maintenance", reached: ReachedNotSent, class: ClassDeliberate}},
	{"synth", func() *scene { return synth("Go away") }, expected{symptom: "deliberate.vcl_synth", cause: "deliberate.vcl_synth", reached: ReachedNotSent, class: ClassDeliberate}},

	{"return(fail) after a good answer", func() *scene {
		s, f := varnish(503, 1e6, 200)
		s.q.Parts[0].Record.Tx.Calls = parse.CallRecv | parse.CallMiss | parse.CallSynth
		f.Tx.Returns |= parse.ReturnFail
		note(f, parse.FieldVCLError, "Failed from VCL")
		return s
	}, expected{symptom: "cache_config.vcl_failure", cause: "cache_config.vcl_failure", reached: ReachedLost, class: ClassFailure}},

	{"the last attempt decides", func() *scene {
		s, f := varnish(503, 1e6, 503)
		broke(f, "HTC eof (-1)")
		g := f.Clone()
		g.VXID, g.Time, g.Tx.Parent, g.Tx.Reason, g.Notes, g.Tx.Calls = 103, f.Time+5, 101, parse.ReasonRetry, nil, 0
		g.Tx.Stamps = g.Tx.Stamps[:4]
		note(g, parse.FieldBerespStatus, "503")
		s.add(g, 0, 1, parse.SourceVarnishlog, parse.JoinLink)
		return s
	}, expected{symptom: "app_error.origin_5xx", cause: "app_error.origin_5xx", reached: ReachedOrigin, class: ClassFailure, undecided: true}},

	{"a retry saved it", func() *scene {
		s, f := varnish(200, 1e6, 503)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		f.Status = 503
		return s
	}, expected{symptom: "network.conn_refused", cause: "network.conn_refused", class: ClassSaved, reached: ReachedNever, undecided: true}},

	{"an ESI child failed in a good page", func() *scene {
		s, f := varnish(200, 1e6, 200)
		_ = f
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Varnish, Time: noon, Ended: noon + 1e6, Status: 503, VXID: 110, Tx: &parse.Tx{
			Type: parse.TxRequest, Reason: parse.ReasonESI, ESILevel: 1, Parent: 100, Handling: parse.HandlingPass, Statuses: []int{503}}}, 0, 0, parse.SourceVarnishlog, parse.JoinLink)
		g := &parse.Record{Kind: parse.KindFetch, Program: parse.Varnish, Time: noon, Ended: noon + 1e6, Status: 503, VXID: 111, Tx: &parse.Tx{Type: parse.TxFetch, Parent: 110, Backend: []byte("ads"), Statuses: []int{503}}}
		broke(g, "backend ads: unhealthy")
		s.add(g, 0, 2, parse.SourceVarnishlog, parse.JoinLink)
		return s
	}, expected{symptom: "health.backend_down", cause: "health.backend_down", class: ClassPartial, reached: ReachedNever, undecided: true}},

	{"nginx alone, its error line known", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Nginx, Time: noon, Ended: noon + 1e6, Status: 502, Upstreams: []parse.Upstream{{Addr: []byte("10.1.1.1:81"), Status: 502, Connect: -1, Header: -1}}}, 0, -1, parse.SourceNginxAccess, parse.JoinRoot)
		s.add(note(&parse.Record{Kind: parse.KindLog, Program: parse.Nginx, Time: noon, Ended: noon, Precision: second}, parse.FieldNginxError, "connect() failed (111: Connection refused) while connecting to upstream"), 0, 0, parse.SourceNginxError, parse.JoinConnection)
		return s
	}, expected{symptom: "network.conn_refused", cause: "network.conn_refused", reached: ReachedNever, class: ClassFailure, undecided: true}},

	{"nginx relayed a 500", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Nginx, Time: noon, Ended: noon + 1e6, Status: 500, Upstreams: []parse.Upstream{{Addr: []byte("10.1.1.1:81"), Status: 500, Connect: 1, Header: 5}}}, 0, -1, parse.SourceNginxAccess, parse.JoinRoot)
		return s
	}, expected{"app_error.origin_5xx", "app_error.origin_5xx", ReachedOrigin, ClassFailure, true, []parse.SourceKind{parse.SourceApp}, "10.1.1.1:81 answered 500"}},

	{"nginx 502 without its error log", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Nginx, Time: noon, Ended: noon + 1e6, Status: 502, Upstreams: []parse.Upstream{{Addr: []byte("10.1.1.1:81"), Status: 502, Connect: -1, Header: -1}}}, 0, -1, parse.SourceNginxAccess, parse.JoinRoot)
		return s
	}, expected{symptom: "unknown.unclassified", cause: "unknown.unclassified", class: ClassFailure, undecided: true, missing: []parse.SourceKind{parse.SourceNginxError}}},

	{"varnishncsa without FetchError", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Varnish, Time: noon, Ended: noon + 1e6, Status: 503}, 0, -1, parse.SourceVarnishncsa, parse.JoinRoot)
		return s
	}, expected{symptom: "unknown.unclassified", cause: "unknown.unclassified", class: ClassFailure, undecided: true, missing: []parse.SourceKind{parse.SourceVarnishlog}}},

	{"the client left", func() *scene {
		s := new(scene)
		s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Nginx, Time: noon, Ended: noon + parse.Time(30*second), Status: 499}, 0, -1, parse.SourceNginxAccess, parse.JoinRoot)
		return s
	}, expected{symptom: "client_abort.before_response", class: ClassClient, undecided: true}},
}

func synth(reason string) *scene {
	s := new(scene)
	s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Varnish, Time: noon, Ended: noon + 1e6, Status: 503, VXID: 9, Tx: &parse.Tx{
		Type: parse.TxRequest, Handling: parse.HandlingSynth, Statuses: []int{503}, Calls: parse.CallRecv | parse.CallSynth, Returns: parse.ReturnSynth, ReasonText: []byte(reason)}}, 0, -1, parse.SourceVarnishlog, parse.JoinRoot)
	return s
}

func TestDiagnose(t *testing.T) {
	for _, c := range scenes {
		t.Run(c.name, func(t *testing.T) {
			s := c.build()
			v := Builtin().Diagnose(&s.q, nil)
			if v.Symptom != c.want.symptom || c.want.cause != "" && v.Cause != c.want.cause || v.Reached != c.want.reached || v.Class != c.want.class || v.Decidable == c.want.undecided {
				t.Errorf("got %s <- %s, reached %v, class %v, decidable %v\nwant %+v", v.Symptom, v.Cause, v.Reached, v.Class, v.Decidable, c.want)
			}
			if c.want.words != "" && v.Words != c.want.words {
				t.Errorf("words %q, want %q", v.Words, c.want.words)
			}
			for _, k := range c.want.missing {
				if !slices.ContainsFunc(v.Missing, func(m Missing) bool { return m.Kind == k }) {
					t.Errorf("%v is not named as missing: %+v", k, v.Missing)
				}
			}
			contract(t, &s.q, v)
		})
	}
}

// An access line that shows no more than a status does not make the program's
// own line, joined to it, less sure.
func TestASilentProxyWeakensNoOtherLink(t *testing.T) {
	s := new(scene)
	n := s.nginx(500, 1e6)
	s.app(n, "java.lang.OutOfMemoryError: Java heap space")
	v := Builtin().Diagnose(&s.q, nil)
	if v.Symptom != "unknown.unclassified" || v.Cause != "overload.heap_exhausted" || v.Confidence < 0.6 {
		t.Errorf("got %s <- %s at %v", v.Symptom, v.Cause, v.Confidence)
	}
	s = new(scene)
	s.nginx(500, 1e6)
	if v := Builtin().Diagnose(&s.q, nil); v.Cause != "unknown.unclassified" || v.Confidence > 0.5 {
		t.Errorf("alone: %s at %v", v.Cause, v.Confidence)
	}
}

// contract holds what is true of every Verdict (design: a request in the list).
func contract(t *testing.T, q *parse.Request, v Verdict) {
	t.Helper()
	if v.Class == ClassNone {
		return
	}
	if !v.Decidable && len(v.Missing) == 0 {
		t.Error("undecided, and nothing is missing")
	}
	if len(v.Chain) == 0 || v.Chain[0].Cause != v.Symptom || v.Chain[len(v.Chain)-1].Cause != v.Cause {
		t.Errorf("the chain does not lead from the symptom to the cause: %+v", v.Chain)
	}
	for _, l := range v.Chain {
		if len(l.Line) == 0 || l.Words == "" || l.Part >= len(q.Parts)+len(q.Signals) {
			t.Errorf("a link without its line or words: %+v", l)
		}
	}
	if v.Confidence <= 0 || v.Confidence > 1 || v.Layer == "" {
		t.Errorf("confidence %v, layer %q", v.Confidence, v.Layer)
	}
	for _, m := range v.Missing {
		if m.Source == "" || m.WouldDecide == "" || m.Snippet == "" {
			t.Errorf("a missing log without words: %+v", m)
		}
	}
}

func TestTriggerIsTheNearestDeploy(t *testing.T) {
	s, f := varnish(500, 1e7, 500)
	note(f, parse.FieldBerespStatus, "500")
	s.signal(parse.SourceChanges, parse.Deploy, parse.FieldDeploy, "basketd", noon-parse.Time(20*int64(time.Minute)), "deploying basketd version=7.0 to n1")
	s.signal(parse.SourceChanges, parse.Deploy, parse.FieldDeploy, "basketd", noon-parse.Time(42*second), "deploying basketd version=7.1 to n1")
	s.q.Signals[1].Record.Version = []byte("7.1")
	s.unit(noon-parse.Time(3*second), "Stopped basketd.service - Basket.")
	v := Builtin().Diagnose(&s.q, nil)
	if v.Trigger == nil || v.Trigger.Kind != "deploy" || v.Trigger.What != "basketd 7.1" || v.Trigger.Before < 42*second || v.Trigger.Before > 43*second {
		t.Fatalf("trigger %+v", v.Trigger)
	}
}

func TestTimeoutTooShortOnlyWhereSlowWorkIsUsual(t *testing.T) {
	for _, usual := range []bool{false, true} {
		s, f := varnish(503, 4*second, 503)
		broke(f, "first byte timeout")
		n := s.nginx(499, 4*second)
		s.app(n, "BrokenPipeError: [Errno 32] Broken pipe")
		s.q.Parts[n].Record.Status, s.q.Parts[n].Record.Ended = 200, noon+parse.Time(5*second)
		if usual {
			s.q.Neighbours = []parse.Neighbours{{
				Source: s.q.Parts[n].Record.Source, Of: parse.OfRoute, Name: "/",
				Usual: 39 * second / 10, Minutes: 20, Good: 200, Since: 30 * 60 * second,
			}}
		}
		v := Builtin().Diagnose(&s.q, nil)
		if got := v.Cause == "cache_config.timeout_too_short"; got != usual {
			t.Errorf("usual %v: cause %s", usual, v.Cause)
		}
		if v.Reached != ReachedLate {
			t.Errorf("reached %v", v.Reached)
		}
	}
}
