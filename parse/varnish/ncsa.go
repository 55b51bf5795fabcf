package varnish

import (
	"bytes"
	"time"

	"why503/parse"
)

// NCSA reads the lines of varnishncsa in one -F format. A line of the backend
// side (-b, told by %{Varnish:side}x or %{VSL:Begin}x) gives a KindFetch,
// every other a KindRequest. Times are starts, as %t prints them. The Record
// is used again by the next call.
//
// The cause of a 503 stands in a line only when its format prints it
// (%{VSL:FetchError}x with -b), so the absence of a Note proves nothing.
//
// https://varnish-cache.org/docs/trunk/reference/varnishncsa.html
type NCSA struct {
	// Zone is that of strftime layouts that print none; nil is UTC.
	Zone *time.Location

	lead []byte
	ops  []op
	open bool // the default format: JSON, and key=value pairs after it

	rec     parse.Record
	tx      parse.Tx
	line    parse.Line
	scratch []byte
	v       values
}

// NewNCSA returns a parser of the default format, with key=value pairs that
// may follow it, and of lines of flat JSON with names of the user's choice.
func NewNCSA() *NCSA {
	n, err := CompileNCSA(defaultFormat)
	if err != nil {
		panic(err) // the format is a constant
	}
	n.open = true
	return n
}

// CompileNCSA returns a parser of the lines that varnishncsa -F format
// writes, also with -j.
func CompileNCSA(format string) (*NCSA, error) {
	lead, ops, err := compile(format)
	if err != nil {
		return nil, err
	}
	return &NCSA{lead: lead, ops: ops}, nil
}

var _ parse.Stateless = (*NCSA)(nil)

// Fork returns a parser of the same format with buffers of its own.
func (p *NCSA) Fork() parse.Parser {
	return &NCSA{Zone: p.Zone, lead: p.lead, ops: p.ops, open: p.open}
}

// Flush does nothing: each line is whole.
func (p *NCSA) Flush(parse.Emit) {}

// Parse reads one line.
func (p *NCSA) Parse(line parse.Line, emit parse.Emit) error {
	if blank(line.Text) {
		return nil
	}
	p.reset(line)
	var ok bool
	if b := line.Text; p.open && b[0] == '{' {
		ok = p.json(b)
	} else {
		ok = p.columns(b)
	}
	if !ok || !p.finish() {
		return parse.ErrFormat
	}
	emit(&p.rec)
	return nil
}

func (p *NCSA) reset(line parse.Line) {
	p.rec.Reset()
	opens, stamps := p.tx.Opens[:0], p.tx.Stamps[:0]
	p.tx = parse.Tx{Opens: opens, Stamps: stamps, BodySent: -1}
	p.line, p.scratch = line, p.scratch[:0]
	p.v = values{duration: -1, firstByte: -1}
	p.rec.Program, p.rec.Tx = parse.Varnish, &p.tx
	p.rec.Raw, p.rec.Offset, p.rec.Line = line.Text, line.Offset, line.Number
	p.rec.Incomplete = line.Cut
}

// columns reads a line by the compiled format.
func (p *NCSA) columns(b []byte) bool {
	if !bytes.HasPrefix(b, p.lead) {
		return false
	}
	b = b[len(p.lead):]
	for i := range p.ops {
		o := &p.ops[i]
		value, rest, ok := p.cut(o, i == len(p.ops)-1, b)
		if !ok || !bytes.HasPrefix(rest, o.end) {
			return false
		}
		p.take(o, value)
		b = rest[len(o.end):]
	}
	if !p.open {
		return len(b) == 0
	}
	if len(b) > 0 && b[0] != ' ' {
		return false
	}
	return p.pairs(b)
}

// cut finds where the value of o ends.
func (p *NCSA) cut(o *op, last bool, b []byte) (value, rest []byte, ok bool) {
	switch {
	case o.quoted:
		return cutQuoted(b, o.end)
	case o.col == colTime || o.col == colEndTime:
		if len(b) > 0 && b[0] == '-' {
			return b[:1], b[1:], true
		}
		_, _, _, rest, ok = scanTime(o.layout, b, p.Zone)
		if !ok {
			return nil, nil, false
		}
		return b[:len(b)-len(rest)], rest, true
	case len(o.end) > 0:
		skip := 0
		if o.col == colRequest { // holds two spaces
			for range 2 {
				if n := bytes.IndexByte(b[skip:], ' '); n >= 0 {
					skip += n + 1
				}
			}
		}
		n := bytes.Index(b[skip:], o.end)
		if n < 0 {
			return nil, nil, false
		}
		return b[:skip+n], b[skip+n:], true
	case last && p.open:
		return nil, b, true
	case last:
		return b, nil, true
	case o.col == colURL:
		if n := bytes.IndexAny(b, "? "); n >= 0 {
			return b[:n], b[n:], true
		}
		return b, nil, true
	default: // nothing between this value and the next: a number or a word
		n := 0
		for n < len(b) && b[n] > ' ' && (o.col == colProtocol || o.col == colMethod || b[n]-'0' <= 9 || b[n] == '.' || b[n] == '-') {
			n++
		}
		return b[:n], b[n:], true
	}
}

// cutQuoted ends at a quote that is not escaped and that the text after the
// value follows.
func cutQuoted(b, end []byte) (value, rest []byte, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			if bytes.HasPrefix(b[i:], end) {
				return b[:i], b[i:], true
			}
		}
	}
	return nil, nil, false
}

// pairs reads key=value and key="value" until the end of the line.
func (p *NCSA) pairs(b []byte) bool {
	for {
		b = bytes.TrimLeft(b, " \t\r,;")
		if len(b) == 0 {
			return true
		}
		name, rest, ok := bytes.Cut(b, []byte{'='})
		if !ok || bytes.IndexByte(name, ' ') >= 0 {
			_, b = word(b) // a stray word
			continue
		}
		var value []byte
		if len(rest) > 0 && rest[0] == '"' {
			if value, b, ok = cutQuoted(rest[1:], quote); !ok {
				p.rec.Incomplete = true
				return true
			}
			b = b[1:]
		} else {
			value, b = word(rest)
		}
		o := named(name)
		p.take(&o, value)
	}
}

// json reads a flat JSON object. One that holds objects or lists was not
// written by varnishncsa's format alone and is refused.
func (p *NCSA) json(b []byte) bool {
	b = b[1:]
	for {
		b = bytes.TrimLeft(b, " \t\r,")
		if len(b) == 0 || b[0] == '}' {
			return len(b) > 0
		}
		if b[0] != '"' {
			return false
		}
		name, rest, ok := cutQuoted(b[1:], quote)
		if !ok {
			return false
		}
		b = bytes.TrimLeft(rest[1:], " \t")
		if len(b) == 0 || b[0] != ':' {
			return false
		}
		b = bytes.TrimLeft(b[1:], " \t")
		if len(b) == 0 {
			return false
		}
		var value []byte
		switch b[0] {
		case '"':
			if value, b, ok = cutQuoted(b[1:], quote); !ok {
				return false
			}
			b = b[1:]
		case '{', '[':
			return false
		default:
			n := bytes.IndexAny(b, ",}")
			if n < 0 {
				return false
			}
			value, b = bytes.TrimSpace(b[:n]), b[n:]
			if string(value) == "null" {
				continue
			}
		}
		o := named(name)
		if o.col == colIgnore {
			o = shaped(value)
		}
		p.take(&o, value)
	}
}

// shaped knows a value by what it looks like when its name is not known.
func shaped(v []byte) op {
	switch {
	case len(v) > 12 && bytes.Contains(v, []byte(" HTTP/")) && v[0] >= 'A' && v[0] <= 'Z':
		return op{col: colRequest}
	case len(v) == 55 && parse.TraceID(v) != nil:
		return op{col: colTrace}
	case len(v) == 28 && v[0] == '[' && v[len(v)-1] == ']':
		return op{col: colTime}
	}
	return op{}
}
