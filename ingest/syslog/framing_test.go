package syslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// messages reads all; one that was cut ends in "...".
func messages(r io.Reader, size int) (out []string, err error) {
	f := newFramer(r, size)
	for {
		msg, cut, err := f.next()
		if err != nil {
			return out, err
		}
		s := string(msg)
		if cut {
			s += "..."
		}
		out = append(out, s)
	}
}

func TestFraming(t *testing.T) {
	long := strings.Repeat("x", 40_000)
	for _, tt := range []struct {
		name, in string
		max      int
		want     []string
		err      error
	}{
		{"nothing", "", 99, nil, io.EOF},
		{"by length", "6 <1>abc5 <2>de", 99, []string{"<1>abc", "<2>de"}, io.EOF},
		{"by length, with line ends in it", "8 <1>a\nb\n\n3 <2>", 99, []string{"<1>a\nb\n\n", "<2>"}, io.EOF},
		{"by LF", "<1>a\n<2>b\n", 99, []string{"<1>a", "<2>b"}, io.EOF},
		{"by NUL", "<1>a\x00<2>b\x00", 99, []string{"<1>a", "<2>b"}, io.EOF},
		{"by NUL before LF", "<1>a\x00\n<2>b\n\x00", 99, []string{"<1>a", "", "<2>b", ""}, io.EOF},
		{"without an end", "<1>a\n<2>b", 99, []string{"<1>a", "<2>b"}, io.EOF},
		{"both in turn", "<1>a\n4 <2>b<3>c\n", 99, []string{"<1>a", "<2>b", "<3>c"}, io.EOF},
		{"texts that begin with digits", "127.0.0.1 - -\n12 monkeys\n5\n6 ", 99, []string{"127.0.0.1 - -", "12 monkeys", "5", "6 "}, io.EOF},
		{"by length without a priority, once it is clear", "4 <1>a3 xyz", 99, []string{"<1>a", "xyz"}, io.EOF},
		{"too long by length", "10 <1>abcdefg4 <2>b", 5, []string{"<1>ab...", "<2>b"}, io.EOF},
		{"too long by LF", "<1>abcdefg\n<2>b\n", 5, []string{"<1>ab...", "<2>b"}, io.EOF},
		{"much too long", "<1>" + long + "\n<2>b\n", 5, []string{"<1>xx...", "<2>b"}, io.EOF},
		{"half of one", "10 <1>abc", 99, nil, io.ErrUnexpectedEOF},
		{"a length that is none", "4 <1>a999999999 <", 99, []string{"<1>a"}, errFraming},
		{"a longer length that is none", "4 <1>a99999999999999", 99, []string{"<1>a"}, errFraming},
		{"a length before anything that is none", "999999999 <1>", 99, nil, errFraming},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "bytewise": iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, err := messages(r, tt.max)
				if !errors.Is(err, tt.err) {
					t.Errorf("%s: error is %v", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

// FuzzFraming holds that messages that told their length come out as they went
// in, behind whatever came before by a line end, and that nothing is larger
// than the bound.
func FuzzFraming(f *testing.F) {
	f.Add([]byte("<1>a\n"), []byte("<2>b"))
	f.Add([]byte("4 <2>b"), []byte("<2>\n\n"))
	f.Add([]byte("12 monkeys"), []byte("<3>"))
	f.Fuzz(func(t *testing.T, before, msg []byte) {
		const size = 64
		if all, _ := messages(bytes.NewReader(before), size); len(all) > len(before) {
			t.Fatalf("%d messages of %d bytes", len(all), len(before))
		}
		in := newFramer(bytes.NewReader(before), size)
		for {
			m, cut, err := in.next()
			if err != nil {
				break
			}
			if len(m) > size || cut && len(m) != size {
				t.Fatalf("a message of %d bytes", len(m))
			}
		}
		msg = append([]byte("<1>"), msg...)
		one := fmt.Appendf(nil, "%d %s", len(msg), msg)
		f := newFramer(bytes.NewReader(append(one, one...)), len(msg))
		for range 2 {
			m, cut, err := f.next()
			if err != nil || cut || !bytes.Equal(m, msg) {
				t.Fatalf("%q became %q: %v", msg, m, err)
			}
		}
	})
}
