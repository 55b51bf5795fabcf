package frame

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func text(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d %x\n", i, uint32(i)*2654435761)
	}
	return b.String()
}

func gz(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, s string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll([]byte(s), nil)
}

// bz2 returns the stored file whose content is text(2000); nothing in Go
// writes bzip2.
func bz2(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "lines.bz2"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenReadsWhatItRecognises(t *testing.T) {
	s := text(2000)
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		as   Compression
	}{
		{"plain", []byte(s), s, Plain},
		{"empty", nil, "", Plain},
		{"shorter than any magic", []byte("x"), "x", Plain},
		{"gzip", gz(t, s), s, Gzip},
		{"gzip members", append(gz(t, "a\n"), gz(t, s)...), "a\n" + s, Gzip},
		{"gzip with padding", append(gz(t, s), make([]byte, 513)...), s, Gzip},
		{"empty gzip member between", append(append(gz(t, "a\n"), gz(t, "")...), gz(t, "b\n")...), "a\nb\n", Gzip},
		{"zstd", zst(t, s), s, Zstd},
		{"zstd frames", append(zst(t, "a\n"), zst(t, s)...), "a\n" + s, Zstd},
		{"zstd behind a skippable frame", append([]byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc"), zst(t, s)...), s, Zstd},
		{"bzip2", bz2(t), s, Bzip2},
		{"bzip2 streams", append(bz2(t), bz2(t)...), s + s, Bzip2},
		{"a line that begins like bzip2", []byte("BZh9 is no archive\n"), "BZh9 is no archive\n", Plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, c, err := Open(bytes.NewReader(tt.in), int64(len(tt.in)))
			if err != nil || c != tt.as {
				t.Fatalf("opened as %v: %v", c, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != tt.want {
				t.Fatalf("read %d bytes of %d: %v", len(got), len(tt.want), err)
			}
		})
	}
}

func TestDamagedStreamsGiveWhatStandsBefore(t *testing.T) {
	s := text(60_000)
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		for i := range 64 {
			b[at+i] ^= 0xa5
		}
		return b
	}
	g, z, b2 := gz(t, s), zst(t, s), append(bz2(t), bz2(t)...)
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		some int // at least so many bytes are delivered
	}{
		{"truncated gzip", g[:len(g)/2], s, len(s) / 3},
		{"gzip cut in its checksum", g[:len(g)-3], s, len(s)},
		{"gzip cut in its header", g[:5], s, 0},
		{"corrupt gzip", flip(g, len(g)/2), s, len(s) / 3},
		{"garbage behind gzip", append(bytes.Clone(g), "no member"...), s, len(s)},
		{"second gzip member cut in its header", append(bytes.Clone(g), g[:6]...), s, len(s)},
		{"truncated zstd", z[:len(z)/2], s, len(s) / 4},
		{"corrupt zstd", flip(z, len(z)/2), s, len(s) / 4},
		{"truncated bzip2", b2[:len(b2)-len(b2)/4], text(2000) + text(2000), len(text(2000))},
		{"corrupt bzip2", flip(b2, len(b2)*3/4), text(2000) + text(2000), len(text(2000))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _, err := Open(bytes.NewReader(tt.in), int64(len(tt.in)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			var damage *DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("error is %v", err)
			}
			if damage.At < 0 || damage.At > damage.Of || damage.Of != int64(len(tt.in)) {
				t.Errorf("damaged at %d of %d", damage.At, damage.Of)
			}
			// What a flipped bit makes is only noticed at the checksum, so more
			// may come than stands before the damage.
			same := 0
			for same < min(len(got), len(tt.want)) && got[same] == tt.want[same] {
				same++
			}
			if same < tt.some || same < len(got) && !strings.HasPrefix(tt.name, "corrupt") {
				t.Errorf("read %d bytes, %d of them right, want %d", len(got), same, tt.some)
			}
			if strings.HasPrefix(tt.name, "truncated") && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestDamageIsToldInFigures(t *testing.T) {
	for want, e := range map[string]*DamageError{
		"corrupt at byte 18,874,368 of 20,132,659 (6 % of the file unread)": {At: 18_874_368, Of: 20_132_659, Err: gzip.ErrChecksum},
		"corrupt at byte 999":                        {At: 999, Of: -1, Err: gzip.ErrChecksum},
		"cut off at byte 1,000, where the file ends": {At: 1000, Of: 1000, Err: io.ErrUnexpectedEOF},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAFileThatCannotBeReadIsNotCalledDamaged(t *testing.T) {
	broken := errors.New("input/output error")
	g := gz(t, text(20000))
	r, _, err := Open(io.MultiReader(bytes.NewReader(g[:len(g)/2]), readerFunc(func([]byte) (int, error) { return 0, broken })), -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.ReadAll(r); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestWhatIsNotReadIsNamed(t *testing.T) {
	for name, in := range map[string]string{"xz": "\xfd7zXZ\x00\x00\x04", "lz4": "\x04\x22\x4d\x18dd", "zip": "PK\x03\x04aa"} {
		_, _, err := Open(strings.NewReader(in), -1)
		var unreadable *UnreadableError
		if !errors.As(err, &unreadable) || !strings.Contains(unreadable.Hint(), "why503 analyze -") || unreadable.Compression.String() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The bomb is 256 MiB of zeros in some kilobytes.
func TestABombIsStreamed(t *testing.T) {
	var bomb bytes.Buffer
	w, err := zstd.NewWriter(&bomb, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, _, err := Open(&bomb, int64(bomb.Len()))
	if err != nil {
		t.Fatal(err)
	}
	l := NewLines(r, 0)
	n := 0
	for {
		if _, err := l.Next(); err != nil {
			break
		}
		n++
	}
	runtime.ReadMemStats(&after)
	if _, skipped := l.Skipped(); n != 1 || skipped != 256<<20-DefaultMaxLine {
		t.Errorf("%d lines, %d bytes skipped", n, skipped)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 48<<20 {
		t.Errorf("allocated %d MiB", used>>20)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(gz(f, "a\nb\n"))
	f.Add(zst(f, "a\nb\n"))
	b, err := base64.StdEncoding.DecodeString("QlpoORdyRThQkAAAAAA=") // an empty bzip2
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, c, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, 16<<20))
		var damage *DamageError
		if err != nil && (!errors.As(err, &damage) || damage.At > int64(len(data))) {
			t.Fatalf("%v: %v", c, err)
		}
		if c == Plain && n != int64(len(data)) {
			t.Fatalf("%d bytes of %d", n, len(data))
		}
	})
}

func BenchmarkGzip(b *testing.B) {
	s := text(300_000)
	data := gz(b, s)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		r, _, err := Open(bytes.NewReader(data), -1)
		if err != nil {
			b.Fatal(err)
		}
		l := NewLines(r, 0)
		for {
			if _, err := l.Next(); err != nil {
				break
			}
		}
	}
}

func BenchmarkZstd(b *testing.B) {
	s := text(300_000)
	data := zst(b, s)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		r, _, err := Open(bytes.NewReader(data), -1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
