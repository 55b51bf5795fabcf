package frame

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"why503/parse"
)

// kept remembers the newest physical lines of a lane, and when their envelopes
// were written.
type kept struct {
	lines []keptLine // in order of offset
	texts []byte
	base  int // texts[0] is this far into all text that was ever kept
}

type keptLine struct {
	offset int64
	time   parse.Time
	start  int // in all text that was ever kept
	size   int
	recode bool // quotes from the inner text need not be pieces of the line
}

const maxKeptLines = 1 << 14

func (k *kept) add(line parse.Line, t parse.Time, recode bool) {
	if n := len(k.lines); n > 0 && k.lines[n-1].offset >= line.Offset {
		*k = kept{lines: k.lines[:0], texts: k.texts[:0]} // another stream
	}
	if len(k.lines) == maxKeptLines || len(k.texts)+len(line.Text) > maxKept {
		k.forget(len(line.Text))
	}
	l := keptLine{offset: line.Offset, time: t, start: k.base + len(k.texts), size: len(line.Text), recode: recode}
	k.texts = append(k.texts, line.Text...)
	k.lines = append(k.lines, l)
}

// extend adds a further part to the line that was added last. Parts are
// divided by a line end, so that no quote spans two physical lines.
func (k *kept) extend(line parse.Line) {
	if len(k.lines) == 0 || len(k.texts)+len(line.Text) >= maxKept {
		return
	}
	l := &k.lines[len(k.lines)-1]
	k.texts = append(append(k.texts, '\n'), line.Text...)
	l.size += 1 + len(line.Text)
}

// forget drops the older half, and more where room bytes need it.
func (k *kept) forget(room int) {
	n := (len(k.lines) + 1) / 2
	for n < len(k.lines) && k.base+len(k.texts)-k.lines[n].start+room > maxKept {
		n++
	}
	start := k.base + len(k.texts)
	if n < len(k.lines) {
		start = k.lines[n].start
	}
	k.texts = k.texts[:copy(k.texts, k.texts[start-k.base:])]
	k.base = start
	k.lines = k.lines[:copy(k.lines, k.lines[n:])]
}

func (k *kept) find(offset int64) *keptLine {
	i := sort.Search(len(k.lines), func(i int) bool { return k.lines[i].offset >= offset })
	if i == len(k.lines) || k.lines[i].offset != offset {
		return nil
	}
	return &k.lines[i]
}

// text is valid until the next add or extend.
func (k *kept) text(l *keptLine) []byte {
	return k.texts[l.start-k.base:][:l.size]
}

// maxQuoteScan bounds the search for a quote in a long escaped line.
const maxQuoteScan = 64 << 10

// quote returns the piece of the physical line whose text is want. Where only
// the beginning of want stands in it, the piece ends there.
func quote(physical, want []byte) []byte {
	if len(want) == 0 {
		return nil
	}
	if i := bytes.Index(physical, want); i >= 0 {
		return physical[i : i+len(want)]
	}
	physical = physical[:min(len(physical), maxQuoteScan)]
	var best []byte
	for i, tries := 0, 0; i < len(physical) && tries < 256; i++ {
		if physical[i] != want[0] && physical[i] != '\\' {
			continue
		}
		n, all := matchEscaped(physical[i:], want)
		if n > len(best) {
			best = physical[i : i+n]
		}
		if all {
			break
		}
		if n > 16 { // a long match that failed is dear; only so many are tried
			tries++
		}
	}
	return best
}

// matchEscaped returns how much of escaped reads as want, and whether all of
// want was found.
func matchEscaped(escaped, want []byte) (n int, all bool) {
	var buf [utf8.UTFMax]byte
	for len(want) > 0 {
		if n == len(escaped) || escaped[n] == '\n' {
			return n, false
		}
		if escaped[n] != '\\' {
			if escaped[n] != want[0] {
				return n, false
			}
			n, want = n+1, want[1:]
			continue
		}
		text, size := parse.UnescapeOne(buf[:0], escaped[n:])
		if !bytes.HasPrefix(want, text) {
			return n, false
		}
		n, want = n+size, want[len(text):]
	}
	return n, true
}

// literal returns the longest run of text that stands the same way in JSON as
// outside, so that it is a piece of the line it came from, whatever that was.
func literal(text []byte) []byte {
	var best []byte
	for start := 0; start < len(text); {
		n := start
		for n < len(text) && text[n] >= ' ' && text[n] < 0x7f && !bytes.ContainsRune([]byte(`"\/<>&`), rune(text[n])) {
			n++
		}
		if n-start > len(best) {
			best = text[start:n]
		}
		start = n + 1
	}
	return best
}
