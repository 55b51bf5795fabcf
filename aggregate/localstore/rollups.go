package localstore

import (
	"cmp"
	"maps"
	"slices"

	"why503/parse/traffic"
)

// Bounds of the keys that failures have in a minute. Up to maxRows all are
// kept; beyond it the foldTo with most failures, the rest folded into "other".
const (
	maxRows = 8192
	foldTo  = 1024
)

// A minute of facts is counted by what each write changes, so that a write
// costs as much as it brings, not as its minute has. Only a minute that is
// folded cannot be counted so: it is derived from its facts, when it is read
// or at most every refoldEvery.
type minuteState struct {
	rows   int64
	folded bool
}

// apply puts changes into the rollups by minute.
func (s *Store) apply(c conn, x *changes) error {
	at := slices.SortedFunc(maps.Keys(x.cells), func(a, b cellAt) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.key, b.key))
	})
	for i := 0; i < len(at); {
		m := at[i].minute
		state, err := minuteOf(c, m)
		if err != nil {
			return err
		}
		rows := state.rows
		for ; i < len(at) && at[i].minute == m; i++ {
			if state.folded {
				continue
			}
			grown, err := applyOne(c, at[i], x.cells[at[i]])
			if err != nil {
				return err
			}
			rows += grown
		}
		if err := s.close(c, m, state, rows); err != nil {
			return err
		}
	}
	return nil
}

// close notes what a minute has become.
func (s *Store) close(c conn, m traffic.Minute, state minuteState, rows int64) error {
	err := c.exec(`INSERT INTO minutes (minute, rows, folded, dirty, clients) VALUES (?, ?, 0, 0, 1)
		ON CONFLICT DO UPDATE SET rows = excluded.rows, clients = 1, dirty = dirty OR folded`, int64(m), rows)
	if err != nil {
		return err
	}
	if err := dirty(c, m); err != nil {
		return err
	}
	now := s.cfg.Now()
	switch {
	case state.folded && now.Sub(s.foldedAt[m]) < refoldEvery:
		s.stale.Store(true)
		return nil
	case state.folded || rows > maxRows:
		if len(s.foldedAt) > 64 {
			clear(s.foldedAt)
		}
		s.foldedAt[m] = now
		return s.derive(c, m)
	}
	return nil
}

func minuteOf(c conn, m traffic.Minute) (state minuteState, err error) {
	err = c.query(`SELECT rows, folded FROM minutes WHERE minute = ?`, func(r *row) error {
		state = minuteState{r.ColumnInt64(0), r.ColumnBool(1)}
		return nil
	}, int64(m))
	return state, err
}

// applyOne changes a row of a minute and returns by how many rows the minute
// grew.
func applyOne(c conn, at cellAt, x *change) (grown int64, err error) {
	if x.nothing() {
		return 0, nil
	}
	var cell change
	var hist []byte
	found := false
	err = c.query(`SELECT n, saved, confidence, crawlers, background, hist FROM rollup_1m WHERE minute = ? AND key = ?`, func(r *row) error {
		found = true
		cell = change{n: r.ColumnInt64(0), saved: r.ColumnInt64(1), confidence: r.ColumnInt64(2), crawlers: r.ColumnInt64(3), background: r.ColumnInt64(4)}
		hist = bytesOf(r, 5)
		return nil
	}, int64(at.minute), at.key)
	if err != nil {
		return 0, err
	}
	cell.n += x.n
	if cell.n <= 0 {
		if !found {
			return 0, nil
		}
		return -1, c.exec(`DELETE FROM rollup_1m WHERE minute = ? AND key = ?`, int64(at.minute), at.key)
	}
	err = c.exec(`INSERT OR REPLACE INTO rollup_1m (minute, key, n, saved, confidence, crawlers, background, hist) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(at.minute), at.key, cell.n, cell.saved+x.saved, cell.confidence+x.confidence, cell.crawlers+x.crawlers, cell.background+x.background, addHist(hist, x.hist))
	if err != nil || found {
		return 0, err
	}
	return 1, nil
}

// derive counts a minute from its facts.
func (s *Store) derive(c conn, m traffic.Minute) error {
	t := newTable(s.failKeyOf(c), failKey.fold, failKey.order, func(k failKey) (int64, error) { return s.fails.id(c, k) })
	from, to := int64(m.Start()), int64((m + 1).Start())
	err := c.query(`SELECT key, class = 'saved', confidence, crawler, background, bucket FROM failures WHERE gone = 0 AND ended >= ? AND ended < ? ORDER BY ended, uid`, func(r *row) error {
		cell := t.cell(r.ColumnInt64(0))
		cell.values[0]++
		for i := 1; i <= 4; i++ {
			cell.values[i] += r.ColumnInt64(i)
		}
		cell.hist = append(cell.hist, step{r.ColumnInt64(5), 1})
		return t.bound(4 * maxRows)
	}, from, to)
	if err != nil {
		return err
	}
	folded := t.len() > maxRows
	if folded {
		if err := t.bound(foldTo); err != nil {
			return err
		}
	}
	if err := c.exec(`DELETE FROM rollup_1m WHERE minute = ?`, int64(m)); err != nil {
		return err
	}
	err = t.each(func(key int64, v *cell) error {
		return c.exec(`INSERT INTO rollup_1m (minute, key, n, saved, confidence, crawlers, background, hist) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(m), key, v.values[0], v.values[1], v.values[2], v.values[3], v.values[4], addHist(nil, v.hist))
	})
	if err != nil {
		return err
	}
	return c.exec(`UPDATE minutes SET rows = ?, folded = ?, dirty = 0 WHERE minute = ?`, t.len(), folded, int64(m))
}

func (s *Store) failKeyOf(c conn) func(int64) (*failKey, error) {
	return func(id int64) (*failKey, error) { return s.fails.key(c, id) }
}

func (s *Store) trafficKeyOf(c conn) func(int64) (*trafficKey, error) {
	return func(id int64) (*trafficKey, error) { return s.traffic.key(c, id) }
}

// A cell is sums for a key. values[0] is how many.
type cell struct {
	values [5]int64
	hist   []step
}

func (c *cell) add(o *cell) {
	for i := range c.values {
		c.values[i] += o.values[i]
	}
	c.hist = compact(append(c.hist, o.hist...))
}

// compact sums up the steps of a bucket when there are many.
func compact(steps []step) []step {
	if len(steps) < 2*traffic.HistBuckets {
		return steps
	}
	return stepsOf(steps[:0], addHist(nil, steps))
}

// A table sums up rows by key and folds those that are too many, as
// traffic.Table does; here keys are ids, of which a fold makes new ones.
type table[K any] struct {
	cells map[int64]*cell
	key   func(int64) (*K, error)
	fold  func(K, int) K
	order func(K, K) int
	id    func(K) (int64, error)
}

func newTable[K any](key func(int64) (*K, error), fold func(K, int) K, order func(K, K) int, id func(K) (int64, error)) *table[K] {
	return &table[K]{make(map[int64]*cell), key, fold, order, id}
}

func (t *table[K]) len() int { return len(t.cells) }

func (t *table[K]) cell(id int64) *cell {
	c := t.cells[id]
	if c == nil {
		c = &cell{}
		t.cells[id] = c
	}
	c.hist = compact(c.hist)
	return c
}

// bound leaves the top keys with most requests as they are where there are
// more: the rest is folded, first by what varies most, then by all that
// strangers choose.
func (t *table[K]) bound(top int) error {
	for step := 1; step <= 2 && len(t.cells) > top; step++ {
		type entry struct {
			id int64
			n  int64
			k  *K
		}
		list := make([]entry, 0, len(t.cells))
		for id, c := range t.cells {
			k, err := t.key(id)
			if err != nil {
				return err
			}
			if k == nil { // its table lost it
				delete(t.cells, id)
				continue
			}
			list = append(list, entry{id, c.values[0], k})
		}
		slices.SortFunc(list, func(a, b entry) int { return cmp.Or(cmp.Compare(b.n, a.n), t.order(*a.k, *b.k)) })
		for _, e := range list[min(top, len(list)):] {
			id, err := t.id(t.fold(*e.k, step))
			if err != nil {
				return err
			}
			if id == e.id {
				continue
			}
			c := t.cells[e.id]
			delete(t.cells, e.id)
			if into := t.cells[id]; into != nil {
				into.add(c)
			} else {
				t.cells[id] = c
			}
		}
	}
	return nil
}

// each hands on all keys in the order of their ids.
func (t *table[K]) each(f func(int64, *cell) error) error {
	for _, id := range slices.Sorted(maps.Keys(t.cells)) {
		if err := f(id, t.cells[id]); err != nil {
			return err
		}
	}
	return nil
}
