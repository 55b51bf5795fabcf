package localstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/axiomhq/hyperloglog"

	"why503/aggregate"
	"why503/parse/traffic"
)

// Keys that an hour and a day keep, of failures and of traffic.
const (
	hourKeys = 4096
	dayKeys  = 2048
)

// sumUp makes the hours and days that changed anew from what is below them,
// each in a transaction of its own, so that a write waits for one at most. An
// hour that is still being written to is left: reads take its minutes.
func (s *Store) sumUp(ctx context.Context) error {
	for _, l := range []level{byHour, byDay} {
		list, err := s.dirtyOf(ctx, l)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := s.change(ctx, func(c conn) error { return s.sumUpOne(c, l, m) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// dirtyOf lists what can be summed up: hours that no newer minute than theirs
// is known of are still open, and so is a day with an open hour.
func (s *Store) dirtyOf(ctx context.Context, l level) (list []traffic.Minute, err error) {
	text := `SELECT minute FROM dirty_hours WHERE minute + 60 + 2 <= max(coalesce((SELECT max(minute) FROM minutes), ?1), coalesce((SELECT max(minute) FROM covered), ?1)) ORDER BY minute`
	if l == byDay {
		text = `SELECT minute FROM dirty_days AS d WHERE ?1 <= 0 AND NOT EXISTS (SELECT 1 FROM dirty_hours AS h WHERE h.minute >= d.minute AND h.minute < d.minute + 1440)
			AND minute + 1440 + 2 <= max(coalesce((SELECT max(minute) FROM minutes), ?1), coalesce((SELECT max(minute) FROM covered), ?1)) ORDER BY minute`
	}
	err = s.read(ctx, func(c conn) error {
		list = list[:0]
		return c.query(text, func(r *row) error {
			list = append(list, traffic.Minute(r.ColumnInt64(0)))
			return nil
		}, int64(-1<<60))
	})
	return list, err
}

func (s *Store) sumUpOne(c conn, l level, m traffic.Minute) error {
	from, to := int64(m), int64(m)+levelMinutes[l]
	below, own := levelSuffix[l-1], levelSuffix[l]
	top := hourKeys
	if l == byDay {
		top = dayKeys
	}
	fails := newTable(s.failKeyOf(c), failKey.fold, failKey.order, func(k failKey) (int64, error) { return s.fails.id(c, k) })
	if err := fails.read(c, "SELECT key, n, saved, confidence, crawlers, background, hist FROM rollup"+below+" WHERE minute >= ? AND minute < ?", from, to, top); err != nil {
		return err
	}
	if err := fails.write(c, "rollup"+own+" (minute, key, n, saved, confidence, crawlers, background, hist)", from, 5); err != nil {
		return err
	}
	all := newTable(s.trafficKeyOf(c), trafficKey.fold, trafficKey.order, func(k trafficKey) (int64, error) { return s.traffic.id(c, k) })
	if err := all.read(c, "SELECT key, n, saved, bytes, busy_ns, 0, hist FROM traffic"+below+" WHERE minute >= ? AND minute < ?", from, to, top); err != nil {
		return err
	}
	if err := all.write(c, "traffic"+own+" (minute, key, n, saved, bytes, busy_ns, hist)", from, 4); err != nil {
		return err
	}
	if l == byDay {
		return c.exec(`DELETE FROM dirty_days WHERE minute = ?`, from)
	}
	if err := s.narrow(c, fails, all, from); err != nil {
		return err
	}
	err := c.exec(`INSERT OR REPLACE INTO hours (minute, covered) SELECT ?1, count(DISTINCT minute) FROM covered WHERE minute >= ?1 AND minute < ?2 AND front = 1`, from, to)
	if err != nil {
		return err
	}
	return c.exec(`DELETE FROM dirty_hours WHERE minute = ?`, from)
}

// read sums up the rows of a statement, in the order of their keys' tables.
func (t *table[K]) read(c conn, text string, from, to int64, top int) error {
	err := c.query(text, func(r *row) error {
		cell := t.cell(r.ColumnInt64(0))
		for i := range cell.values {
			cell.values[i] += r.ColumnInt64(i + 1)
		}
		cell.hist = stepsOf(cell.hist, bytesOf(r, 6))
		return nil
	}, from, to)
	if err != nil {
		return err
	}
	return t.bound(top)
}

// write replaces the rows of a minute in a table by t.
func (t *table[K]) write(c conn, into string, minute int64, values int) error {
	name, _, _ := strings.Cut(into, " ")
	if err := c.exec("DELETE FROM "+name+" WHERE minute = ?", minute); err != nil {
		return err
	}
	return t.each(func(key int64, v *cell) error {
		args := []any{minute, key}
		for _, n := range v.values[:values] {
			args = append(args, n)
		}
		return c.exec("INSERT INTO "+into+" VALUES ("+strings.Repeat("?, ", values+2)+"?)", append(args, addHist(nil, v.hist))...)
	})
}

// narrow writes the narrow copies of an hour.
func (s *Store) narrow(c conn, fails *table[failKey], all *table[trafficKey], minute int64) error {
	type causeAt struct{ site, class, cause, symptom string }
	causes, sites := make(map[causeAt]int64), make(map[string]int64)
	err := fails.each(func(id int64, v *cell) error {
		k, err := s.fails.key(c, id)
		if k != nil {
			causes[causeAt{k.Site, k.Class, k.Cause, k.Symptom}] += v.values[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	err = all.each(func(id int64, v *cell) error {
		k, err := s.traffic.key(c, id)
		if k != nil && k.front {
			sites[k.Site] += v.values[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.exec(`DELETE FROM causes_1h WHERE minute = ?`, minute); err != nil {
		return err
	}
	if err := c.exec(`DELETE FROM requests_1h WHERE minute = ?`, minute); err != nil {
		return err
	}
	for k, n := range causes {
		if err := c.exec(`INSERT INTO causes_1h (minute, site, class, cause, symptom, n) VALUES (?, ?, ?, ?, ?, ?)`, minute, k.site, k.class, k.cause, k.symptom, n); err != nil {
			return err
		}
	}
	for site, n := range sites {
		if err := c.exec(`INSERT INTO requests_1h (minute, site, n) VALUES (?, ?, ?)`, minute, site, n); err != nil {
			return err
		}
	}
	return nil
}

// sketchClients makes the sketches of minutes whose facts have changed, but for
// the last two, which still do.
func (s *Store) sketchClients(ctx context.Context) error {
	var list []int64
	err := s.read(ctx, func(c conn) error {
		list = list[:0]
		return c.query(`SELECT minute FROM minutes WHERE clients = 1 AND minute + 2 < (SELECT max(minute) FROM minutes) ORDER BY minute`, func(r *row) error {
			list = append(list, r.ColumnInt64(0))
			return nil
		})
	})
	for _, m := range list {
		if err == nil {
			err = s.change(ctx, func(c conn) error { return sketchMinute(c, m) })
		}
	}
	return err
}

type clientsAt struct{ site, cause, backend string }

func sketchMinute(c conn, m int64) error {
	sketches, err := sketchesOf(c, m, nil)
	if err != nil {
		return err
	}
	if err := c.exec(`DELETE FROM clients_1m WHERE minute = ?`, m); err != nil {
		return err
	}
	for _, k := range slices.SortedFunc(maps.Keys(sketches), func(a, b clientsAt) int {
		return strings.Compare(a.site+"\x00"+a.cause+"\x00"+a.backend, b.site+"\x00"+b.cause+"\x00"+b.backend)
	}) {
		state, err := sketches[k].MarshalBinary()
		if err != nil {
			return err
		}
		if err := c.exec(`INSERT INTO clients_1m (minute, site, cause, backend, uniq) VALUES (?, ?, ?, ?, ?)`, m, k.site, k.cause, k.backend, state); err != nil {
			return err
		}
	}
	return c.exec(`UPDATE minutes SET clients = 0 WHERE minute = ?`, m)
}

// maxSketches bounds the sketches of a minute; what exceeds it is one for all
// backends of all sites.
const maxSketches = 1024

// sketchesOf makes the sketches of a minute from its failures, those that keep
// lets through.
func sketchesOf(c conn, m int64, keep func(clientsAt, string) bool) (map[clientsAt]*hyperloglog.Sketch, error) {
	sketches := make(map[clientsAt]*hyperloglog.Sketch)
	from, to := int64(traffic.Minute(m).Start()), int64(traffic.Minute(m+1).Start())
	err := c.query(`SELECT site, cause, backend, client, symptom FROM failures WHERE gone = 0 AND class = 'failure' AND client <> 0 AND ended >= ? AND ended < ?`, func(r *row) error {
		k := clientsAt{r.ColumnText(0), r.ColumnText(1), r.ColumnText(2)}
		if keep != nil && !keep(k, r.ColumnText(4)) {
			return nil
		}
		sk := sketches[k]
		if sk == nil && len(sketches) >= maxSketches {
			k = clientsAt{traffic.Other, k.cause, traffic.Other}
			sk = sketches[k]
		}
		if sk == nil {
			sk = newSketch()
			sketches[k] = sk
		}
		sk.InsertHash(uint64(r.ColumnInt64(3)))
		return nil
	}, from, to)
	return sketches, err
}

// newSketch counts within 1.6 %.
func newSketch() *hyperloglog.Sketch {
	sk, err := hyperloglog.NewSketch(12, true)
	if err != nil {
		panic(err) // the precision is a constant
	}
	return sk
}

// Clients estimates how many different clients failed in the whole minutes of a
// query, within some percent.
func (s *Store) Clients(ctx context.Context, q aggregate.Query) (int64, error) {
	var n int64
	err := s.read(ctx, func(c conn) error {
		x, err := spanOf(c, q)
		if err != nil {
			return err
		}
		all := newSketch()
		keep := func(k clientsAt, symptom string) bool {
			return q.Meets(k.site) && (q.Cause == "" || k.cause == q.Cause || symptom == q.Cause) && (q.Backend == "" || k.backend == q.Backend)
		}
		err = c.query(`SELECT site, cause, backend, uniq FROM clients_1m WHERE minute >= ? AND minute < ? AND minute NOT IN (SELECT minute FROM minutes WHERE clients = 1)`, func(r *row) error {
			if !keep(clientsAt{r.ColumnText(0), r.ColumnText(1), r.ColumnText(2)}, "") {
				return nil
			}
			sk := newSketch()
			return errors.Join(sk.UnmarshalBinary(bytesOf(r, 3)), all.Merge(sk))
		}, int64(x.from), int64(x.to))
		if err != nil {
			return err
		}
		var open []int64
		err = c.query(`SELECT minute FROM minutes WHERE clients = 1 AND minute >= ? AND minute < ?`, func(r *row) error {
			open = append(open, r.ColumnInt64(0))
			return nil
		}, int64(x.from), int64(x.to))
		for _, m := range open {
			if err != nil {
				break
			}
			var some map[clientsAt]*hyperloglog.Sketch
			if some, err = sketchesOf(c, m, keep); err == nil {
				for _, sk := range some {
					err = errors.Join(err, all.Merge(sk))
				}
			}
		}
		n = int64(all.Estimate())
		return err
	})
	if err != nil {
		return 0, s.explain("counting clients", err)
	}
	return n, nil
}
