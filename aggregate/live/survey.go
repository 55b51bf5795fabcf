package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/traffic"
)

// A surveyor decides when to find out anew which hop is in front of which, and
// what the clocks show.
type surveyor struct {
	due  bool          // a source is new
	last time.Time     // when it was done
	took time.Duration // how long that took
	seen int           // samples that there were then
}

// A survey is due soon after a source appeared, when there is twice as much to
// look at, and from time to time, since clocks drift.
const (
	surveySoon  = 2 * time.Second
	surveyAgain = 10 * time.Minute
	surveyLeast = 20 // samples
	// surveyShare bounds what surveys take of the time: one in so many seconds.
	surveyShare = 20
	// Each source is compared with each other one, so of many only the busiest
	// are, and of those fewer samples: surveyWork is the product of both numbers of
	// sources and that of samples, about a second.
	surveySources = 256
	surveyWork    = 4 << 20
)

// look surveys where it is due.
func (c *Core) look(ctx context.Context) {
	seen := 0
	v := &c.survey
	for _, s := range c.sources {
		seen += s.seen
		// Of a source that began late the others have long shown enough.
		v.due = v.due || s.seen >= surveyLeast && s.seen >= 4*s.looked && s.looked < maxSamples
	}
	switch since := c.wall.Sub(v.last); {
	case seen < surveyLeast && seen == v.seen:
		return
	case since < max(surveySoon, surveyShare*v.took):
		return
	case v.due, seen >= 2*v.seen, since >= surveyAgain && seen > v.seen:
	default:
		return
	}
	if c.known() && seen < maxSamples && c.wall.Sub(v.last) < surveyAgain && !v.last.IsZero() {
		return // what was found before a restart stands until there is as much to look at
	}
	if c.known() && v.last.IsZero() {
		v.last = c.wall
		return
	}
	v.last, v.seen, v.due = c.wall, seen, false
	begin := time.Now()
	samples := c.samples()
	type was struct {
		rank   int
		offset int64
	}
	before := make(map[parse.SourceID]was)
	from := make(map[parse.SourceID]parse.Time)
	for i := range samples {
		j := samples[i].Source
		before[j.ID], from[j.ID] = was{j.Rank, j.Offset}, j.From
		j.Offset = 0
	}
	clocks := correlate.Survey(samples, c.join.Joiner())
	moved := false
	for i := range samples {
		j := samples[i].Source
		s := c.sources[j.ID]
		j.From = from[j.ID] // what can be asked for, not what was sampled
		s.shift(parse.Time(j.Offset - before[j.ID].offset))
		s.zone = clocks[i].Zone
		if now := (was{j.Rank, j.Offset}); now != before[j.ID] {
			moved = true
			c.tellClock(s)
		}
		if front := s.front; c.place(s) != front {
			c.correct(ctx, s)
		}
		s.fresh = s.fresh || s.state.Position != nil
	}
	for _, s := range c.sources { // also those that are too many
		s.settled, s.looked = s.settled || s.reading, s.seen
	}
	v.took = time.Since(begin)
	if moved {
		if err := c.join.Reorder(); err != nil {
			c.failed = fmt.Errorf("putting the hops in order: %w", err)
			return
		}
		c.log.Info("the hops were put in order", "sources", len(samples))
	}
}

// correct takes over what was counted of a source before a restart, while it was
// thought to stand elsewhere, so that it is stored again.
func (c *Core) correct(ctx context.Context, s *source) {
	if !s.front {
		c.seconds.behind(s.name)
	}
	last := traffic.MinuteOf(max(s.readTo, parse.Time(s.state.Last.UnixNano())))
	for m := last - keepMinutes; m <= last; m++ {
		if s.minutes[m] != nil {
			continue
		}
		old, err := c.cfg.Store.Minute(ctx, s.name, m)
		switch {
		case err == nil:
			s.minutes[m] = &snapshot{old.Rows, old.Failed}
			s.changed[m] = true
		case !errors.Is(err, aggregate.ErrNotFound):
			c.log.Warn("correcting what was counted of a source", "source", s.name, "err", err)
			return
		}
	}
}

// samples returns what is compared: of so many sources as can be, those that
// told most.
func (c *Core) samples() []correlate.Sample {
	var list []*source
	for _, s := range c.sources {
		if s.reading {
			list = append(list, s)
		}
	}
	if len(list) > surveySources {
		slices.SortStableFunc(list, func(a, b *source) int { return cmp.Compare(b.seen, a.seen) })
		list = list[:surveySources]
		slices.SortFunc(list, func(a, b *source) int { return cmp.Compare(a.join.ID, b.join.ID) })
	}
	most := max(surveyLeast, surveyWork/max(1, len(list)*len(list)))
	out := make([]correlate.Sample, len(list))
	for i, s := range list {
		records := s.ordered()
		out[i] = correlate.Sample{Source: s.join, Records: records[max(0, len(records)-most):], Zoned: s.zoned}
	}
	return out
}

// shift brings what the source is known to cover to another clock.
func (s *source) shift(d parse.Time) {
	if s.join.From != math.MaxInt64 {
		s.join.From += d
	}
	if s.join.To != math.MinInt64 {
		s.join.To += d
	}
}

// known reports whether the places of all sources were known before a restart.
func (c *Core) known() bool {
	return len(c.sources) > 0 && !slices.ContainsFunc(c.sources, func(s *source) bool { return s.reading && !s.settled }) && c.settled != 0
}

// ordered returns the samples in the order of their ends.
func (s *source) ordered() []*parse.Record {
	out := make([]*parse.Record, len(s.samples))
	for i := range s.samples {
		out[i] = s.samples[i].rec
	}
	slices.SortStableFunc(out, func(a, b *parse.Record) int { return int(min(1, max(-1, a.Ended-b.Ended))) })
	return out
}

// settle is how long after it ended a second may still be told of.
const settle = 2 * time.Second

// plain is what the detector has to know of a stored incident.
func plain(in incidentRow) incident.Incident {
	out := incident.Incident{
		ID: in.ID, Site: in.Site, Start: parse.Time(in.Start.UnixNano()), End: parse.Time(in.End.UnixNano()), Ongoing: in.Ongoing,
		Requests: in.Requests, Failures: in.Failures, PeakRatio: in.PeakRatio, MergedInto: in.MergedInto,
	}
	for i := range in.Causes {
		out.Causes = append(out.Causes, incident.Count{Cause: in.Causes[i].Cause, N: in.Causes[i].Count})
	}
	return out
}
