package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

func ndjson(t testing.TB, f *aggregate.Failure) string {
	t.Helper()
	var b bytes.Buffer
	n := NewNDJSON(&b)
	if err := n.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reference is what encoding/json makes of a row with tidy text.
func reference(t testing.TB, f *aggregate.Failure) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tidy(reflect.ValueOf(*f)).Interface()); err != nil {
		t.Fatal(err)
	}
	return string(inJSON(b.Bytes()))
}

func TestJSONHasNothingThatATerminalObeys(t *testing.T) {
	text := "/a\u009b31m\u202e\u2028\x7f\x1b]0;t\a\U000e0001é"
	var summary bytes.Buffer
	if err := JSON(&summary, &aggregate.Summary{Warnings: []string{text}}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"list": ndjson(t, &aggregate.Failure{Path: text}), "summary": summary.String()} {
		if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && !visible(r) }); i >= 0 {
			t.Errorf("%s: %q is raw", name, got[i:min(i+4, len(got))])
		}
		var back struct {
			Path     string
			Warnings []string
		}
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatal(err)
		}
		if back.Path != text && (len(back.Warnings) == 0 || back.Warnings[0] != text) {
			t.Errorf("%s: %+q and %+q came back", name, back.Path, back.Warnings)
		}
	}
}

// finite replaces what JSON has no number for.
func finite(f *aggregate.Failure) {
	fix := func(x *float64) {
		if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
			*x = 0
		}
	}
	fix(&f.DurationMS)
	fix(&f.Confidence)
	fix(f.Join.Score)
	fix(f.Join.RunnerUp)
}

func TestNDJSONIsWhatEncodingJSONWrites(t *testing.T) {
	same := func(f aggregate.Failure) bool {
		finite(&f)
		got, want := ndjson(t, &f), reference(t, &f)
		if d := cmp.Diff(want, got); d != "" {
			t.Log(d)
			return false
		}
		return true
	}
	if err := quick.Check(same, &quick.Config{MaxCount: 60}); err != nil {
		t.Error(err)
	}
	for _, f := range []aggregate.Failure{{}, row("x"), {Versions: map[string]string{"b": "1", "a": "2"}, DurationMS: 1e-9, Confidence: 1e21}} {
		if !same(f) {
			t.Error("differs")
		}
	}
}

func TestNDJSONWritesInvalidBytesAsEscapes(t *testing.T) {
	got := ndjson(t, &aggregate.Failure{Path: "/a\xffb\xc3"})
	if !strings.Contains(got, `"path":"/a\\xffb\\xc3"`) {
		t.Error(got)
	}
	got = ndjson(t, &aggregate.Failure{DurationMS: math.NaN(), Confidence: math.Inf(1)})
	if !json.Valid([]byte(got)) || !strings.Contains(got, `"duration_ms":null`) {
		t.Error(got)
	}
}

func FuzzNDJSON(f *testing.F) {
	f.Add("a\"\\\x00\u2028\xff", 1.5)
	f.Add("\xed\xa0\x80\xf0\x9f\x92\xa9", -1e-7)
	f.Fuzz(func(t *testing.T, s string, x float64) {
		r := row(s)
		r.DurationMS, r.Join.Score = x, &x
		finite(&r)
		got := ndjson(t, &r)
		if strings.Count(got, "\n") != 1 || !utf8.ValidString(got) {
			t.Errorf("not one line of UTF-8: %q", got)
		}
		if d := cmp.Diff(reference(t, &r), got); d != "" {
			t.Error(d)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff\t\u00a0\u2028\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		e := Escape(s)
		for _, r := range e {
			if !visible(r) {
				t.Fatalf("%U in %q", r, e)
			}
		}
		if !utf8.ValidString(e) || Escape(e) != e {
			t.Errorf("%q becomes %q", s, e)
		}
	})
}

// row has x wherever a stranger's text can stand.
func row(x string) aggregate.Failure {
	half := 0.5
	return aggregate.Failure{Schema: 1, UID: "00112233445566778899aabbccddeeff", Revision: 2, Final: true, Class: "failure", Site: x, Time: "2026-11-22T21:36:38.833000Z",
		Ended: "2026-11-22T21:36:40.833000Z", DurationMS: 2000.125, Status: 503, Method: x, Host: x, Path: x, Route: x, Bytes: -1, Protocol: x, RequestID: x, TraceID: x, VXID: 65571,
		Client: x, Proxy: x, Handling: "miss", Backend: x, BackendAddr: x, ConnReused: true, Versions: map[string]string{"shop": x},
		Attempts: []aggregate.Attempt{{Backend: x, Addr: x, VXID: 65572, SentMS: &half, Error: x}, {}}, Reached: "late", Symptom: "origin_slow.first_byte_timeout",
		Cause: "database.lock_wait", Layer: "database", Confidence: 0.93, Decidable: true, Missing: []aggregate.Missing{{Source: x, Kind: "app", Why: "not_given", WouldDecide: x, Snippet: x}},
		Join: aggregate.Join{How: "inferred", Score: &half}, Evidence: "complete", Trigger: &aggregate.Trigger{Kind: "deploy", What: x, BeforeS: 42},
		Chain: []aggregate.Link{{Cause: "database.lock_wait", Level: "root", Time: x, Host: x, Program: x, File: x, Line: x, Rule: x, Words: x, LineNo: 13, Offset: 99, DelayMS: -4.5}}}
}

func TestNDJSONAllocatesNothingPerRow(t *testing.T) {
	r := row("some /path?with=values")
	n := NewNDJSON(io.Discard)
	n.Write(&r)
	if a := testing.AllocsPerRun(1000, func() { n.Write(&r) }); a > 0 {
		t.Errorf("%v allocations a row", a)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	r := row("x")
	n := NewNDJSON(failing{})
	n.Write(&r)
	if n.Flush() == nil || n.Write(&r) == nil {
		t.Error("NDJSON")
	}
	if Text(failing{}, lockWait(), Options{}) == nil {
		t.Error("Text")
	}
	if Markdown(failing{}, lockWait(), Options{}) == nil {
		t.Error("Markdown")
	}
	if JSON(failing{}, lockWait()) == nil {
		t.Error("JSON")
	}
	if CSV(failing{}, slices.Values([]*aggregate.Failure{&r})) == nil {
		t.Error("CSV")
	}
	q, v, o := lockedRequest()
	if Explain(failing{}, q, v, o) == nil {
		t.Error("Explain")
	}
}

func BenchmarkNDJSON(b *testing.B) {
	r := row("/some/path?with=values and a log line of the usual length")
	n := NewNDJSON(io.Discard)
	b.SetBytes(int64(len(ndjson(b, &r))))
	b.ReportAllocs()
	for b.Loop() {
		n.Write(&r)
	}
}

func TestJSONMatchesGoldenFiles(t *testing.T) {
	for _, name := range []string{"lock_wait", "hostile", "empty"} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := JSON(&b, summaries()[name]); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), `": null`) && name == "empty" {
				t.Error("null where a list or a map should be")
			}
			golden(t, "json/"+name+".json", b.Bytes())
		})
	}
}

func TestMarkdownMatchesGoldenFiles(t *testing.T) {
	for name, s := range summaries() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Markdown(&b, s, Options{}); err != nil {
				t.Fatal(err)
			}
			checkClean(t, b.String(), false)
			golden(t, "markdown/"+name+".md", b.Bytes())
		})
	}
}

func TestMarkdownKeepsLogTextInCode(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "`plain`", "a`b": "``a`b``", "`x`": "`` `x` ``", "a``b": "```a``b```", "": "-", "\x1b": "`\\x1b`", "<script>": "`<script>`",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %s, want %s", text, got, want)
		}
	}
	if got := prose("see [x](http://evil) @all <b> *b*"); strings.ContainsAny(got, "<>@") || strings.Contains(got, "://") {
		t.Error(got)
	}
}

func TestCSVCellsBeginNoFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := []string{"=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "a,b\"c", "\x1b[31m", "\xff", "-"}
	for range 200 {
		b := make([]byte, rng.IntN(8))
		for i := range b {
			b[i] = "=+-@\t\r\n a\"',"[rng.IntN(12)]
		}
		texts = append(texts, string(b))
	}
	for _, x := range texts {
		r := row(x)
		var b bytes.Buffer
		if err := CSV(&b, slices.Values([]*aggregate.Failure{&r})); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != len(csvColumns) {
			t.Fatalf("%q: %d rows, %v", x, len(rows), err)
		}
		for i, c := range rows[1] {
			if strings.ContainsAny(c, "\t\r\n\x1b") {
				t.Errorf("%s: %q", rows[0][i], c)
			}
			if s := strings.TrimLeft(c, " "); s != "" && strings.ContainsAny(s[:1], "=+@") || strings.HasPrefix(c, "-") && c != "-1" {
				t.Errorf("%s: %q", rows[0][i], c)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(41020), "41,020"}, {count(-1234567), "-1,234,567"},
		{share(996, 1000), ">99 %"}, {share(1000, 1000), "100 %"}, {share(3, 1000), "<1 %"}, {share(0, 10), "0 %"}, {share(26, 1000), "2.6 %"}, {share(12, 100), "12 %"},
		{share(995, 10000), "10 %"}, {share(5, 0), "0 %"},
		{span(6600e6), "6.6 s"}, {span(9 * 60e9), "9 min"}, {span(130 * 60e9), "2 h 10 min"}, {span(6e6), "6 ms"}, {span(58e9), "58.0 s"}, {span(2 * 3600e9), "2 h"},
		{span(75 * 3600e9), "3 d 3 h"}, {span(-6600e6), "-6.6 s"},
		{step(250e6), "0.25 s"}, {step(150e9), "2.5 min"}, {step(25e6), "25 ms"}, {step(5 * 3600e9), "5 h"},
		{bytesOf(999), "999 B"}, {bytesOf(480e6), "480 MB"}, {ofBytes(980e6, 1850e6), "0.98 of 1.85 GB"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
