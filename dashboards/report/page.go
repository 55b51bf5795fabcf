package report

import (
	"bufio"
	"io"
	"unicode/utf8"
)

// gutter is the width of the words at the left, and where text begins.
const gutter = 8

// A page turns lines of cells into bytes. It alone knows about colour and the
// edge of the terminal.
type page struct {
	Options
	glyphs
	out *bufio.Writer
	// word is the gutter word that the next line of the section carries.
	word string
	buf  []byte
}

func newPage(w io.Writer, o Options) *page {
	p := &page{Options: o.normal(), glyphs: unicodeGlyphs, out: bufio.NewWriter(w)}
	if p.ASCII {
		p.glyphs = asciiGlyphs
	}
	return p
}

// prose is how far text may run to the right.
func (p *page) prose() int { return min(p.Width, maxProse) }

// own and stranger begin a line; see line.
func (p *page) own(st style, text string) line      { return line(nil).own(st, text) }
func (p *page) stranger(st style, text string) line { return line(nil).stranger(st, text, p.ASCII) }

// section opens a section. All but the first follow a blank line.
func (p *page) section(word string) {
	if p.word == "" {
		p.word = word
		return
	}
	p.write(nil)
	p.word = word
}

// put writes l at the column where text begins, with the section's word in
// front if it is the section's first line.
func (p *page) put(l line) { p.at(gutter, l) }

// at is put for another column.
func (p *page) at(column int, l line) {
	var row line
	if p.word != "" && p.word != " " {
		row = row.own(bold, p.word)
		p.word = " "
	}
	p.write(append(row.pad(column), l...))
}

// say writes prose, broken at spaces, at the column where text begins.
func (p *page) say(l line) { p.sayAt(gutter, gutter, l) }

// sayAt is say with columns for the first line and for those after it.
func (p *page) sayAt(first, rest int, l line) {
	for i, part := range l.wrap(p.prose()-first, p.prose()-rest, p.Terminal) {
		if i == 0 {
			p.at(first, part)
		} else {
			p.at(rest, part)
		}
	}
}

// write ends a line. On a terminal nothing passes the right edge, where the
// terminal itself would wrap it.
func (p *page) write(l line) {
	if p.Terminal {
		l = l.fit(p.Width, p.cut)
	}
	n := len(l)
	for n > 0 && l[n-1].r == ' ' {
		n--
	}
	b := p.buf[:0]
	st := plain
	for _, c := range l[:n] {
		if p.Color && c.style != st && c.r != ' ' {
			if st != plain {
				b = append(b, sgrReset...)
			}
			b = append(b, sgr[c.style]...)
			st = c.style
		}
		b = utf8.AppendRune(b, c.r)
	}
	if st != plain {
		b = append(b, sgrReset...)
	}
	p.buf = append(b, '\n')
	_, _ = p.out.Write(p.buf) // the Writer keeps the error until Flush returns it
}

// marked is own for text of ours with escapes in it, which become yellow.
func (p *page) marked(st style, text string) line {
	var l line
	for i := 0; i < len(text); {
		if n := escapeLen(text[i:]); n > 0 {
			l = l.own(yellow, text[i:i+n])
			i += n
			continue
		}
		j := i + 1
		for j < len(text) && text[j] != '\\' {
			j++
		}
		l = l.stranger(st, text[i:j], p.ASCII)
		i = j
	}
	return l
}

// escapeLen returns the length of the escape that s begins with, or 0.
func escapeLen(s string) int {
	if len(s) < 2 || s[0] != '\\' {
		return 0
	}
	n := map[byte]int{'x': 4, 'u': 6, 'U': 10}[s[1]]
	if n == 0 || len(s) < n {
		return 0
	}
	for _, c := range []byte(s[2:n]) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return 0
		}
	}
	return n
}
