package applog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"why503/parse"
)

var base = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// settable is what all parsers of this package have.
type settable interface {
	parse.Parser
	Zone(*time.Location)
	Base(time.Time)
}

// parsers makes one of each kind, by the name that golden files have.
var parsers = map[string]func() settable{
	"json":      func() settable { return new(JSON) },
	"logfmt":    func() settable { return new(Logfmt) },
	"plain":     func() settable { return new(Plain) },
	"fpmlog":    func() settable { return new(FPMLog) },
	"fpmslow":   func() settable { return new(FPMSlow) },
	"fpmaccess": func() settable { return new(FPMAccess) },
	"systemd":   func() settable { return new(Systemd) },
	"deploy":    func() settable { return new(Deploy) },
	"syslog":    func() settable { return new(Syslog) },
}

// records parses text and gives clones, with the count of lines that did not
// fit. It checks what holds for every record of every parser.
func records(tb testing.TB, p settable, text string) (out []*parse.Record, bad int) {
	tb.Helper()
	p.Base(base)
	emit := func(r *parse.Record) {
		check(tb, r, text)
		out = append(out, r.Clone())
	}
	offset, number := int64(0), int64(0)
	for rest := text; len(rest) > 0; {
		var l string
		l, rest, _ = strings.Cut(rest, "\n")
		number++
		// The line's memory is only lent: what a parser keeps of it must be a copy.
		lent := []byte(l)
		if p.Parse(parse.Line{Text: lent, Offset: offset, Number: number}, emit) != nil {
			bad++
		}
		for i := range lent {
			lent[i] = 0xFF
		}
		offset += int64(len(l)) + 1
	}
	p.Flush(emit)
	return out, bad
}

func check(tb testing.TB, r *parse.Record, text string) {
	tb.Helper()
	if r.Kind == parse.KindNone || r.Program == parse.ProgramNone {
		tb.Fatalf("record without kind or program: %q", r.Raw)
	}
	physical := func(offset int64) string {
		if offset < 0 || offset > int64(len(text)) {
			tb.Fatalf("offset %d outside of the input", offset)
		}
		l, _, _ := strings.Cut(text[offset:], "\n")
		return l
	}
	if !strings.HasPrefix(physical(r.Offset), string(r.Raw)) {
		tb.Fatalf("Raw is not the line at %d: %q", r.Offset, r.Raw)
	}
	for _, n := range r.Notes {
		if !strings.Contains(physical(n.Offset), string(n.Line)) || len(n.Line) > maxQuote {
			tb.Fatalf("Line is no piece of line %d: %q", n.LineNo, n.Line)
		}
		if want := int64(strings.Count(text[:n.Offset], "\n")) + 1; n.LineNo != want {
			tb.Fatalf("LineNo %d, want %d", n.LineNo, want)
		}
		if n.Field == parse.FieldNone || len(n.Text) == 0 {
			tb.Fatalf("empty note in %q", r.Raw)
		}
	}
	if len(r.Notes) > maxNotes {
		tb.Fatalf("%d notes", len(r.Notes))
	}
	if r.Ended < r.Time {
		tb.Fatalf("ends before it begins: %q", r.Raw)
	}
}

// one parses text into exactly one record.
func one(tb testing.TB, p settable, text string) *parse.Record {
	tb.Helper()
	rs, bad := records(tb, p, text)
	if len(rs) != 1 || bad != 0 {
		tb.Fatalf("%d records and %d bad lines of %q, want one record", len(rs), bad, text)
	}
	return rs[0]
}

// describe writes a record as text, without what is empty.
func describe(r *parse.Record) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "record line=%d offset=%d kind=%s program=%s level=%s", r.Line, r.Offset, kindName[r.Kind], programName[r.Program], levelName[r.Level])
	if r.Incomplete {
		b.WriteString(" incomplete")
	}
	stamp := func(name string, t parse.Time) {
		if t != 0 {
			fmt.Fprintf(&b, " %s=%s", name, time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.999999999"))
		}
	}
	stamp("time", r.Time)
	if r.Ended != r.Time {
		stamp("ended", r.Ended)
	}
	fmt.Fprintf(&b, " precision=%s\n", time.Duration(r.Precision))
	field := func(name string, v any, empty bool) {
		if !empty {
			fmt.Fprintf(&b, "  %s=%v\n", name, v)
		}
	}
	field("status", r.Status, r.Status == 0)
	field("bytes", r.Bytes, r.Bytes < 0)
	field("vxid", r.VXID, r.VXID == 0)
	field("pid", r.PID, r.PID == 0)
	for _, f := range []struct {
		name string
		v    []byte
	}{
		{"method", r.Method}, {"url", r.URL}, {"host", r.Host}, {"protocol", r.Protocol}, {"client", r.Client}, {"agent", r.Agent},
		{"request_id", r.RequestID}, {"trace_id", r.TraceID}, {"message", r.Message}, {"logger", r.Logger}, {"service", r.Service},
		{"version", r.Version}, {"machine", r.Machine}, {"exception", r.Exception}, {"frame", r.Frame},
	} {
		field(f.name, fmt.Sprintf("%q", f.v), len(f.v) == 0)
	}
	for _, n := range r.Notes {
		line := string(n.Line)
		if len(line) > 80 {
			line = line[:80] + "..."
		}
		fmt.Fprintf(&b, "  note %s line=%d offset=%d text=%q\n    quote=%q\n", fieldName[n.Field], n.LineNo, n.Offset, n.Text, line)
	}
	return b.String()
}

var (
	kindName    = map[parse.Kind]string{parse.KindRequest: "request", parse.KindLog: "log", parse.KindSignal: "signal"}
	programName = map[parse.Program]string{parse.App: "app", parse.PHPFPM: "php-fpm", parse.Systemd: "systemd", parse.Deploy: "deploy", parse.Kernel: "kernel"}
	levelName   = map[parse.Level]string{0: "none", 1: "debug", 2: "info", 3: "notice", 4: "warn", 5: "error", 6: "fatal"}
	fieldName   = map[parse.Field]string{
		parse.FieldAppText: "app", parse.FieldFPM: "fpm", parse.FieldSystemd: "systemd", parse.FieldDeploy: "deploy", parse.FieldKernel: "kernel", parse.FieldKubernetes: "kubernetes",
	}
)
