package frame

import (
	"bytes"

	"why503/parse"
)

const (
	// maxJoined bounds what is put together from partial lines.
	maxJoined = DefaultMaxLine
	// maxKept bounds the physical lines that are kept to quote from. Parsers
	// hold lines back for the length of a transaction or a stack trace.
	maxKept = 1 << 20
)

// A Parser gives the lines in an envelope to the parser of their format, one
// for each output stream of a container. Records keep the positions of the
// physical lines, and what they quote is a verbatim piece of those.
type Parser struct {
	kind    Kind
	lanes   [2]lane
	scratch []byte
}

// A lane is one output stream: a parser, and a line that is not complete yet.
type lane struct {
	parser  parse.Parser
	joined  []byte
	first   parse.Line // position of the first part of joined
	open    bool
	cut     bool
	kept    kept
	host    []byte
	emit    parse.Emit
	emitted parse.Emit // wraps emit; made once
}

// NewParser returns a parser for lines in envelopes of that kind. Lines of
// stderr go to stderr when it is not nil, all others to stdout.
func NewParser(kind Kind, stdout, stderr parse.Parser) *Parser {
	p := &Parser{kind: kind}
	p.lanes[0].parser, p.lanes[1].parser = stdout, stderr
	for i := range p.lanes {
		l := &p.lanes[i]
		l.emitted = func(r *parse.Record) { l.restore(r); l.emit(r) }
	}
	return p
}

// Inner returns the parsers for stdout and stderr; the second may be nil.
func (p *Parser) Inner() (stdout, stderr parse.Parser) {
	return p.lanes[0].parser, p.lanes[1].parser
}

// Parse implements parse.Parser.
func (p *Parser) Parse(line parse.Line, emit parse.Emit) error {
	in, scratch, ok := Unwrap(p.kind, line.Text, p.scratch)
	p.scratch = scratch
	if !ok {
		return parse.ErrFormat
	}
	l := &p.lanes[0]
	if in.Stream == Stderr && p.lanes[1].parser != nil {
		l = &p.lanes[1]
	}
	if !bytes.Equal(l.host, in.Host) {
		l.host = append(l.host[:0], in.Host...)
	}
	l.emit = emit
	defer func() { l.emit = nil }()
	return l.take(line, in)
}

// Flush implements parse.Parser.
func (p *Parser) Flush(emit parse.Emit) {
	for i := range p.lanes {
		l := &p.lanes[i]
		if l.parser == nil {
			continue
		}
		l.emit = emit
		if l.open {
			_ = l.finish() // a bad line at the very end; nobody is left to count it
		}
		l.parser.Flush(l.emitted)
		l.emit = nil
	}
}

// take hands in to the parser, or keeps it until its line is complete.
func (l *lane) take(line parse.Line, in Inner) error {
	if !l.open && !in.Partial {
		l.kept.add(line, in.Time, in.Decoded)
		line.Text = in.Text
		return l.parser.Parse(line, l.emitted)
	}
	if !l.open {
		l.open, l.cut, l.first, l.joined = true, false, line, l.joined[:0]
		l.first.Text = nil
		l.kept.add(line, in.Time, true)
	} else {
		l.kept.extend(line)
	}
	room := maxJoined - len(l.joined)
	l.cut = l.cut || line.Cut || len(in.Text) > room
	l.joined = append(l.joined, in.Text[:min(room, len(in.Text))]...)
	if in.Partial {
		return nil
	}
	return l.finish()
}

func (l *lane) finish() error {
	l.open = false
	line := l.first
	line.Text, line.Cut = l.joined, l.cut
	return l.parser.Parse(line, l.emitted)
}

// restore puts into r what the inner parser could not know.
func (l *lane) restore(r *parse.Record) {
	if len(r.Machine) == 0 {
		r.Machine = l.host
	}
	if k := l.kept.find(r.Offset); k != nil {
		if r.Time == 0 {
			r.Time, r.Ended = k.time, k.time
		}
		r.Raw, _, _ = bytes.Cut(l.kept.text(k), newline)
	} else {
		r.Raw = literal(r.Raw)
	}
	for i := range r.Notes {
		n := &r.Notes[i]
		if k := l.kept.find(n.Offset); k == nil {
			n.Line = literal(n.Line)
		} else if k.recode {
			n.Line = quote(l.kept.text(k), n.Line)
		}
	}
}
