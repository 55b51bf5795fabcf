package collect

import (
	"time"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
	"why503/parse/recognise"
	"why503/parse/wire"
)

// Samples are sent of the next Records of each source (see Collector.sample),
// and then of those whose ids are chosen, the same ids of every source.
const (
	maxSamples = 1500
	sampleMask = 1<<10 - 1
	maxItems   = 256
)

// emit takes a Record from the parser. The Record may begin some lines before
// the one that was handed out last.
func (s *source) emit(r *parse.Record) {
	s.set.Annotate(r)
	r.Source = s.id
	dated := s.dated
	if s.calendar.Date(r, &s.dated) && !s.again {
		s.count("impossible time", 1)
	}
	if s.dated == 0 {
		s.dated = parse.Time(s.c.now.UnixNano())
		r.Time, r.Ended = s.dated, s.dated
	}
	recognise.MarkCut(r)
	if s.clock.Promotes {
		recognise.Promote(r)
	}
	if s.host == "" && len(r.Machine) > 0 {
		s.host = string(r.Machine)
		s.introduce()
	}
	if !s.again {
		s.records++
		if r.Incomplete && r.Tx != nil {
			s.lose("incomplete transaction", 1)
		}
		if counts(r) {
			if err := s.counter.count(s.cfg.Name, s.proxy(), s.site, r, r.Ended); err != nil {
				s.c.fail(err)
			}
		}
	}
	s.c.load.Add(r, s.clock.Offset)
	s.latest = max(s.latest, r.Ended)
	if s.since == 0 || r.Time < s.since {
		s.since = r.Time
	}
	if d := int64(r.Ended - r.Time); d > s.longest && d < int64(time.Hour) {
		s.longest = d
	}
	if !correlate.Useful(r) {
		return
	}
	from, to := r.Time, max(r.Time, r.Ended)
	if r.Precision > 1e6 {
		to += parse.Time(r.Precision)
	}
	s.keys = correlate.AppendKeys(s.keys[:0], r)
	s.ring.put(s.keys, s.inc, r.Offset, max(s.end, r.Offset+1), r.Line, from, to, dated)
	switch {
	case correlate.Unasked(r), s.c.wants.asks(s, r, s.keys):
		s.items = append(s.items, wire.Item{ID: s.identity(r), Record: r.Clone()})
	case s.samples < maxSamples || correlate.Chosen(r, sampleMask):
		s.samples++
		s.sample = append(s.sample, wire.Item{ID: s.identity(r), Record: r.Clone()})
	}
	if len(s.items)+len(s.sample) >= maxItems {
		s.flush()
	}
}

// identity is the id of a Record.
func (s *source) identity(r *parse.Record) parse.RecordID {
	if r.Tx != nil && r.VXID != 0 {
		return fact.TxID(s.host, r.VXID, r.Tx.Type, r.Time)
	}
	if r.Offset == s.at {
		return fact.LineID(s.print, r.Offset)
	}
	return s.identityAt(r, s.inc)
}

func (s *source) identityAt(r *parse.Record, inc int) parse.RecordID {
	if r.Tx != nil && r.VXID != 0 {
		return fact.TxID(s.host, r.VXID, r.Tx.Type, r.Time)
	}
	f, err := s.from.fingerprint(inc, r.Offset)
	if err != nil {
		s.lose("unnamed", 1)
	}
	return fact.LineID(f, r.Offset)
}

// proxy is what rows call the program that writes the source.
func (s *source) proxy() string {
	if s.host == "" {
		return s.prog.String()
	}
	return s.prog.String() + "@" + s.host
}

// flush sends the Records that wait.
func (s *source) flush() {
	if len(s.items) > 0 {
		s.c.send(&wire.Records{Source: s.id, Again: s.again, Items: s.items})
		s.items = nil
	}
	if len(s.sample) > 0 {
		s.c.send(&wire.Records{Source: s.id, Sample: true, Items: s.sample})
		s.sample = nil
	}
}

func (s *source) lose(why string, n int64) {
	s.count(why, n)
	s.lossy = true
}

func (s *source) count(why string, n int64) {
	if s.losses == nil {
		s.losses = make(map[string]int64)
	}
	s.losses[why] += n
}
