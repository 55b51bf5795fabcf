package app

import (
	"context"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/aggregate/live"
	"why503/aggregate/slo"
	"why503/dashboards/alert"
)

// alerts returns what tells people of incidents until its ctx ends.
func (s *server) alerts() (func(context.Context) error, error) {
	n, err := alert.New(s.cfg.AlertConfig(), outbox{s.store}, s.log)
	if err != nil {
		return nil, err
	}
	s.hub.noticed = make(chan struct{}, 1)
	return func(ctx context.Context) error {
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		s.observe(ctx, n)
		return <-done
	}, nil
}

// observe tells n of incidents, those first that went on before a restart.
func (s *server) observe(ctx context.Context, n *alert.Notifier) {
	old, _, err := s.store.Incidents(ctx, aggregate.Query{From: time.Now().Add(-time.Hour)}, "", 200)
	if err != nil {
		s.log.Warn("reading incidents for alerts", "err", err)
	}
	for i := range old {
		s.tell(ctx, n, live.Noticed{Incident: old[i]})
	}
	var burn *time.Ticker
	tick := make(<-chan time.Time)
	if s.cfg.Alerts.SLO {
		burn = time.NewTicker(time.Minute)
		defer burn.Stop()
		tick = burn.C
	}
	budget := slo.NewMonitor(slo.Config{Objective: float64(s.cfg.SLO.Objective), MinRequests: int64(s.cfg.SLO.MinRequests)})
	from := time.Now().Add(-3 * 24 * time.Hour) // the longest window
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			s.burn(ctx, n, budget, from)
			from = time.Now().Add(-late)
		case <-s.hub.noticed:
			s.hub.mu.Lock()
			list := s.hub.notices
			s.hub.notices = nil
			s.hub.mu.Unlock()
			for _, x := range list {
				s.tell(ctx, n, x)
			}
		}
	}
}

func (s *server) tell(ctx context.Context, n *alert.Notifier, x live.Noticed) {
	do := n.Observe
	if x.Kind == incident.Withdrawn {
		do = n.Withdraw
	}
	if err := do(ctx, x.Incident); err != nil && ctx.Err() == nil {
		s.log.Warn("alerting", "incident", x.Incident.ID, "err", err)
	}
}
