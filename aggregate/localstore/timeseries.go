package localstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// maxPoints bounds the steps of a series.
const maxPoints = 5000

// Timeseries returns what happened in each step of the time of a query, also in
// those in which nothing did. Steps are whole minutes and begin at multiples of
// themselves since the epoch. Without a time they go from the first to the last
// minute that is known of.
func (s *Store) Timeseries(ctx context.Context, q aggregate.Query, step time.Duration) ([]aggregate.Point, error) {
	points := []aggregate.Point{}
	err := s.read(ctx, func(c conn) (err error) {
		points, err = s.timeseries(c, q, step)
		return err
	})
	if err != nil {
		return nil, s.explain("reading a time series", err)
	}
	return points, nil
}

func (s *Store) timeseries(c conn, q aggregate.Query, step time.Duration) ([]aggregate.Point, error) {
	points := []aggregate.Point{}
	if q.Incident != "" {
		in, err := s.incident(c, q.Incident)
		if err != nil && !errors.Is(err, aggregate.ErrNotFound) {
			return nil, err
		}
		if in == nil {
			return points, nil
		}
		q.Site = aggregate.OfSite(in.Site)
		if q.From.IsZero() && q.To.IsZero() {
			q.From, q.To = in.Start, in.End.Add(1)
		}
	}
	q = bounded(q)
	width := max(int64((step+time.Minute-1)/time.Minute), 1)
	x, err := spanOf(c, q)
	if err != nil {
		return nil, err
	}
	start, end := floorTo(x.from, width), ceilTo(x.to, width)
	if !q.From.IsZero() {
		start = floorTo(traffic.MinuteOf(parse.Time(nanos(q.From))), width)
	}
	if !q.To.IsZero() {
		end = ceilTo(traffic.MinuteOf(parse.Time(nanos(q.To)-1))+1, width)
	}
	n := int64(end-start) / width
	if n > maxPoints {
		return nil, fmt.Errorf("%d steps are more than %d: take a longer step or a shorter time", n, maxPoints)
	}
	if end <= start {
		return points, nil
	}
	points = make([]aggregate.Point, n)
	settled, _, err := c.number(`SELECT value FROM state WHERE name = 'settled'`)
	if err != nil {
		return nil, err
	}
	for i := range points {
		m := start + traffic.Minute(int64(i)*width)
		points[i] = aggregate.Point{At: minuteTime(m), Causes: map[string]int64{}, NoData: true, Partial: int64((m + traffic.Minute(width)).Start()) > settled}
	}
	coarsest := byMinute
	if width%minutesOfHour == 0 {
		coarsest = byHour
	}
	q.From, q.To = minuteTime(start), minuteTime(end) // steps are whole
	if x, err = spanOf(c, q); err != nil {
		return nil, err
	}
	if coarsest == byHour { // so that hours at the ends of what there is need no minutes
		x.from, x.to = max(hourOf(x.from), start), min(ceilTo(x.to, minutesOfHour), end)
	}
	at := func(m int64) *aggregate.Point { return &points[(m-int64(start))/width] }
	stretches, err := plan(c, x, coarsest)
	if err != nil {
		return nil, err
	}
	for _, x := range stretches {
		for _, read := range []func(conn, stretch, aggregate.Query, func(int64) *aggregate.Point) error{s.pointsOfFailures, coverage} {
			if err := read(c, x, q, at); err != nil {
				return nil, err
			}
		}
	}
	if err := s.pointsOfTraffic(c, stretches, q, points, at); err != nil {
		return nil, err
	}
	for i := range points {
		points[i].Requests = max(points[i].Requests, points[i].Failures)
		if points[i].Requests > 0 {
			points[i].NoData = false
		}
	}
	return points, nil
}

func (s *Store) pointsOfFailures(c conn, x stretch, q aggregate.Query, at func(int64) *aggregate.Point) error {
	put := func(m, n int64, cause string) {
		p := at(m)
		p.Failures += n
		p.Causes[cause] += n
	}
	if x.level == byHour && q.Backend == "" {
		return c.query(`SELECT minute, cause, n, site, symptom FROM causes_1h WHERE minute >= ? AND minute < ? AND class = 'failure'`, func(r *row) error {
			cause := r.ColumnText(1)
			if q.Meets(r.ColumnText(3)) && (q.Cause == "" || cause == q.Cause || r.ColumnText(4) == q.Cause) {
				put(r.ColumnInt64(0), r.ColumnInt64(2), cause)
			}
			return nil
		}, int64(x.from), int64(x.to))
	}
	wanted := make(map[int64]*failKey)
	text, args := "SELECT minute, key, n FROM rollup"+levelSuffix[x.level]+" WHERE minute >= ? AND minute < ?", []any{int64(x.from), int64(x.to)}
	if x.level == byHour { // of a backend, which has few of the keys
		text = `SELECT r.minute, r.key, r.n FROM failure_keys AS k CROSS JOIN rollup_1h AS r ON r.key = k.id WHERE r.minute >= ? AND r.minute < ? AND k.backend = ?`
		args = append(args, q.Backend)
	}
	return c.query(text, func(r *row) error {
		id := r.ColumnInt64(1)
		k, known := wanted[id]
		if !known {
			var err error
			if k, err = s.fails.key(c, id); err != nil {
				return err
			}
			if k != nil && (k.Class != failure || !keyMeets(k, q)) {
				k = nil
			}
			wanted[id] = k
		}
		if k != nil {
			put(r.ColumnInt64(0), r.ColumnInt64(2), k.Cause)
		}
		return nil
	}, args...)
}

// pointsOfTraffic counts requests, of the backend of the query where
// client-facing hops name it.
func (s *Store) pointsOfTraffic(c conn, stretches []stretch, q aggregate.Query, points []aggregate.Point, at func(int64) *aggregate.Point) error {
	ofBackend := make(map[*aggregate.Point]int64)
	wanted := make(map[int64]*trafficKey)
	for _, x := range stretches {
		from, to := int64(x.from), int64(x.to)
		if x.level == byHour {
			err := c.query(`SELECT minute, n, site FROM requests_1h WHERE minute >= ? AND minute < ?`, func(r *row) error {
				if q.Meets(r.ColumnText(2)) {
					at(r.ColumnInt64(0)).Requests += r.ColumnInt64(1)
				}
				return nil
			}, from, to)
			if err == nil && q.Backend != "" {
				err = c.query(`SELECT r.minute, r.n, k.site FROM traffic_keys AS k CROSS JOIN traffic_1h AS r ON r.key = k.id WHERE r.minute >= ? AND r.minute < ? AND k.backend = ? AND k.front = 1`, func(r *row) error {
					if q.Meets(r.ColumnText(2)) {
						ofBackend[at(r.ColumnInt64(0))] += r.ColumnInt64(1)
					}
					return nil
				}, from, to, q.Backend)
			}
			if err != nil {
				return err
			}
			continue
		}
		err := c.query(`SELECT minute, key, n FROM traffic_1m WHERE minute >= ? AND minute < ?`, func(r *row) error {
			id := r.ColumnInt64(1)
			k, known := wanted[id]
			if !known {
				var err error
				if k, err = s.traffic.key(c, id); err != nil {
					return err
				}
				if k != nil && (!k.front || !q.Meets(k.Site)) {
					k = nil
				}
				wanted[id] = k
			}
			if k != nil {
				p := at(r.ColumnInt64(0))
				p.Requests += r.ColumnInt64(2)
				if k.Backend == q.Backend {
					ofBackend[p] += r.ColumnInt64(2)
				}
			}
			return nil
		}, from, to)
		if err != nil {
			return err
		}
	}
	if q.Backend == "" || len(ofBackend) == 0 {
		return nil
	}
	for i := range points {
		points[i].Requests = ofBackend[&points[i]]
	}
	return nil
}

// coverage marks the steps that some client-facing source told of.
func coverage(c conn, x stretch, _ aggregate.Query, at func(int64) *aggregate.Point) error {
	text := `SELECT DISTINCT minute FROM covered WHERE minute >= ? AND minute < ? AND front = 1`
	if x.level == byHour {
		text = `SELECT minute FROM hours WHERE minute >= ? AND minute < ? AND covered > 0`
	}
	return c.query(text, func(r *row) error {
		at(r.ColumnInt64(0)).NoData = false
		return nil
	}, int64(x.from), int64(x.to))
}
