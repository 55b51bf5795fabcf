package rules

import (
	"bytes"
	"testing"

	"why503/parse"
	"why503/parse/applog"
)

// Of several attempts, the one that made the client's answer gives the symptom,
// and of the timeouts in front of it the first one the span.
func TestTheAttemptThatMadeTheAnswerDecides(t *testing.T) {
	// try is an attempt without the time of its header; ms took so long.
	try := func(addr string, status int, ms int64) parse.Upstream {
		return parse.Upstream{Addr: []byte(addr), Status: status, Connect: -1, Header: -1, Response: ms * 1e6}
	}
	redirected := func(u parse.Upstream) parse.Upstream {
		u.Redirect = true
		return u
	}
	answered := func(u parse.Upstream) parse.Upstream {
		u.Header = u.Response
		return u
	}
	for _, c := range []struct {
		name    string
		status  int
		ups     []parse.Upstream
		symptom string
		words   string
	}{
		{"a timeout, then no time left, then a fallback that failed behind a kept status", 504,
			[]parse.Upstream{try("a:1", 504, 7000), try("b:1", 504, 0), redirected(try("c:1", 502, 1))},
			"origin_slow.first_byte_timeout", "nginx gave up at 7.00 s"},
		{"the same, where the fallback's status was the answer", 502,
			[]parse.Upstream{try("a:1", 504, 7000), try("b:1", 504, 0), redirected(try("c:1", 502, 1))},
			"unknown.unclassified", ""},
		{"the fallback's own answer", 503,
			[]parse.Upstream{try("a:1", 504, 7000), redirected(answered(try("c:1", 503, 4)))},
			"app_error.origin_5xx", "c:1 answered 503"},
		{"the fallback timed out as well", 504,
			[]parse.Upstream{try("a:1", 504, 7000), redirected(try("c:1", 504, 2000))},
			"origin_slow.first_byte_timeout", "nginx gave up at 2.00 s"},
		{"a refusal, then a timeout", 504,
			[]parse.Upstream{try("a:1", 502, 1), try("b:1", 504, 5000)},
			"origin_slow.first_byte_timeout", "nginx gave up at 5.00 s"},
		{"a timeout, then an answer of 504", 504,
			[]parse.Upstream{try("a:1", 504, 7000), answered(try("b:1", 504, 30))},
			"app_error.origin_5xx", "b:1 answered 504"},
		{"one timeout in a log without the attempts' statuses", 504,
			[]parse.Upstream{try("a:1", 0, 60000)},
			"origin_slow.first_byte_timeout", "nginx gave up at 60.0 s"},
		{"a 504 that only an error_page made is no timeout", 504,
			[]parse.Upstream{try("a:1", 502, 1)},
			"unknown.unclassified", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := new(scene)
			s.add(&parse.Record{
				Kind: parse.KindRequest, Program: parse.Nginx, Time: noon, Ended: noon + parse.Time(70*second),
				Status: c.status, URL: []byte("/basket"), Upstreams: c.ups,
			}, 0, -1, parse.SourceNginxAccess, parse.JoinRoot)
			s.cover(parse.SourceNginxAccess, true)
			v := Builtin().Diagnose(&s.q, nil)
			if v.Symptom != c.symptom || c.words != "" && v.Chain[0].Words != c.words {
				t.Errorf("%s, %q\nwant %s, %q", v.Symptom, v.Chain[0].Words, c.symptom, c.words)
			}
			contract(t, &s.q, v)
		})
	}
}

// A fetch without its request tells what failed, and by why it began whether a
// client was failed.
func TestAFetchThatNobodyWaitedForFailsNoClient(t *testing.T) {
	for _, c := range []struct {
		why  parse.TxReason
		want Class
	}{
		{parse.ReasonNone, ClassFailure},
		{parse.ReasonFetch, ClassFailure},
		{parse.ReasonESI, ClassPartial},
		{parse.ReasonBackground, ClassSaved},
	} {
		s := new(scene)
		r := note(&parse.Record{
			Kind: parse.KindFetch, Program: parse.Varnish, Time: noon, Ended: noon, Status: 503, VXID: 9, URL: []byte("/part"),
			Tx: &parse.Tx{Type: parse.TxFetch, Reason: c.why},
		}, parse.FieldFetchError, "backend cart7: fail errno 111 (Connection refused)")
		s.add(r, 0, -1, parse.SourceVarnishncsa, parse.JoinRoot)
		s.cover(parse.SourceVarnishncsa, true)
		v := Builtin().Diagnose(&s.q, nil)
		if v.Class != c.want || v.Symptom != "network.conn_refused" {
			t.Errorf("of reason %d: %v, %s; want %v", c.why, v.Class, v.Symptom, c.want)
		}
		contract(t, &s.q, v)
	}
}

// What is advised for keeping a record of deploys gives lines that are read.
func TestTheRecordOfDeploysIsOneThatIsRead(t *testing.T) {
	s, f := varnish(503, 1e6, 503)
	unsent(f)
	broke(f, "backend cart7: fail errno 111 (Connection refused)")
	v := Builtin().Diagnose(&s.q, nil)
	found := false
	for _, m := range v.Missing {
		if m.Kind != parse.SourceChanges {
			continue
		}
		found = true
		tag, text, ok := bytes.Cut(bytes.TrimPrefix([]byte(m.Snippet), []byte("logger -t ")), []byte(" "))
		if !ok || len(text) < 2 {
			t.Fatalf("no logger command: %s", m.Snippet)
		}
		line := append([]byte("Mar  4 12:00:00 web-1 "), tag...)
		line = append(append(line, ": "...), bytes.Trim(text, "'")...)
		var got parse.Record
		err := new(applog.Deploy).Parse(parse.Line{Text: line}, func(r *parse.Record) { got = *r })
		if err != nil || got.Kind != parse.KindSignal || string(got.Service) != "shop" || string(got.Version) != "1.8.3" {
			t.Errorf("%s\nread as %q %q: %v", line, got.Service, got.Version, err)
		}
	}
	if !found {
		t.Error("the record of deploys is not named as missing")
	}
}
