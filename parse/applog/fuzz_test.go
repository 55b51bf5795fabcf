package applog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fuzz holds what check holds, for any input: nothing panics, what is quoted
// stands where the Note says, nothing that a parser keeps is lent memory.
func fuzz(f *testing.F, kind string) {
	files, err := filepath.Glob("testdata/" + kind + "/*.log")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
		for _, l := range strings.Split(string(data), "\n") {
			f.Add(l)
		}
	}
	p := parsers[kind]()
	f.Fuzz(func(t *testing.T, text string) {
		fresh, bad := records(t, parsers[kind](), text)
		reused, again := records(t, p, text)
		if bad != again || len(fresh) != len(reused) {
			t.Fatalf("%d records and %d bad lines from a fresh parser, %d and %d from a used one", len(fresh), bad, len(reused), again)
		}
	})
}

func FuzzJSON(f *testing.F)      { fuzz(f, "json") }
func FuzzLogfmt(f *testing.F)    { fuzz(f, "logfmt") }
func FuzzPlain(f *testing.F)     { fuzz(f, "plain") }
func FuzzFPMLog(f *testing.F)    { fuzz(f, "fpmlog") }
func FuzzFPMSlow(f *testing.F)   { fuzz(f, "fpmslow") }
func FuzzFPMAccess(f *testing.F) { fuzz(f, "fpmaccess") }
func FuzzSystemd(f *testing.F)   { fuzz(f, "systemd") }
func FuzzDeploy(f *testing.F)    { fuzz(f, "deploy") }
func FuzzSyslog(f *testing.F)    { fuzz(f, "syslog") }

// FuzzFPMFormat holds that a format that compiles can be used on any line.
func FuzzFPMFormat(f *testing.F) {
	f.Add(`%R - %u %t "%m %r%Q%q" %s %f %{mili}d %{kilo}M %C%% rid=%{HTTP_X_REQUEST_ID}e`, `- -  22/Nov/2026:21:36:06 +0000 "GET /x" 200 /x.php 1.2ms 2kB 0%`)
	f.Add(`%{%s}T %m %r`, `1795383316 GET /`)
	f.Fuzz(func(t *testing.T, format, line string) {
		p, err := CompileFPMAccess(format)
		if err != nil {
			return
		}
		if line, _, _ = strings.Cut(line, "\n"); line != "" {
			records(t, p, line)
		}
	})
}
