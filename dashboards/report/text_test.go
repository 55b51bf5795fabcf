package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s changed (-want +got):\n%s", path, d)
	}
}

func text(t testing.TB, s *aggregate.Summary, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextMatchesGoldenFiles(t *testing.T) {
	looks := map[string]Options{
		"80":    {Width: 80, Terminal: true},
		"100":   {Width: 100, Terminal: true},
		"120":   {Width: 120, Terminal: true},
		"ascii": {Width: 80, Terminal: true, ASCII: true},
		"pipe":  {},
	}
	for name, s := range summaries() {
		for look, o := range looks {
			t.Run(name+" "+look, func(t *testing.T) {
				golden(t, "text/"+name+"."+look, []byte(text(t, s, o)))
			})
		}
	}
	for _, name := range []string{"lock_wait", "undecidable", "hostile"} {
		t.Run(name+" in colour", func(t *testing.T) {
			golden(t, "text/"+name+".color", []byte(text(t, summaries()[name], Options{Width: 80, Terminal: true, Color: true})))
		})
	}
}

var sectionOrder = []string{"why", "when", "where", "cause", "chain", "do", "unsure", "read"}

func TestEverySectionStandsInItsOrder(t *testing.T) {
	for name, s := range summaries() {
		if name == "dozen" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var words []string
			for l := range strings.Lines(text(t, s, Options{Width: 80})) {
				if l[0] != ' ' && l[0] != '\n' {
					words = append(words, strings.Fields(l)[0])
				}
			}
			if d := cmp.Diff(sectionOrder, words); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestQuietSaysOnlyWhy(t *testing.T) {
	got := text(t, lockWait(), Options{Quiet: true})
	want := "why     15 of 122 requests (12 %) failed from 21:36:38 to 21:36:45 UTC because\n        row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s.\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// checkClean fails if anything but text, line ends and, with colour, our own
// sequences is in out.
func checkClean(t testing.TB, out string, color bool) {
	t.Helper()
	if color {
		for _, s := range append([]string{sgrReset}, sgr[1:]...) {
			out = strings.ReplaceAll(out, s, "")
		}
	}
	if !utf8.ValidString(out) {
		t.Errorf("not UTF-8: %q", out)
	}
	for i, r := range out {
		if r != '\n' && !visible(r) {
			t.Fatalf("rune %U at byte %d: %q", r, i, out[max(0, i-40):min(len(out), i+40)])
		}
	}
}

func TestNothingOfALogReachesTheTerminalRaw(t *testing.T) {
	for name, s := range summaries() {
		for _, width := range []int{40, 80, 100, 120, 200} {
			for _, color := range []bool{false, true} {
				for _, ascii := range []bool{false, true} {
					for _, terminal := range []bool{false, true} {
						o := Options{Width: width, Color: color, ASCII: ascii, Terminal: terminal, All: true, Doctor: true}
						t.Run(fmt.Sprintf("%s %+v", name, o), func(t *testing.T) { checkLook(t, s, o) })
					}
				}
			}
		}
	}
}

func checkLook(t testing.TB, s *aggregate.Summary, o Options) {
	t.Helper()
	out := text(t, s, o)
	checkClean(t, out, o.Color)
	plainText := out
	for _, s := range append([]string{sgrReset}, sgr[1:]...) {
		plainText = strings.ReplaceAll(plainText, s, "")
	}
	for l := range strings.Lines(plainText) {
		l = strings.TrimSuffix(l, "\n")
		if n := line(nil).own(plain, l).width(); o.Terminal && n > o.Width {
			t.Errorf("%d cells in %d columns: %q", n, o.Width, l)
		}
		if strings.HasSuffix(l, " ") {
			t.Errorf("trailing space: %q", l)
		}
		if o.ASCII {
			for _, r := range l {
				if r >= utf8.RuneSelf {
					t.Fatalf("not ASCII: %q", l)
				}
			}
		}
	}
	if !o.Color && strings.Contains(out, "\x1b") {
		t.Error("escape byte without colour")
	}
	if d := cmp.Diff(text(t, s, Options{Width: o.Width, ASCII: o.ASCII, Terminal: o.Terminal, All: o.All, Doctor: o.Doctor}), plainText); d != "" {
		t.Errorf("colour changes the text: %s", d)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;title\x07", 80)
	f.Add("\u202e\u2066 a=b `c`\n\n\xc3\x28", 100)
	f.Add("日本語 👩‍👩‍👧 e\u0301\u0301", 41)
	f.Fuzz(func(t *testing.T, x string, width int) {
		if len(x) > 2000 {
			return
		}
		for _, ascii := range []bool{false, true} {
			checkLook(t, hostile(x), Options{Width: 40 + (width&0xff)%120, ASCII: ascii, Terminal: true, Color: true})
		}
	})
}
