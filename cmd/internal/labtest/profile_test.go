package labtest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"why503/cmd/internal/cli"
)

// A profile says which of an incident's logs are given.
type profile struct {
	name  string
	one   []string        // of these files one each, where it is there
	never map[string]bool // and these not
	all   bool            // every other program's log too
}

var (
	full  = profile{name: "full", all: true, one: []string{"varnishlog-request.txt", "nginx-access-ext.log", "app.json.log", "edge-nginx-access-ext.log", "app-php.json.log"}}
	plain = profile{name: "plain", all: true, one: []string{"varnishlog-request.txt", "nginx-access.log", "app.log", "edge-nginx-access.log", "app-php.log"},
		never: map[string]bool{"php-fpm-access.log": true}}
	raw   = profile{name: "raw", all: true, one: []string{"varnishlog-raw.txt", "nginx-access.json.log", "app.json.log", "edge-nginx-access-ext.log", "app-php.json.log"}}
	proxy = profile{name: "proxy", one: []string{"varnishlog-request.txt"}}
	// whole is what a person gives who names the folder: every hop in every
	// format that it was logged in.
	whole = profile{name: "whole", all: true}
)

var (
	manyFormats = regexp.MustCompile(`^((edge-)?nginx-access|varnish|app(-php)?\.)`)
	config      = regexp.MustCompile(`\.(vcl|conf\.txt)$`)
)

// inputs are the paths that the profile gives.
func (p profile) inputs(in *incident) []string {
	names := slices.Clone(p.one)
	for name := range in.files {
		if p.all && !config.MatchString(name) && !p.never[name] && (len(p.one) == 0 || !manyFormats.MatchString(name)) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var paths []string
	for _, name := range names {
		if len(in.files[name]) > 0 {
			paths = append(paths, filepath.Join(in.dir, name))
		}
	}
	return paths
}

// analyze runs the program as a person would, and returns what it listed.
func (p profile) analyze(t testing.TB, in *incident) []row {
	t.Helper()
	list := filepath.Join(t.TempDir(), "failures.ndjson")
	args := []string{"analyze", "--failures", list, "--output", "json"}
	if p.all {
		for name, flag := range map[string]string{"nginx.conf.txt": "--nginx-conf", "edge.conf.txt": "--nginx-conf", "varnish.vcl": "--vcl"} {
			if in.files[name] != "" {
				args = append(args, flag, filepath.Join(in.dir, name))
			}
		}
	}
	var stdout, stderr bytes.Buffer
	code := cli.Run(context.Background(), append(args, p.inputs(in)...), cli.IO{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Version: "test"})
	if code != 0 {
		t.Fatalf("%s, %s: exit %d: %s", in.name, p.name, code, stderr.Bytes())
	}
	b, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	return rows[row](t, string(b))
}
