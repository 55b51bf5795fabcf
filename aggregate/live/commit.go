package live

import (
	"context"
	"slices"
	"time"

	"why503/aggregate"
	"why503/parse"
)

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
