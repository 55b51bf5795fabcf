package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"why503/aggregate"
)

const (
	checkWindow = 5 * time.Minute
	maxBackends = 200
	maxCauses   = 50
)

// apiCheck answers what monitoring asks.
func (s *Server) apiCheck(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r, true, "window", "site", "backend")
	if err != nil {
		s.answer(w, r, nil, err, "")
		return
	}
	if p.Window == 0 {
		p.Window = checkWindow
	}
	now := s.cfg.Now()
	p.From, p.To = now.Add(-p.Window), now
	var sum *aggregate.Summary
	var open []aggregate.Incident
	err = s.bounded(r.Context(), func(ctx context.Context) (err error) {
		if sum, err = s.store.Summary(ctx, p.query()); err != nil {
			return err
		}
		open, _, err = s.store.Incidents(ctx, p.query(), "", defaultLimit)
		return err
	})
	if err != nil {
		s.answer(w, r, nil, err, "window")
		return
	}
	c := check(sum, open, s.live.Status(), now)
	c.WindowS = p.Window.Seconds()
	s.answer(w, r, c, nil, "")
}

func check(sum *aggregate.Summary, open []aggregate.Incident, live Status, now time.Time) aggregate.Check {
	c := aggregate.Check{Requests: sum.Requests, Failures: sum.Failures, Undecided: sum.Undecided, Sources: len(live.Sources)}
	for _, cause := range sum.Causes {
		i := slices.IndexFunc(c.Causes, func(x aggregate.CheckCause) bool { return x.Cause == cause.Cause })
		if i < 0 {
			i = len(c.Causes)
			c.Causes = append(c.Causes, aggregate.CheckCause{Cause: cause.Cause})
		}
		c.Causes[i].Count += cause.Count
		c.Causes[i].Share = aggregate.CheckRatio(c.Causes[i].Count, sum.Failures)
		for _, b := range cause.Backends {
			k := slices.IndexFunc(c.Backends, func(x aggregate.CheckBackend) bool { return x.Backend == b.Name })
			if k < 0 {
				k = len(c.Backends)
				c.Backends = append(c.Backends, aggregate.CheckBackend{Backend: b.Name})
			}
			c.Backends[k].Failures += b.Count
			c.Backends[k].Requests = max(c.Backends[k].Requests, b.Of)
		}
	}
	slices.SortStableFunc(c.Causes, func(a, b aggregate.CheckCause) int { return cmp.Compare(b.Count, a.Count) })
	slices.SortStableFunc(c.Backends, func(a, b aggregate.CheckBackend) int { return cmp.Compare(b.Failures, a.Failures) })
	c.Causes, c.Backends = c.Causes[:min(len(c.Causes), maxCauses)], c.Backends[:min(len(c.Backends), maxBackends)]
	var last time.Time
	for _, src := range live.Sources {
		c.LagS = max(c.LagS, src.LagS)
		if src.Front && c.Front == "" {
			c.Front = src.Program
		}
		if src.Front && src.LastLine.After(last) {
			last = src.LastLine
			c.Front = src.Program
		}
	}
	switch {
	case !last.IsZero():
		t := last.UTC()
		c.LastLine, c.SilentS = &t, max(now.Sub(last).Seconds(), 0)
	case !live.Started.IsZero():
		c.SilentS = max(now.Sub(live.Started).Seconds(), 0)
	}
	for i := range open {
		if in := &open[i]; in.Ongoing && in.MergedInto == "" && (c.Since == nil || in.Start.Before(*c.Since)) {
			t := in.Start.UTC()
			c.Since = &t
		}
	}
	return c
}
