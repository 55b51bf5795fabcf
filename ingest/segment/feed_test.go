package segment

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

type memory struct {
	bytes.Buffer
	err error
}

func (m *memory) Append(b []byte) (Position, error) {
	if m.err != nil {
		return Position{}, m.err
	}
	m.Write(b)
	if b[len(b)-1] != '\n' {
		m.WriteByte('\n')
	}
	return Position{}, nil
}

func TestFeedAppendsWholeLines(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"lines", "a\nb\n\nc\n", "a\nb\n\nc\n"},
		{"a last line without end", "a\nb", "a\nb\n"},
		{"a line of the bound", "123456789\nx\n", "123456789\nx\n"},
		// One byte more than the bound is handed on, for the Writer to count.
		{"a longer one", "a\n12345678901234\nx\n", "a\n1234567890\nx\n"},
		{"one that is longer by its last byte", "1234567890\nx\n", "1234567890\nx\n"},
		{"one without end", "12345678901234567890", "1234567890\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range map[string]io.Reader{
				"whole": strings.NewReader(tt.in), "bytewise": iotest.OneByteReader(strings.NewReader(tt.in)), "halves": iotest.HalfReader(strings.NewReader(tt.in)),
			} {
				var m memory
				if err := Feed(context.Background(), r, &m, 9); err != nil {
					t.Fatal(err)
				}
				// Whole lines go to the Writer as they are.
				same(t, tt.want, cutTo(m.String(), 10))
			}
		})
	}
}

func cutTo(s string, n int) (out string) {
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		out += line[:min(n, len(line))] + "\n"
	}
	return out
}

func TestFeedGoesOnWhereTheDiskDoesNot(t *testing.T) {
	full := errors.New("full")
	r := strings.NewReader(strings.Repeat("a line\n", 100_000))
	if err := Feed(context.Background(), r, &memory{err: full}, 0); !errors.Is(err, full) || r.Len() > 0 {
		t.Errorf("error is %v, %d bytes unread", err, r.Len())
	}
}

func TestFeedEndsWithItsContext(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if _, err := out.WriteString("a\nhalf"); err != nil {
		t.Fatal(err)
	}
	w := open(t, Config{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- Feed(ctx, in, w, 0) }()
	r := w.Reader(Position{})
	defer r.Close()
	if err := r.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	same(t, []string{"a", "half"}, all(t, r))
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte("a\nb\n"), 3)
	f.Add([]byte("12345678901\n\nx"), 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		var m memory
		fd := feeder{to: &m, limit: 10}
		for rest := in; len(rest) > 0; {
			n := min(len(rest), max(1, step&0xff))
			fd.take(rest[:n])
			rest = rest[n:]
		}
		fd.end()
		want := string(in)
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if got := cutTo(m.String(), 10); got != cutTo(want, 10) {
			t.Fatalf("%q became %q", in, got)
		}
	})
}
