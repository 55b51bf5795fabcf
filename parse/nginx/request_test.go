package nginx

import (
	"testing"
	"time"
)

func TestSplitRequest(t *testing.T) {
	for _, c := range []struct{ in, method, host, url, protocol string }{
		{"GET /a?b=c HTTP/1.1", "GET", "", "/a?b=c", "HTTP/1.1"},
		{"GET /a b HTTP/2.0", "GET", "", "/a b", "HTTP/2.0"},
		{"GET /a HTTP/1.1 HTTP/1.0", "GET", "", "/a HTTP/1.1", "HTTP/1.0"},
		{"GET /", "GET", "", "/", ""},
		{"OPTIONS * HTTP/1.1", "OPTIONS", "", "*", "HTTP/1.1"},
		{"GET http://a.example HTTP/1.1", "GET", "a.example", "/", "HTTP/1.1"},
		{"GET https://a.example:8443/x?y HTTP/1.1", "GET", "a.example:8443", "/x?y", "HTTP/1.1"},
		{"CONNECT a.example:443 HTTP/1.1", "CONNECT", "a.example:443", "a.example:443", "HTTP/1.1"},
		{"VERSION-CONTROL /x HTTP/1.1", "VERSION-CONTROL", "", "/x", "HTTP/1.1"},
		{"PRI * HTTP/2.0", "PRI", "", "*", "HTTP/2.0"},
		{"get / HTTP/1.1", "", "", "", ""},
		{"GET", "", "", "", ""},
		{"GET  HTTP/1.1", "", "", "", ""},
		{"GET relative HTTP/1.1", "", "", "", ""},
		{"\x16\x03\x01 / HTTP/1.1", "", "", "", ""},
		{"", "", "", "", ""},
	} {
		q := splitRequest([]byte(c.in))
		if string(q.method) != c.method || string(q.host) != c.host || string(q.url) != c.url || string(q.protocol) != c.protocol {
			t.Errorf("%q: %q %q %q %q", c.in, q.method, q.host, q.url, q.protocol)
		}
	}
}

func TestUpstreamAddr(t *testing.T) {
	for in, want := range map[string]string{
		"http://10.0.0.1:9000/x?y=http://b": "10.0.0.1:9000",
		"https://[2001:db8::1]:443":         "[2001:db8::1]:443",
		"fastcgi://unix:/run/x.sock:":       "unix:/run/x.sock",
		"http://unix:/run/x.sock:/path":     "unix:/run/x.sock",
		"unix:/run/x.sock":                  "unix:/run/x.sock",
		"10.0.0.1:3306":                     "10.0.0.1:3306",
		"http://group/path":                 "group",
		"":                                  "",
	} {
		if got := upstreamAddr([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	var c clock
	for _, x := range []struct {
		in        string
		want      string // empty: refused
		precision time.Duration
	}{
		{"22/Nov/2026:21:35:15 +0000", "2026-11-22T21:35:15Z", time.Second},
		{"[22/Nov/2026:21:35:15 +0130]", "2026-11-22T20:05:15Z", time.Second},
		{"29/Feb/2028:23:59:60 -0800", "2028-03-01T08:00:00Z", time.Second},
		{"2026-11-22T21:35:15+05:30", "2026-11-22T16:05:15Z", time.Second},
		{"2026-11-22T21:35:15.123456Z", "2026-11-22T21:35:15.123456Z", time.Microsecond},
		{"1795383315.541", "2026-11-22T21:35:15.541Z", time.Millisecond},
		{"1795383315", "2026-11-22T21:35:15Z", time.Second},
		{"1795383315541", "2026-11-22T21:35:15.541Z", time.Millisecond},
		{"29/Feb/2026:00:00:00 +0000", "", 0},
		{"22/Nov/2026:24:00:00 +0000", "", 0},
		{"22/Nov/2026:21:35:15 0000", "", 0},
		{"2026-11-22T21:35:15+0", "", 0},
		{"2026-11-22T21:35", "", 0},
		{"12345.6", "", 0},
		{"-", "", 0},
		{"", "", 0},
	} {
		for range 2 { // read, then remembered
			at, precision, ok := c.read([]byte(x.in))
			if ok != (x.want != "") {
				t.Errorf("%q: ok %v", x.in, ok)
				continue
			}
			if got := time.Unix(0, int64(at)).UTC().Format(time.RFC3339Nano); ok && (got != x.want || precision != int64(x.precision)) {
				t.Errorf("%q: %s, precision %d", x.in, got, precision)
			}
		}
	}
}
