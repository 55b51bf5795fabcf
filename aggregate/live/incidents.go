package live

import (
	"context"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
)

type incidentRow = *aggregate.Incident

// detect tells the detector what was stored, and everybody what it found.
func (c *Core) detect(ctx context.Context) {
	now := at(c.now())
	c.seconds.tell(c.incidents, now)
	changes := c.incidents.Advance(now.Add(-settle).Unix())
	open := 0
	for _, ch := range changes {
		row := c.describe(ctx, &ch.Incident)
		if ch.Kind == incident.Withdrawn {
			delete(c.told, row.ID)
			c.withdrawn[row.ID] = struct{}{}
		} else {
			delete(c.withdrawn, row.ID)
			c.told[row.ID] = row
		}
		if ch.Kind == incident.Opened {
			c.cfg.Metrics.Opened()
		}
		c.cfg.Notice(Noticed{ch.Kind, row})
	}
	for _, in := range c.incidents.Incidents() {
		if in.Ongoing {
			open++
		}
	}
	c.cfg.Metrics.Open(open)
}

// describe is an incident as stores and views know it: what failed in its time,
// as it is stored.
func (c *Core) describe(ctx context.Context, in *incident.Incident) aggregate.Incident {
	from, to := at(in.Start), at(in.End)
	row := aggregate.Incident{
		ID: in.ID, Site: in.Site, Start: from, End: to, Ongoing: in.Ongoing, DurationS: to.Sub(from).Seconds(),
		Failures: in.Failures, Requests: in.Requests, PeakRatio: in.PeakRatio, MergedInto: in.MergedInto,
		Causes: []aggregate.Cause{}, Localisation: []aggregate.Local{}, WhatIf: []struct{}{}, Chain: []aggregate.ChainLink{},
		Reached: map[string]int64{}, Missing: []aggregate.MissingCount{},
	}
	q := aggregate.Query{From: from.Truncate(time.Minute), To: to.Add(time.Microsecond), Site: aggregate.OfSite(in.Site)}
	sum, err := c.cfg.Store.Summary(ctx, q)
	if err != nil {
		c.log.Warn("an incident is told without its causes", "incident", in.ID, "err", err)
		return row
	}
	row.Causes, row.Reached, row.Undecided, row.Missing = sum.Causes, sum.Reached, sum.Undecided, sum.Missing
	if len(sum.Causes) > 0 {
		row.Chain = sum.Causes[0].Chain
	}
	if row.Clients, err = c.cfg.Store.Clients(ctx, q); err != nil {
		c.log.Warn("an incident is told without its clients", "incident", in.ID, "err", err)
	}
	return row
}
