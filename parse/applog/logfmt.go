package applog

import (
	"bytes"

	"why503/parse"
)

// Logfmt reads lines of key=value pairs, as slog's TextHandler, logrus, Go kit
// and Heroku write them. https://brandur.org/logfmt
type Logfmt struct{ structured }

// Fork returns a parser with the same settings and its own buffers.
func (p *Logfmt) Fork() parse.Parser {
	f := new(Logfmt)
	f.loc, f.base = p.loc, p.base
	return f
}

// Parse takes the next line.
func (p *Logfmt) Parse(line parse.Line, emit parse.Emit) error {
	b := line.Text
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	p.begin(line)
	pairs, words := 0, 0
	for i := 0; i < len(b); {
		if b[i] <= ' ' {
			i++
			continue
		}
		start := i
		for i < len(b) && b[i] > ' ' && b[i] != '=' && b[i] != '"' {
			i++
		}
		name := b[start:i]
		if i >= len(b) || b[i] != '=' {
			if pairs == 0 {
				return parse.ErrFormat
			}
			words++
			i++
			continue
		}
		i++
		if len(name) == 0 {
			return parse.ErrFormat
		}
		at := i
		v, next := p.value(b, i)
		i = next
		if at < len(b) && b[at] == '"' {
			at++
		}
		pairs++
		var buf [maxKey]byte
		if path, ok := appendKey(buf[:0], name); ok {
			k := keyOf(path)
			if k == keyNone {
				if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
					path, _ = appendKey(buf[:0], name[dot+1:])
					k = idKey(path)
				}
			}
			if k != keyNone && k != keyWrapper {
				p.set(k, v, true, at)
			}
		}
	}
	if pairs < 2 || words > pairs || !p.plausible() {
		return parse.ErrFormat
	}
	p.finish(emit)
	return nil
}

// Flush has nothing to do: each line is a record.
func (p *Logfmt) Flush(parse.Emit) {}

// value reads the value at i and gives where it ends. A quoted value that the
// line cuts short is taken as it is.
func (p *Logfmt) value(b []byte, i int) ([]byte, int) {
	if i >= len(b) || b[i] != '"' {
		start := i
		for i < len(b) && b[i] > ' ' {
			i++
		}
		return b[start:i], i
	}
	i++
	start, escaped := i, false
	for i < len(b) && b[i] != '"' {
		if b[i] == '\\' {
			escaped = true
			i++
		}
		i++
	}
	if i >= len(b) {
		p.line.Cut = true
		i = len(b)
	}
	v := b[start:i]
	if escaped {
		v = p.unescape(v)
	}
	return v, min(i+1, len(b))
}
