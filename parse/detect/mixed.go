package detect

import (
	"bytes"

	"why503/parse"
)

// A mixed reads lines of two formats that were written into one file, as
// `docker logs` and `kubectl logs` print both streams of a container. Each
// line goes to the format whose shape it has; one of neither shape goes where
// the line before it went.
type mixed struct {
	formats [2]*format
	parsers [2]parse.Parser
	last    int
}

func newMixed(a, b *format) parse.Parser {
	return &mixed{formats: [2]*format{a, b}, parsers: [2]parse.Parser{a.new(), b.new()}}
}

// Parse implements parse.Parser.
func (m *mixed) Parse(line parse.Line, emit parse.Emit) error {
	a, b := m.formats[0].shape(line.Text), m.formats[1].shape(line.Text)
	switch {
	case a > b:
		m.last = 0
	case b > a:
		m.last = 1
	}
	return m.parsers[m.last].Parse(line, emit)
}

// Flush implements parse.Parser.
func (m *mixed) Flush(emit parse.Emit) {
	for _, p := range m.parsers {
		p.Flush(emit)
	}
}

// mixed tells whether the lines that do not have best's shape are of one other
// format beyond doubt. Both must be formats whose lines are known by shape.
func (r *Result) mixed(best *format, a Attempt, lines [][]byte) bool {
	if best.new == nil || !best.structured {
		return false
	}
	var rest [][]byte
	total := 0
	for _, l := range lines {
		if len(bytes.TrimSpace(l)) == 0 {
			continue
		}
		total++
		if best.shape(l) == 0 {
			rest = append(rest, l)
		}
	}
	own := total - len(rest)
	if len(rest) == 0 || own == 0 {
		return false
	}
	for i := range formats {
		f := &formats[i]
		if f.new == nil || !f.structured || f.Name == best.Name {
			continue
		}
		matched, score, strong := f.match(rest)
		if strong == 0 || score < 60*strong || (own+matched)*10 < total*9 || matched*10 < len(rest)*8 {
			continue
		}
		r.Format, r.Also = best.Format, f.Format
		r.New = func() parse.Parser { return newMixed(best, f) }
		r.Parser = r.New()
		r.Confidence = float64(own+matched) / float64(total) * float64(min(100, a.score/a.Matched)) / 100
		return true
	}
	return false
}
