package nginx

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

func TestCompileAccess(t *testing.T) {
	const at = 1795383315 // 2026-11-22T21:35:15Z
	type want struct {
		Method, URL, Host, Protocol, Client, Agent, Request, Own, Trace string
		Status                                                          int
		Bytes                                                           int64
		VXID, Conn                                                      uint64
		Millis, Took                                                    int64 // end, and time before it
		Upstreams                                                       []parse.Upstream
	}
	up := func(addr string, status int, response int64, redirect bool) parse.Upstream {
		return parse.Upstream{Addr: []byte(addr), Status: status, Connect: -1, Header: -1, Response: response, Redirect: redirect}
	}
	const ms = int64(time.Millisecond)
	for _, c := range []struct {
		name, format string
		escape       Escape
		line         string
		want         want
	}{
		{
			"variables in braces and separate parts of the request",
			`${remote_addr}|${request_method}|$host|$uri?$args|$status|${msec}|$request_time`, EscapeDefault,
			`10.0.0.9|GET|a.example|/x y|z?q=1|503|1795383315.250|0.250`,
			want{Method: "GET", URL: "/x y|z?q=1", Host: "a.example", Client: "10.0.0.9", Status: 503, Bytes: -1, Millis: at*1000 + 250, Took: 250},
		},
		{
			"address from host and request_uri without a literal",
			`[$time_local] $scheme://$host$request_uri $status $body_bytes_sent`, EscapeDefault,
			`[22/Nov/2026:21:35:15 +0000] https://a.example/x?y=1 200 10`,
			want{URL: "/x?y=1", Host: "a.example", Status: 200, Bytes: 10, Millis: at * 1000},
		},
		{
			"uri with its query at once",
			`$msec "$request_method $uri$is_args$args" $status`, EscapeDefault,
			`1795383315.000 "GET /x?a=b" 200`,
			want{Method: "GET", URL: "/x?a=b", Status: 200, Bytes: -1, Millis: at * 1000},
		},
		{
			"lists without quotes beside each other",
			`$msec $upstream_addr $upstream_status $upstream_response_time $status`, EscapeDefault,
			`1795383315.000 10.0.0.1:80, 10.0.0.2:80 : unix:/b.sock 502, 404 : - 0.001, 0.002 : 0.003 200`,
			want{Status: 200, Bytes: -1, Millis: at * 1000, Upstreams: []parse.Upstream{
				up("10.0.0.1:80", 502, ms, false), up("10.0.0.2:80", 404, 2*ms, false), up("unix:/b.sock", 0, 3*ms, true),
			}},
		},
		{
			"a redirect that led to no server",
			`$msec "$upstream_addr" "$upstream_status" $status`, EscapeDefault,
			`1795383315.000 "10.0.0.1:80 : " "503 : " 503`,
			want{Status: 503, Bytes: -1, Millis: at * 1000, Upstreams: []parse.Upstream{up("10.0.0.1:80", 503, -1, false)}},
		},
		{
			"no server asked",
			`$msec $status "$upstream_addr" "$upstream_status"`, EscapeDefault, `1795383315.000 503 "-" "-"`,
			want{Status: 503, Bytes: -1, Millis: at * 1000},
		},
		{
			"unquoted request and agent",
			`$remote_addr $request $status $http_user_agent $msec`, EscapeDefault,
			`10.0.0.9 GET /a b?c HTTP/1.1 200 Mozilla/5.0 (X11) 200 1795383315.125`,
			want{Method: "GET", URL: "/a b?c", Protocol: "HTTP/1.1", Client: "10.0.0.9", Agent: "Mozilla/5.0 (X11) 200", Status: 200, Bytes: -1, Millis: at*1000 + 125},
		},
		{
			"bare quotes with escape=none",
			`$remote_addr [$time_iso8601] "$request" $status "$http_referer" "$http_user_agent"`, EscapeNone,
			`10.0.0.9 [2026-11-22T22:35:15+01:00] "GET /a" 200 "b HTTP/1.1" 502 "" "say "hi" "x""`,
			want{Method: "GET", URL: `/a" 200 "b`, Protocol: "HTTP/1.1", Client: "10.0.0.9", Agent: `say "hi" "x"`, Status: 502, Bytes: -1, Millis: at * 1000},
		},
		{
			"ids, with a header name that says what it is",
			`$msec $status $http_x_correlation_id $request_id $http_traceparent $http_x_varnish $connection.$connection_requests`, EscapeDefault,
			`1795383315.000 200 id/1 0123456789abcdef0123456789abcdef 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 32770 7.12`,
			want{
				Status: 200, Bytes: -1, Millis: at * 1000, Request: "id/1", Own: "0123456789abcdef0123456789abcdef",
				Trace: "0af7651916cd43dd8448eb211c80319c", VXID: 32770, Conn: 7,
			},
		},
		{
			"own id alone, and dashes for all else",
			`$msec $status $http_x_request_id $request_id $http_traceparent $http_x_varnish $request_time`, EscapeDefault,
			`1795383315.000 200 - 0123456789abcdef0123456789abcdef - - -`,
			want{Status: 200, Bytes: -1, Millis: at * 1000, Request: "0123456789abcdef0123456789abcdef"},
		},
		{
			"milliseconds win over seconds",
			combinedFormat + ` $request_time $msec`, EscapeDefault,
			`10.0.0.9 - - [22/Nov/2026:21:35:14 +0000] "GET / HTTP/1.1" 200 5 "-" "-" 1.500 1795383315.001`,
			want{Method: "GET", URL: "/", Protocol: "HTTP/1.1", Client: "10.0.0.9", Status: 200, Bytes: 5, Millis: at*1000 + 1, Took: 1500},
		},
		{
			"JSON whose keys say nothing",
			`{"a":"$time_iso8601","b":"$request","c":$status,"d":[$upstream_response_time],"e":"$upstream_addr"}`, EscapeJSON,
			`{"a":"2026-11-22T21:35:15+00:00","b":"GET /\"q\" HTTP/1.1","c":502,"d":[0.001, 0.002],"e":"10.0.0.1:80, 10.0.0.2:80"}`,
			want{Method: "GET", URL: `/"q"`, Protocol: "HTTP/1.1", Status: 502, Bytes: -1, Millis: at * 1000, Upstreams: []parse.Upstream{
				up("10.0.0.1:80", 0, ms, false), up("10.0.0.2:80", 0, 2*ms, false),
			}},
		},
		{
			"JSON that has grown a key and lost another since",
			`{"a":"$time_iso8601","b":"$request","x":"$http_x","c":"$status"}`, EscapeJSON,
			`{"a":"2026-11-22T21:35:15+00:00", "new":{"k":1}, "c":"503", "b":"GET /\u00fc HTTP/1.1"}`,
			want{Method: "GET", URL: "/\u00fc", Protocol: "HTTP/1.1", Status: 503, Bytes: -1, Millis: at * 1000},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := one(mustCompile(t, c.format, c.escape), c.line)
			if err != nil || r == nil {
				t.Fatalf("record %v, error %v", r, err)
			}
			got := want{
				Method: string(r.Method), URL: string(r.URL), Host: string(r.Host), Protocol: string(r.Protocol),
				Client: string(r.Client), Agent: string(r.Agent), Request: string(r.RequestID), Own: string(r.OwnID), Trace: string(r.TraceID),
				Status: r.Status, Bytes: r.Bytes, VXID: r.VXID, Conn: r.ConnID,
				Millis: int64(r.Ended) / 1e6, Took: int64(r.Ended-r.Time) / 1e6, Upstreams: r.Upstreams,
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCompileAccessRefuses(t *testing.T) {
	for _, format := range []string{"", "no variable", "$", "a $ b", "${status", "${}", strings.Repeat("$status ", maxFields+1), strings.Repeat("x", maxFormat) + "$status"} {
		if _, err := CompileAccess(format, EscapeDefault); err == nil {
			t.Errorf("%.40q was taken", format)
		}
	}
}

func TestWhatFitsNoFormatIsRefused(t *testing.T) {
	const good = `10.0.0.9 - - [22/Nov/2026:21:35:15 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`
	timed := mustCompile(t, `$msec $status $request_time`, EscapeDefault)
	main := mustCompile(t, combinedFormat, EscapeDefault)
	for _, c := range []struct {
		name string
		p    parse.Parser
		line string
	}{
		{"text", Combined(), "nothing of the kind"},
		{"no such day", Combined(), strings.Replace(good, "22/Nov", "31/Feb", 1)},
		{"no such hour", Combined(), strings.Replace(good, ":21:35", ":25:35", 1)},
		{"no zone", Combined(), strings.Replace(good, " +0000", "", 1)},
		{"no status", Combined(), strings.Replace(good, " 200", "", 1)},
		{"status of words", Combined(), strings.Replace(good, "200", "abc", 1)},
		{"cut in the request", Combined(), good[:60]},
		{"cut in the agent", Combined(), good[:len(good)-1]},
		{"more than the format has", main, good + ` "x"`},
		{"other shape", timed, good},
		{"status too long", timed, "1795383315.000 2000 0.1"},
		{"no stamp", timed, "- 200 0.1x"},
		{"half JSON", JSON(), `{"time":"2026-11-22T21:35:15+00:00","status":"200","uri":"/`},
		{"JSON of another program", JSON(), `{"time":"2026-11-22T21:35:15+00:00","level":"info","msg":"started"}`},
		{"JSON with a wrong time", JSON(), `{"time":"yesterday","status":"200","uri":"/"}`},
		{"deep JSON", JSON(), strings.Repeat(`{"a":`, 5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := one(c.p, c.line); !errors.Is(err, parse.ErrFormat) || r != nil {
				t.Errorf("record %v, error %v, want none and ErrFormat", r, err)
			}
		})
	}
}

func TestLinesWithOddBeginningsAreTaken(t *testing.T) {
	const good = `10.0.0.9 - - [22/Nov/2026:21:35:15 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`
	for _, c := range []struct {
		name, line, raw string
	}{
		{"carriage return", good + "\r", good + "\r"},
		{"zero bytes of copytruncate", "\x00\x00\x00" + good, "\x00\x00\x00" + good},
		{"forwarded addresses", strings.Replace(good, "10.0.0.9", "10.0.0.9, 10.0.0.1", 1), ""},
		{"user with a bracket", strings.Replace(good, " - -", " - a [b", 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := one(Combined(), c.line)
			if err != nil || r == nil {
				t.Fatalf("record %v, error %v", r, err)
			}
			if string(r.Raw) != c.line || string(r.Client) != "10.0.0.9" || r.Status != 200 {
				t.Errorf("raw %q, client %q, status %d", r.Raw, r.Client, r.Status)
			}
		})
	}
	var got *parse.Record
	cut := parse.Line{Text: []byte(good[:len(good)-1]), Cut: true}
	if err := Combined().Parse(cut, func(r *parse.Record) { got = r.Clone() }); err != nil || !got.Incomplete || got.Status != 200 {
		t.Errorf("a line that the reader cut: %v, %v", got, err)
	}
	if r, err := one(Combined(), ""); r != nil || err != nil {
		t.Errorf("an empty line: %v, %v", r, err)
	}
}

// A hostile line with many ways to fit must not take long: the test would not
// end if each were tried.
func TestMatchingAHostileLineIsBounded(t *testing.T) {
	a := mustCompile(t, strings.Repeat("$http_a ", 40)+"$status", EscapeDefault)
	if _, err := one(a, strings.Repeat("x ", 20000)+"y"); !errors.Is(err, parse.ErrFormat) {
		t.Errorf("error %v", err)
	}
}

func TestForksShareNothing(t *testing.T) {
	a := JSON()
	b := a.Fork()
	const first, second = `{"time":"2026-11-22T21:35:15Z","status":"200","uri":"/a\"1"}`, `{"time":"2026-11-22T21:35:16Z","status":"503","uri":"/b\"2"}`
	var inner *parse.Record
	err := a.Parse(parse.Line{Text: []byte(first)}, func(r *parse.Record) {
		inner, _ = one(b, second)
		if string(r.URL) != `/a"1` || r.Status != 200 {
			t.Errorf("the fork changed the record: %q, %d", r.URL, r.Status)
		}
	})
	if err != nil || inner == nil || string(inner.URL) != `/b"2` || inner.Status != 503 {
		t.Errorf("record %v, error %v", inner, err)
	}
}
