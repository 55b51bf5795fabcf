package collect

import (
	"bytes"
	"errors"
	"math"
	"slices"
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

// Lines that wait for a format are few and short-lived.
const (
	detectLines = 64
	detectBytes = 256 << 10
	detectWait  = 2 * time.Second
	// Lines of which the format cannot be told may be a program's greeting, and
	// its log follows. So the next ones are asked, ever more seldom.
	pauseFirst, pauseMost = 100 * time.Millisecond, 10 * time.Second
	// heldBack is how long a parser may hold back the last lines of a quiet
	// source: a stack trace that nothing follows is done.
	heldBack = time.Second
)

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

// wait keeps a line until the format can be told.
func (s *source) wait(now time.Time, l line) {
	if now.Before(s.untold) {
		s.pass(l)
		return
	}
	if len(s.waits) == 0 {
		s.first = now
	}
	l.Text = bytes.Clone(l.Text)
	s.waits = append(s.waits, l)
	size := 0
	for i := range s.waits {
		size += len(s.waits[i].Text)
	}
	if len(s.waits) >= detectLines || size >= detectBytes || now.Sub(s.first) > detectWait {
		s.detect()
	}
}

// pass counts a line that nobody can read.
func (s *source) pass(l line) {
	s.catchUp(l.inc, l.Offset)
	if !s.again {
		s.bytes += int64(len(l.Text)) + 1
		s.lines++
		s.unparsed++
	}
}

// detect tells the format from the lines that wait, and reads them.
func (s *source) detect() {
	var sample []byte
	for i := range s.waits {
		sample = append(append(sample, s.waits[i].Text...), '\n')
	}
	s.use(s.c.cfg.Detect(s.cfg, sample))
	waits := s.waits
	s.waits = nil
	if s.parser == nil {
		s.pause = min(max(2*s.pause, pauseFirst), pauseMost)
		s.untold = s.c.now.Add(s.pause)
		for _, l := range waits {
			s.pass(l)
		}
		return
	}
	for _, l := range waits {
		s.take(l)
	}
}

// use sets what the source is, and introduces it.
func (s *source) use(res detect.Result) {
	kind, prog, ok := detect.Kind(res.Format.Name)
	s.format = res.Format
	if !ok || res.New == nil {
		told := s.note != ""
		s.note = whyNot(res, s.cfg.Name)
		if !told { // it is tried again and again, on other lines
			s.c.log.Warn("a source is not read", "source", s.cfg.Name, "reason", s.note)
		}
		return
	}
	if s.note != "" {
		s.note = ""
		s.c.log.Info("the format of a source can be told now, and it is read", "source", s.cfg.Name, "format", res.Format.Name)
	}
	s.kind, s.prog, s.mk = kind, prog, res.New
	s.parser = s.newParser()
	_, stateless := s.parser.(parse.Stateless)
	s.ring.exact = !stateless
	s.introduce()
	s.c.sample(sampleSoon)
}

func whyNot(res detect.Result, name string) string {
	err := res.Err(name)
	var of *detect.FormatError
	switch {
	case errors.As(err, &of) && of.Why != "":
		return of.Why + ". If you know it, give it as format of a path under sources in the configuration (names: why503 analyze --format list)"
	case err != nil:
		return err.Error()
	}
	return "no known log format"
}

func (s *source) introduce() {
	s.c.send(&wire.Source{
		ID: s.id, Name: s.cfg.Name, Format: s.format.Name, Kind: s.kind, Program: s.prog, Host: s.host, Site: s.site,
		Zoned: detect.PrintsZone(s.format.Name) || s.c.cfg.Zone != nil,
	})
}

func (s *source) newParser() parse.Parser {
	p := s.mk()
	if z := s.cfg.Zone; z != nil {
		detect.SetZone(p, z)
	} else if s.c.cfg.Zone != nil {
		detect.SetZone(p, s.c.cfg.Zone)
	}
	detect.SetBase(p, s.c.now)
	return p
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

// Samples are sent of the next Records of each source (see Collector.sample),
// and then of those whose ids are chosen, the same ids of every source.
const (
	maxSamples = 1500
	sampleMask = 1<<10 - 1
	maxItems   = 256
)

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

// Marks are put every few seconds, and kept as far back as a restart may have to
// go.
const (
	markEvery = parse.Time(10 * time.Second)
	maxMarks  = 80
)

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

// wake lets the next pull look at once.
func (s *source) wake() {
	if f, ok := s.from.(fileFollower); ok {
		f.f.Wake()
	}
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
