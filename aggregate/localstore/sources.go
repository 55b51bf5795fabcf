package localstore

import (
	"context"

	"why503/aggregate"
	"why503/parse"
)

func (s *Store) writeSource(c conn, x *aggregate.SourceState) error {
	text, err := s.coder.encode(&x.Source)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO sources (path, row, position, settings, lag_s, read_to, updated) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET row = excluded.row, position = excluded.position, settings = excluded.settings, lag_s = excluded.lag_s,
			read_to = excluded.read_to, updated = excluded.updated`,
		clip(x.Path, maxName), text, x.Position, x.Settings, x.LagS, x.ReadTo, x.Updated)
}

// Sources returns all sources by name, and where reading them goes on.
func (s *Store) Sources(ctx context.Context) ([]aggregate.SourceState, error) {
	list := []aggregate.SourceState{}
	err := s.read(ctx, func(c conn) (err error) {
		list, err = s.sources(c)
		return err
	})
	if err != nil {
		return nil, s.explain("reading the sources", err)
	}
	return list, nil
}

func (s *Store) sources(c conn) ([]aggregate.SourceState, error) {
	list := []aggregate.SourceState{}
	err := c.query(`SELECT row, position, settings, lag_s, read_to, updated FROM sources ORDER BY path`, func(r *row) error {
		x := aggregate.SourceState{Position: bytesOf(r, 1), Settings: bytesOf(r, 2), LagS: r.ColumnFloat(3), ReadTo: timeOf(r, 4), Updated: timeOf(r, 5)}
		if err := s.coder.decode(bytesOf(r, 0), &x.Source); err != nil {
			return err
		}
		list = append(list, x)
		return nil
	})
	return list, err
}

// Signals returns the signals of a time, from <= t < to, in order.
func (s *Store) Signals(ctx context.Context, from, to parse.Time) ([]aggregate.Signal, error) {
	list := []aggregate.Signal{}
	err := s.read(ctx, func(c conn) error {
		return c.query(`SELECT id, source, time, event, record FROM signals WHERE time >= ? AND time < ? ORDER BY time, id`, func(r *row) error {
			x := aggregate.Signal{Source: r.ColumnText(1), Time: parse.Time(r.ColumnInt64(2)), Event: r.ColumnText(3)}
			r.ColumnBytes(0, x.ID[:])
			var err error
			if x.Record, err = s.coder.unpack(bytesOf(r, 4)); err != nil {
				return err
			}
			list = append(list, x)
			return nil
		}, int64(from), int64(to))
	})
	if err != nil {
		return nil, s.explain("reading signals", err)
	}
	return list, nil
}

// Seconds returns what each site did in each second from the given one (of the
// epoch) on, by second, then site: what the incident detector is replayed from.
func (s *Store) Seconds(ctx context.Context, from int64) ([]aggregate.SiteSecond, error) {
	list := []aggregate.SiteSecond{}
	err := s.read(ctx, func(c conn) (err error) {
		list, err = secondsFrom(c, from)
		return err
	})
	if err != nil {
		return nil, s.explain("reading seconds", err)
	}
	return list, nil
}
