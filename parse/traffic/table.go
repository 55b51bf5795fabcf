package traffic

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"why503/parse"
)

// Other stands where a value was too rare, or came too late, to have a row.
const Other = "other"

// A Minute is minutes since the epoch.
type Minute int64

// MinuteOf returns the minute that a request which ended at t counts in.
func MinuteOf(t parse.Time) Minute { return Minute(floorDiv(int64(t), int64(time.Minute))) }

// Start returns when m begins.
func (m Minute) Start() parse.Time { return parse.Time(m) * parse.Time(time.Minute) }

// A Key is a row of all requests in a minute (traffic_1m): what the failures
// are a share of.
type Key struct {
	Site                   string
	Minute                 Minute
	Source, Proxy, Backend string
	Route, Method          string
	StatusClass            uint8 // 1 to 5; 0 when no status was given
	Version                string
	Reused                 bool // the connection to the origin had been used before
}

// A Cell is what is counted for a key.
type Cell struct {
	N     int64
	Saved int64 // failures that a retry or a stale object hid from the client
	Bytes int64
	Busy  time.Duration // sum of all durations
	Hist  Hist
}

// Count adds one request.
func (c *Cell) Count(d time.Duration, bytes int64) {
	c.N++
	c.Bytes += max(bytes, 0)
	c.Busy += max(d, 0)
	c.Hist.Add(d, 1)
}

func (c *Cell) merge(o *Cell) {
	c.N += o.N
	c.Saved += o.Saved
	c.Bytes += o.Bytes
	c.Busy += o.Busy
	c.Hist.Merge(&o.Hist)
}

// A Keyed is the key of a row in a Table. Strings in it come from logs, so how
// many there are is up to strangers: a Table folds rows step by step.
type Keyed[K any] interface {
	comparable
	// When returns the minute of the row.
	When() Minute
	// Fold returns the key with what strangers can choose replaced by Other:
	// at step 1 the route, the version and the method, at step 2 also site,
	// proxy, backend and source.
	Fold(step int) K
	// Order compares two keys, by minute first.
	Order(K) int
}

// When returns the minute of the row.
func (k Key) When() Minute { return k.Minute }

// Fold makes the key coarser. The status class stays.
func (k Key) Fold(step int) Key {
	k.Route, k.Version, k.Method = Other, Other, Other
	if step > 1 {
		k.Site, k.Source, k.Proxy, k.Backend = Other, Other, Other, Other
	}
	return k
}

// Order compares two keys, by minute first.
func (k Key) Order(o Key) int {
	return cmp.Or(
		cmp.Compare(k.Minute, o.Minute), strings.Compare(k.Site, o.Site), strings.Compare(k.Source, o.Source),
		strings.Compare(k.Proxy, o.Proxy), strings.Compare(k.Backend, o.Backend), strings.Compare(k.Route, o.Route),
		strings.Compare(k.Method, o.Method), cmp.Compare(k.StatusClass, o.StatusClass), strings.Compare(k.Version, o.Version),
		cmp.Compare(b2i(k.Reused), b2i(o.Reused)),
	)
}

// A Table counts rows, minute by minute. Of each minute the rows that were
// counted most stay as they are, the rest is folded. While a minute fills, it
// may have a few times as many rows; a row that has been folded once and comes
// back counts anew, so the choice is of those that were most since then.
type Table[K Keyed[K]] struct {
	top     int // rows of a minute that stay
	minutes map[Minute]map[K]*Cell
	rows    int
}

// slack is how many times the rows that stay a minute may have while it fills.
const slack = 4

// NewTable returns a Table that keeps the top rows of each minute.
func NewTable[K Keyed[K]](top int) *Table[K] {
	return &Table[K]{top: max(top, 1), minutes: make(map[Minute]map[K]*Cell)}
}

// Cell returns the cell of a key, to be counted in. It is good until the next
// call of Cell, Take or Rows.
func (t *Table[K]) Cell(k K) *Cell {
	rows := t.minutes[k.When()]
	if rows == nil {
		rows = make(map[K]*Cell)
		t.minutes[k.When()] = rows
	}
	if c := rows[k]; c != nil {
		return c
	}
	if len(rows) >= slack*t.top {
		t.fold(rows)
	}
	c := rows[k]
	if c == nil {
		c = new(Cell)
		rows[k] = c
		t.rows++
	}
	return c
}

// Len returns how many rows are held: what a caller bounds over many minutes,
// by taking the oldest.
func (t *Table[K]) Len() int { return t.rows }

// Oldest returns the first minute that has rows.
func (t *Table[K]) Oldest() (Minute, bool) {
	first, ok := Minute(0), false
	for m := range t.minutes {
		if !ok || m < first {
			first, ok = m, true
		}
	}
	return first, ok
}

// A Row is a key and what was counted for it.
type Row[K any] struct {
	Key K
	*Cell
}

// Take removes a minute and returns its rows in order.
func (t *Table[K]) Take(m Minute) []Row[K] {
	rows := t.minutes[m]
	if len(rows) > t.top {
		t.fold(rows)
	}
	delete(t.minutes, m)
	t.rows -= len(rows)
	return sorted(rows, make([]Row[K], 0, len(rows)))
}

// Rows returns all rows in order, each minute folded to its bound.
func (t *Table[K]) Rows() []Row[K] {
	out := make([]Row[K], 0, t.rows)
	for _, rows := range t.minutes {
		if len(rows) > t.top {
			t.fold(rows)
		}
		out = sorted(rows, out)
	}
	slices.SortFunc(out, func(a, b Row[K]) int { return a.Key.Order(b.Key) })
	return out
}

// fold keeps the top rows and folds the rest: first by what varies most; what
// is then still too much, by all that strangers choose.
func (t *Table[K]) fold(rows map[K]*Cell) {
	before := len(rows)
	for step := 1; step <= 2 && len(rows) > t.top; step++ {
		list := sorted(rows, make([]Row[K], 0, len(rows)))
		slices.SortStableFunc(list, func(a, b Row[K]) int { return cmp.Compare(b.N, a.N) })
		for _, r := range list[t.top:] {
			k := r.Key.Fold(step)
			if k == r.Key {
				continue
			}
			delete(rows, r.Key)
			if c := rows[k]; c != nil {
				c.merge(r.Cell)
			} else {
				rows[k] = r.Cell
			}
		}
	}
	t.rows += len(rows) - before
}

func sorted[K Keyed[K]](rows map[K]*Cell, out []Row[K]) []Row[K] {
	from := len(out)
	for k, c := range rows {
		out = append(out, Row[K]{k, c})
	}
	slices.SortFunc(out[from:], func(a, b Row[K]) int { return a.Key.Order(b.Key) })
	return out
}

// floorDiv divides towards minus infinity: times before 1970 are times too.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
