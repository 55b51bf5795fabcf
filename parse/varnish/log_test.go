package varnish

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

func diffText(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

func logSamples(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/log/*.log")
	if err != nil || len(files) == 0 {
		tb.Fatal("no samples", err)
	}
	return files
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestLogGolden(t *testing.T) {
	for _, path := range logSamples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var b strings.Builder
			p := NewLog()
			bad := feed(p, read(t, path), func(r *parse.Record) { b.WriteString(dump(r)) })
			if bad > 0 && filepath.Base(path) != "broken.log" {
				t.Errorf("%d lines were refused", bad)
			}
			golden(t, path+".golden", b.String())
		})
	}
}

// checkQuotes holds what every report relies on: a quote stands in its line.
func checkQuotes(tb testing.TB, data []byte, r *parse.Record) {
	tb.Helper()
	if !hasPrefix(data[r.Offset:], string(r.Raw)) {
		tb.Fatalf("Raw %q does not stand at %d", r.Raw, r.Offset)
	}
	for _, n := range r.Notes {
		line, _, _ := bytes.Cut(data[n.Offset:], []byte{'\n'})
		if !bytes.Contains(line, n.Line) {
			tb.Fatalf("note %q does not stand in line %q", n.Line, line)
		}
		if n.Offset > 0 && data[n.Offset-1] != '\n' {
			tb.Fatalf("offset %d of note %q is not the start of a line", n.Offset, n.Line)
		}
		if want := int64(bytes.Count(data[:n.Offset], []byte{'\n'})) + 1; want != n.LineNo {
			tb.Fatalf("note %q has line number %d, want %d", n.Line, n.LineNo, want)
		}
	}
}

func TestQuotesStandInTheirLines(t *testing.T) {
	for _, path := range logSamples(t) {
		data := read(t, path)
		feed(NewLog(), data, func(r *parse.Record) { checkQuotes(t, data, r) })
	}
}

func TestRawAndGroupedFormsAgree(t *testing.T) {
	for _, path := range logSamples(t) {
		if strings.Contains(path, "raw") || strings.Contains(path, "broken") {
			continue
		}
		grouped := read(t, path)
		want := outlines(collect(NewLog(), grouped))
		got := outlines(collect(NewLog(), toRaw(grouped)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -grouped +raw\n%s", path, diff)
		}
	}
}

// toRaw writes the records of a grouped log as -g raw would, the
// transactions interleaved record by record.
func toRaw(grouped []byte) []byte {
	var txs [][]string
	var id, side string
	for _, l := range strings.Split(string(grouped), "\n") {
		if kind, _, ok := splitHead([]byte(l)); ok {
			id, side = strings.TrimSpace(l[strings.Index(l, ">>")+2:]), "c"
			if string(kind) == "BeReq" {
				side = "b"
			}
			txs = append(txs, nil)
		} else if r, ok := splitRecord([]byte(l)); ok && len(txs) > 0 {
			i := len(txs) - 1
			tag := string(r.tag) + strings.Repeat(" ", max(0, tagColumns-len(r.tag)))
			txs[i] = append(txs[i], strings.Repeat(" ", max(0, 10-len(id)))+id+" "+tag+" "+side+" "+string(r.payload)+"\n")
		}
	}
	var b strings.Builder
	for more := true; more; {
		more = false
		for i, tx := range txs {
			if len(tx) > 0 {
				b.WriteString(tx[0])
				txs[i], more = tx[1:], true
			}
		}
	}
	return []byte(b.String())
}

// outlines are what two forms of one log must agree on: all but the places.
func outlines(rs []*parse.Record) map[uint64]string {
	out := make(map[uint64]string)
	for _, r := range rs {
		c := r.Clone()
		c.Offset, c.Line = 0, 0
		for i := range c.Notes {
			c.Notes[i].Offset, c.Notes[i].LineNo, c.Notes[i].Line = 0, 0, nil
		}
		out[r.VXID] += dump(c)
	}
	return out
}

func TestOldestOpenTransactionIsEvicted(t *testing.T) {
	p := NewLog()
	p.MaxOpen = 2
	var got []uint64
	data := "1 Begin          c req 9 rxreq\n2 Begin          c req 9 rxreq\n3 Begin          c req 9 rxreq\n2 End            c \n"
	feed(p, []byte(data), func(r *parse.Record) {
		got = append(got, r.VXID)
		if r.Incomplete != (r.VXID != 2) {
			t.Errorf("%d: Incomplete is %v", r.VXID, r.Incomplete)
		}
	})
	if diff := cmp.Diff([]uint64{1, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
	if p.Stats.Evicted != 1 || p.Stats.Unended != 1 {
		t.Errorf("%+v", p.Stats)
	}
}

func TestMemoryOfOpenTransactionsIsBounded(t *testing.T) {
	p := NewLog()
	p.MaxBytes = 1 << 20
	line := []byte("        00 VCL_Log        c " + strings.Repeat("x", 1000))
	for i := 0; i < 20000; i++ {
		line[8], line[9] = byte('1'+i%9), byte('0'+i/9%10)
		if err := p.Parse(parse.Line{Text: line}, func(*parse.Record) {}); err != nil {
			t.Fatal(err)
		}
		if p.open.bytes > p.MaxBytes+maxText*2 || p.open.bytes < 0 {
			t.Fatalf("holds %d bytes", p.open.bytes)
		}
	}
	p.Flush(func(*parse.Record) {})
	if p.open.bytes != 0 || p.open.len() != 0 || p.open.newest != nil {
		t.Errorf("after Flush: %d bytes, %d open", p.open.bytes, p.open.len())
	}
}

func TestAVXIDThatBeginsAgainIsAnotherTransaction(t *testing.T) {
	data := "5 Begin          c req 4 rxreq\n5 RespStatus     c 503\n5 Begin          c req 4 rxreq\n5 RespStatus     c 200\n5 End            c \n"
	p := NewLog()
	rs := collect(p, []byte(data))
	if len(rs) != 2 || rs[0].Status != 503 || !rs[0].Incomplete || rs[1].Status != 200 || rs[1].Incomplete || p.Stats.Reused != 1 {
		t.Errorf("%d records, %+v", len(rs), p.Stats)
	}
}

func TestCutPayloadNeedsNoClosingQuote(t *testing.T) {
	p := NewLog()
	p.Reclen = 100
	rs := collect(p, []byte(`0 Backend_health - web Went sick 4---X-R- 1 2 3 0.001244 0.001185 "HTTP/1.1 5`+"\n"))
	if len(rs) != 1 || string(rs[0].Tx.Backend) != "web" || len(rs[0].Notes) != 2 || string(rs[0].Notes[1].Text) != "HTTP/1.1 5" {
		t.Fatalf("%v", rs)
	}
	rs = collect(p, []byte("*   << BeReq    >> 4\n-   Begin          bereq 3 pass\n-   FetchError     "+strings.Repeat("e", 99)+"\n-   End            \n"))
	if len(rs) != 1 || !rs[0].Incomplete || p.Stats.Truncated != 1 {
		t.Errorf("%v %+v", rs, p.Stats)
	}
}

func TestHealthyTransactionAllocatesNothing(t *testing.T) {
	for _, path := range []string{"testdata/log/miss.log", "testdata/log/raw_interleaved.log", "testdata/log/refused.log"} {
		data := read(t, path)
		var lines []parse.Line
		for _, l := range bytes.Split(data, []byte{'\n'}) {
			lines = append(lines, parse.Line{Text: l})
		}
		p := NewLog()
		n := 0
		emit := func(*parse.Record) { n++ }
		run := func() {
			for _, l := range lines {
				_ = p.Parse(l, emit)
			}
			p.Flush(emit)
		}
		for i := 0; i < 200; i++ { // until pooled transactions have all grown
			run()
		}
		if avg := testing.AllocsPerRun(100, run); avg != 0 {
			t.Errorf("%s: %v allocations", path, avg)
		}
		if n == 0 {
			t.Errorf("%s: no transaction", path)
		}
	}
}

func TestHealthyTransactionHasNoNotes(t *testing.T) {
	for _, r := range collect(NewLog(), read(t, "testdata/log/miss.log")) {
		if len(r.Notes) != 0 {
			t.Errorf("%d: %q", r.VXID, r.Notes[0].Line)
		}
	}
}

func FuzzLog(f *testing.F) {
	for _, path := range logSamples(f) {
		data := read(f, path)
		f.Add(data, uint16(len(data)/2))
		f.Add(toRaw(data), uint16(100))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		p := NewLog()
		p.MaxOpen = 16
		var whole []string
		feed(p, data, func(r *parse.Record) {
			checkQuotes(t, data, r)
			if r.Kind == parse.KindNone || r.Tx == nil || r.Ended < r.Time {
				t.Fatalf("bad record: %s", dump(r))
			}
			whole = append(whole, dump(r))
		})
		// Fed in two parts, and by a Log that has read something before, the
		// same Records come out.
		q := NewLog()
		q.MaxOpen = 16
		feed(q, data, func(*parse.Record) {})
		q.now = 0
		at := min(int(cut), len(data))
		at += bytes.IndexByte(data[at:], '\n') + 1
		if at > 0 && at < len(data) && data[at-1] != '\n' {
			at = 0
		}
		var parts []string
		emit := func(r *parse.Record) { parts = append(parts, dump(r)) }
		feedPart(q, data[:at], parse.Line{Number: 1}, emit)
		feedPart(q, data[at:], parse.Line{Number: int64(bytes.Count(data[:at], []byte{'\n'})) + 1, Offset: int64(at)}, emit)
		q.Flush(emit)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatalf("-whole +parts\n%s", diff)
		}
	})
}

func BenchmarkLog(b *testing.B) {
	for _, c := range []struct{ name, path string }{{"grouped", "testdata/log/miss.log"}, {"failed", "testdata/log/refused.log"}, {"raw", "testdata/log/raw_interleaved.log"}} {
		b.Run(c.name, func(b *testing.B) {
			data := bytes.Repeat(read(b, c.path), 50)
			p := NewLog()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				feed(p, data, func(*parse.Record) {})
			}
		})
	}
}
