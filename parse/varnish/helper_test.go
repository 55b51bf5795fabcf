package varnish

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"why503/parse"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// feed gives data to p line by line, as a reader of files would.
func feed(p parse.Parser, data []byte, emit parse.Emit) (bad int) {
	bad = feedPart(p, data, parse.Line{Number: 1}, emit)
	p.Flush(emit)
	return bad
}

// feedPart is feed from a given place on, without the Flush.
func feedPart(p parse.Parser, data []byte, at parse.Line, emit parse.Emit) (bad int) {
	for len(data) > 0 {
		text, rest, found := bytes.Cut(data, []byte{'\n'})
		at.Text = text
		if p.Parse(at, emit) != nil {
			bad++
		}
		at.Number++
		at.Offset += int64(len(text))
		if found {
			at.Offset++
		}
		data = rest
	}
	return bad
}

// collect returns clones of all Records of data.
func collect(p parse.Parser, data []byte) []*parse.Record {
	var out []*parse.Record
	feed(p, data, func(r *parse.Record) { out = append(out, r.Clone()) })
	return out
}

var (
	kinds     = []string{"none", "request", "fetch", "log", "signal", "session"}
	reasons   = []string{"", "client", "restart", "esi", "fetch", "pass", "bgfetch", "retry", "pipe", "other"}
	handlings = []string{"", "hit", "miss", "pass", "hitmiss", "hitpass", "pipe", "synth"}
)

// dump writes a Record for a golden file: what is empty is left out.
func dump(r *parse.Record) string {
	var b strings.Builder
	put := func(name string, v any) {
		switch s := fmt.Sprint(v); s {
		case "", "0", "false", "[]":
		default:
			fmt.Fprintf(&b, " %s=%s", name, s)
		}
	}
	text := func(name string, v []byte) {
		if len(v) > 0 {
			fmt.Fprintf(&b, " %s=%q", name, v)
		}
	}
	fmt.Fprintf(&b, "%s vxid=%d line=%d offset=%d", kinds[r.Kind], r.VXID, r.Line, r.Offset)
	put("incomplete", r.Incomplete)
	put("cut", r.Cut)
	put("background", r.Background)
	fmt.Fprintf(&b, "\n  time=%d ended=%d precision=%d\n ", r.Time, r.Ended, r.Precision)
	put("status", r.Status)
	put("bytes", r.Bytes)
	put("conn", r.ConnID)
	text("method", r.Method)
	text("url", r.URL)
	text("host", r.Host)
	text("protocol", r.Protocol)
	text("client", r.Client)
	text("agent", r.Agent)
	text("rid", r.RequestID)
	text("trace", r.TraceID)
	b.WriteByte('\n')
	if t := r.Tx; t != nil {
		b.WriteString("  tx")
		put("type", t.Type)
		put("reason", reasons[t.Reason])
		put("esi", t.ESILevel)
		put("parent", t.Parent)
		put("handling", handlings[t.Handling])
		put("hit", t.HitVXID)
		if t.Calls|parse.TxCalls(t.Returns) != 0 {
			fmt.Fprintf(&b, " calls=%b returns=%b", t.Calls, t.Returns)
		}
		put("statuses", t.Statuses)
		text("text", t.ReasonText)
		text("listen", t.Listen)
		text("backend", t.Backend)
		put("closed", t.Closed)
		text("body", t.BodyMode)
		put("streamed", t.Streamed)
		put("sent", t.BodySent)
		for _, l := range t.Links {
			fmt.Fprintf(&b, " link=%d/%d/%s", l.VXID, l.Type, reasons[l.Reason])
		}
		b.WriteByte('\n')
		for _, o := range t.Opens {
			fmt.Fprintf(&b, "  open %s remote=%s:%s local=%s:%s reused=%v age=%d\n", o.Name, o.RemoteAddr, o.RemotePort, o.LocalAddr, o.LocalPort, o.Reused, o.Age)
		}
		if len(t.Stamps) > 0 {
			b.WriteString("  stamps")
			for _, s := range t.Stamps {
				fmt.Fprintf(&b, " %d:%d/%d", s.Name, s.Since, s.Last)
			}
			b.WriteByte('\n')
		}
	}
	for _, u := range r.Upstreams {
		fmt.Fprintf(&b, "  upstream %q status=%d connect=%d header=%d response=%d\n", u.Addr, u.Status, u.Connect, u.Header, u.Response)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  note field=%d line=%d offset=%d time=%d text=%q quote=%q\n", n.Field, n.LineNo, n.Offset, n.Time, n.Text, n.Line)
	}
	return b.String()
}

// golden compares got with a file beside the test, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffText(string(want), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", path, diff)
	}
}
