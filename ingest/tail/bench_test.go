package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/frame"
)

// FuzzLinesAreThoseOfFrame writes data in pieces and reads in between: the lines
// have to be those that frame.Lines finds in the whole.
func FuzzLinesAreThoseOfFrame(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nlong line\nend"), []byte{1, 3, 7}, uint8(4))
	f.Add([]byte("\r\n\r\r\n\xff\xc3\nabcde\nf\n"), []byte{2}, uint8(4))
	f.Add([]byte(strings.Repeat("abcdefghij\n", 300)), []byte{255, 1}, uint8(9))
	f.Add([]byte(strings.Repeat("x", 3000)+"\ny\n"), []byte{200}, uint8(100))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data, pieces []byte, maxLine uint8) {
		// What tail does with NULs before a line has a test of its own.
		data = bytes.ReplaceAll(data, []byte{0}, []byte{1})
		limit := int(maxLine) + 1
		var want, got []parse.Line
		lines := frame.NewLines(bytes.NewReader(data), limit)
		for {
			l, err := lines.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			l.Text = bytes.Clone(l.Text)
			want = append(want, l)
		}
		cuts, skipped := lines.Skipped()

		path := filepath.Join(dir, "x")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		defer out.Close()
		file, err := Open(path, nil, Options{MaxLine: limit})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { file.Close() }()
		keep := func(l Line) {
			l.Text = bytes.Clone(l.Text)
			got = append(got, l.Line)
			if fp, err := file.FingerprintAt(l.Incarnation, l.Offset); err != nil || fp != l.Fingerprint {
				t.Fatalf("%q is named otherwise when asked again: %v", l.Text, err)
			}
		}
		read := func() {
			file.Wake()
			for {
				l, err := file.Next()
				if errors.Is(err, ErrWait) {
					return
				}
				if err != nil {
					t.Skip(err) // compressed
				}
				keep(l)
			}
		}
		var total Stats
		for i, rest := 0, data; len(rest) > 0; i++ {
			n := len(rest)
			if len(pieces) > 0 && i < 100 {
				n = min(n, 1+int(pieces[i%len(pieces)]))
			}
			out.Write(rest[:n])
			rest = rest[n:]
			if i%3 < 2 {
				read()
			}
			if i%5 == 4 {
				p := file.Position()
				total.Add(file.stats)
				file.Close()
				if file, err = Open(path, &p, Options{MaxLine: limit}); err != nil {
					t.Fatal(err)
				}
			}
		}
		read()
		if l, ok := file.Flush(); ok {
			keep(l)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		total.Add(file.stats)
		if total.Oversized != cuts || total.OversizedBy != skipped {
			t.Fatalf("%d lines cut by %d, want %d by %d", total.Oversized, total.OversizedBy, cuts, skipped)
		}
	})
}

func accessLog(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "203.0.113.%d - - [02/Jan/2026:03:04:05 +0000] \"GET /product/%d HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n", i%256, i, i%10000)
	}
	return b.Bytes()
}

// BenchmarkLines reads what is there already.
func BenchmarkLines(b *testing.B) {
	data := accessLog(100_000)
	path := filepath.Join(b.TempDir(), "x.log")
	os.WriteFile(path, data, 0o644)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		f, _ := Open(path, nil, Options{})
		n := 0
		for {
			if _, err := f.Next(); err != nil {
				break
			}
			n++
		}
		if n != 100_000 {
			b.Fatal(n)
		}
		f.Close()
	}
}

// BenchmarkLive is a log that gets 5,000 lines between two looks: a tenth of a
// second of 50,000 lines/s. The writing is not measured.
func BenchmarkLive(b *testing.B) {
	data := accessLog(5000)
	path := filepath.Join(b.TempDir(), "x.log")
	out, _ := os.Create(path)
	defer out.Close()
	f, _ := Open(path, nil, Options{})
	defer func() { f.Close() }()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		if i%100 == 99 { // keep the file small
			f.Close()
			out.Truncate(0)
			out.Seek(0, io.SeekStart)
			f, _ = Open(path, nil, Options{})
		}
		out.Write(data)
		b.StartTimer()
		f.Wake()
		n := 0
		for {
			if _, err := f.Next(); err != nil {
				break
			}
			n++
		}
		if n != 5000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkIdle looks at a file without news.
func BenchmarkIdle(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.log")
	os.WriteFile(path, []byte("a\n"), 0o644)
	f, _ := Open(path, nil, Options{})
	defer f.Close()
	for range 3 {
		f.Wake()
		f.Next()
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Wake()
		f.Next()
	}
}

// BenchmarkTenThousandFiles looks once at each of 10,000 files without news.
func BenchmarkTenThousandFiles(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	line := accessLog(50)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	pool := NewHandles(0)
	files := make([]*File, n)
	for i := range files {
		path := filepath.Join(dir, fmt.Sprint(i%100), fmt.Sprintf("%d.log", i))
		os.MkdirAll(filepath.Dir(path), 0o755)
		os.WriteFile(path, line, 0o644)
		files[i], _ = Open(path, nil, Options{Handles: pool})
		for range 3 {
			files[i].Wake()
			for {
				if _, err := files[i].Next(); err != nil {
					break
				}
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		for _, f := range files {
			f.Wake()
			f.Next()
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/file")
	b.ReportMetric(float64(pool.Open()), "open")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
}

func TestALineCostsNoAllocation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, accessLog(50_000), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Next()
	if n := testing.AllocsPerRun(40_000, func() {
		if _, err := f.Next(); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a line", n)
	}
}
