package varnish

import (
	"bytes"
	"strings"
)

// ReadVCL reads backend and probe definitions and the times that VCL sets,
// out of any text: it understands comments, strings and inline C well enough
// not to be misled, passes over all else, and never fails. Includes are for
// the caller to read.
//
// https://varnish-cache.org/docs/trunk/reference/vcl.html
func ReadVCL(src []byte) Config {
	const maxVCL = 16 << 20
	v := vclReader{lex: vclLexer{src: src[:min(len(src), maxVCL)], line: 1}, lines: newLines(src)}
	v.next()
	for v.tok.kind != vclEnd && v.count < maxSettings {
		switch {
		case v.word("backend"):
			v.backend()
		case v.word("probe"):
			v.probe()
		case v.word("set"):
			v.set()
		default:
			v.next()
		}
	}
	v.namedProbes()
	return v.cfg
}

type vclReader struct {
	lex    vclLexer
	tok    vclToken
	lines  *lines
	cfg    Config
	probes map[string][]Setting
	count  int
}

func (v *vclReader) next() { v.tok = v.lex.next() }

func (v *vclReader) word(s string) bool { return v.tok.kind == vclWord && string(v.tok.text) == s }

func (v *vclReader) mark(c byte) bool { return v.tok.kind == vclMark && v.tok.text[0] == c }

// backend reads "backend name { .host = "..."; .probe = { ... } }".
func (v *vclReader) backend() {
	b := Backend{Line: v.lines.at(v.tok.line), LineNo: v.tok.line}
	v.next()
	if v.tok.kind != vclWord {
		return
	}
	b.Name = string(v.tok.text)
	v.next()
	if v.word("none") { // "backend name none;"
		v.cfg.Backends = append(v.cfg.Backends, b)
		v.count++
		return
	}
	if !v.mark('{') {
		return
	}
	v.next()
	b.Settings, b.Probe = v.attributes(0)
	v.cfg.Backends = append(v.cfg.Backends, b)
	v.count++
}

func (v *vclReader) probe() {
	v.next()
	if v.tok.kind != vclWord {
		return
	}
	name := string(v.tok.text)
	v.next()
	if !v.mark('{') {
		return
	}
	v.next()
	settings, _ := v.attributes(1)
	if v.probes == nil {
		v.probes = make(map[string][]Setting)
	}
	v.probes[name] = settings
	v.count++
}

// attributes reads ".name = value;" up to the closing brace. A probe that is
// written inside comes back on its own.
func (v *vclReader) attributes(depth int) (settings, probe []Setting) {
	for v.tok.kind != vclEnd && v.count < maxSettings {
		switch {
		case v.mark('}'):
			v.next()
			return settings, probe
		case v.tok.kind == vclWord && v.tok.text[0] == '.':
			name, line := string(v.tok.text[1:]), v.tok.line
			v.next()
			if !v.mark('=') {
				continue
			}
			v.next()
			if v.mark('{') && depth == 0 {
				v.next()
				probe, _ = v.attributes(1)
				continue
			}
			settings = append(settings, v.setting(name, line))
		case v.mark('{'):
			return settings, probe // no backend definition after all
		default:
			v.next()
		}
	}
	return settings, probe
}

// setting reads a value up to its semicolon. Strings of .request stand side
// by side and are one value.
func (v *vclReader) setting(name string, line int) Setting {
	v.count++
	const maxValue = 4096
	var b strings.Builder
	for v.tok.kind != vclEnd && !v.mark(';') && !v.mark('}') && !v.mark('{') && b.Len() < maxValue {
		if b.Len() > 0 && v.tok.spaced {
			b.WriteByte(' ')
		}
		b.Write(v.tok.text[:min(len(v.tok.text), maxValue)])
		v.next()
	}
	if v.mark(';') {
		v.next()
	}
	s := Setting{Name: name, Value: b.String(), Line: v.lines.at(line), LineNo: line}
	s.Duration = span(s.Value, 0)
	return s
}

// set reads "set bereq.first_byte_timeout = 90s;" and keeps what is a time.
func (v *vclReader) set() {
	line := v.tok.line
	v.next()
	if v.tok.kind != vclWord {
		return
	}
	name := string(v.tok.text)
	v.next()
	if !v.mark('=') {
		return
	}
	v.next()
	if s := v.setting(name, line); isTimeVariable(name) {
		v.cfg.Sets = append(v.cfg.Sets, s)
	} else {
		v.count--
	}
}

func isTimeVariable(name string) bool {
	_, field, ok := strings.Cut(name, ".")
	return ok && (strings.HasSuffix(field, "_timeout") || strings.HasSuffix(field, "_wait") ||
		field == "ttl" || field == "grace" || field == "keep" || field == "timeout_idle")
}

// namedProbes gives each backend the probe that it names.
func (v *vclReader) namedProbes() {
	for i := range v.cfg.Backends {
		b := &v.cfg.Backends[i]
		if p, ok := b.Setting("probe"); ok && b.Probe == nil {
			b.Probe = v.probes[p.Value]
		}
	}
}

type vclKind uint8

const (
	vclEnd vclKind = iota
	vclWord
	vclString
	vclMark
)

type vclToken struct {
	kind   vclKind
	text   []byte
	line   int
	spaced bool // something stood between it and the token before
}

type vclLexer struct {
	src  []byte
	pos  int
	line int
}

func (l *vclLexer) next() vclToken {
	from := l.pos
	l.skip()
	t := vclToken{line: l.line, spaced: l.pos > from}
	if l.pos >= len(l.src) {
		return t
	}
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case bytes.HasPrefix(rest, []byte(`"""`)):
		return l.text(t, 3, `"""`)
	case bytes.HasPrefix(rest, []byte(`{"`)):
		return l.text(t, 2, `"}`)
	case bytes.HasPrefix(rest, []byte("C{")): // inline C says nothing to us
		return l.text(t, 2, "}C")
	case c == '"':
		end := bytes.IndexAny(rest[1:], "\"\n")
		if end < 0 {
			end = len(rest) - 1
		}
		t.kind, t.text = vclString, rest[1:1+end]
		l.pos += min(end+2, len(rest))
		if end+1 < len(rest) && rest[end+1] == '\n' {
			l.pos--
		}
		return t
	case vclLetter(c):
		n := 1
		for n < len(rest) && vclLetter(rest[n]) {
			n++
		}
		t.kind, t.text = vclWord, rest[:n]
		l.pos += n
		return t
	default:
		t.kind, t.text = vclMark, rest[:1]
		l.pos++
		return t
	}
}

// vclLetter takes names with their dots, and numbers with their units.
func vclLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-'
}

// text reads a string or a block that ends in a fixed text.
func (l *vclLexer) text(t vclToken, open int, end string) vclToken {
	rest := l.src[l.pos+open:]
	n := bytes.Index(rest, []byte(end))
	next := l.pos + open + n + len(end)
	if n < 0 {
		n, next = len(rest), len(l.src)
	}
	t.kind, t.text = vclString, rest[:n]
	l.line += bytes.Count(l.src[l.pos:next], []byte{'\n'})
	l.pos = next
	return t
}

// skip passes over blanks and comments.
func (l *vclLexer) skip() {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case rest[0] == '\n':
			l.line++
			l.pos++
		case rest[0] <= ' ':
			l.pos++
		case rest[0] == '#', bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.pos += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				n = len(rest) - 4
			}
			n = max(n+4, 2)
			l.line += bytes.Count(rest[:n], []byte{'\n'})
			l.pos += n
		default:
			return
		}
	}
}
