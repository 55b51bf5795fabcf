package applog

import (
	"os"
	"strings"
	"testing"

	"why503/parse"
)

// TestAllocations holds the good path of each parser at no allocation, stack
// traces included: what is held back lies in memory that is reused.
func TestParsersAllocateNothing(t *testing.T) {
	for _, c := range []struct{ kind, file string }{
		{"json", "web.log"}, {"json", "libraries.log"}, {"logfmt", "libraries.log"}, {"plain", "web.log"}, {"plain", "frameworks.log"},
		{"fpmlog", "web.log"}, {"fpmslow", "web.log"}, {"fpmaccess", "web.log"}, {"systemd", "web.log"}, {"deploy", "web.log"}, {"syslog", "mixed.log"},
	} {
		t.Run(c.kind+"/"+c.file, func(t *testing.T) {
			lines := load(t, "testdata/"+c.kind+"/"+c.file)
			p := parsers[c.kind]()
			p.Base(base)
			seen := 0
			emit := func(*parse.Record) { seen++ }
			run := func() {
				for _, l := range lines {
					_ = p.Parse(l, emit)
				}
				p.Flush(emit)
			}
			run()
			if n := testing.AllocsPerRun(20, run); n != 0 {
				t.Errorf("%v allocations for %d lines", n, len(lines))
			}
			if seen == 0 {
				t.Error("no record")
			}
		})
	}
}

// TestIDsInBracketsAllocateNothing holds the look-ahead from a logger's name at
// no allocation.
func TestIDsInBracketsAllocateNothing(t *testing.T) {
	for _, text := range []string{
		"2026-11-22 21:35:16,726 ERROR app [3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom",
		"2026-11-22 21:35:16,726 ERROR app [request_id=r1] boom",
		"2026-11-22 21:35:16,726 ERROR timeout [trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301] boom",
	} {
		p := new(Plain)
		p.Base(base)
		line := parse.Line{Text: []byte(text), Number: 1}
		found := 0
		emit := func(r *parse.Record) {
			if len(r.RequestID) > 0 {
				found++
			}
		}
		run := func() {
			_ = p.Parse(line, emit)
			p.Flush(emit)
		}
		run()
		if n := testing.AllocsPerRun(20, run); n != 0 || found == 0 {
			t.Errorf("%v allocations and %d ids for %q", n, found, text)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ kind, file string }{
		{"json", "web.log"}, {"logfmt", "libraries.log"}, {"plain", "web.log"}, {"fpmlog", "web.log"}, {"fpmaccess", "web.log"}, {"systemd", "web.log"}, {"syslog", "mixed.log"},
	} {
		b.Run(c.kind, func(b *testing.B) {
			lines := load(b, "testdata/"+c.kind+"/"+c.file)
			size := 0
			for _, l := range lines {
				size += len(l.Text) + 1
			}
			p := parsers[c.kind]()
			p.Base(base)
			emit := func(*parse.Record) {}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range lines {
					_ = p.Parse(l, emit)
				}
				p.Flush(emit)
			}
		})
	}
}

func load(tb testing.TB, name string) (lines []parse.Line) {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	offset := int64(0)
	for i, l := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		lines = append(lines, parse.Line{Text: []byte(l), Offset: offset, Number: int64(i + 1)})
		offset += int64(len(l)) + 1
	}
	return lines
}
