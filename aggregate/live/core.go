package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/aggregate/redact"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// A Store is what a Core needs of the store.
type Store interface {
	Write(ctx context.Context, b *aggregate.Batch) error
	Settled(ctx context.Context) (parse.Time, error)
	Signals(ctx context.Context, from, to parse.Time) ([]aggregate.Signal, error)
	Seconds(ctx context.Context, from int64) ([]aggregate.SiteSecond, error)
	Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Failure, string, error)
	Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Incident, string, error)
	Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error)
	Records(ctx context.Context, uid string) (request []byte, version uint64, err error)
	Minute(ctx context.Context, source string, m traffic.Minute) (*aggregate.SourceMinute, error)
	Clients(ctx context.Context, q aggregate.Query) (int64, error)
}

// Metrics are told what happens; see package metrics.
type Metrics interface {
	Final(row *aggregate.Failure)
	Stored(final bool, after time.Duration)
	StoreWrite(took time.Duration, err error)
	Want()
	Answer(covered, cut bool, records int)
	Requests(site string, n int64)
	Ledger(l aggregate.Ledger)
	Open(n int)
	Opened()
}

// A Noticed is an incident of which something is new.
type Noticed struct {
	Kind     incident.ChangeKind
	Incident aggregate.Incident
}

// Config of a Core.
type Config struct {
	Store Store
	Rules *rules.Set
	// Env returns what is known beside the requests when there are logs of these
	// kinds.
	Env     func(rules.KindSet) *rules.Env
	HashKey []byte
	Routes  traffic.Patterns
	Redact  bool // what could say who a client is does not get into the store
	Join    correlate.Config
	// Stored are the sources as the store knows them, by name.
	Stored map[string]aggregate.SourceState

	// Ask and Tell put a question to all collectors and tell them of a clock. They
	// must not block.
	Ask  func(*wire.Want)
	Tell func(*wire.Clock)
	// Changed is called after something new was stored, Notice for each incident
	// of which something is new. Both must not block. What ended after settled may
	// still change.
	Changed func(settled parse.Time)
	Notice  func(Noticed)
	// Kept is told of the position up to which a source is stored, Placed
	// whether its requests are those of clients. Both must not block.
	Kept   func(source parse.SourceID, position []byte)
	Placed func(source parse.SourceID, front bool)

	Metrics Metrics
	Log     *slog.Logger
}

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
	c.rows = &aggregate.Describer{Names: c, HashKey: cfg.HashKey, Routes: cfg.Routes, Counted: true}
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

// restore tells the detector of what is stored.
func (c *Core) restore(ctx context.Context) error {
	from := time.Now().Add(-replay)
	var known []incident.Incident
	cursor := ""
	for {
		list, next, err := c.cfg.Store.Incidents(ctx, aggregate.Query{From: from}, cursor, 500)
		if err != nil {
			return err
		}
		for i := range list {
			known = append(known, plain(&list[i]))
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	c.incidents.Complete(from.Unix())
	c.incidents.Restore(known)
	stored, err := c.cfg.Store.Seconds(ctx, from.Unix())
	if err != nil {
		return err
	}
	for _, s := range stored {
		sec := incident.Second{At: s.At, Requests: s.Requests, Failures: s.Failures, First: parse.Time(s.First), Last: parse.Time(s.Last)}
		for cause, n := range s.Causes {
			sec.Causes = append(sec.Causes, incident.Count{Cause: cause, N: n})
		}
		c.incidents.Set(s.Site, sec)
	}
	if err := c.restoreSignals(ctx); err != nil {
		return err
	}
	return c.restoreSeconds(ctx, stored)
}

// restoreSignals reads the signals that may matter to requests that fail now.
// They are joined when their source is introduced.
func (c *Core) restoreSignals(ctx context.Context) error {
	if c.settled == 0 {
		return nil
	}
	list, err := c.cfg.Store.Signals(ctx, c.settled-parse.Time(2*c.cfg.Join.Window), c.settled+parse.Time(replay))
	if err != nil {
		return err
	}
	c.heard = make(map[string][]aggregate.Signal)
	for _, s := range list {
		c.heard[s.Source] = append(c.heard[s.Source], s)
	}
	return nil
}

// hear joins the stored signals of a source.
func (c *Core) hear(s *source) {
	for _, x := range c.heard[s.name] {
		r, err := wire.DecodeRecord(x.Record)
		if err != nil {
			c.log.Warn("a stored signal is not readable and left out", "source", s.name, "err", err)
			continue
		}
		r.Source = s.join.ID
		if err := c.join.Add(x.ID, r, true, c.wall.UnixNano()); err != nil {
			c.failed = fmt.Errorf("keeping a record for the join: %w", err)
			return
		}
	}
	delete(c.heard, s.name)
}

// restoreSeconds remembers which failures the last seconds were made of.
func (c *Core) restoreSeconds(ctx context.Context, stored []aggregate.SiteSecond) error {
	if c.settled == 0 {
		return nil
	}
	from := time.Unix(0, int64(c.settled)).Add(-remember)
	c.seconds.base(stored, from.Unix())
	cursor := ""
	for {
		rows, next, err := c.cfg.Store.Failures(ctx, aggregate.Query{From: from, Class: "all"}, cursor, 1000)
		if err != nil {
			return err
		}
		for i := range rows {
			c.seconds.known(&rows[i])
			if !rows[i].Final {
				c.left[rows[i].UID] = struct{}{}
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
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

// commitAgain commits until the store takes it: meanwhile messages wait, and
// those who read logs wait with them.
func (c *Core) commitAgain(ctx context.Context) {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := c.commit(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.log.Error("the store does not take what was found; reading waits, nothing is lost", "err", err, "next_try", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// settledNow is up to where all facts are final. As long as a source reads again
// what it had read before a restart, that is not more than it was then: Records
// of facts that are not final may still be on their way.
func (c *Core) settledNow() parse.Time {
	at := c.join.Settled()
	if len(c.again) > 0 && c.wall.Sub(c.began) > missing {
		for name := range c.again { // what is not followed any more holds nothing back
			if !slices.ContainsFunc(c.sources, func(s *source) bool { return s.name == name }) {
				delete(c.again, name)
			}
		}
	}
	if len(c.again) > 0 {
		at = min(at, c.settled)
	}
	return at
}

// missing is how long a source that is stored may take to be found again.
const missing = time.Minute

// commit writes what is new in one transaction.
func (c *Core) commit(ctx context.Context) error {
	b := &aggregate.Batch{Signals: c.signals, Settled: c.settledNow()}
	for _, f := range c.facts {
		b.Facts = append(b.Facts, *f)
	}
	for _, s := range c.sources {
		s.batch(b)
	}
	l := c.ledger()
	b.Ledger = &l
	for id := range c.withdrawn {
		b.Withdrawn = append(b.Withdrawn, id)
	}
	for _, in := range c.told {
		b.Incidents = append(b.Incidents, in)
	}
	at := time.Now()
	err := c.cfg.Store.Write(ctx, b)
	c.cfg.Metrics.StoreWrite(time.Since(at), err)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, f := range c.facts {
		if ended, err := time.Parse(time.RFC3339, f.Row.Ended); err == nil && !f.Gone {
			c.cfg.Metrics.Stored(f.Row.Final, now.Sub(ended))
		}
	}
	fresh := len(c.facts) > 0 || len(b.Traffic) > 0 || len(c.told) > 0
	clear(c.facts)
	clear(c.told)
	clear(c.withdrawn)
	c.signals = nil
	for _, s := range c.sources {
		if s.fresh {
			c.cfg.Kept(s.join.ID, s.state.Position)
		}
		s.committed()
	}
	c.cfg.Metrics.Ledger(l)
	c.detect(ctx)
	if fresh {
		c.cfg.Changed(b.Settled)
	}
	return nil
}

func (c *Core) ledger() aggregate.Ledger {
	n := c.join.Counts()
	l := aggregate.Ledger{Evicted: n.Evicted, Unjoined: n.Unjoined, Ambiguous: n.Ambiguous, Late: n.Late}
	for _, s := range c.sources {
		l.Unparsed += s.state.Skipped
		for _, loss := range s.state.Losses {
			if loss.Reason == "overrun" {
				l.Overruns += loss.Count
			}
		}
	}
	return l
}

// Request implements correlate.Listener.
func (c *Core) Request(q *parse.Request) {
	v := c.cfg.Rules.Diagnose(q, c.env)
	if v.Class == rules.ClassNone {
		c.Gone(q.UID)
		return
	}
	row := c.rows.Row(q, &v)
	f := &aggregate.Fact{Row: row, Version: version(q), Words: v.Words, Advice: v.Advice}
	for i := range q.Parts {
		f.Background = f.Background || q.Parts[i].Record.Background
	}
	for _, parts := range [][]parse.Part{q.Parts, q.Signals} {
		for i := range parts {
			parts[i].File = c.nameOf(parts[i].Record.Source)
		}
	}
	if b, err := wire.AppendRequest(nil, q); err == nil {
		f.Records = b
	}
	if c.cfg.Redact {
		redacted(f)
	}
	c.facts[q.UID] = f
	c.seconds.set(&row)
	c.absorb(q)
	if row.Final {
		c.cfg.Metrics.Final(&row)
	}
}

// absorb takes back the facts from before a restart whose roots have turned out
// to be parts of q: the join does not know that they were handed on.
func (c *Core) absorb(q *parse.Request) {
	if len(c.left) == 0 {
		return
	}
	delete(c.left, q.UID.String())
	for i := 1; i < len(q.Parts); i++ {
		uid := q.Parts[i].ID
		if _, ok := c.left[uid.String()]; ok {
			delete(c.left, uid.String())
			c.Gone(uid)
		}
	}
}

// redacted takes out of f what could say who a client is. Its Records hold the
// lines as they stand, so they are not kept.
func redacted(f *aggregate.Fact) {
	f.Records = nil
	f.Row.Client = redact.Client(f.Row.Client)
	f.Words = redact.Words(f.Words)
	f.Advice = slices.Clone(f.Advice)
	for i := range f.Advice {
		f.Advice[i] = redact.Words(f.Advice[i])
	}
	for i := range f.Row.Chain {
		l := &f.Row.Chain[i]
		l.Line, l.Words = redact.Line(l.Line), redact.Words(l.Words)
	}
}

// Gone implements correlate.Listener.
func (c *Core) Gone(uid parse.RecordID) {
	f := &aggregate.Fact{Gone: true, Version: ^uint64(0) >> 1}
	if old := c.facts[uid]; old != nil {
		*f = *old
		f.Gone = true
	} else if row, ok := c.seconds.row(uid.String()); ok {
		f.Row = row
	} else {
		return // it was never handed on
	}
	f.Row.UID = uid.String()
	c.facts[uid] = f
	c.seconds.drop(uid.String())
}

// Want implements correlate.Listener.
func (c *Core) Want(number uint64, w *correlate.Want) {
	c.cfg.Metrics.Want()
	c.cfg.Ask(&wire.Want{Number: number, Want: *w})
}
