package localstore

import (
	"context"
	"math"
	"time"

	"why503/parse"
	"why503/parse/traffic"
)

// Maintain sums up hours and days that are over, sketches clients, and forgets
// what is too old or too much. It works in small transactions, so that writes
// wait for tens of milliseconds at most, and ends with ctx. Call it once a
// minute; without it reads stay right, and become slow.
func (s *Store) Maintain(ctx context.Context) error {
	for _, step := range []struct {
		doing string
		f     func(context.Context) error
	}{
		{"summing up hours and days", s.sumUp},
		{"sketching clients", s.sketchClients},
		{"forgetting what is old", s.forgetOld},
		{"keeping the size of the file", s.shrink},
	} {
		if err := step.f(ctx); err != nil {
			return s.explain(step.doing, err)
		}
	}
	return nil
}

// chunk is how many rows one transaction deletes, vacuumPages how many pages one
// gives back to the file system.
const (
	chunk       = 500
	vacuumPages = 256
)

// A horizon is up to where something was forgotten, as nanoseconds. What comes
// from before is not taken again: it would be counted a second time, or stand
// for the whole of an hour whose minutes are gone.
type horizon string

const (
	recordsFrom horizon = "records_from"
	factsFrom   horizon = "facts_from"
	minutesFrom horizon = "minutes_from"
)

func (s *Store) horizon(c conn, h horizon) (int64, error) {
	n, ok, err := c.number(`SELECT value FROM state WHERE name = ?`, string(h))
	if !ok {
		n = math.MinInt64
	}
	return n, err
}

func setHorizon(c conn, h horizon, at int64) error {
	return c.exec(`INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)`, string(h), at)
}

// forgetOld deletes by age.
func (s *Store) forgetOld(ctx context.Context) error {
	now := s.cfg.Now()
	before := func(keep time.Duration) int64 {
		if keep < 0 {
			return math.MinInt64
		}
		return nanos(now.Add(-keep))
	}
	if err := s.forgetRecords(ctx, before(s.cfg.Records)); err != nil {
		return err
	}
	if err := s.forgetFacts(ctx, before(s.cfg.Facts)); err != nil {
		return err
	}
	if at := before(s.cfg.Minutes); at != math.MinInt64 {
		if err := s.forgetMinutes(ctx, hourOf(traffic.MinuteOf(parse.Time(at)))); err != nil {
			return err
		}
	}
	const minute, second = int64(time.Minute), int64(time.Second)
	for _, x := range []struct {
		text string // deletes at most ?2 rows before ?1
		keep time.Duration
		unit int64 // ns of the column
	}{
		{`DELETE FROM seconds WHERE (at, owner, site) IN (SELECT at, owner, site FROM seconds WHERE at < ?1 LIMIT ?2)`, s.cfg.Seconds, second},
		{`DELETE FROM signals WHERE id IN (SELECT id FROM signals WHERE time < ?1 LIMIT ?2)`, s.cfg.Seconds, 1},
		{`DELETE FROM rollup_1h WHERE (minute, key) IN (SELECT minute, key FROM rollup_1h WHERE minute < ?1 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM rollup_1d WHERE (minute, key) IN (SELECT minute, key FROM rollup_1d WHERE minute < ?1 - 1440 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM traffic_1h WHERE (minute, key) IN (SELECT minute, key FROM traffic_1h WHERE minute < ?1 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM traffic_1d WHERE (minute, key) IN (SELECT minute, key FROM traffic_1d WHERE minute < ?1 - 1440 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM causes_1h WHERE (minute, site, class, cause, symptom) IN (SELECT minute, site, class, cause, symptom FROM causes_1h WHERE minute < ?1 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM requests_1h WHERE (minute, site) IN (SELECT minute, site FROM requests_1h WHERE minute < ?1 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM hours WHERE minute IN (SELECT minute FROM hours WHERE minute < ?1 LIMIT ?2)`, s.cfg.Hours, minute},
		{`DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE end < ?1 AND ongoing = 0 LIMIT ?2)`, s.cfg.Hours, 1},
		{`DELETE FROM marks WHERE (at, kind, site, what) IN (SELECT at, kind, site, what FROM marks WHERE at < ?1 LIMIT ?2)`, s.cfg.Hours, 1},
		{`DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE state <> 'waiting' AND due < ?1 LIMIT ?2)`, s.cfg.Hours, 1},
	} {
		if x.keep < 0 {
			continue
		}
		if err := s.inChunks(ctx, x.text, floorDiv(before(x.keep), x.unit)); err != nil {
			return err
		}
	}
	return nil
}

// inChunks runs a statement that deletes at most ?2 rows before ?1 until it
// finds no more.
func (s *Store) inChunks(ctx context.Context, text string, before int64) error {
	for {
		n := 0
		err := s.change(ctx, func(c conn) error {
			err := c.exec(text, before, chunk)
			n = c.Changes()
			return err
		})
		if err != nil || n < chunk {
			return err
		}
	}
}

// forgetRecords drops the Records of facts that ended before at, which then
// cannot be diagnosed again.
func (s *Store) forgetRecords(ctx context.Context, at int64) error {
	for more := true; more; {
		err := s.change(ctx, func(c conn) (err error) {
			more, err = s.forgetRecordsChunk(c, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) forgetRecordsChunk(c conn, before int64) (more bool, err error) {
	from, err := s.horizon(c, recordsFrom)
	if err != nil || from >= before {
		return false, err
	}
	last, n, err := lastOf(c, from, before)
	if err != nil {
		return false, err
	}
	if n < chunk {
		last = before - 1
	}
	if n > 0 {
		if err := c.exec(`UPDATE failures SET records = NULL WHERE id IN (SELECT id FROM failures INDEXED BY failures_ended WHERE gone = 0 AND ended >= ? AND ended <= ?) AND records IS NOT NULL`, from, last); err != nil {
			return false, err
		}
	}
	return n == chunk, setHorizon(c, recordsFrom, last+1)
}

// lastOf looks at the next facts of a time, a chunk at most: when the last of
// them ended, and how many they are.
func lastOf(c conn, from, before int64) (last int64, n int, err error) {
	err = c.query(`SELECT ended FROM failures INDEXED BY failures_ended WHERE gone = 0 AND ended >= ? AND ended < ? ORDER BY ended LIMIT ?`, func(r *row) error {
		last = r.ColumnInt64(0)
		n++
		return nil
	}, from, before, chunk)
	return last, n, err
}

// forgetFacts deletes facts that ended before at. Their minutes keep what they
// counted.
func (s *Store) forgetFacts(ctx context.Context, at int64) error {
	for more := true; more; {
		err := s.change(ctx, func(c conn) (err error) {
			more, err = s.forgetFactsChunk(c, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) forgetFactsChunk(c conn, before int64) (more bool, err error) {
	if before <= math.MinInt64/2 {
		return false, nil // they are kept for ever
	}
	last, n, err := lastOf(c, math.MinInt64, before)
	if err != nil {
		return false, err
	}
	if n < chunk {
		last = before - 1
	}
	for _, text := range []string{
		`DELETE FROM failures WHERE id IN (SELECT id FROM failures INDEXED BY failures_ended WHERE gone = 0 AND ended <= ?)`,
		`DELETE FROM failures WHERE id IN (SELECT id FROM failures INDEXED BY failures_gone WHERE gone = 1 AND ended <= ?)`,
	} {
		if err := c.exec(text, last); err != nil {
			return false, err
		}
	}
	// A minute some facts of which are gone cannot be derived from them again.
	if err := c.exec(`UPDATE minutes SET folded = 0, dirty = 0, clients = 0 WHERE minute <= ? AND (folded = 1 OR clients = 1)`, int64(traffic.MinuteOf(parse.Time(last)))); err != nil {
		return false, err
	}
	return n == chunk, setHorizon(c, factsFrom, last+1)
}

// forgetMinutes deletes what is by minute and older than m, hour by hour. The
// hours stay.
func (s *Store) forgetMinutes(ctx context.Context, m traffic.Minute) error {
	for {
		done := false
		err := s.change(ctx, func(c conn) (err error) {
			done, err = s.forgetMinutesChunk(c, m)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// forgetMinutesChunk forgets one minute of each table.
func (s *Store) forgetMinutesChunk(c conn, before traffic.Minute) (done bool, err error) {
	oldest := int64(before)
	for _, t := range minuteTables {
		n, ok, err := c.number("SELECT min(minute) FROM " + t)
		if err != nil {
			return false, err
		}
		if ok {
			oldest = min(oldest, n)
		}
	}
	if oldest >= int64(before) {
		return true, nil
	}
	hour := hourOf(traffic.Minute(oldest))
	if open, _, err := c.number(`SELECT count(*) FROM dirty_hours WHERE minute = ?`, int64(hour)); err != nil {
		return false, err
	} else if open > 0 {
		if err := s.sumUpOne(c, byHour, hour); err != nil {
			return false, err
		}
	}
	for _, t := range minuteTables {
		if err := c.exec("DELETE FROM "+t+" WHERE minute = ?", oldest); err != nil {
			return false, err
		}
	}
	return false, setHorizon(c, minutesFrom, int64((hour + minutesOfHour).Start()))
}

var minuteTables = []string{"rollup_1m", "traffic_1m", "clients_1m", "covered", "minutes"}

// shrink deletes by size, and gives the space back.
func (s *Store) shrink(ctx context.Context) error {
	for s.cfg.MaxBytes > 0 {
		done := false
		err := s.change(ctx, func(c conn) error {
			used, err := usedBytes(c)
			if err != nil {
				return err
			}
			if done = used <= s.cfg.MaxBytes; done {
				return nil
			}
			done, err = s.shrinkChunk(c)
			return err
		})
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	for before := int64(math.MaxInt64); ; {
		left := int64(0)
		err := s.change(ctx, func(c conn) error {
			if err := c.exec(`PRAGMA incremental_vacuum(256)`); err != nil {
				return err
			}
			var err error
			left, _, err = c.number(`PRAGMA freelist_count`)
			return err
		})
		if err != nil || left < vacuumPages || left >= before {
			return err
		}
		before = left
	}
}

// usedBytes is how much of the file holds something.
func usedBytes(c conn) (int64, error) {
	var n [3]int64
	for i, p := range []string{"page_count", "freelist_count", "page_size"} {
		var err error
		if n[i], _, err = c.number("PRAGMA " + p); err != nil {
			return 0, err
		}
	}
	return (n[0] - n[1]) * n[2], nil
}

// shrinkChunk deletes the oldest of what matters least: Records, then facts,
// then minutes, of all but the last hour. It is done when nothing is left that
// may be deleted.
func (s *Store) shrinkChunk(c conn) (done bool, err error) {
	newest, ok, err := c.number(`SELECT max(minute) FROM minutes`)
	if err != nil || !ok {
		return true, err
	}
	hour := hourOf(traffic.Minute(newest)) - minutesOfHour
	if more, err := s.forgetRecordsChunk(c, int64(hour.Start())); err != nil || more {
		return false, err
	}
	if more, err := s.forgetFactsChunk(c, int64(hour.Start())); err != nil || more {
		return false, err
	}
	return s.forgetMinutesChunk(c, hour)
}
