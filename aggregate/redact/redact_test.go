package redact

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, c := range [][2]string{
		{`203.0.113.77 - - [22/Nov/2026:21:36:42 +0000] "GET /cart?session=abc&x=1 HTTP/1.1" 503`, `203.0.113.0/24 - - [22/Nov/2026:21:36:42 +0000] "GET /cart?… HTTP/1.1" 503`},
		{`10.1.2.3 - - "GET / HTTP/1.1"`, `10.1.2.0/24 - - "GET / HTTP/1.1"`},
		{`connect() failed, client: 192.168.1.9, server: shop, upstream: "http://10.0.0.5:8080/a?b=c"`, `connect() failed, client: 192.168.1.0/24, server: shop, upstream: "http://10.0.0.5:8080/a?…"`},
		{`client 2001:db8:1:2::5 gone`, `client 2001:db8:1::/48 gone`},
		{`[::1]:8080 refused at 21:36:42`, `[::1]:8080 refused at 21:36:42`},
		{`- ReqHeader      Cookie: sid=abc; b=c`, `- ReqHeader      Cookie: …`},
		{`{"authorization": "Bearer abcdefghij", "n": 1}`, `{"authorization": "…", "n": 1}`},
		{`Authorization: Basic dXNlcjpwYXNz`, `Authorization: …`},
		{`got bearer eyJhbGciOi.x.y for it`, `got bearer … for it`},
		{`password=hunter2 user=x api_key: 'k3y'`, `password=… user=x api_key: '…'`},
		{`postgres://app:hunter2@db-1:5432/shop`, `postgres://app:…@db-1:5432/shop`},
		{`mail to jane.doe+x@mail.example.com from root@localhost`, `mail to … from root@localhost`},
		{`# Query_time: 11.204518  Lock_time: 0.000412 Rows_examined: 1`, `# Query_time: 11.204518  Lock_time: 0.000412 Rows_examined: 1`},
		{`is /a really down? yes`, `is /a really down? yes`},
	} {
		if got := Line(c[0]); got != c[1] {
			t.Errorf("%s\nis   %s\nwant %s", c[0], got, c[1])
		}
	}
}

// Our own sentences name backends, which are no clients.
func TestWordsKeepBackends(t *testing.T) {
	const words = "198.51.100.7:8080 refused connections; client 203.0.113.77 asked most"
	if got := Words(words); got != "198.51.100.7:8080 refused connections; client 203.0.113.0/24 asked most" {
		t.Error(got)
	}
}

func TestClient(t *testing.T) {
	for in, want := range map[string]string{"203.0.113.9": "203.0.113.0/24", "2001:db8:1:2::3": "2001:db8:1::/48", "::ffff:203.0.113.9": "203.0.113.0/24", "unix:": "", "": ""} {
		if got := Client(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzLineLeavesNoAddress(f *testing.F) {
	f.Add("GET /x from ", "203.0.113.77", " done")
	f.Fuzz(func(t *testing.T, before, _ string, after string) {
		if strings.ContainsAny(before[max(0, len(before)-1):]+after[:min(1, len(after))], "0123456789.:abcdefABCDEF%/") || len(before)+len(after) > 500 {
			return
		}
		if got := Line(before + "203.0.113.77" + after); strings.Contains(got, "203.0.113.77") {
			t.Errorf("%q", got)
		}
	})
}
