package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"why503/parse"
	"why503/rules"
)

func logsOf(t *testing.T, files map[string]string) []Log {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logs, problems := Examine([]string{dir}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return logs
}

func repeated(line string) string { return strings.Repeat(line+"\n", 5) }

var (
	ncsaDefault = repeated(`192.0.2.9 - - [22/Nov/2026:21:36:40 +0000] "GET http://shop.example/a HTTP/1.1" 503 281 "-" "curl/8.0"`)
	ncsaFull    = repeated(`192.0.2.9 - - [22/Nov/2026:21:36:40 +0000] "GET http://shop.example/a HTTP/1.1" 503 281 "-" "curl/8.0" vxid=65571 handling=miss rid=- fetcherror="-" begin="req 65570 rxreq"`)
	nginxPlain  = repeated(`192.0.2.9 - - [22/Nov/2026:21:36:40 +0000] "GET /a HTTP/1.1" 200 281 "-" "curl/8.0"`)
	nginxFull   = repeated(`192.0.2.9 - - [22/Nov/2026:21:36:40 +0000] "GET /a HTTP/1.1" 200 17 "-" "curl/8.0" xv=65572 rid=1f674a82-cd7d-4985-a181-8c585c191d44 rt=0.120 us="200" ua="127.0.0.1:3000" conn=7`)
	fpmSlow     = "\n[22-Nov-2026 21:36:40]  [pool www] pid 123\nscript_filename = /srv/index.php\n[0x00007f] query() /srv/index.php:22\n"
)

func TestTheReportAsksForWhatIsMissingAlone(t *testing.T) {
	for _, x := range []struct {
		name  string
		logs  map[string]string
		given Given
		want  string // here of each question, and the first words of each paste
	}{
		{"the page of the manual", map[string]string{"varnishncsa.log": ncsaDefault, "nginx-access.log": nginxPlain, "php8.2-fpm.log": "[22-Nov-2026 21:36:40] NOTICE: ready to handle connections\n"}, Given{Programs: []Program{{Program: parse.Varnish}}},
			"yes[] no[1] no[1 2] no[2] no_such_log[3]: varnishncsa log_format request_slowlog_timeout"},
		{"all that there can be", map[string]string{"varnishncsa.log": ncsaFull, "nginx-access.log": nginxFull, "www.slow.log": fpmSlow}, Given{},
			"yes[] yes[] yes[] yes[] yes[]:"},
		{"a running Varnish alone", nil, Given{Live: true},
			"yes[] yes[] no_such_log[1] no_such_log[1] no_such_log[2]: log_format log"},
		{"nginx in front of a program", map[string]string{"nginx-access.log": nginxPlain, "app.log": repeated(`2026-11-22T21:36:40Z ERROR something broke`)}, Given{},
			"yes[] no_such_log[1] no[2 3] no[2] yes[]: error_log map log"},
		{"what may not be read is not asked for", nil, Given{Denied: []parse.SourceKind{parse.SourceNginxAccess, parse.SourceNginxError}, Programs: []Program{{Program: parse.Nginx}, {Program: parse.App}}},
			"may_not[] may_not[] may_not[] may_not[] no_such_log[1]: log"},
		{"what is not read is said", map[string]string{"haproxy.log": repeated(`Nov 22 21:36:40 lb haproxy[14387]: 10.0.1.2:33317 [22/Nov/2026:21:36:39.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"`)}, Given{Programs: []Program{{Program: parse.Database}}},
			"no_such_log[1] no_such_log[2] no_such_log[1 3] no_such_log[1] no_such_log[3] not_read[4] not_read[5]: map error_log log unique-id-format MySQL,"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.logs != nil {
				x.given.Logs = logsOf(t, x.logs)
			}
			x.given.Rules = rules.Builtin()
			r := New(x.given)
			var here, pastes []string
			for _, q := range r.Questions {
				here = append(here, fmt.Sprintf("%s%v", q.Here, q.Paste))
			}
			for i, p := range r.Pastes {
				if p.N != i+1 || p.Where == "" || p.Text == "" {
					t.Errorf("paste %+v", p)
				}
				pastes = append(pastes, strings.Fields(p.Text)[0])
			}
			if got := strings.TrimSpace(strings.Join(here, " ") + ": " + strings.Join(pastes, " ")); got != x.want {
				t.Errorf("got  %s\nwant %s\nlogs %+v", got, x.want, x.given.Logs)
			}
		})
	}
}

// The texts that the rules print under `unsure` are the ones that doctor
// prints: there is one place for them.
func TestPastesComeFromTheRules(t *testing.T) {
	m := &maker{g: Given{Rules: rules.Builtin()}, r: &Report{}}
	for kind, word := range map[parse.SourceKind]string{
		parse.SourceNginxAccess: "log_format", parse.SourceNginxError: "error_log", parse.SourceApp: "X-Request-ID",
		parse.SourcePHPFPMSlow: "slowlog", parse.SourceDatabaseSlow: "slow_query_log", parse.SourceVarnishlog: "varnishncsa",
	} {
		if m.wanted(kind, word) == "" {
			t.Errorf("the rules have no text for %s with %s", kind, word)
		}
	}
}

func TestAFormatTellsWhatItsLinesWillHold(t *testing.T) {
	for format, want := range map[string]Ability{
		`$remote_addr [$time_local] "$request" $status`:       0,
		`$http_x_varnish $http_x_request_id $request_time`:    HasVXID | HasID | HasDuration,
		`$upstream_response_time`:                             HasUpstream,
		`%h %{Varnish:vxid}x fetcherror="%{VSL:FetchError}x"`: HasVXID | HasFetchError,
		"": 0,
	} {
		if got := abilitiesOf(format); got != want {
			t.Errorf("%s: %b, want %b", format, got, want)
		}
	}
}
