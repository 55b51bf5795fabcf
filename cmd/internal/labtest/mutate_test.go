package labtest

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// mutations tell the same incidents in other words.
var mutations = []struct {
	name   string
	change func(*incident)
}{
	{"other names and addresses", rename},
	{"origin on a clock of Kathmandu that is 3 s ahead", elsewhere},
	{"pipe-separated access log without a connection number", pipes},
	{"access log of the origin that was not kept", withoutAccess},
}

// everywhere replaces what re meets in all files and in the truth.
func (in *incident) everywhere(re *regexp.Regexp, by func(string) string) {
	for name, text := range in.files {
		in.files[name] = re.ReplaceAllStringFunc(text, by)
	}
	for _, ts := range [][]truth{in.truths, in.traps} {
		for i := range ts {
			ts[i].URL, ts[i].RequestID = re.ReplaceAllStringFunc(ts[i].URL, by), re.ReplaceAllStringFunc(ts[i].RequestID, by)
		}
	}
}

var (
	address = regexp.MustCompile(`127\.0\.0\.\d+`)
	uuid    = regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	port    = regexp.MustCompile(`(127\.0\.0\.\d+[: ]|\.port ?= ?")(8080|8090|8088|9000)\b`)
	names   = strings.NewReplacer("shop.example.test", "www.kaufhaus.example", "shop-app", "checkout@3", "shop-php", "storefront-fpm",
		"shop.web", "com.acme.WebSvc", "shop.core", "com.acme.Core", "/srv/shop/", "/opt/releases/current/", "fpm.sock", "php8.3-store.sock",
		"web01", "ip-10-20-30-40", "pool www", "pool store_eu", "deploy[", "argocd[", "X-Request-ID", "X-Correlation-ID",
		"$http_x_request_id", "$http_x_correlation_id", "/api/", "/rest/", "/product/", "/artikel/", "/php/", "/fcgi/")
)

// rename gives everything another name: hosts, services, paths, addresses,
// ports, the header that carries the id, and the id's shape.
func rename(in *incident) {
	in.everywhere(port, func(s string) string {
		i := len(s) - 4
		return s[:i] + map[string]string{"8080": "31337", "8090": "31490", "8088": "31488", "9000": "4711"}[s[i:]]
	})
	in.everywhere(address, func(s string) string { return "10.20.3" + s[len("127.0.0"):] })
	in.everywhere(uuid, func(s string) string { return strings.ReplaceAll(s, "-", "") })
	for name, text := range in.files {
		in.files[name] = names.Replace(text)
	}
	for _, ts := range [][]truth{in.truths, in.traps} {
		for i := range ts {
			ts[i].URL = names.Replace(ts[i].URL)
		}
	}
}

var (
	kathmandu = time.FixedZone("", (5*60+45)*60)
	layouts   = []struct {
		at     *regexp.Regexp
		layout string
	}{
		{regexp.MustCompile(`\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`), "02/Jan/2006:15:04:05 -0700"},
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d`), "2006-01-02T15:04:05.000-07:00"},
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d`), "2006-01-02T15:04:05-07:00"},
		{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`), "2006-01-02 15:04:05,000"},
		{regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`), "2006/01/02 15:04:05"},
		{regexp.MustCompile(`\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d`), "02-Jan-2006 15:04:05"},
		{regexp.MustCompile(`(?m)^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`), "Jan _2 15:04:05"},
	}
	msec   = regexp.MustCompile(`\b\d{10}\.\d{3}\b`)
	origin = regexp.MustCompile(`^(nginx|app|php|supervisor|deploy).*\.log$`)
)

// elsewhere moves everything behind the proxy into another zone and lets its
// clock be ahead.
func elsewhere(in *incident) {
	const ahead = 3 * time.Second
	for name, text := range in.files {
		if !origin.MatchString(name) {
			continue
		}
		for _, l := range layouts {
			text = l.at.ReplaceAllStringFunc(text, func(s string) string {
				at, err := time.Parse(l.layout, s)
				if err != nil {
					return s
				}
				return at.Add(ahead).In(kathmandu).Format(l.layout)
			})
		}
		in.files[name] = msec.ReplaceAllStringFunc(text, func(s string) string {
			var sec, ms int64
			fmt.Sscanf(s, "%d.%d", &sec, &ms)
			return fmt.Sprintf("%d.%03d", sec+int64(ahead/time.Second), ms)
		})
	}
}

// withoutAccess takes nginx's access log away: its error log must hang under
// what asked.
func withoutAccess(in *incident) {
	delete(in.files, "nginx-access-ext.log")
	for i := range in.truths {
		in.truths[i].reached = nil // nobody can tell
	}
}

var ext = regexp.MustCompile(`(?m)^(\S+) - (\S+) \[([^]]+)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)" rid=(\S+) nginx_rid=(\S+) xv=(\S+) rt=(\S+) uct="([^"]*)" uht="([^"]*)" urt="([^"]*)" ua="([^"]*)" us="([^"]*)" conn=\S+ msec=(\S+)$`)

// pipes writes nginx's access log in another format and says so in its configuration.
func pipes(in *incident) {
	for name, text := range in.files {
		switch {
		case strings.HasSuffix(name, "nginx-access-ext.log"):
			in.files[name] = ext.ReplaceAllString(text, `$18|$5|$4|$12|$1|$16|$17|$15|$9|$8|$6`)
		case strings.HasSuffix(name, ".conf.txt"):
			in.files[name] = regexp.MustCompile(`log_format ext '[^']*';`).ReplaceAllLiteralString(text,
				`log_format ext '$msec|$status|$request|$request_time|$remote_addr|$upstream_addr|$upstream_status|$upstream_response_time|$http_x_request_id|$http_user_agent|$body_bytes_sent';`)
		}
	}
}
