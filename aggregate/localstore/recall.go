package localstore

import (
	"context"

	"why503/aggregate"
)

// SourceSeconds returns how many requests of each site a source answered in each
// second from <= at < to, so that counting goes on there after a restart.
func (s *Store) SourceSeconds(ctx context.Context, source string, from, to int64) ([]aggregate.SourceSecond, error) {
	var out []aggregate.SourceSecond
	err := s.read(ctx, func(c conn) error {
		return c.query(`SELECT at, site, requests FROM seconds JOIN owners ON owners.id = seconds.owner WHERE at >= ? AND at < ? AND name = ? ORDER BY at, site`, func(r *row) error {
			out = append(out, aggregate.SourceSecond{Source: source, At: r.ColumnInt64(0), Site: r.ColumnText(1), Requests: r.ColumnInt64(2)})
			return nil
		}, from, to, clip(source, maxName))
	})
	return out, err
}
