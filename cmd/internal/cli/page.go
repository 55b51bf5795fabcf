package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"why503/dashboards/report"
)

// A page writes what is no report: it pairs words at the left with text that
// is wrapped beside them. All text is escaped on its way.
type page struct {
	out  *bufio.Writer
	look report.Options
}

func newPage(w io.Writer, look report.Options) *page {
	return &page{out: bufio.NewWriter(w), look: look}
}

// The few colours of the reports that are of use here.
const (
	plain   = ""
	bold    = "\x1b[1m"
	dim     = "\x1b[2m"
	magenta = "\x1b[35m"
	yellow  = "\x1b[33m"
	cyan    = "\x1b[36m"
)

// paint puts text between the sequences of a colour.
func (p *page) paint(colour, text string) string {
	if !p.look.Color || colour == plain || text == "" {
		return text
	}
	return colour + text + "\x1b[0m"
}

// clean makes text fit to be shown.
func (p *page) clean(text string) string {
	text = report.Escape(text)
	if !p.look.ASCII {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// column is where text begins.
const column = 9

// row writes word and, beside it, text wrapped to the width.
func (p *page) row(word, colour, text string) {
	head := word
	for _, line := range wrap(p.clean(text), min(p.look.Width, maxProse)-column) {
		pad := strings.Repeat(" ", max(1, column-utf8.RuneCountInString(head)))
		if head == "" {
			pad = strings.Repeat(" ", column)
		}
		fmt.Fprintf(p.out, "%s%s%s\n", p.paint(bold, head), pad, p.paint(colour, line))
		head = ""
	}
}

// maxProse is how wide text may run, however wide the terminal.
const maxProse = 96

// wrap breaks text at spaces so that no line is longer than width, but for a
// word that is.
func wrap(text string, width int) []string {
	var lines []string
	line, n := "", 0
	for word := range strings.FieldsSeq(text) {
		w := utf8.RuneCountInString(word)
		if n > 0 && n+1+w > width {
			lines, line, n = append(lines, line), "", 0
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		line, n = line+word, n+w
	}
	return append(lines, line)
}

// fit cuts text to width runes and marks the cut; text in a pipe is whole.
func (p *page) fit(text string, width int) string {
	if !p.look.Terminal || utf8.RuneCountInString(text) <= width {
		return text
	}
	mark := "…"
	if p.look.ASCII {
		mark = "..."
	}
	r := []rune(text)
	return string(r[:max(0, width-utf8.RuneCountInString(mark))]) + mark
}
