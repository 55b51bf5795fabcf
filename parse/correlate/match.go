package correlate

import (
	"bytes"

	"why503/parse"
)

// A candidate is a Record that may belong under another, and how well it fits.
type candidate struct {
	Entry
	src   *Source
	how   parse.JoinHow
	score float64
}

// interval is a stretch of event time on the reference clock.
type interval struct{ from, to parse.Time }

// loose is v with what two clocks that were brought together may still differ.
func (v interval) loose() interval {
	return interval{v.from - parse.Time(slack), v.to + parse.Time(slack)}
}

func (v interval) overlaps(w interval) bool { return v.from <= w.to && w.from <= v.to }

// span is when r happened, on the reference clock, with what its stamps leave
// open: a stamp of 1 s that ends a request may mean any time in that second.
func span(s *Source, r *parse.Record) interval {
	off := parse.Time(s.Offset)
	v := interval{r.Time + off, max(r.Time, r.Ended) + off}
	if r.Precision > 1e6 {
		v.to += parse.Time(r.Precision)
	}
	return v
}

// slack is how far two clocks that were brought together may still differ.
const slack = int64(250e6)

// fits reports whether child may have happened on behalf of parent: it began
// while the parent waited. It may end later, when the parent gave up.
func fits(ps *Source, p *parse.Record, cs *Source, c *parse.Record) bool {
	pv, cv := span(ps, p).loose(), span(cs, c)
	return cv.from <= pv.to && cv.to >= pv.from
}

// inferScore says how well child fits under parent without a shared id, from 0
// (cannot be) to 1. parent is a hop that asked, child a hop that was asked.
func inferScore(ps *Source, p *parse.Record, cs *Source, c *parse.Record) float64 {
	if !bytes.Equal(p.Method, c.Method) || !bytes.Equal(pathOf(p.URL), pathOf(c.URL)) {
		return 0
	}
	if !fits(ps, p, cs, c) {
		return 0
	}
	score := 0.5
	if bytes.Equal(p.URL, c.URL) {
		score += 0.15
	}
	told := statusTold(p)
	switch told {
	case 0: // the parent got no answer: the child was cut off, or late
		if c.Status == statusClientLeft || c.Ended+parse.Time(cs.Offset) >= p.Ended+parse.Time(ps.Offset)-parse.Time(c.Precision) {
			score += 0.15
		}
	case c.Status:
		score += 0.15
	default:
		return 0
	}
	if p.Bytes > 0 && p.Bytes == c.Bytes {
		score += 0.05
	}
	if len(p.Host) > 0 && len(c.Host) > 0 {
		if !bytes.EqualFold(p.Host, c.Host) {
			return 0
		}
		score += 0.05
	}
	if len(p.Agent) > 0 && bytes.Equal(p.Agent, c.Agent) {
		score += 0.05
	}
	return min(1, score+0.1*closeness(ps, p, cs, c))
}

// statusTold is the status that the hop got from the one it asked; 0 when none came.
func statusTold(p *parse.Record) int {
	if n := len(p.Upstreams); n > 0 {
		return p.Upstreams[n-1].Status
	}
	if p.Tx == nil {
		return p.Status
	}
	if p.Kind != parse.KindFetch || p.Cut {
		return 0
	}
	if _, failed := p.Tx.Stamp(parse.StampError); failed {
		return 0
	}
	for i := range p.Notes {
		if p.Notes[i].Field == parse.FieldFetchError {
			return 0
		}
	}
	if len(p.Tx.Statuses) > 0 {
		return p.Tx.Statuses[0]
	}
	return p.Status
}

// closeness falls from 1 to 0 as the ends of parent and child move apart by
// what the coarser of their stamps leaves open.
func closeness(ps *Source, p *parse.Record, cs *Source, c *parse.Record) float64 {
	open := max(p.Precision, c.Precision, slack)
	pv, cv := span(ps, p), span(cs, c)
	d := int64(0)
	if cv.to < pv.to-parse.Time(open) || cv.from > pv.to {
		d = max(int64(pv.to-cv.to), int64(cv.from-pv.to))
	}
	return 1 - min(1, float64(d)/float64(2*open))
}

// likeness tells several Records that may have asked for child by one id apart:
// clients send the same id again and again, also at once.
func likeness(ps *Source, p *parse.Record, cs *Source, c *parse.Record) float64 {
	score := closeness(ps, p, cs, c)
	if len(c.URL) > 0 && bytes.Equal(pathOf(p.URL), pathOf(c.URL)) {
		score += 4
		if bytes.Equal(p.URL, c.URL) {
			score += 2
		}
	}
	switch told := statusTold(p); {
	case c.Kind == parse.KindLog:
		if c.Level >= parse.LevelError && (p.Status >= 500 || told >= 500) {
			score += 2
		}
	case told != 0 && told == c.Status:
		score += 2
	}
	return score
}
