package applog

import (
	"testing"
	"time"

	"why503/parse"
)

func TestFPMAccessFormats(t *testing.T) {
	for _, c := range []struct {
		name, format, line string
		start, end         string
		want               parse.Record
	}{
		{
			"the default", `%R - %u %t "%m %r%Q%q" %s`, `10.0.0.1 -  22/Nov/2026:21:36:06 +0000 "GET /x?a=1" 200`,
			"21:36:06", "21:36:06", parse.Record{Method: []byte("GET"), URL: []byte("/x?a=1"), Status: 200, Client: []byte("10.0.0.1")},
		},
		{
			"received and written", `%t %T %m %r %s %d %p`, `22/Nov/2026:21:36:06 +0100 22/Nov/2026:21:36:09 +0100 POST /pay 503 3.001 77`,
			"20:36:06", "20:36:09", parse.Record{Method: []byte("POST"), URL: []byte("/pay"), Status: 503, PID: 77},
		},
		{
			"only when written", `%{%Y-%m-%dT%H:%M:%S%z}T|%s|%m|%r|%{micro}d|%{HTTP_X_REQUEST_ID}e|%{HTTP_X_VARNISH}e|%{HTTP_HOST}e`,
			`2026-11-22T21:36:06+0000|500|GET|/x|1500000|r1|32771|shop.test`,
			"21:36:04.5", "21:36:06", parse.Record{Method: []byte("GET"), URL: []byte("/x"), Status: 500, RequestID: []byte("r1"), VXID: 32771, Host: []byte("shop.test")},
		},
		{
			"epoch, and a percent sign", `[%{%s}t] %C%% %m %{REQUEST_URI}e %s`, `[1795383366] 12.5% GET /x?b 404`,
			"21:36:06", "21:36:06", parse.Record{Method: []byte("GET"), URL: []byte("/x?b"), Status: 404},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := CompileFPMAccess(c.format)
			if err != nil {
				t.Fatal(err)
			}
			r := one(t, p, c.line)
			clock := func(v parse.Time) string { return time.Unix(0, int64(v)).UTC().Format("15:04:05.999") }
			if clock(r.Time) != c.start || clock(r.Ended) != c.end {
				t.Errorf("%s to %s, want %s to %s", clock(r.Time), clock(r.Ended), c.start, c.end)
			}
			if r.Kind != parse.KindRequest || r.Program != parse.PHPFPM {
				t.Errorf("kind %d program %d", r.Kind, r.Program)
			}
			w := &c.want
			for _, f := range []struct {
				name      string
				got, want any
			}{
				{"method", string(r.Method), string(w.Method)}, {"url", string(r.URL), string(w.URL)}, {"status", r.Status, w.Status}, {"client", string(r.Client), string(w.Client)},
				{"pid", r.PID, w.PID}, {"request id", string(r.RequestID), string(w.RequestID)}, {"vxid", r.VXID, w.VXID}, {"host", string(r.Host), string(w.Host)},
			} {
				if f.got != f.want {
					t.Errorf("%s: got %v, want %v", f.name, f.got, f.want)
				}
			}
		})
	}
}

func TestFPMAccessFormatsThatAreNone(t *testing.T) {
	for _, f := range []string{"", "no specifier", "%", "%{x", "%{x}", "%Z", "%{hours}d"} {
		if _, err := CompileFPMAccess(f); err == nil {
			t.Errorf("%q compiles", f)
		}
	}
}
