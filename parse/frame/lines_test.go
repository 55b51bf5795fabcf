package frame

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// all reads r to its end and copies the lines.
func all(r io.Reader, maxLine int) (lines []parse.Line, err error) {
	l := NewLines(r, maxLine)
	for {
		line, err := l.Next()
		if err != nil {
			return lines, err
		}
		line.Text = bytes.Clone(line.Text)
		lines = append(lines, line)
	}
}

func TestLinesGivesTextsOffsetsAndNumbers(t *testing.T) {
	line := func(text string, offset, number int64, cut bool) parse.Line {
		return parse.Line{Text: []byte(text), Offset: offset, Number: number, Cut: cut}
	}
	for _, tt := range []struct {
		name, in string
		max      int
		want     []parse.Line
	}{
		{"empty stream", "", 0, nil},
		{"one empty line", "\n", 0, []parse.Line{line("", 0, 1, false)}},
		{"last line without end", "a\nbc", 0, []parse.Line{line("a", 0, 1, false), line("bc", 2, 2, false)}},
		{"CRLF is stripped", "a\r\n\r\nb\r", 0, []parse.Line{line("a", 0, 1, false), line("", 3, 2, false), line("b", 5, 3, false)}},
		{"only one CR is stripped", "a\r\r\n", 0, []parse.Line{line("a\r", 0, 1, false)}},
		{"NUL and invalid UTF-8 pass through", "\x00\xff\n\xc3\n", 0, []parse.Line{line("\x00\xff", 0, 1, false), line("\xc3", 3, 2, false)}},
		{"a line of the bound is whole", "abcd\ne\n", 4, []parse.Line{line("abcd", 0, 1, false), line("e", 5, 2, false)}},
		{"a longer one is cut", "abcde\nf\n", 4, []parse.Line{line("abcd", 0, 1, true), line("f", 6, 2, false)}},
		{"a much longer one is cut once", "a\n" + strings.Repeat("x", 30) + "\nf\n", 4,
			[]parse.Line{line("a", 0, 1, false), line("xxxx", 2, 2, true), line("f", 33, 3, false)}},
		{"a long last line is cut", "a\nabcdefgh", 4, []parse.Line{line("a", 0, 1, false), line("abcd", 2, 2, true)}},
		{"two long lines in a row", "abcdef\nghijkl\nm", 4,
			[]parse.Line{line("abcd", 0, 1, true), line("ghij", 7, 2, true), line("m", 14, 3, false)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(tt.in), "bytewise": iotest.OneByteReader(strings.NewReader(tt.in)),
				"error with data": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, err := all(r, tt.max)
				if !errors.Is(err, io.EOF) {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestALineBeforeDamageIsMarkedAsCut(t *testing.T) {
	broken := errors.New("broken")
	got, err := all(io.MultiReader(strings.NewReader("a\nbc"), iotest.ErrReader(broken)), 0)
	if !errors.Is(err, broken) {
		t.Fatalf("error is %v", err)
	}
	want := []parse.Line{{Text: []byte("a"), Number: 1}, {Text: []byte("bc"), Offset: 2, Number: 2, Cut: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAReaderThatNeverAdvancesEnds(t *testing.T) {
	if _, err := all(readerFunc(func([]byte) (int, error) { return 0, nil }), 0); !errors.Is(err, io.ErrNoProgress) {
		t.Fatalf("error is %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestALineOf100MBTakesBoundedMemory(t *testing.T) {
	const size = 100 << 20
	left := size
	huge := readerFunc(func(p []byte) (int, error) {
		if left == 0 {
			return 0, io.EOF
		}
		n := min(len(p), left)
		for i := range p[:n] {
			p[i] = 'x'
		}
		left -= n
		return n, nil
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := NewLines(io.MultiReader(strings.NewReader("first\n"), huge, strings.NewReader("\nlast\n")), 0)
	var got []int
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, len(line.Text))
		if line.Number == 3 && line.Offset != 6+size+1 {
			t.Errorf("last line at %d", line.Offset)
		}
	}
	runtime.ReadMemStats(&after)
	if diff := cmp.Diff([]int{5, DefaultMaxLine, 4}, got); diff != "" {
		t.Error(diff)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("allocated %d MiB", used>>20)
	}
	if lines, skipped := l.Skipped(); lines != 1 || skipped != size-DefaultMaxLine {
		t.Errorf("skipped %d bytes of %d lines", skipped, lines)
	}
}

func TestBlocksGiveTheSameLines(t *testing.T) {
	var in strings.Builder
	for i := range 1000 {
		in.WriteString(strings.Repeat("y", i*7%300))
		in.WriteByte('\n')
	}
	in.WriteString(strings.Repeat("z", 9000) + "\nend")
	want, _ := all(strings.NewReader(in.String()), 8192)
	var got []parse.Line
	b := NewBlocks(strings.NewReader(in.String()), 8192)
	var buf []byte
	for {
		block, err := b.Next(buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		buf = block.Data
		it := block.Lines()
		for line, ok := it.Next(); ok; line, ok = it.Next() {
			line.Text = bytes.Clone(line.Text)
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLinesDoNotAllocate(t *testing.T) {
	data := bytes.Repeat([]byte("127.0.0.1 - - [22/Nov/2026:21:34:05 +0000] \"GET / HTTP/1.1\" 200 4\n"), 1000)
	r := bytes.NewReader(data)
	l := NewLines(r, 0)
	if n := testing.AllocsPerRun(900, func() { _, _ = l.Next() }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "a\nb", "a\r\n\r\nb\n", "\x00\xff\n", strings.Repeat("long", 20) + "\nshort"} {
		f.Add([]byte(s), uint16(16))
	}
	f.Fuzz(func(t *testing.T, data []byte, maxLine uint16) {
		bound := int(maxLine%64) + 1
		lines, err := all(iotest.HalfReader(bytes.NewReader(data)), bound)
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		// Texts and what lies between them give back the input.
		var back []byte
		for i, line := range lines {
			end := int64(len(data))
			if i+1 < len(lines) {
				end = lines[i+1].Offset
			}
			after := data[line.Offset+int64(len(line.Text)) : end]
			if line.Cut {
				after = data[line.Offset+int64(len(line.Text)) : end]
			} else if s := string(after); s != "\n" && s != "\r\n" && (i+1 < len(lines) || s != "" && s != "\r") {
				t.Fatalf("line %d is followed by %q", i+1, s)
			}
			if len(line.Text) > bound || line.Number != int64(i+1) {
				t.Fatalf("line %d: number %d, %d bytes", i+1, line.Number, len(line.Text))
			}
			back = append(append(back, line.Text...), after...)
		}
		if !bytes.Equal(back, data) {
			t.Fatalf("%q came back as %q", data, back)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	data := bytes.Repeat([]byte(`127.0.0.1 - - [22/Nov/2026:21:34:05 +0000] "GET /product/22 HTTP/1.1" 200 406 "-" "Mozilla/5.0 (X11; Linux x86_64)"`+"\n"), 100000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		l := NewLines(bytes.NewReader(data), 0)
		for {
			if _, err := l.Next(); err != nil {
				break
			}
		}
	}
}
