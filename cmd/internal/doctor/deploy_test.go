package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"why503/parse"
	"why503/rules"
)

// The files of deploy/proxies are the texts that doctor prints, to be read
// without running it.
func TestTheFilesOfDeployAreWhatDoctorPrints(t *testing.T) {
	r := New(Given{Rules: rules.Builtin(), Programs: []Program{
		{Program: parse.Varnish}, {Program: parse.Nginx}, {Program: parse.PHPFPM}, {Program: parse.Database},
	}})
	paste := func(begin string) string {
		for _, p := range r.Pastes {
			if strings.HasPrefix(p.Text, begin) {
				return p.Text + "\n"
			}
		}
		t.Fatalf("no paste begins with %s", begin)
		return ""
	}
	files := map[string]string{
		"varnishncsa.sh":        "# As the command of varnishncsa; add -a -w FILE.\n" + paste("varnishncsa"),
		"varnish.vcl":           "# In the VCL of Varnish, behind the backends.\n" + Snippet("varnish.vcl"),
		"nginx.conf":            "# In the http block of an nginx behind Varnish.\n" + paste("log_format"),
		"nginx-in-front.conf":   "# In the http block of an nginx that clients reach first.\n" + Snippet("nginx-id.conf"),
		"php-fpm.conf":          "; In the pool of PHP-FPM.\n" + paste("request_slowlog_timeout"),
		"database.txt":          paste("MySQL"),
		"haproxy.cfg":           "# In the frontend of HAProxy.\n" + Snippet("haproxy.cfg"),
		"apache.conf":           "# In the configuration of Apache.\n" + Snippet("apache.conf"),
		"envoy-access-log.yaml": "# In the HTTP connection manager of Envoy.\n" + Snippet("envoy.yaml"),
	}
	const dir = "../../../deploy/proxies"
	for name, text := range files {
		golden(t, filepath.Join(dir, name), text)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files) {
		t.Errorf("%d files in %s, want %d (%v)", len(entries), dir, len(files), err)
	}
}
