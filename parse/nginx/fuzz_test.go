package nginx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"why503/parse"
)

// seed adds each line of the golden inputs in a folder.
func seed(f *testing.F, dir string, add func(line []byte)) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.log"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds in %s: %v", dir, err)
	}
	for _, n := range names {
		src, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		for l := range bytes.Lines(src) {
			add(bytes.TrimSuffix(l, []byte("\n")))
		}
	}
}

func FuzzAccess(f *testing.F) {
	seed(f, "access", func(line []byte) {
		f.Add(line, extended, uint8(EscapeDefault))
		f.Add(line, jsonFormat, uint8(EscapeJSON))
	})
	f.Add([]byte(`a "b" 1`), `$http_a "$request" $status`, uint8(EscapeNone))
	f.Fuzz(func(t *testing.T, line []byte, format string, escape uint8) {
		parsers := []parse.Parser{Combined(), JSON()}
		if a, err := CompileAccess(format, Escape(escape%3)); err == nil {
			parsers = append(parsers, a)
		}
		for _, p := range parsers {
			_ = p.Parse(parse.Line{Text: line, Number: 1}, func(r *parse.Record) {
				check(t, r, line)
				if !bytes.Equal(r.Raw, line) || r.Kind != parse.KindRequest {
					t.Fatalf("raw %q, kind %d", r.Raw, r.Kind)
				}
			})
		}
	})
}

func FuzzError(f *testing.F) {
	seed(f, "error", func(line []byte) { f.Add(line) })
	whole, err := os.ReadFile("testdata/error/lines.log")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, src []byte) {
		feed(NewError(), src, func(r *parse.Record) {
			check(t, r, src)
			if !bytes.HasPrefix(src[r.Offset:], r.Raw) && !bytes.HasPrefix(bytes.TrimLeft(src[r.Offset:], "\x00"), r.Raw) {
				t.Fatalf("raw %q does not stand at %d", r.Raw, r.Offset)
			}
			if r.Kind != parse.KindLog && r.Kind != parse.KindSignal {
				t.Fatalf("kind %d", r.Kind)
			}
		}, nil)
	})
}

// check tests what holds for every Record.
func check(t *testing.T, r *parse.Record, src []byte) {
	t.Helper()
	if r.Status < 0 || r.Status > 999 || r.Bytes < -1 || r.Program != parse.Nginx {
		t.Fatalf("status %d, bytes %d, program %d", r.Status, r.Bytes, r.Program)
	}
	if r.Ended < r.Time || len(r.Upstreams) > maxAttempts {
		t.Fatalf("ended %d before %d, or %d upstreams", r.Ended, r.Time, len(r.Upstreams))
	}
	if (r.Method == nil) != (len(r.Method) == 0) || bytes.ContainsAny(r.Method, " \"\n") {
		t.Fatalf("method %q", r.Method)
	}
	for _, n := range r.Notes {
		if len(n.Line) == 0 || !bytes.Contains(src, n.Line) || len(n.Text) == 0 {
			t.Fatalf("note %q quotes %q", n.Text, n.Line)
		}
	}
}

func FuzzConfig(f *testing.F) {
	src, err := os.ReadFile("testdata/conf/small.conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(src)
	f.Add([]byte("# configuration file /a:\ninclude b/*;\n# configuration file /b/c:\nproxy_read_timeout 1s; include /a;\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c := ReadConfig("nginx.conf", src)
		lines := strings.Split(string(src), "\n")
		quoted := func(p Place) {
			if p.LineNo < 1 || p.LineNo > len(lines) || !strings.HasPrefix(lines[p.LineNo-1], p.Line) {
				t.Fatalf("line %d does not read %q", p.LineNo, p.Line)
			}
		}
		for _, x := range c.Settings {
			quoted(x.Place)
		}
		for _, x := range c.Formats {
			quoted(x.Place)
		}
		for _, x := range c.Logs {
			quoted(x.Place)
			c.FormatFor(x.Path)
		}
		for _, x := range c.Servers {
			quoted(x.Place)
		}
	})
}
