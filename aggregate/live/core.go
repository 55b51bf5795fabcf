package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/wire"
	"why503/rules"
)

// A Core takes the messages of collectors. It runs in one goroutine.
type Core struct {
	cfg     Config
	log     *slog.Logger
	join    *correlate.Live
	load    *correlate.Load // what sources counted of their own traffic
	sources []*source
	unnamed bool // short names have to be made anew
	rows    *aggregate.Describer
	env     *rules.Env
	kinds   rules.KindSet

	facts   map[parse.RecordID]*aggregate.Fact // since the last commit
	signals []aggregate.Signal
	heard   map[string][]aggregate.Signal // stored ones of sources that were not introduced yet
	settled parse.Time                    // from before a restart
	// left are facts that were not final before a restart and were not handed on
	// since.
	left   map[string]struct{}
	failed error // that ends Run

	seconds   seconds
	incidents *incident.Live
	told      map[string]aggregate.Incident // incidents in the next batch
	withdrawn map[string]struct{}           // incidents that the next batch takes back
	again     map[string]struct{}           // sources that were not heard of since a restart
	began     time.Time
	survey    surveyor
	wall      time.Time
}

// How often things are done.
const (
	tickEvery   = 250 * time.Millisecond
	commitEvery = time.Second
	// replay is how far back the incident detector is told of after a restart.
	replay = 48 * time.Hour
	// retry is how long a store may refuse before messages are left waiting.
	retryFirst, retryMost = time.Second, 30 * time.Second
)

// New returns a Core that goes on where the store left off.
func New(ctx context.Context, cfg Config) (*Core, error) {
	c := &Core{
		cfg: cfg, log: cfg.Log, facts: make(map[parse.RecordID]*aggregate.Fact), told: make(map[string]aggregate.Incident),
		left: make(map[string]struct{}), withdrawn: make(map[string]struct{}), again: make(map[string]struct{}),
		incidents: incident.NewLive(incident.Defaults(), 15*time.Minute), seconds: newSeconds(),
	}
	c.join = correlate.NewLive(cfg.Join, c)
	c.load = correlate.NewLoad()
	c.join.CountedBy(c.load)
	c.began = time.Now()
	for name, old := range cfg.Stored {
		if len(old.Position) > 0 {
			c.again[name] = struct{}{}
		}
	}
	c.rows = &aggregate.Describer{Names: c, HashKey: cfg.HashKey, Routes: cfg.Routes}
	c.env = cfg.Env(0)
	var err error
	if c.settled, err = cfg.Store.Settled(ctx); err != nil {
		return nil, fmt.Errorf("reading what is stored: %w", err)
	}
	c.join.Resume(c.settled)
	if err := c.restore(ctx); err != nil {
		return nil, fmt.Errorf("reading what is stored: %w", err)
	}
	return c, nil
}

// Run takes messages until ctx ends or in is closed, then writes what there is.
// Its error says when that did not go well.
func (c *Core) Run(ctx context.Context, in <-chan wire.Message) (err error) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	c.wall = time.Now()
	last := c.wall
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if left := c.commit(end); left != nil {
			err = errors.Join(err, fmt.Errorf("writing what was left: %w", left))
		}
	}()
	for c.failed == nil {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-in:
			if !ok {
				return nil
			}
			c.take(m)
		case <-tick.C:
			c.wall = time.Now()
			if err := c.tick(ctx); err != nil {
				return err
			}
			if c.wall.Sub(last) < commitEvery {
				continue
			}
			c.commitAgain(ctx)
			last = time.Now()
		}
	}
	return c.failed
}

func (c *Core) take(m wire.Message) {
	switch m := m.(type) {
	case *wire.Source:
		c.introduce(m)
	case *wire.Records:
		c.records(m)
	case *wire.Progress:
		c.progress(m)
	case *wire.Counts:
		for i := range m.Seconds {
			c.load.Merge(&m.Seconds[i])
		}
	case *wire.Answer:
		c.answered(m)
		c.cfg.Metrics.Answer(m.Covered, m.Cut, m.Count)
	}
}

// answered tells the join what all sources have answered. Each answers in the
// order in which it was asked.
func (c *Core) answered(m *wire.Answer) {
	s := c.source(m.Source)
	if s == nil {
		return
	}
	s.answered = max(s.answered, m.Number)
	all := s.answered
	for _, o := range c.sources {
		if o.reading {
			all = min(all, o.answered)
		}
	}
	c.join.Answered(all)
}

func (c *Core) source(id parse.SourceID) *source {
	if int(id) >= len(c.sources) || id < 0 {
		return nil
	}
	return c.sources[id]
}

func (c *Core) records(m *wire.Records) {
	s := c.source(m.Source)
	if s == nil {
		return
	}
	for i := range m.Items {
		it := &m.Items[i]
		it.Record.Source = m.Source
		s.sampled(it.ID, it.Record)
		if m.Sample {
			continue
		}
		logged := it.Record.Ended + parse.Time(s.join.Offset)
		if err := c.join.Add(it.ID, it.Record, m.Again && logged <= c.settled, c.wall.UnixNano()); err != nil {
			c.failed = fmt.Errorf("keeping a record for the join: %w", err)
			return
		}
		if it.Record.Kind == parse.KindSignal && !m.Again {
			c.signal(s, it, logged)
		}
	}
}

// signal keeps a signal for requests that fail after a restart.
func (c *Core) signal(s *source, it *wire.Item, at parse.Time) {
	b, err := wire.AppendRecord(nil, it.Record)
	if err != nil {
		return // too large to keep; it is known until the next restart
	}
	c.signals = append(c.signals, aggregate.Signal{ID: it.ID, Source: s.name, Time: at, Event: eventName(it.Record), Record: b})
}

// now is the event time up to which everything was read: that of the source
// that is most behind, of those that are not at their end.
func (c *Core) now() parse.Time {
	t := parse.Time(c.wall.UnixNano())
	for _, s := range c.sources {
		if s.reading && !s.atEnd && s.readTo != 0 {
			t = min(t, s.readTo+parse.Time(s.join.Offset))
		}
	}
	return t
}

func (c *Core) tick(ctx context.Context) error {
	c.look(ctx)
	if err := c.join.Tick(c.now(), c.wall.UnixNano()); err != nil {
		return fmt.Errorf("joining: %w", err)
	}
	return nil
}
