package report

import (
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// A cell is a rune on its place in a line. Combining marks have width 0 and
// move with the cell before them.
type cell struct {
	r     rune
	width uint8
	style style
}

// A line is what stands in one row of a terminal, before it is cut to fit.
type line []cell

// widths measures runes as terminals outside of East Asian locales do; the
// environment does not change it, so a report is the same everywhere.
var widths = &runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}

func newCell(r rune, st style) cell {
	if r < utf8.RuneSelf {
		return cell{r, 1, st}
	}
	return cell{r, uint8(widths.RuneWidth(r)), st}
}

// own appends text of ours, which is known to be harmless.
func (l line) own(st style, text string) line {
	for _, r := range text {
		l = append(l, newCell(r, st))
	}
	return l
}

// stranger appends text of a stranger with everything escaped; escapes are
// yellow whatever the style.
func (l line) stranger(st style, text string, ascii bool) line {
	walk(text, ascii,
		func(r rune) { l = append(l, newCell(r, st)) },
		func(e string) { l = l.own(yellow, e) })
	return l
}

func (l line) width() int {
	n := 0
	for _, c := range l {
		n += int(c.width)
	}
	return n
}

// pad appends spaces until l is n cells wide.
func (l line) pad(n int) line {
	for w := l.width(); w < n; w++ {
		l = append(l, cell{' ', 1, plain})
	}
	return l
}

// right appends m so that it ends at column n, two spaces away at least.
func (l line) right(m line, n int) line {
	w := n - m.width()
	if low := l.width() + 2; w < low {
		w = low
	}
	return append(l.pad(w), m...)
}

// fit cuts l to n cells; a line that was cut ends in mark.
func (l line) fit(n int, mark string) line {
	if l.width() <= n {
		return l
	}
	end := line(nil).own(plain, mark)
	room := n - end.width()
	if room <= 0 {
		return l.head(n)
	}
	return append(l.head(room), end...)
}

// head returns the longest beginning of l that is at most n cells wide. It
// shares no memory that an append could overwrite.
func (l line) head(n int) line {
	w := 0
	for i, c := range l {
		if w += int(c.width); w > n {
			return l[:i:i]
		}
	}
	return l[:len(l):len(l)]
}

// wrap breaks l at spaces into lines of at most first, then rest cells. A word
// that is wider than a line is broken only when hard.
func (l line) wrap(first, rest int, hard bool) []line {
	var out []line
	var cur line
	room := first
	w := 0
	for len(l) > 0 {
		n := 0
		for n < len(l) && l[n].r == ' ' {
			n++
		}
		gap := l[:n]
		m := n
		for m < len(l) && l[m].r != ' ' {
			m++
		}
		word := l[n:m]
		l = l[m:]
		if len(word) == 0 {
			break
		}
		ww := word.width()
		if w > 0 && w+len(gap)+ww > room {
			out, cur, w, room = append(out, cur), nil, 0, rest
		}
		if w > 0 {
			cur = append(cur, gap...)
			w += len(gap)
		}
		for hard && ww > room {
			part := word.head(room)
			if len(part) == 0 {
				part = word[:1]
			}
			out, word, room = append(out, part), word[len(part):], rest
			ww = word.width()
		}
		cur = append(cur, word...)
		w += ww
	}
	if len(cur) > 0 || len(out) == 0 {
		out = append(out, cur)
	}
	return out
}
