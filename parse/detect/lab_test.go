package detect

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"why503/parse/frame"
)

// labFormats are the logs of the lab and what they are, by the end of the name.
var labFormats = []struct{ suffix, format string }{
	{"varnishlog-request.txt.gz", "varnishlog"}, {"varnishlog-raw.txt.gz", "varnishlog"}, {"varnish.vsl.gz", "varnishlog-binary"},
	{"varnishncsa.log", "varnishncsa"}, {"varnishncsa-ext.log.gz", "varnishncsa"}, {"varnishncsa.json.log.gz", "varnishncsa-json"},
	{"nginx-access.log", "nginx"}, {"nginx-access-ext.log", "nginx"}, {"nginx-access.json.log.gz", "nginx-json"}, {"nginx-error.log", "nginx-error"},
	{"php-fpm.log", "php-fpm"}, {"php-fpm-slow.log", "php-fpm-slow"}, {"php-fpm-access.log", "php-fpm-access"},
	{"app-php.json.log", "app-json"}, {"app-php.log", "app"}, {"app.json.log", "app-json"}, {"app.log", "app"},
	{"supervisor.log", "systemd"}, {"deploy.log", "deploy"},
	{"haproxy.log", "haproxy"}, {"apache-error.log", "apache-error"}, {"apache-access.log", "nginx"}, {"apache-access-ext.log", "access"},
	{"mariadb-error.log", "mysql-error"}, {"mariadb-slow.log", "mysql-slow"},
}

// TestLogsOfRealDaemonsAreTold holds detection against every log of the
// labelled incidents, whole and in pieces: those that are kept here, or all in
// the folder that WHY503_LAB names.
func TestLogsOfRealDaemonsAreTold(t *testing.T) {
	lab := os.Getenv("WHY503_LAB")
	if lab == "" {
		lab = "../../cmd/internal/labtest/testdata"
	}
	seen, found := map[string]int{}, 0
	for _, want := range labFormats {
		suffix := strings.TrimSuffix(want.suffix, ".gz")
		paths, err := filepath.Glob(filepath.Join(lab, "*", "*"+suffix+"*"))
		if err != nil {
			t.Fatal(want.suffix, err)
		}
		for _, path := range paths {
			base := strings.TrimSuffix(filepath.Base(path), ".gz")
			if base != suffix && base != "edge-"+suffix {
				continue
			}
			found++
			whole := content(t, path)
			for name, sample := range pieces(whole) {
				r := Detect(sample, Hints{})
				got := r.Format.Name
				if r.Empty {
					got = want.format
				}
				if got != want.format {
					seen[fmt.Sprintf("%s: %s is taken for %q", name, base, got)]++
				}
			}
		}
	}
	if found < 50 {
		t.Fatalf("only %d logs in %s", found, lab)
	}
	rows := make([]string, 0, len(seen))
	for row, n := range seen {
		rows = append(rows, fmt.Sprintf("%s x%d", row, n))
	}
	sort.Strings(rows)
	for _, row := range rows {
		t.Error(row)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pieces are ways in which a sample of the same log may come.
func pieces(b []byte) map[string][]byte {
	p := map[string][]byte{"head": b[:min(len(b), 64<<10)]}
	if frame.Sniff(b) != frame.Plain || bytes.HasPrefix(b, []byte("VSL")) {
		return p
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) > 2 {
		p["first line cut"] = bytes.TrimSpace(b)[12:min(len(b)-1, 64<<10)]
		p["three lines"] = bytes.Join(lines[:3], nil)
		p["last third"] = bytes.Join(lines[len(lines)*2/3:], nil)
	}
	p["one line"] = lines[0]
	return p
}
