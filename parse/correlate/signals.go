package correlate

import (
	"slices"
	"sort"

	"why503/parse"
)

// Signals keeps the lines that belong to no request, by what they say and who
// said it, and gives for a request those that are nearest to it.
type Signals struct {
	window int64 // ns before a request in which a signal may matter
	series map[seriesKey]*series
	order  []seriesKey // in the order of first sight, so that answers are stable
	total  int         // marks in all series
	Lost   int64       // signals that were thinned out of a flood
}

// A seriesKey is one thing said again and again by one source about one service.
type seriesKey struct {
	source  parse.SourceID
	event   parse.EventID
	service string
}

type series struct {
	key   seriesKey
	marks []mark // by time
}

type mark struct {
	at  parse.Time // reference clock
	id  parse.RecordID
	rec *parse.Record
}

// maxMarks bounds a series; a pool that complains a thousand times a minute
// says nothing more the second thousand. maxSignals bounds all series together:
// a stranger may give every line a service of its own.
const (
	maxMarks   = 2048
	maxSignals = 1 << 15
)

// NewSignals keeps signals for window nanoseconds.
func NewSignals(window int64) *Signals {
	return &Signals{window: window, series: make(map[seriesKey]*series)}
}

// Add keeps a copy of r, once for each different event in it.
func (s *Signals) Add(r *parse.Record, id parse.RecordID, at parse.Time) {
	var kept *parse.Record
	for i := range r.Notes {
		ev := r.Notes[i].Event
		if ev == 0 || slices.ContainsFunc(r.Notes[:i], func(n parse.Note) bool { return n.Event == ev }) {
			continue
		}
		if kept == nil {
			kept = r.Clone()
		}
		s.put(seriesKey{r.Source, ev, serviceOf(r)}, mark{at, id, kept})
	}
}

// serviceOf names what a signal is about: a service, a backend, a pool.
func serviceOf(r *parse.Record) string {
	if r.Tx != nil {
		return string(r.Tx.Backend)
	}
	return string(r.Service)
}

func (s *Signals) put(k seriesKey, m mark) {
	c := s.series[k]
	if c == nil {
		c = &series{key: k}
		s.series[k] = c
		s.order = append(s.order, k)
	}
	i := len(c.marks)
	for i > 0 && c.marks[i-1].at > m.at {
		i--
	}
	c.marks = slices.Insert(c.marks, i, m)
	s.total++
	if len(c.marks) > maxMarks {
		s.expire(c, m.at)
	}
	if len(c.marks) > maxMarks { // all of them are recent: keep every other of the older half
		s.thin(c, maxMarks/2)
	}
	if s.total > maxSignals {
		s.sweep(m.at)
	}
}

// expire drops the marks of c that matter to no request that still waits at now.
func (s *Signals) expire(c *series, now parse.Time) {
	old := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].at >= now-parse.Time(2*s.window) })
	c.marks = slices.Delete(c.marks, 0, old)
	s.total -= old
}

// thin drops every other of the first n marks.
func (s *Signals) thin(c *series, n int) {
	kept := c.marks[:0]
	for i, m := range c.marks {
		if i >= n || i%2 == 0 {
			kept = append(kept, m)
		}
	}
	lost := len(c.marks) - len(kept)
	clear(c.marks[len(kept):])
	c.marks = kept
	s.total -= lost
	s.Lost += int64(lost)
}

// sweep makes room: what is old goes first, then the series that were seen
// first.
func (s *Signals) sweep(now parse.Time) {
	for _, k := range s.order {
		s.expire(s.series[k], now)
	}
	for _, k := range s.order {
		if c := s.series[k]; s.total > maxSignals*3/4 {
			s.Lost += int64(len(c.marks))
			s.total -= len(c.marks)
			c.marks = nil
		}
	}
	s.order = slices.DeleteFunc(s.order, func(k seriesKey) bool {
		if len(s.series[k].marks) > 0 {
			return false
		}
		delete(s.series, k)
		return true
	})
}

// Near calls fn with the signals that may matter to a request from a to b: of
// each series the last two before a, and the first two from a to b + after.
func (s *Signals) Near(a, b parse.Time, after int64, fn func(seriesKey, mark)) {
	for _, k := range s.order {
		c := s.series[k]
		i := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].at >= a })
		for j := max(0, i-2); j < i; j++ {
			if c.marks[j].at >= a-parse.Time(s.window) {
				fn(k, c.marks[j])
			}
		}
		for j := i; j < min(len(c.marks), i+2) && c.marks[j].at <= b+parse.Time(after); j++ {
			fn(k, c.marks[j])
		}
	}
}
