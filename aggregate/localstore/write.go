package localstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// Write writes a batch whole or, where it returns an error, not at all: then
// the same batch may be written again. It may be called from many goroutines;
// they take turns.
func (s *Store) Write(ctx context.Context, b *aggregate.Batch) error {
	err := s.change(ctx, func(c conn) error { return s.write(c, b) })
	if err != nil {
		return s.explain("writing a batch", err)
	}
	return nil
}

func (s *Store) write(c conn, b *aggregate.Batch) error {
	if err := s.writeFacts(c, b.Facts); err != nil {
		return err
	}
	from, err := s.horizon(c, minutesFrom)
	if err != nil {
		return err
	}
	for i := range b.Traffic {
		if int64(b.Traffic[i].Minute.Start()) < from {
			continue
		}
		if err := s.writeTraffic(c, &b.Traffic[i]); err != nil {
			return err
		}
	}
	for i := range b.Seconds {
		x := &b.Seconds[i]
		owner, err := s.owners.id(c, clip(x.Source, maxName))
		if err != nil {
			return err
		}
		err = c.exec(`INSERT INTO seconds (at, owner, site, requests) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET requests = excluded.requests WHERE requests <> excluded.requests`, x.At, owner, clip(x.Site, maxName), x.Requests)
		if err != nil {
			return err
		}
	}
	for i := range b.Signals {
		x := &b.Signals[i]
		err := c.exec(`INSERT INTO signals (id, source, time, event, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			x.ID[:], clip(x.Source, maxName), int64(x.Time), clip(x.Event, maxName), s.coder.pack(notNil(x.Record)))
		if err != nil {
			return err
		}
	}
	for i := range b.Incidents {
		if err := s.writeIncident(c, &b.Incidents[i]); err != nil {
			return err
		}
	}
	for _, id := range b.Withdrawn {
		if err := c.exec(`DELETE FROM incidents WHERE id = ?`, clip(id, maxName)); err != nil {
			return err
		}
	}
	for i := range b.Sources {
		if err := s.writeSource(c, &b.Sources[i]); err != nil {
			return err
		}
	}
	if b.Ledger != nil {
		text, err := json.Marshal(b.Ledger)
		if err != nil {
			return fmt.Errorf("encoding the ledger: %w", err)
		}
		if err := setState(c, "ledger", text); err != nil {
			return err
		}
	}
	if b.Settled != 0 {
		return c.exec(`INSERT INTO state (name, value) VALUES ('settled', ?) ON CONFLICT DO UPDATE SET value = excluded.value`, int64(b.Settled))
	}
	return nil
}

func setState(c conn, name string, value []byte) error {
	return c.exec(`INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, name, value)
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// writeTraffic replaces what a source counted in a minute.
func (s *Store) writeTraffic(c conn, m *aggregate.SourceMinute) error {
	name := clip(m.Source, maxName)
	owner, err := s.owners.id(c, name)
	if err != nil {
		return err
	}
	minute := int64(m.Minute)
	if err := c.exec(`DELETE FROM traffic_1m WHERE minute = ? AND owner = ?`, minute, owner); err != nil {
		return err
	}
	err = c.exec(`INSERT INTO covered (minute, owner, front, failed) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET front = excluded.front, failed = excluded.failed`, minute, owner, m.Front, m.Failed)
	if err != nil {
		return err
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		id, err := s.traffic.id(c, trafficKeyOf(r.Key, m.Front))
		if err != nil {
			return err
		}
		hist, err := r.Hist.AppendBinary(make([]byte, 0, 64))
		if err != nil {
			return err
		}
		// Two keys of strangers may be one when their texts are cut.
		err = c.exec(`INSERT INTO traffic_1m (minute, owner, key, n, saved, bytes, busy_ns, hist) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n, saved = saved + excluded.saved, bytes = bytes + excluded.bytes, busy_ns = busy_ns + excluded.busy_ns`,
			minute, owner, id, r.N, r.Saved, r.Bytes, int64(r.Busy), hist)
		if err != nil {
			return err
		}
	}
	return dirty(c, m.Minute)
}

// dirty says that the hour and the day of a minute are to be summed up anew.
func dirty(c conn, m traffic.Minute) error {
	if err := c.exec(`INSERT INTO dirty_hours (minute) VALUES (?) ON CONFLICT DO NOTHING`, int64(hourOf(m))); err != nil {
		return err
	}
	return c.exec(`INSERT INTO dirty_days (minute) VALUES (?) ON CONFLICT DO NOTHING`, int64(dayOf(m)))
}

const (
	minutesOfHour = 60
	minutesOfDay  = 24 * 60
)

func hourOf(m traffic.Minute) traffic.Minute { return floorTo(m, minutesOfHour) }
func dayOf(m traffic.Minute) traffic.Minute  { return floorTo(m, minutesOfDay) }

// floorTo rounds m down to a multiple of n, also before 1970.
func floorTo(m traffic.Minute, n int64) traffic.Minute {
	r := int64(m) % n
	if r < 0 {
		r += n
	}
	return m - traffic.Minute(r)
}

func ceilTo(m traffic.Minute, n int64) traffic.Minute { return floorTo(m+traffic.Minute(n-1), n) }

// Minute returns what a source counted in a minute, so that counting goes on
// there after a restart; ErrNotFound when it has not told of it.
func (s *Store) Minute(ctx context.Context, source string, m traffic.Minute) (*aggregate.SourceMinute, error) {
	out := aggregate.SourceMinute{Source: source, Minute: m, Rows: []traffic.Row[traffic.Key]{}}
	found := false
	err := s.read(ctx, func(c conn) error {
		owner, ok, err := s.owners.known(c, clip(source, maxName))
		if err != nil || !ok {
			return err
		}
		err = c.query(`SELECT front, failed FROM covered WHERE minute = ? AND owner = ?`, func(r *row) error {
			found, out.Front, out.Failed = true, r.ColumnBool(0), r.ColumnInt64(1)
			return nil
		}, int64(m), owner)
		if err != nil || !found {
			return err
		}
		type counted struct {
			key  int64
			cell traffic.Cell
		}
		var cells []counted
		err = c.query(`SELECT key, n, saved, bytes, busy_ns, hist FROM traffic_1m WHERE minute = ? AND owner = ?`, func(r *row) error {
			x := counted{r.ColumnInt64(0), traffic.Cell{N: r.ColumnInt64(1), Saved: r.ColumnInt64(2), Bytes: r.ColumnInt64(3), Busy: time.Duration(r.ColumnInt64(4))}}
			cells = append(cells, x)
			return cells[len(cells)-1].cell.Hist.UnmarshalBinary(bytesOf(r, 5))
		}, int64(m), owner)
		if err != nil {
			return err
		}
		for i := range cells {
			k, err := s.traffic.key(c, cells[i].key)
			if err != nil {
				return err
			}
			if k == nil {
				continue
			}
			key := k.Key
			key.Minute = m
			out.Rows = append(out.Rows, traffic.Row[traffic.Key]{Key: key, Cell: &cells[i].cell})
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, s.explain("reading the traffic of a minute", err)
	case !found:
		return nil, aggregate.ErrNotFound
	}
	slices.SortFunc(out.Rows, func(a, b traffic.Row[traffic.Key]) int { return a.Key.Order(b.Key) })
	return &out, nil
}

// Settled returns the event time up to which all facts are final; 0 when that
// has never been said.
func (s *Store) Settled(ctx context.Context) (parse.Time, error) {
	var at int64
	err := s.read(ctx, func(c conn) (err error) {
		at, _, err = c.number(`SELECT value FROM state WHERE name = 'settled'`)
		return err
	})
	if err != nil {
		return 0, s.explain("reading up to where facts are settled", err)
	}
	return parse.Time(at), nil
}
