package aggregate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"why503/parse"
	"why503/parse/traffic"
)

// Minutes count all requests by the minute and the second of their end, for a
// store. Memory is bounded: what is oldest is handed on when there is much of
// it, and once more if more of it comes, so whoever takes it adds up what is of
// one source and minute.
type Minutes struct {
	hand    func(*SourceMinute, []SourceSecond) error
	sources map[string]*minutesOf
	rows    int
}

type minutesOf struct {
	front   bool
	table   *traffic.Table[traffic.Key]
	failed  map[traffic.Minute]int64
	seconds map[traffic.Minute]map[secondOf]int64
}

type secondOf struct {
	site string
	at   int64
}

// Bounds of Minutes: rows of one minute of one source, rows in all, sites of a
// second, which strangers may make many.
const (
	minuteRows   = 1024
	minutesRows  = 1 << 16
	minuteSecond = 1 << 13
)

// NewMinutes returns Minutes that hand on what is finished.
func NewMinutes(hand func(*SourceMinute, []SourceSecond) error) *Minutes {
	return &Minutes{hand: hand, sources: make(map[string]*minutesOf)}
}

// Reset forgets all that was counted and not handed on.
func (m *Minutes) Reset() { m.sources, m.rows = make(map[string]*minutesOf), 0 }

// Count counts what c has, which is not kept, under a key with its minute.
// front says that the source is a client-facing hop.
func (m *Minutes) Count(k traffic.Key, front bool, failed int64, c *traffic.Cell) {
	s := m.source(k.Source)
	s.front = front
	before := s.table.Len()
	cell := s.table.Cell(k)
	cell.N += c.N
	cell.Saved += c.Saved
	cell.Bytes += c.Bytes
	cell.Busy += c.Busy
	cell.Hist.Merge(&c.Hist)
	m.rows += s.table.Len() - before
	s.failed[k.Minute] += failed
}

// Second counts n requests of a site that ended at t, at a client-facing hop.
// They are counted by Count too.
func (m *Minutes) Second(source, site string, t parse.Time, n int64) {
	m.source(source).second(traffic.MinuteOf(t), secondOf{site, floorDiv(int64(t), int64(time.Second))}, n)
}

func (m *Minutes) source(name string) *minutesOf {
	s := m.sources[name]
	if s == nil {
		s = &minutesOf{table: traffic.NewTable[traffic.Key](minuteRows), failed: make(map[traffic.Minute]int64), seconds: make(map[traffic.Minute]map[secondOf]int64)}
		m.sources[name] = s
	}
	return s
}

func (s *minutesOf) second(m traffic.Minute, k secondOf, n int64) {
	of := s.seconds[m]
	if of == nil {
		of = make(map[secondOf]int64)
		s.seconds[m] = of
	}
	if _, known := of[k]; !known && len(of) >= minuteSecond {
		k.site = traffic.Other
	}
	of[k] += n
}

// Advance hands on the oldest minutes where there is much that waits. It is
// called between requests.
func (m *Minutes) Advance() error {
	for m.rows > minutesRows {
		var oldest *minutesOf
		first, name := traffic.Minute(0), ""
		for _, n := range slices.Sorted(maps.Keys(m.sources)) {
			if at, ok := m.sources[n].table.Oldest(); ok && (oldest == nil || at < first) {
				oldest, first, name = m.sources[n], at, n
			}
		}
		if oldest == nil {
			m.rows = 0
			return nil
		}
		if err := m.take(name, oldest, first); err != nil {
			return err
		}
	}
	return nil
}

// Flush hands on all that is left, by source and minute.
func (m *Minutes) Flush() error {
	for _, name := range slices.Sorted(maps.Keys(m.sources)) {
		s := m.sources[name]
		for at, ok := s.table.Oldest(); ok; at, ok = s.table.Oldest() {
			if err := m.take(name, s, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Minutes) take(name string, s *minutesOf, at traffic.Minute) error {
	before := s.table.Len()
	out := &SourceMinute{Source: name, Minute: at, Rows: s.table.Take(at), Front: s.front, Failed: s.failed[at]}
	m.rows -= before - s.table.Len()
	var seconds []SourceSecond
	for k, n := range s.seconds[at] {
		seconds = append(seconds, SourceSecond{Source: name, Site: k.site, At: k.at, Requests: n})
	}
	slices.SortFunc(seconds, func(a, b SourceSecond) int { return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Site, b.Site)) })
	delete(s.failed, at)
	delete(s.seconds, at)
	return m.hand(out, seconds)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
