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
		owner, ok, err := s.owners.known(c, clip(source, maxName))
		if err != nil || !ok {
			return err
		}
		// Each second is looked up: between two of them lie those of all other sources.
		for at := from; at < to; at++ {
			err := c.query(`SELECT site, requests FROM seconds WHERE at = ? AND owner = ? ORDER BY site`, func(r *row) error {
				out = append(out, aggregate.SourceSecond{Source: source, At: at, Site: r.ColumnText(0), Requests: r.ColumnInt64(1)})
				return nil
			}, at, owner)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
