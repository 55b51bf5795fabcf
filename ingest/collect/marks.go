package collect

import (
	"math"
	"slices"
	"time"

	"why503/ingest/tail"
	"why503/parse"
)

// Marks are put every few seconds, and kept as far back as a restart may have to
// go.
const (
	markEvery = parse.Time(10 * time.Second)
	maxMarks  = 80
)

// recall takes over what was read before a restart.
func (s *source) recall(old *checkpoint) {
	s.before, s.again, s.resumed, s.begun, s.marks, s.files = old, true, true, len(old.Marks) > 0, old.Marks, old.Files
	s.bytes, s.lines, s.records, s.unparsed = old.Bytes, old.Lines, old.Records, old.Unparsed
	s.earlier, s.lostAt = old.Losses, old.LostAt
	for why, n := range old.Losses {
		if why != copyGap {
			s.lost += n
		}
	}
	s.lossy = old.LostAt != 0 && old.LostAt >= s.cfg.Again // something is missing in what is read again
}

// begin marks the first line of all, so that reading can go back to it as long
// as no later mark is old enough.
func (s *source) begin(l line) {
	if s.resumed {
		s.resumed = false
		if s.from.lost()[positionLost] > 0 { // nor are the marks before this line anywhere
			s.marks = slices.DeleteFunc(s.marks, func(m mark) bool { return m.Inc < l.inc })
			s.files = slices.DeleteFunc(s.files, func(f tail.Position) bool { return f.Incarnation < l.inc })
			s.begun = len(s.marks) > 0
		}
		if s.again && s.before.Counted.File != nil && l.inc < s.before.Counted.File.Incarnation {
			s.gapsKnown = s.from.lost()[copyGap] // it was counted when it was passed the first time
		}
	}
	if !s.begun {
		s.begun = true
		s.markAt(math.MinInt64/2, l.inc, l.Offset, l.Number)
	}
}

// catchUp ends reading again where the next line was not counted before.
func (s *source) catchUp(inc int, off int64) {
	if !s.again {
		return
	}
	if i, o := s.before.Counted.at(); inc < i || inc == i && off < o {
		return
	}
	if s.before.Flushed && s.parser != nil {
		s.parser.Flush(s.emit)
	}
	s.flush()
	s.again, s.before = false, nil
}

// mark notes the place of the last line that was handed out, before which all
// that was logged ended by now.
func (s *source) mark() {
	if s.again || s.from == nil || s.parser == nil {
		return
	}
	if n := len(s.marks); n > 0 && s.latest < s.marks[n-1].Time+markEvery {
		return
	}
	if s.end == 0 {
		return
	}
	s.markAt(s.latest, s.inc, s.at, s.number)
}

func (s *source) markAt(t parse.Time, inc int, off, number int64) {
	p, err := s.from.before(inc, off, number)
	if err != nil {
		return // there will be others
	}
	s.marks = append(s.marks, markOf(t, p))
	if len(s.marks) > maxMarks {
		s.marks = append(s.marks[:0:0], s.marks[len(s.marks)-maxMarks:]...)
	}
	if p.File == nil {
		return
	}
	s.files = slices.DeleteFunc(s.files, func(f tail.Position) bool { return f.Incarnation < s.marks[0].Inc || f.Incarnation == inc })
	s.files = append(s.files, *p.File)
}
