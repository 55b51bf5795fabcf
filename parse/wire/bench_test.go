package wire

import (
	"bufio"
	"compress/gzip"
	"os"
	"testing"

	"why503/parse"
	"why503/parse/recognise"
	"why503/parse/varnish"
)

// varnishLog returns the Records of an example's Varnish log.
func varnishLog(t testing.TB) []Item {
	t.Helper()
	file, err := os.Open("../../examples/timeout-wall/varnishlog.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var items []Item
	keep := func(r *parse.Record) {
		recognise.Default().Annotate(r)
		items = append(items, Item{ID: parse.RecordID{byte(len(items)), 1}, Record: r.Clone()})
	}
	log := varnish.NewLog()
	lines := bufio.NewScanner(z)
	for n := int64(1); lines.Scan(); n++ {
		_ = log.Parse(parse.Line{Text: lines.Bytes(), Number: n}, keep) // lines of no transaction are not wanted here
	}
	if len(items) < 300 {
		t.Fatalf("%d records, want 300", len(items))
	}
	return items
}

func TestRealRecordsTravel(t *testing.T) {
	items := varnishLog(t)
	got := decode(t, encode(t, &Records{Items: items})).(*Records)
	for i := range items {
		a, b := appendAny(t, items[i].Record), appendAny(t, got.Items[i].Record)
		if string(a) != string(b) || len(a) < 100 {
			t.Fatalf("record %d became another", i)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	m := &Records{Items: varnishLog(b)}
	buf := encode(b, m)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = Append(buf[:0], m); err != nil {
			b.Fatal(err)
		}
	}
	report(b, len(m.Items), len(buf))
}

func BenchmarkDecode(b *testing.B) {
	m := &Records{Items: varnishLog(b)}
	buf := encode(b, m)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
	report(b, len(m.Items), len(buf))
}

func report(b *testing.B, records, size int) {
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(size)/float64(records), "B/record")
}
