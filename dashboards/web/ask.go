package web

import (
	"context"
	"time"
)

// bounded runs queries of one answer: no more than a few at a time, and within
// the time that the store has.
func (s *Server) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StoreTimeout)
	defer cancel()
	select {
	case s.queries <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.queries }()
	began := time.Now()
	err := f(ctx)
	if d := time.Since(began); d > slow {
		s.log.Debug("the store was slow", "duration_ms", d.Milliseconds())
	}
	return err
}

// slow is the time after which a person sees that figures are old.
const slow = 300 * time.Millisecond
