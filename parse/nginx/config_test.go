package nginx

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func smallConfig(t *testing.T) Config {
	t.Helper()
	src, err := os.ReadFile("testdata/conf/small.conf")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"etc/sites/b.conf": {Data: []byte("server { listen 81; uwsgi_pass 10.0.0.7:3031; include more.inc; }\n")},
		"etc/sites/a.conf": {Data: []byte("\nfastcgi_read_timeout 7s;\n")},
		"etc/more.inc":     {Data: []byte("return 504;")},
	}
	return ReadConfigWith("nginx.conf", src, FromFS(fsys, "etc"))
}

func TestConfigGolden(t *testing.T) {
	got, err := json.MarshalIndent(smallConfig(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/conf/small.conf.golden", string(got)+"\n")
}

func TestEachPathGetsTheFormatOfItsDirective(t *testing.T) {
	c := smallConfig(t)
	c.Logs = append(c.Logs, Log{Path: "logs/plain.log", Format: "combined"}, Log{Path: "logs/lost.log", Format: "absent"})
	const timed = `10.0.0.9 [22/Nov/2026:21:35:15 +0000] "GET / HTTP/1.1" 503 0.500 "10.0.0.1:80"`
	const js = `{"t":"2026-11-22T21:35:15+00:00","r":"GET / HTTP/1.1","s":"503"}`
	const plain = `10.0.0.9 - - [22/Nov/2026:21:35:15 +0000] "GET / HTTP/1.1" 503 5 "-" "-"`
	for _, x := range []struct{ path, line string }{
		{"access.log", timed},
		{"/srv/host1/access.log.1", timed},
		{"access.log.12.gz", timed},
		{"access.log-20261122.zst", timed},
		{"access.log.2026-11-22.bz2", timed},
		{"access.log-1795383315", timed},
		{"access-20261122.log", timed},
		{"access-2.log", ""},
		{"a.example.js.log", js},
		{"a.example.js.log.3", js},
		{"plain.log", plain},
		{"lost.log", ""},
		{"error.log", ""},
		{"other.log", ""},
	} {
		a, ok := c.FormatFor(x.path)
		if ok != (x.line != "") {
			t.Errorf("%s: found %v", x.path, ok)
		}
		if !ok {
			continue
		}
		if r, err := one(a, x.line); err != nil || r.Status != 503 || string(r.URL) != "/" {
			t.Errorf("%s: record %v, error %v", x.path, r, err)
		}
	}
}

func TestTheInnermostScopeDecidesASetting(t *testing.T) {
	c := ReadConfig("x", []byte(`http { proxy_read_timeout 5s; server { server_name a; proxy_read_timeout 1m;
		location /x { proxy_read_timeout 300ms; } location /y { proxy_connect_timeout 2; } } server { server_name ab; } }`))
	for _, x := range []struct {
		scope string
		want  time.Duration
	}{
		{"http > server a > location /x", 300 * time.Millisecond},
		{"http > server a > location /y", time.Minute},
		{"http > server ab", 5 * time.Second},
		{"http", 5 * time.Second},
		{"stream", 0},
	} {
		if s, ok := c.Lookup("proxy_read_timeout", x.scope); s.Value != x.want || ok != (x.want != 0) {
			t.Errorf("%s: %v, want %v", x.scope, s.Value, x.want)
		}
	}
}

func TestADumpKeepsFilesApartAndFollowsIncludes(t *testing.T) {
	const dump = "nginx: the configuration file is ok\n# configuration file /etc/nginx/nginx.conf:\nhttp {\n  include sites/*.conf;\n include /opt/x.conf;\n}\n" +
		"# configuration file /etc/nginx/sites/a.conf:\nproxy_read_timeout 3s;\n" +
		"# configuration file /opt/x.conf:\nproxy_send_timeout 4s; include /opt/x.conf;\n"
	c := ReadConfig("dump.txt", []byte(dump))
	var got []string
	for _, s := range c.Settings {
		got = append(got, strings.Join([]string{s.File, s.Scope, s.Name, s.Value.String(), s.Line}, "|"))
	}
	want := []string{"/etc/nginx/sites/a.conf|http|proxy_read_timeout|3s|proxy_read_timeout 3s;"}
	for range maxIncludes { // it includes itself
		want = append(want, "/opt/x.conf|http|proxy_send_timeout|4s|proxy_send_timeout 4s; include /opt/x.conf;")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c.Settings[0].LineNo != 8 {
		t.Errorf("line %d, want that of the dump", c.Settings[0].LineNo)
	}
}

func TestDurationsAreReadAsNginxReadsThem(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"60": time.Minute, "500ms": 500 * time.Millisecond, "1m30s": 90 * time.Second, "1h 30m": 90 * time.Minute, "2d": 48 * time.Hour,
		"": -1, "x": -1, "5q": -1, "99999999999s": -1,
	} {
		got, ok := duration(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
}

// One line of many directives must not cost its length for each of them.
func TestConfigIsBounded(t *testing.T) {
	src := []byte(strings.Repeat("proxy_read_timeout 1s;", 300_000) + strings.Repeat("a{", 100_000))
	c := ReadConfig("x", src)
	if n := len(c.Settings); n != maxDirectives {
		t.Errorf("%d settings, want the bound", n)
	}
	if c := ReadConfig("x", []byte(strings.Repeat("a { ", 100_000)+"proxy_read_timeout 1s;")); len(c.Settings) != 0 {
		t.Errorf("read %d settings below the bound of depth", len(c.Settings))
	}
}

// The formats of a configuration read the logs that were written with it, and
// say the same of each line as is guessed without it.
func TestTheConfigurationReadsTheLogsThatItWrote(t *testing.T) {
	src, err := os.ReadFile("testdata/conf/proxy.conf")
	if err != nil {
		t.Fatal(err)
	}
	c := ReadConfig("proxy.conf", src)
	for _, x := range []struct {
		log, file string
		lines     int
		guess     *Access
	}{
		{"nginx-access.log", "testdata/access/combined.log", 7, Combined()},
		{"nginx-access-ext.log", "testdata/access/tail.log", 6, Combined()},
		{"nginx-access.json.log.gz", "testdata/access/guess.json.log", 5, JSON()},
	} {
		a, ok := c.FormatFor("/somewhere/" + x.log)
		if !ok {
			t.Errorf("%s: no format", x.log)
			continue
		}
		src, err := os.ReadFile(x.file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(src)) {
			if n++; n > x.lines {
				break
			}
			line = strings.TrimSuffix(line, "\n")
			got, err := one(a, line)
			if err != nil {
				t.Errorf("%s: %q: %v", x.log, line, err)
				continue
			}
			guess, err := one(x.guess, line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(describe(guess), describe(got)); diff != "" {
				t.Errorf("%s: guessed and read by its format (-guess +format):\n%s", x.log, diff)
			}
		}
	}
	if s, ok := c.Lookup("proxy_connect_timeout", "http > server a.example > location /"); !ok || s.Value != time.Second {
		t.Errorf("proxy_connect_timeout: %v", s.Value)
	}
	if p := c.Servers[0].Locations[1].Passes[0]; p.Addr != "10.0.0.21:9000" || p.LineNo != 11 {
		t.Errorf("pass %+v", p)
	}
}
