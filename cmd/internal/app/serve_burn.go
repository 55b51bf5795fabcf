package app

import (
	"context"
	"time"

	"why503/aggregate"
	"why503/aggregate/slo"
	"why503/dashboards/alert"
)

// late is how long after its end a minute may still be corrected, so that the
// budget is told of it again.
const late = 20 * time.Minute

// burn tells the budget of the last minutes, and people of what that says.
func (s *server) burn(ctx context.Context, n *alert.Notifier, budget *slo.Monitor, from time.Time) {
	now := time.Now()
	if err := s.spend(ctx, budget, from); err != nil {
		if ctx.Err() == nil {
			s.log.Warn("counting for the budget", "err", err)
		}
		return
	}
	for _, a := range budget.Advance(now.Unix() / 60) {
		if err := n.Budget(ctx, a); err != nil && ctx.Err() == nil {
			s.log.Warn("alerting of a budget", "site", a.Site, "err", err)
		}
	}
}

// spend tells the budget what each minute of each site was since from.
func (s *server) spend(ctx context.Context, budget *slo.Monitor, from time.Time) error {
	sites, err := s.store.Sites(ctx)
	if err != nil {
		return err
	}
	for _, site := range sites {
		points, err := s.store.Timeseries(ctx, aggregate.Query{Site: aggregate.OfSite(site), From: from.Truncate(time.Minute), To: time.Now()}, time.Minute)
		if err != nil {
			return err
		}
		for i := range points {
			p := &points[i]
			budget.Set(site, p.At.Unix()/60, max(0, p.Requests-p.Failures), p.Failures)
		}
	}
	return nil
}
