package live

import (
	"encoding/json"
	"path"
	"slices"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
	"why503/parse/recognise"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// A source is what is known of an input of a collector.
type source struct {
	name    string
	short   string // for people
	join    *correlate.Source
	site    string
	zoned   bool
	front   bool // its requests are those of clients
	zone    int64
	settled bool // its place was known before a restart

	reading  bool
	atEnd    bool
	answered uint64     // number of the last Want that was
	readTo   parse.Time // raw clock
	state    aggregate.SourceState
	fresh    bool // state is not stored

	minutes map[traffic.Minute]*snapshot // as last told
	changed map[traffic.Minute]bool      // not stored
	second  []aggregate.SourceSecond     // not stored

	samples   []sample
	sampleIDs map[parse.RecordID]struct{}
	seen      int // samples that came
	looked    int // samples that had come when the hops were put in order last
}

type sample struct {
	id  parse.RecordID
	rec *parse.Record
}

type snapshot struct {
	rows   []traffic.Row[traffic.Key]
	failed int64
}

// settings are what was found out about a source, kept over a restart.
type settings struct {
	Rank   int   `json:"rank"`
	Offset int64 `json:"offset_ns"`
	Zone   int64 `json:"zone_ns"`
	HasIDs bool  `json:"has_ids"`
	Found  bool  `json:"found"` // the rest was found out, and is not what is assumed at first
}

// maxSamples bounds the Records of a source that are kept for a survey, the
// newest.
const maxSamples = 1500

// introduce takes what a collector says of a source.
func (c *Core) introduce(m *wire.Source) {
	for int(m.ID) >= len(c.sources) { // numbers come in order, but what is not read has none
		id := parse.SourceID(len(c.sources))
		s := &source{
			join:    correlate.NewSource(id, parse.SourceOther, parse.ProgramNone, "", fact.Fingerprint{}),
			minutes: make(map[traffic.Minute]*snapshot), changed: make(map[traffic.Minute]bool),
		}
		s.join.Rank = -1
		c.sources = append(c.sources, s)
		c.join.AddSource(s.join)
	}
	s := c.sources[m.ID]
	if m.Format == "" { // nothing was read of it yet; where reading is has to be stored all the same
		s.name, s.state = m.Name, c.cfg.Stored[m.Name]
		s.state.Path = m.Name
		return
	}
	j := s.join
	c.unnamed = true
	s.name, s.site, s.zoned = m.Name, m.Site, m.Zoned
	j.Kind, j.Program, j.Host, j.Fingerprint = m.Kind, m.Program, m.Host, m.Fingerprint
	s.state.Path, s.state.Format, s.state.Host, s.state.Program = m.Name, m.Format, m.Host, m.Program.String()
	if !s.reading {
		s.reading, s.answered = true, c.join.Asked()
		j.Rank = 0
		if !correlate.Requests(m.Kind) {
			j.Rank = -1
		}
		if old, ok := c.cfg.Stored[m.Name]; ok {
			s.restore(old)
		}
		c.survey.due = true
		c.join.AskAgain()
		c.hear(s)
	}
	c.place(s)
	c.kinds.Add(m.Kind)
	c.env = c.cfg.Env(c.kinds)
	c.tellClock(s)
}

func (s *source) restore(old aggregate.SourceState) {
	var set settings
	s.state.First = old.First
	if json.Unmarshal(old.Settings, &set) != nil || !set.Found {
		return // it is found out again
	}
	s.join.Rank, s.join.Offset, s.join.HasIDs, s.zone = set.Rank, set.Offset, set.HasIDs, set.Zone
	s.settled = true
}

// place decides anew whether the source is client-facing, and lets all that is
// counted be stored again where that changed.
func (c *Core) place(s *source) (front bool) {
	front = correlate.Requests(s.join.Kind) && s.join.Rank == 0 && s.join.Twin == nil
	if front == s.front {
		return front
	}
	s.front = front
	c.cfg.Placed(s.join.ID, front)
	for m := range s.minutes {
		s.changed[m] = true
	}
	return front
}

func (c *Core) tellClock(s *source) {
	c.cfg.Tell(&wire.Clock{Source: s.join.ID, Offset: s.join.Offset})
}

// progress takes what a source has read and counted.
func (c *Core) progress(m *wire.Progress) {
	s := c.source(m.Source)
	if s == nil {
		return
	}
	off := parse.Time(s.join.Offset)
	delete(c.again, s.name)
	s.atEnd = m.AtEnd
	if m.To != 0 {
		s.readTo = max(s.readTo, m.To)
		s.join.To = max(s.join.To, m.To+off)
	}
	if m.From != 0 {
		s.join.From = m.From + off
	}
	st := &s.state
	st.Position, st.LagS = m.Position, float64(m.Lag)/1e9
	st.Lines, st.Records, st.Skipped, st.Bytes, st.Lossless = m.Lines, m.Records, m.Unparsed, m.Bytes, m.Lossless
	if m.To != 0 {
		st.Last = at(m.To)
		st.ReadTo = at(m.To)
	}
	if st.First.IsZero() && m.From != 0 {
		st.First = at(m.From)
	}
	st.Losses = st.Losses[:0:0]
	for why, n := range m.Losses {
		st.Losses = append(st.Losses, aggregate.Loss{Reason: why, Count: n})
	}
	slices.SortFunc(st.Losses, func(a, b aggregate.Loss) int { return compare(a.Reason, b.Reason) })
	st.SkewMS = float64(s.join.Offset+s.zone) / -1e6
	st.Updated = c.wall.UTC()
	s.fresh = true
	for _, x := range m.Minutes {
		s.minutes[x.Minute] = &snapshot{x.Rows, x.Failed}
		s.changed[x.Minute] = true
	}
	for _, x := range m.Seconds {
		if s.front {
			more, changed := c.seconds.requests(s.name, x.Site, x.At, x.Requests)
			c.cfg.Metrics.Requests(x.Site, more)
			if !changed {
				continue // all seconds of a minute come again with each of them
			}
		}
		s.second = append(s.second, aggregate.SourceSecond{Source: s.name, Site: x.Site, At: x.At, Requests: x.Requests})
	}
}

// batch adds what of the source is not stored yet.
func (s *source) batch(b *aggregate.Batch) {
	if s.fresh {
		s.state.Settings, _ = json.Marshal(settings{s.join.Rank, s.join.Offset, s.zone, s.join.HasIDs, s.settled})
		b.Sources = append(b.Sources, s.state)
	}
	for m := range s.changed {
		x := s.minutes[m]
		b.Traffic = append(b.Traffic, aggregate.SourceMinute{Source: s.name, Minute: m, Rows: x.rows, Front: s.front, Failed: x.failed})
	}
	if s.front {
		b.Seconds = append(b.Seconds, s.second...)
	}
}

// keepMinutes is how many minutes are kept for the case that a source turns out
// to stand elsewhere.
const keepMinutes = 16

// committed forgets what is stored.
func (s *source) committed() {
	s.fresh = false
	clear(s.changed)
	s.second = nil
	if len(s.minutes) <= keepMinutes {
		return
	}
	var newest traffic.Minute
	for m := range s.minutes {
		newest = max(newest, m)
	}
	for m := range s.minutes {
		if m < newest-keepMinutes {
			delete(s.minutes, m)
		}
	}
}

// sampled keeps a Record for the next survey, once: what was asked for comes
// again, and would outvote the others.
func (s *source) sampled(id parse.RecordID, r *parse.Record) {
	if _, ok := s.sampleIDs[id]; ok {
		return
	}
	s.seen++
	if len(s.samples) < maxSamples {
		s.samples = append(s.samples, sample{id, r.Clone()})
	} else {
		old := &s.samples[s.seen%maxSamples]
		delete(s.sampleIDs, old.id)
		*old = sample{id, r.Clone()}
	}
	if s.sampleIDs == nil {
		s.sampleIDs = make(map[parse.RecordID]struct{})
	}
	s.sampleIDs[id] = struct{}{}
}

// Origin implements aggregate.Namer.
func (c *Core) Origin(id parse.SourceID) aggregate.Origin {
	s := c.sources[id]
	return aggregate.Origin{Name: c.nameOf(id), Zone: -s.zone, Site: s.site}
}

// Place implements aggregate.Namer: Records carry their places in files.
func (c *Core) Place(id parse.SourceID, offset, line int64) (string, int64, int64) {
	return c.nameOf(id), offset, line
}

// nameOf is the short name of a source. Names are made when one is needed: where
// ten thousand sources are introduced, not for each of them anew.
func (c *Core) nameOf(id parse.SourceID) string {
	if c.unnamed {
		c.unnamed = false
		c.shorten()
	}
	return c.sources[id].short
}

// shorten gives each source the shortest name that tells it from the others:
// the last element of its path, or all of it.
func (c *Core) shorten() {
	count := make(map[string]int)
	for _, s := range c.sources {
		count[path.Base(s.name)]++
	}
	for _, s := range c.sources {
		if s.short = path.Base(s.name); count[s.short] > 1 {
			s.short = s.name
		}
	}
}

func at(t parse.Time) time.Time { return time.Unix(0, int64(t)).UTC() }

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func version(q *parse.Request) uint64 { return fact.VersionOf(q, rulesEpoch).Uint64() }

// rulesEpoch is raised when the rules change so much that facts should be
// diagnosed again.
const rulesEpoch = 1

// eventName is the name of the first event in r.
func eventName(r *parse.Record) string {
	for i := range r.Notes {
		if e := recognise.Default().Event(r.Notes[i].Event); e != nil {
			return e.Name
		}
	}
	return ""
}
