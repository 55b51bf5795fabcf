package collect

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/frame"
)

func TestABlockIsReadAgainWithItsPlaces(t *testing.T) {
	short := "one\r\ntwo\n\nfour\nno end"
	for name, text := range map[string]string{"short": short, "long": strings.Repeat("x", frame.DefaultMaxLine-10) + "\n" + short} {
		t.Run(name, func(t *testing.T) {
			var got, want []parse.Line
			each([]byte(text), &block{off: 1000, line: 40}, func(l parse.Line) {
				l.Text = bytes.Clone(l.Text)
				got = append(got, l)
			})
			lines := frame.NewLines(strings.NewReader(text), 0)
			for {
				l, err := lines.Next()
				if err != nil {
					break
				}
				l.Text, l.Offset, l.Number = bytes.Clone(l.Text), l.Offset+1000, l.Number+40
				want = append(want, l)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if last := got[len(got)-1]; string(last.Text) != "no end" || last.Number != int64(40+len(got)) {
				t.Errorf("the last line is %q, number %d", last.Text, last.Number)
			}
		})
	}
}
