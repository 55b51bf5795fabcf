package applog

import (
	"bytes"

	"why503/parse"
)

// JSON reads log lines that are JSON objects, of any of the usual libraries.
// A line of OTLP (resourceLogs) gives a Record for each of its log records.
type JSON struct {
	structured
	path [maxKey]byte
	emit parse.Emit
	b    []byte
	i    int
	more bool // records of this line were emitted already
}

// Fork returns a parser with the same settings and its own buffers.
func (p *JSON) Fork() parse.Parser {
	f := new(JSON)
	f.loc, f.base = p.loc, p.base
	return f
}

// Parse takes the next line.
func (p *JSON) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimSpace(line.Text)
	if len(b) < 2 || b[0] != '{' || b[1] != '"' && b[1] != ' ' {
		if len(b) == 0 {
			return nil
		}
		return parse.ErrFormat
	}
	p.begin(line)
	p.emit, p.more = emit, false
	p.b, p.i = line.Text, bytes.IndexByte(line.Text, '{')
	whole := p.object(0, 0)
	p.emit = nil
	if p.more && !p.plausible() {
		return nil
	}
	if !p.plausible() || !whole && !p.stamped && p.e.level == 0 {
		return parse.ErrFormat
	}
	if !whole {
		p.line.Cut = true
	}
	p.finish(emit)
	return nil
}

// Flush has nothing to do: each line is a record.
func (p *JSON) Flush(parse.Emit) {}

const maxDepth = 12

// object reads members into the entry. n bytes of path name the object.
func (p *JSON) object(n, depth int) bool {
	p.i++
	attr := -1 // length of the path when a "key" of OpenTelemetry was seen
	for {
		p.spaces()
		switch p.peek() {
		case '}':
			p.i++
			return true
		case ',':
			p.i++
			continue
		case '"':
		default:
			return false
		}
		name, ok := p.text()
		if !ok {
			return false
		}
		if p.spaces(); p.peek() != ':' {
			return false
		}
		p.i++
		p.spaces()
		if string(name) == "value" && attr >= 0 {
			if !p.value(attr, attr, depth) {
				return false
			}
			continue
		}
		path, fits := appendKey(p.path[:n:maxKey], name)
		if string(name) == "key" && p.peek() == '"' {
			at := p.i
			if v, ok := p.text(); ok {
				if a, ok := appendKey(p.path[:n:maxKey], v); ok {
					attr = len(a)
				}
				continue
			}
			p.i = at
		}
		own := n // where the last name begins
		switch {
		case !fits:
			path = p.path[:0]
		case keyOf(path[n:]) == keyWrapper:
			path = p.path[:n]
		}
		if !p.value(len(path), own, depth) {
			return false
		}
	}
}

// value reads the value whose path has n bytes, the last name from own on.
func (p *JSON) value(n, own, depth int) bool {
	switch c := p.peek(); c {
	case '{':
		if depth >= maxDepth {
			return p.skip()
		}
		return p.object(n, depth+1)
	case '[':
		return p.array(n, own, depth)
	case '"':
		at := p.i + 1
		k := p.keyAt(n, own)
		if k == keyNone {
			return p.skipText()
		}
		v, ok := p.text()
		if !ok {
			// The rest of a line that was cut still tells something.
			if k == keyMessage || k == keyError || k == keyStack || k == keyErrorText {
				p.set(k, p.b[at:], true, at)
			}
			return false
		}
		p.set(k, v, true, at)
		return true
	default:
		at := p.i
		for p.i < len(p.b) && p.b[p.i] != ',' && p.b[p.i] != '}' && p.b[p.i] != ']' && p.b[p.i] > ' ' {
			p.i++
		}
		if p.i == at {
			return false
		}
		if c == 'n' || c == 't' || c == 'f' {
			return true
		}
		if k := p.keyAt(n, own); k != keyNone {
			p.set(k, p.b[at:p.i], false, at)
		}
		return true
	}
}

func (p *JSON) keyAt(n, own int) key {
	k := keyOf(p.path[:n])
	if k == keyNone && own > 0 && own < n {
		k = idKey(p.path[own:n])
	}
	if k == keyWrapper {
		return keyNone
	}
	return k
}

func (p *JSON) array(n, own, depth int) bool {
	if depth >= maxDepth {
		return p.skip()
	}
	records := bytes.HasSuffix(bytes.TrimRight(p.b[:p.i], ": \t"), []byte(`"logRecords"`))
	before := p.e
	p.i++
	for {
		p.spaces()
		switch p.peek() {
		case ']':
			p.i++
			return true
		case ',':
			p.i++
			continue
		case 0:
			return false
		}
		if records {
			if p.plausible() {
				p.finish(p.emit)
				p.more = true
			}
			p.e, p.stamped, p.event, p.looseDur = before, false, nil, nil
		}
		// Monolog lists frames beside the exception's own text.
		if p.peek() == '"' && p.keyAt(n, own) == keyStack && len(p.e.errText)+len(p.e.errMessage) > 0 {
			if !p.skipText() {
				return false
			}
			continue
		}
		if !p.value(n, own, depth+1) {
			return false
		}
	}
}

// skip passes over an object or array without looking inside.
func (p *JSON) skip() bool {
	for open := 0; p.i < len(p.b); {
		switch p.b[p.i] {
		case '"':
			if !p.skipText() {
				return false
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				p.i++
				return true
			}
		}
		p.i++
	}
	return false
}

func (p *JSON) skipText() bool {
	_, _, ok := p.raw()
	return ok
}

// raw reads the string at i and gives it as it stands.
func (p *JSON) raw() (v []byte, escaped, ok bool) {
	p.i++
	start := p.i
	for {
		q := bytes.IndexByte(p.b[p.i:], '"')
		if q < 0 {
			p.i = len(p.b)
			return nil, false, false
		}
		end := p.i + q
		s := bytes.IndexByte(p.b[p.i:end], '\\')
		if s < 0 {
			p.i = end + 1
			return p.b[start:end], escaped, true
		}
		escaped = true
		if p.i += s + 2; p.i > len(p.b) {
			p.i = len(p.b)
			return nil, false, false
		}
	}
}

// text reads the string at i. Only one with escapes is copied.
func (p *JSON) text() (v []byte, ok bool) {
	v, escaped, ok := p.raw()
	if ok && escaped {
		v = p.unescape(v)
	}
	return v, ok
}

func (p *JSON) spaces() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\t') {
		p.i++
	}
}

func (p *JSON) peek() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}
