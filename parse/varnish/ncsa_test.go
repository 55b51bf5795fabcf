package varnish

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"why503/parse"
)

func ncsaSamples(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/ncsa/*.log")
	if err != nil || len(files) == 0 {
		tb.Fatal("no samples", err)
	}
	return files
}

func TestNCSAGolden(t *testing.T) {
	for _, path := range ncsaSamples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := read(t, path)
			var b strings.Builder
			if bad := feed(NewNCSA(), data, func(r *parse.Record) {
				checkQuotes(t, data, r)
				b.WriteString(dump(r))
			}); bad > 0 {
				t.Errorf("%d lines were refused", bad)
			}
			golden(t, path+".golden", b.String())
		})
	}
}

const extFormat = `%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i" side=%{Varnish:side}x vxid=%{Varnish:vxid}x handling=%{Varnish:handling}x hitmiss=%{Varnish:hitmiss}x ttfb=%{Varnish:time_firstbyte}x us=%D rid=%{X-Request-ID}i fetcherror="%{VSL:FetchError}x" begin="%{VSL:Begin}x" vcllog="%{VCL_Log:note}x" t_us=%{usec}t`

// A line read by its compiled format says at least what key=value guessing
// makes of it.
func TestCompiledFormatAgreesWithNamedValues(t *testing.T) {
	p, err := CompileNCSA(extFormat)
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, "testdata/ncsa/ext.log")
	data = data[:bytes.LastIndexByte(bytes.TrimSpace(data), '\n')+1] // the last line has another format
	want, got := collect(NewNCSA(), data), collect(p, data)
	if len(want) != len(got) || len(got) < 5 {
		t.Fatalf("%d and %d records", len(want), len(got))
	}
	for i := range want {
		g, w := got[i], want[i]
		if g.Tx.Parent != w.Tx.Parent || g.Tx.ESILevel != w.Tx.ESILevel || g.Kind != w.Kind || g.VXID != w.VXID || g.Time != w.Time || g.Ended != w.Ended || g.Status != w.Status || !bytes.Equal(g.RequestID, w.RequestID) || len(g.Notes) != len(w.Notes) {
			t.Errorf("got\n%s want\n%s", dump(g), dump(w))
		}
		if g.Tx.Parent == 0 {
			t.Errorf("no parent: %s", dump(g))
		}
	}
}

func TestNCSAFormats(t *testing.T) {
	for _, c := range []struct{ name, format, line, want string }{
		{"milliseconds and separate URL parts", `%{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t %m %U%q %s %{ms}T`,
			`2026-11-22T21:34:22.250 POST /cart?a=1 503 1500`,
			"time=1795383262250000000 ended=1795383263750000000 precision=1000000|status=503|method=\"POST\"|url=\"/cart?a=1\""},
		{"end time with duration", `%{end:usec}t %D "%r" %>s`, `1795383263750000 500000 "GET http://a.test:80 HTTP/1.1" 200`,
			"time=1795383263250000000 ended=1795383263750000000|host=\"a.test:80\"|url=\"/\""},
		{"JSON written by -F and -j", `{"v": "%{VSL:FetchError}x", "u": "%U", "s": %s, "x": "%{X-Varnish}o", "side": "%{Varnish:side}x"}`,
			`{"v": "backend \u0022a\u0022: busy", "u": "/x", "s": 503, "x": "12 7", "side": "b"}`,
			"fetch vxid=12|status=503|text=\"backend \\\"a\\\": busy\""},
		{"percent sign and tab", `%%\t%s %{X-Varnish}o`, "%\t503 32770 3", "vxid=32770|hit=3|status=503"},
		{"a request line without quotes", `%r %s`, `GET http://s.test/a HTTP/1.1 503`, "host=\"s.test\"|url=\"/a\"|status=503"},
		{"a quote in a quoted value", `"%{User-agent}i" %s`, `"a \" b" 502`, "agent=\"a \\\" b\"|status=502"},
		{"the default format inside another", `%{Varnish:vxid}x %{Varnish:default_format}x`,
			`5 ::1 - - [22/Nov/2026:21:34:22 +0200] "GET http://h/p HTTP/2.0" 503 12 "-" "-"`, "vxid=5|time=1795376062000000000|client=\"::1\"|bytes=12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := CompileNCSA(c.format)
			if err != nil {
				t.Fatal(err)
			}
			rs := collect(p, []byte(c.line+"\n"))
			if len(rs) != 1 {
				t.Fatalf("%d records", len(rs))
			}
			got := dump(rs[0])
			for _, want := range strings.Split(c.want, "|") {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in\n%s", want, got)
				}
			}
		})
	}
}

func TestNCSARefuses(t *testing.T) {
	for _, format := range []string{"", "no specifier", "%{open", "%", "%x", strings.Repeat("%s", 10<<10)} {
		if _, err := CompileNCSA(format); err == nil {
			t.Errorf("compiled %.40q", format)
		}
	}
	for _, line := range []string{
		`127.0.0.1 - - [22/Nov/2026:21:34:22 +0000] "GET / HTTP/1.1`,
		`{"status": {"a": 1}}`, `{"status"`, `{}`, `plain text`,
		`127.0.0.1 - - [42/Nov/2026] "GET / HTTP/1.1" 200 5 "-" "-"`,
	} {
		if err := NewNCSA().Parse(parse.Line{Text: []byte(line)}, func(*parse.Record) {}); !errors.Is(err, parse.ErrFormat) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestNCSAAllocatesNothing(t *testing.T) {
	p := NewNCSA()
	for _, path := range ncsaSamples(t) {
		ls := bytes.Split(bytes.TrimSpace(read(t, path)), []byte{'\n'})
		run := func() {
			for _, l := range ls {
				_ = p.Parse(parse.Line{Text: l}, func(*parse.Record) {})
			}
		}
		run()
		if avg := testing.AllocsPerRun(50, run); avg != 0 {
			t.Errorf("%s: %v allocations", path, avg)
		}
	}
}

func FuzzNCSA(f *testing.F) {
	for _, path := range ncsaSamples(f) {
		for _, l := range bytes.Split(read(f, path), []byte{'\n'}) {
			f.Add(extFormat, l)
			f.Add(`%{%c}t %q%U%m %{usec_frac}t`, l)
		}
	}
	f.Fuzz(func(t *testing.T, format string, line []byte) {
		ps := []*NCSA{NewNCSA()}
		if p, err := CompileNCSA(format); err == nil {
			ps = append(ps, p)
		}
		line = bytes.ReplaceAll(line, []byte{'\n'}, nil)
		for _, p := range ps {
			var first string
			err := p.Parse(parse.Line{Text: line, Number: 1}, func(r *parse.Record) {
				checkQuotes(t, line, r)
				first = dump(r)
				if r.Ended < r.Time || r.Status > 999 {
					t.Fatal(first)
				}
			})
			if (err == nil) != (first != "") && !blank(line) {
				t.Fatalf("error %v with record %q", err, first)
			}
			_ = p.Fork().Parse(parse.Line{Text: line, Number: 1}, func(r *parse.Record) {
				if got := dump(r); got != first {
					t.Fatalf("fork says %s, not %s", got, first)
				}
			})
		}
	})
}

func BenchmarkNCSA(b *testing.B) {
	for _, path := range ncsaSamples(b) {
		b.Run(filepath.Base(path), func(b *testing.B) {
			data := bytes.Repeat(read(b, path), 50)
			p := NewNCSA()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				feed(p, data, func(*parse.Record) {})
			}
		})
	}
}
