package nginx

import (
	"bytes"
	"strings"
)

// Bounds of a configuration, all files of it together.
const (
	maxConfBytes  = 16 << 20
	maxConfFiles  = 512
	maxConfDepth  = 32 // blocks in blocks
	maxIncludes   = 8  // includes in includes
	maxDirectives = 200_000
	maxConfLine   = 4096 // what is kept of a physical line
	maxArgs       = 256
)

// A lexer takes a configuration apart into words and marks.
//
// https://nginx.org/en/docs/beginners_guide.html#conf_structure
type lexer struct {
	src    []byte
	pos    int
	lineNo int
	begin  int // of the line that pos is in
}

// A token is a word, or one of { } ; with mark set; mark 0 and no word is the
// end.
type token struct {
	word   string
	isWord bool
	mark   byte
	lineNo int
	begin  int
}

func (l *lexer) next() token {
	l.skip()
	t := token{lineNo: l.lineNo, begin: l.begin}
	if l.pos >= len(l.src) {
		return t
	}
	switch c := l.src[l.pos]; c {
	case '{', '}', ';':
		l.pos++
		t.mark = c
	case '"', '\'':
		l.pos++
		t.word, t.isWord = l.quoted(c), true
	default:
		t.word, t.isWord = l.bare(), true
	}
	return t
}

func (l *lexer) skip() {
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case '#':
			for l.pos < len(l.src) && l.src[l.pos] != '\n' {
				l.pos++
			}
		case ' ', '\t', '\r', '\n':
			l.step()
		default:
			return
		}
	}
}

func (l *lexer) step() byte {
	c := l.src[l.pos]
	l.pos++
	if c == '\n' {
		l.lineNo++
		l.begin = l.pos
	}
	return c
}

// quoted reads up to the quote, which it takes too.
func (l *lexer) quoted(end byte) string {
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.step()
		if c == end {
			break
		}
		if c == '\\' && l.pos < len(l.src) {
			l.escaped(&b)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// bare reads a word without quotes; the brace of ${name} is part of it.
func (l *lexer) bare() string {
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' {
			break
		}
		if c == '{' && (b.Len() == 0 || l.src[l.pos-1] != '$') {
			break
		}
		if l.pos++; c == '\\' && l.pos < len(l.src) {
			l.escaped(&b)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// escaped takes what follows a backslash. nginx drops the backslash before
// quotes and itself, and before t, r and n; it keeps it before all else.
func (l *lexer) escaped(b *strings.Builder) {
	switch c := l.step(); c {
	case '"', '\'', '\\':
		b.WriteByte(c)
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'n':
		b.WriteByte('\n')
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
}

// skipCode goes behind a block that is Lua or the like, from behind its
// opening brace.
func (l *lexer) skipCode() {
	for depth := 1; l.pos < len(l.src) && depth > 0; {
		switch l.step() {
		case '{':
			depth++
		case '}':
			depth--
		}
	}
}

// lineFrom is the physical line that begins at a byte, or its beginning.
func lineFrom(src []byte, begin int) string {
	b := src[begin:min(len(src), begin+maxConfLine)]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return string(bytes.TrimSuffix(b, []byte("\r")))
}
