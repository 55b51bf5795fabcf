package live

import (
	"context"
	"fmt"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
	"why503/parse/wire"
)

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
