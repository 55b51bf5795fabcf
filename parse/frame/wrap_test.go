package frame

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

func at(t testing.TB, s string) parse.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return parse.Time(v.UnixNano())
}

func TestUnwrap(t *testing.T) {
	const stamp = "2026-11-22T21:35:16.726Z"
	when := at(t, stamp)
	for _, tt := range []struct {
		name string
		kind Kind
		line string
		want Inner
		bad  bool
	}{
		{name: "nothing to unwrap", line: "text", want: Inner{Text: []byte("text")}},
		{name: "CRI whole line", kind: CRI, line: stamp + " stdout F GET / 503", want: Inner{Text: []byte("GET / 503"), Stream: Stdout, Time: when}},
		{name: "CRI partial line", kind: CRI, line: stamp + " stderr P GET ", want: Inner{Text: []byte("GET "), Stream: Stderr, Time: when, Partial: true}},
		{name: "CRI empty line", kind: CRI, line: stamp + " stdout F ", want: Inner{Text: []byte{}, Stream: Stdout, Time: when}},
		{name: "CRI with further tags", kind: CRI, line: stamp + " stdout F:x a", want: Inner{Text: []byte("a"), Stream: Stdout, Time: when}},
		{name: "CRI with a zone", kind: CRI, line: "2026-11-22T22:35:16.726000000+01:00 stdout F a", want: Inner{Text: []byte("a"), Stream: Stdout, Time: when}},
		{name: "CRI of no known stream", kind: CRI, line: stamp + " other F a", bad: true},
		{name: "CRI without a tag", kind: CRI, line: stamp + " stdout hello", bad: true},
		{name: "no CRI", kind: CRI, line: "hello there F x", bad: true},
		{name: "docker", kind: Docker, line: `{"log":"GET / 503\n","stream":"stdout","time":"` + stamp + `"}`, want: Inner{Text: []byte("GET / 503"), Stream: Stdout, Time: when}},
		{name: "docker with CRLF", kind: Docker, line: `{"log":"a\r\n","stream":"stdout","time":"` + stamp + `"}`, want: Inner{Text: []byte("a"), Stream: Stdout, Time: when}},
		{name: "docker escapes", kind: Docker, line: `{"log":"say \"hi\" \u003c\u00e4\ud83d\ude00\\n\n","stream":"stderr","time":"` + stamp + `"}`,
			want: Inner{Text: []byte("say \"hi\" <ä😀\\n"), Stream: Stderr, Time: when, Decoded: true}},
		{name: "docker partial", kind: Docker, line: `{"log":"a\\n","stream":"stdout","time":"` + stamp + `"}`, want: Inner{Text: []byte(`a\n`), Stream: Stdout, Time: when, Partial: true, Decoded: true}},
		{name: "docker with attrs", kind: Docker, line: `{"attrs":{"a":"}","b":[1,{"c":2}]},"log":"a\n","stream":"stdout","time":"` + stamp + `"}`, want: Inner{Text: []byte("a"), Stream: Stdout, Time: when}},
		{name: "JSON of an application", kind: Docker, line: `{"log":"a","level":"info","time":"` + stamp + `"}`, bad: true},
		{name: "docker cut", kind: Docker, line: `{"log":"a\n","stream":"std`, bad: true},
		{name: "syslog file", kind: Syslog, line: "Nov 22 21:38:59 web01 nginx[77]: text", want: Inner{Text: []byte("text"), Host: []byte("web01"), Tag: []byte("nginx"), PID: 77}},
		{name: "syslog day of one digit", kind: Syslog, line: "Nov  2 21:38:59 web01 nginx: text", want: Inner{Text: []byte("text"), Host: []byte("web01"), Tag: []byte("nginx")}},
		{name: "syslog as sent", kind: Syslog, line: "<190>Nov 22 21:38:59 web01 nginx: text", want: Inner{Text: []byte("text"), Host: []byte("web01"), Tag: []byte("nginx")}},
		{name: "syslog without a host", kind: Syslog, line: "<190>Nov 22 21:38:59 nginx: a b", want: Inner{Text: []byte("a b"), Tag: []byte("nginx")}},
		{name: "syslog with a year", kind: Syslog, line: "Nov 22 2026 21:38:59 fw1 prog[1]: a", want: Inner{Text: []byte("a"), Host: []byte("fw1"), Tag: []byte("prog"), PID: 1}},
		{name: "rsyslog file format", kind: Syslog, line: "2026-11-22T22:35:16.726+01:00 web01 varnishncsa[5]: a", want: Inner{Text: []byte("a"), Host: []byte("web01"), Tag: []byte("varnishncsa"), PID: 5, Time: when}},
		{name: "journalctl short-iso", kind: Syslog, line: "2026-11-22T22:35:16.726+0100 web01 php-fpm8.2[5]: a", want: Inner{Text: []byte("a"), Host: []byte("web01"), Tag: []byte("php-fpm8.2"), PID: 5, Time: when}},
		{name: "RFC 5424", kind: Syslog, line: "<165>1 " + stamp + ` web01 nginx 77 - [a@1 k="x ]\"" b="2"][c] text`, want: Inner{Text: []byte("text"), Host: []byte("web01"), Tag: []byte("nginx"), PID: 77, Time: when}},
		{name: "RFC 5424 of nothing known", kind: Syslog, line: "<165>1 - - - - - -", want: Inner{Text: []byte{}}},
		{name: "RFC 5424 with a mark", kind: Syslog, line: "<165>1 - h a - - - \xef\xbb\xbftext", want: Inner{Text: []byte("text"), Host: []byte("h"), Tag: []byte("a")}},
		{name: "RFC 5424 that never closes", kind: Syslog, line: `<165>1 - h a - - [a="`, bad: true},
		{name: "application line with a stamp", kind: Syslog, line: stamp + " INFO starting up: now", bad: true},
		{name: "no syslog", kind: Syslog, line: "hello", bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, _, ok := Unwrap(tt.kind, []byte(tt.line), nil)
			if ok == tt.bad {
				t.Fatalf("ok is %v", ok)
			}
			if diff := cmp.Diff(tt.want, in); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// held gives each line as a Record when the next one comes, as parsers of
// stack traces do.
type held struct {
	rec  parse.Record
	text []byte
	open bool
}

func (h *held) Parse(line parse.Line, emit parse.Emit) error {
	h.Flush(emit)
	h.text = append(h.text[:0], line.Text...)
	h.rec = parse.Record{Offset: line.Offset, Line: line.Number, Raw: h.text, Message: h.text}
	h.rec.Notes = []parse.Note{{Text: h.text, Line: h.text, Offset: line.Offset, LineNo: line.Number}}
	h.open = true
	return nil
}

func (h *held) Flush(emit parse.Emit) {
	if h.open {
		h.open = false
		emit(&h.rec)
	}
}

func TestParserQuotesThePhysicalLine(t *testing.T) {
	type got struct {
		Message, Raw, Quote, Machine string
		Offset, Line                 int64
		Time                         parse.Time
	}
	const stamp = "2026-11-22T21:35:16.726Z"
	when := at(t, stamp)
	docker := func(stream, text string) string {
		return `{"log":"` + text + `","stream":"` + stream + `","time":"` + stamp + `"}`
	}
	for _, tt := range []struct {
		name string
		kind Kind
		in   []string
		want []got
	}{
		{"CRI", CRI, []string{stamp + " stdout F one", stamp + " stdout F two"}, []got{
			{"one", stamp + " stdout F one", "one", "", 0, 1, when},
			{"two", stamp + " stdout F two", "two", "", 38, 2, when},
		}},
		{"CRI parts of two streams", CRI, []string{stamp + " stdout P on", stamp + " stderr F err", stamp + " stdout F e"}, []got{
			{"one", stamp + " stdout P on", "on", "", 0, 1, when},
			{"err", stamp + " stderr F err", "err", "", 37, 2, when},
		}},
		{"docker with escapes", Docker, []string{docker("stdout", `a \"b\" \u003c c\n`), docker("stdout", `plain\n`)}, []got{
			{`a "b" < c`, docker("stdout", `a \"b\" \u003c c\n`), `a \"b\" \u003c c`, "", 0, 1, when},
			{"plain", docker("stdout", `plain\n`), "plain", "", int64(len(docker("stdout", `a \"b\" \u003c c\n`)) + 1), 2, when},
		}},
		{"docker parts", Docker, []string{docker("stdout", `one \"t`), docker("stdout", `wo\"\n`)}, []got{
			{`one "two"`, docker("stdout", `one \"t`), `one \"t`, "", 0, 1, when},
		}},
		{"syslog", Syslog, []string{"Nov 22 21:38:59 web01 app: one"}, []got{{"one", "Nov 22 21:38:59 web01 app: one", "one", "web01", 0, 1, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out []got
			emit := func(r *parse.Record) {
				out = append(out, got{string(r.Message), string(r.Raw), string(r.Notes[0].Line), string(r.Machine), r.Offset, r.Line, r.Time})
			}
			p := NewParser(tt.kind, &held{}, &held{})
			l := NewLines(strings.NewReader(strings.Join(tt.in, "\n")+"\n"), 0)
			for line, err := l.Next(); err == nil; line, err = l.Next() {
				if err := p.Parse(line, emit); err != nil {
					t.Fatal(err)
				}
			}
			p.Flush(emit)
			if diff := cmp.Diff(tt.want, out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParserForgetsWithoutLosingItsWay(t *testing.T) {
	p := NewParser(Docker, &held{}, nil)
	n := 0
	emit := func(r *parse.Record) {
		n++
		if !bytes.HasPrefix(r.Raw, []byte(`{"log":"x`)) || !bytes.Contains(r.Raw, r.Notes[0].Line) || len(r.Notes[0].Line) < 90 {
			t.Fatalf("record %d quotes %q of %q", n, r.Notes[0].Line, r.Raw)
		}
	}
	line := []byte(`{"log":"x` + strings.Repeat(`\t`, 100) + `\n","stream":"stdout","time":"2026-11-22T21:35:16Z"}`)
	for i := range 3 * maxKeptLines {
		if err := p.Parse(parse.Line{Text: line, Offset: int64(i * len(line)), Number: int64(i + 1)}, emit); err != nil {
			t.Fatal(err)
		}
	}
	if n != 3*maxKeptLines-1 {
		t.Errorf("%d records", n)
	}
	if l := &p.lanes[0]; len(l.kept.texts) > maxKept || len(l.kept.lines) > maxKeptLines {
		t.Errorf("keeps %d bytes of %d lines", len(l.kept.texts), len(l.kept.lines))
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, s := range []string{
		"2026-11-22T21:35:16.726Z stdout P a", `{"log":"a \"b\"\u003c\n","stream":"stdout","time":"2026-11-22T21:35:16.726Z"}`,
		"<190>Nov 22 21:38:59 web01 nginx: text", `<165>1 2026-11-22T21:35:16.726Z h a 1 - [a b="c"] t`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, kind := range []Kind{CRI, Docker, Syslog} {
			in, _, ok := Unwrap(kind, line, nil)
			if ok && !in.Decoded && !bytes.Contains(line, in.Text) {
				t.Fatalf("%v: %q is no piece of %q", kind, in.Text, line)
			}
			if !ok {
				continue
			}
			p := NewParser(kind, &held{}, nil)
			check := func(r *parse.Record) {
				if !bytes.Equal(r.Raw, line) && bytes.IndexByte(line, '\n') < 0 || !bytes.Contains(line, r.Notes[0].Line) {
					t.Fatalf("%v: quotes %q", kind, r.Notes[0].Line)
				}
			}
			_ = p.Parse(parse.Line{Text: line, Number: 1}, check)
			p.Flush(check)
		}
	})
}

func BenchmarkUnwrap(b *testing.B) {
	for kind, line := range map[Kind]string{
		CRI:    `2026-11-22T21:35:16.726Z stdout F 127.0.0.1 - - [22/Nov/2026:21:34:05 +0000] "GET /product/22 HTTP/1.1" 200 406 "-" "curl"`,
		Docker: `{"log":"127.0.0.1 - - [22/Nov/2026:21:34:05 +0000] \"GET /product/22 HTTP/1.1\" 200 406 \"-\" \"curl\"\n","stream":"stdout","time":"2026-11-22T21:35:16.726Z"}`,
		Syslog: `Nov 22 21:38:59 web01 nginx: 127.0.0.1 - - [22/Nov/2026:21:34:05 +0000] "GET /product/22 HTTP/1.1" 200 406 "-" "curl"`,
	} {
		b.Run(kind.String(), func(b *testing.B) {
			text := []byte(line)
			var scratch []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				_, scratch, _ = Unwrap(kind, text, scratch)
			}
		})
	}
}

type nothing struct{}

func (nothing) Parse(parse.Line, parse.Emit) error { return nil }
func (nothing) Flush(parse.Emit)                   {}

func TestUnwrappingDoesNotAllocate(t *testing.T) {
	for kind, line := range map[Kind]string{
		CRI:    "2026-11-22T21:35:16.726Z stdout F GET / 503",
		Docker: `{"log":"say \"hi\"\n","stream":"stdout","time":"2026-11-22T21:35:16.726Z"}`,
		Syslog: "Nov 22 21:38:59 web01 nginx: text",
	} {
		p := NewParser(kind, nothing{}, nil)
		at := parse.Line{Text: []byte(line)}
		emit := func(*parse.Record) {}
		run := func() {
			at.Offset += int64(len(line)) + 1
			_ = p.Parse(at, emit)
		}
		for range 2 * maxKeptLines {
			run() // until what is kept has its size
		}
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%v: %v allocations a line", kind, n)
		}
	}
}
