package collect

import (
	"time"

	"why503/parse"
	"why503/parse/wire"
)

// oldest returns the event time from which on everything can be found. Signals
// are in no block, and what began with one is known from there.
func (s *source) oldest() (parse.Time, bool) {
	t, ok := s.ring.oldest()
	if s.since != 0 && !s.ring.forgot && (!ok || s.since < t) {
		return s.since, true
	}
	return t, ok
}

// progress tells what was read and counted, with the position at which that
// ends.
func (s *source) progress(now time.Time) {
	s.flush()
	if s.again || s.told == s.state() {
		return // nothing is counted before the place where counting stopped, nothing is new
	}
	s.told = s.state()
	p := &wire.Progress{
		Source: s.id, To: s.latest, AtEnd: s.atEnd, Lossless: !s.lossy, Longest: s.longest,
		Bytes: s.bytes, Lines: s.lines, Records: s.records, Unparsed: s.unparsed, Losses: s.from.lost(),
	}
	for why, n := range s.losses {
		p.Losses[why] += n
	}
	if s.gapsKnown > 0 {
		p.Losses[copyGap] -= s.gapsKnown
		nonZero(p.Losses)
	}
	gaps, total := p.Losses[copyGap], int64(0)
	p.Lossless = p.Lossless && len(p.Losses) == int(min(gaps, 1)) // a gap is milliseconds: absence goes on to mean something
	for why, n := range s.earlier {
		p.Losses[why] += n
	}
	for why, n := range p.Losses {
		if why != copyGap {
			total += n
		}
	}
	if total > s.lost {
		s.lost, s.lostAt = total, s.latest
		if s.latest == 0 { // no line was read since
			s.lostAt = parse.Time(now.UnixNano())
		}
	}
	if t, ok := s.oldest(); ok {
		p.From = t
	}
	p.From = max(p.From, s.lostAt) // absence proves nothing before
	if s.latest != 0 {
		p.Lag = max(0, now.UnixNano()-int64(s.latest)-s.clock.Offset)
	}
	if s.atEnd {
		p.Lag = 0
	}
	p.Minutes, p.Seconds = s.counter.changed()
	p.Position = s.checkpoint(p.Losses)
	s.c.send(p)
}

// A state tells whether there is progress.
type state struct {
	bytes, records int64
	atEnd, flushed bool
	lossy          bool
	offset         int64
}

func (s *source) state() state {
	_, off := s.from.position().at()
	return state{s.bytes, s.records, s.atEnd, s.flushed, s.lossy, off}
}

// checkpoint is where reading goes on after a restart. What the parser holds
// back is read again, so the place is before it.
func (s *source) checkpoint(losses map[string]int64) []byte {
	c := checkpoint{
		Counted: s.from.position(), Flushed: s.flushed, Marks: s.marks, Files: s.files,
		Bytes: s.bytes, Lines: s.lines, Records: s.records, Unparsed: s.unparsed, Losses: losses, LostAt: s.lostAt,
	}
	if len(s.waits) > 0 { // nothing of it was counted
		l := s.waits[0]
		if p, err := s.from.before(l.inc, l.Offset, l.Number); err == nil {
			c.Counted = p
		}
	}
	return c.encode()
}

// stored lets a stream drop what need not be read again.
func (s *source) stored(position []byte) {
	f, ok := s.from.(*streamFollower)
	if !ok {
		return
	}
	if c, err := decodeCheckpoint(position); err == nil && c != nil && c.Counted.Segment != nil {
		f.w.Release(*c.Counted.Segment)
	}
}
