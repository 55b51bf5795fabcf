package collect

import (
	"errors"
	"math"
	"time"

	"why503/ingest/tail"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
	"why503/parse/fact"
	"why503/parse/recognise"
	"why503/parse/wire"
)

// A source is one input that is followed.
type source struct {
	c    *Collector
	id   parse.SourceID
	cfg  Input
	from follower

	parser parse.Parser // nil until the format is known
	mk     func() parse.Parser
	format detect.Format
	kind   parse.SourceKind
	prog   parse.Program
	host   string
	site   string
	first  time.Time // when the first line came of which the format is not known yet
	waits  []line    // lines that wait for the format, bounded
	note   string    // why it is not read
	untold time.Time // lines that come before are not asked for their format
	pause  time.Duration

	set      *recognise.Set
	calendar parse.Calendar
	clock    wire.Clock
	dated    parse.Time
	ring     ring
	counter  *counter
	keys     []correlate.Key

	inc     int   // incarnation of the lines that the parser holds
	at, end int64 // of the line that was handed out last
	number  int64
	print   fact.Fingerprint
	quietAt time.Time // when the last line came, to flush what a parser holds back

	before  *checkpoint // up to where all was counted before a restart
	again   bool        // what is read was counted before
	flushed bool        // what the parser held back at the end was taken from it
	begun   bool        // a first line came
	resumed bool        // none came since a restart
	marks   []mark
	files   []tail.Position // that marks are in

	bytes, lines, records, unparsed int64
	latest                          parse.Time // end of the newest Record
	since                           parse.Time // begin of the oldest
	longest                         int64      // ns, of recent requests
	losses                          map[string]int64
	lossy                           bool
	earlier                         map[string]int64 // losses before a restart
	lost                            int64            // all losses
	gapsKnown                       int64            // of those that the follower counts, counted before a restart
	lostAt                          parse.Time       // latest when the last of them came
	atEnd                           bool
	samples                         int // Records that were sent as samples
	told                            state

	items  []wire.Item // to be sent
	sample []wire.Item
}

// pull reads what is there, at most budget bytes, and reports whether it may
// have left something.
func (s *source) pull(now time.Time, budget int64) (more bool) {
	if s.from == nil {
		return false
	}
	for budget > 0 {
		l, err := s.from.next()
		if errors.Is(err, tail.ErrWait) {
			s.atEnd = true
			if len(s.waits) == 0 { // else they are to be read again first
				s.catchUp(s.from.position().at())
			}
			s.idle(now)
			return false
		}
		if err != nil {
			s.lose("unreadable", 1)
			s.c.log.Warn("reading a source", "source", s.cfg.Name, "err", err)
			return false
		}
		s.atEnd = false
		s.quietAt = now
		budget -= int64(len(l.Text)) + 1
		s.begin(l)
		if s.parser == nil {
			s.wait(now, l)
			continue
		}
		s.take(l)
	}
	return true
}

// idle does what a source without news needs.
func (s *source) idle(now time.Time) {
	if s.parser == nil {
		if len(s.waits) > 0 && now.Sub(s.first) > detectWait {
			s.detect()
		}
		return
	}
	if s.kind == parse.SourceVarnishlog { // a transaction may go on for as long as a backend takes
		return
	}
	if !s.flushed && !s.again && now.Sub(s.quietAt) > heldBack {
		s.flushed = true
		s.parser.Flush(s.emit)
	}
}

// take parses one line.
func (s *source) take(l line) {
	if l.inc != s.inc { // what the parser holds stands in the file before
		s.parser.Flush(s.emit)
		s.inc = l.inc
	}
	s.at, s.end, s.number, s.print = l.Offset, l.Offset+int64(len(l.Text))+1, l.Number, l.fingerprint
	if len(s.marks) == 0 {
		s.markAt(math.MinInt64, l.inc, l.Offset, l.Number)
	}
	s.catchUp(l.inc, l.Offset)
	s.flushed = false
	if !s.again {
		s.bytes += int64(len(l.Text)) + 1
		s.lines++
	}
	if l.Cut {
		s.lossy = true
	}
	if errors.Is(s.parser.Parse(l.Line, s.emit), parse.ErrFormat) && len(l.Text) > 0 && !s.again {
		s.unparsed++
	}
}

// wake lets the next pull look at once.
func (s *source) wake() {
	if f, ok := s.from.(fileFollower); ok {
		f.f.Wake()
	}
}
