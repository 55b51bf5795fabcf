package localstore

import "context"

// Sites returns the sites that requests were counted of in the last days, those
// with most of them first.
func (s *Store) Sites(ctx context.Context) ([]string, error) {
	var out []string
	err := s.read(ctx, func(c conn) error {
		return c.query(`SELECT site FROM seconds GROUP BY site ORDER BY sum(requests) DESC, site LIMIT 1000`, func(r *row) error {
			out = append(out, r.ColumnText(0))
			return nil
		})
	})
	if err != nil {
		return nil, s.explain("reading sites", err)
	}
	return out, nil
}
