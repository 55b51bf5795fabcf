package nginx

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

var update = flag.Bool("update", false, "write golden files")

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		file string
		make func() parse.Parser
	}{
		{"access/combined.log", func() parse.Parser { return Combined() }},
		{"access/tail.log", func() parse.Parser { return Combined() }},
		{"access/guess.json.log", func() parse.Parser { return JSON() }},
		{"error/scenarios.log", func() parse.Parser { return NewError() }},
		{"error/lines.log", func() parse.Parser { return NewError() }},
	} {
		t.Run(c.file, func(t *testing.T) {
			name := filepath.Join("testdata", c.file)
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			feed(c.make(), src, func(r *parse.Record) { got.WriteString(describe(r)) }, func(l parse.Line) {
				fmt.Fprintf(&got, "line %d: %v\n\n", l.Number, parse.ErrFormat)
			})
			compareGolden(t, name+".golden", got.String())
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// feed gives src to p line by line.
func feed(p parse.Parser, src []byte, emit parse.Emit, bad func(parse.Line)) {
	n, off := int64(0), int64(0)
	for len(src) > 0 {
		text, rest, _ := bytes.Cut(src, []byte("\n"))
		n++
		l := parse.Line{Text: text, Offset: off, Number: n}
		if p.Parse(l, emit) != nil && bad != nil {
			bad(l)
		}
		off += int64(len(text)) + 1
		src = rest
	}
	p.Flush(emit)
}

// one parses a single line and returns its Record, nil when there is none.
func one(p parse.Parser, line string) (rec *parse.Record, err error) {
	emit := func(r *parse.Record) { rec = r.Clone() }
	err = p.Parse(parse.Line{Text: []byte(line), Number: 1}, emit)
	p.Flush(emit)
	return rec, err
}

// describe writes what is set in a Record, a field a line.
func describe(r *parse.Record) string {
	var b strings.Builder
	kind := map[parse.Kind]string{parse.KindRequest: "request", parse.KindLog: "log", parse.KindSignal: "signal"}[r.Kind]
	fmt.Fprintf(&b, "%s at line %d, offset %d, level %d\n", kind, r.Line, r.Offset, r.Level)
	stamp := func(t parse.Time) string { return time.Unix(0, int64(t)).UTC().Format(time.RFC3339Nano) }
	fmt.Fprintf(&b, "  time %s to %s, precision %s\n", stamp(r.Time), stamp(r.Ended), time.Duration(r.Precision))
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"method", r.Method}, {"url", r.URL}, {"host", r.Host}, {"protocol", r.Protocol}, {"client", r.Client}, {"agent", r.Agent},
		{"request_id", r.RequestID}, {"trace_id", r.TraceID}, {"own_id", r.OwnID}, {"message", r.Message}, {"machine", r.Machine},
	} {
		if f.text != nil {
			fmt.Fprintf(&b, "  %s %q\n", f.name, f.text)
		}
	}
	fmt.Fprintf(&b, "  status %d, bytes %d, vxid %d, conn %d, pid %d, incomplete %v\n", r.Status, r.Bytes, r.VXID, r.ConnID, r.PID, r.Incomplete)
	for _, u := range r.Upstreams {
		fmt.Fprintf(&b, "  upstream %q status %d connect %v header %v response %v redirect %v\n", u.Addr, u.Status,
			time.Duration(u.Connect), time.Duration(u.Header), time.Duration(u.Response), u.Redirect)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  note %d line %d offset %d %q\n    %s\n", n.Field, n.LineNo, n.Offset, n.Text, n.Line)
	}
	return b.String() + "\n"
}
