package chaos

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A table is what a statement says: rows by the text of their first columns.
type table struct {
	name    string
	columns []string // those that are no key
	keys    []string
	rows    map[string][]string
	double  []string // keys that came twice
	ignored []string // columns
}

// A statement reads a table; keys is how many columns name a row.
type statement struct {
	name, text string
	keys       int
}

const factColumns = `f.ended, f.final, f.class, f.site, f.cause, f.symptom, f.backend, f.request_id, f.vxid, f.client, f.bucket, f.confidence, f.crawler, f.background,
	k.reached, k.proxy, k.route, k.version, k.decidable, k.chain, k.missing, f.ver`

var (
	facts  = statement{"facts", `SELECT f.uid, ` + factColumns + ` FROM failures f JOIN failure_keys k ON k.id = f.key WHERE f.gone = 0`, 1}
	rollup = statement{"rollup_1m", `SELECT r.minute, k.site, k.class, k.cause, k.symptom, k.reached, k.proxy, k.backend, k.route, k.version, k.decidable, k.chain, k.missing,
		sum(r.n), sum(r.saved), sum(r.confidence), sum(r.crawlers), sum(r.background) FROM rollup_1m r JOIN failure_keys k ON k.id = r.key WHERE r.n <> 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13`, 13}
	// counted are the rollups as facts have them.
	counted = statement{"rollup_1m", `SELECT f.minute, k.site, k.class, k.cause, k.symptom, k.reached, k.proxy, k.backend, k.route, k.version, k.decidable, k.chain, k.missing,
		count(*), sum(f.class = 'saved'), sum(f.confidence), sum(f.crawler), sum(f.background) FROM failures f JOIN failure_keys k ON k.id = f.key WHERE f.gone = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13`, 13}
	traffic1m = statement{"traffic_1m", `SELECT t.minute, o.name, k.front, k.proxy, k.backend, k.route, k.method, k.status_class, k.version, k.reused,
		t.n, t.saved, t.bytes, t.busy_ns, t.hist FROM traffic_1m t JOIN owners o ON o.id = t.owner JOIN traffic_keys k ON k.id = t.key`, 10}
	classes = statement{"requests by minute", `SELECT t.minute, o.name, k.status_class, sum(t.n) FROM traffic_1m t JOIN owners o ON o.id = t.owner JOIN traffic_keys k ON k.id = t.key GROUP BY 1, 2, 3`, 3}
	covered = statement{"covered", `SELECT c.minute, o.name, c.front, c.failed FROM covered c JOIN owners o ON o.id = c.owner`, 2}
	seconds = statement{"seconds", `SELECT s.at, o.name, s.site, s.requests FROM seconds s JOIN owners o ON o.id = s.owner LEFT JOIN covered c ON c.owner = s.owner AND c.minute = s.at / 60 WHERE ifnull(c.front, 1) = 1`, 3}
)

func open(path string) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, fmt.Errorf("opening %s to compare: %w", path, err)
	}
	return c, nil
}

func (s statement) read(c *sqlite.Conn) (*table, error) {
	t := &table{name: s.name, rows: make(map[string][]string)}
	err := sqlitex.ExecuteTransient(c, s.text, &sqlitex.ExecOptions{ResultFunc: func(r *sqlite.Stmt) error {
		if t.columns == nil {
			for i := range r.ColumnCount() {
				if i < s.keys {
					t.keys = append(t.keys, r.ColumnName(i))
				} else {
					t.columns = append(t.columns, r.ColumnName(i))
				}
			}
		}
		row := make([]string, r.ColumnCount())
		for i := range row {
			if r.ColumnType(i) == sqlite.TypeBlob {
				b := make([]byte, r.ColumnLen(i))
				r.ColumnBytes(i, b)
				row[i] = hex.EncodeToString(b)
			} else {
				row[i] = r.ColumnText(i)
			}
		}
		key := strings.Join(row[:s.keys], "|")
		if _, ok := t.rows[key]; ok {
			t.double = append(t.double, key)
		}
		t.rows[key] = row[s.keys:]
		return nil
	}})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.name, err)
	}
	return t, nil
}

// value returns a column of a row.
func (t *table) value(row []string, column string) string {
	if i := slices.Index(t.columns, column); i >= 0 && row != nil {
		return row[i]
	}
	return ""
}

// against says how t differs from want: a line for what is missing, one for
// what is too much, and one for each column that differs. A row that spare lets
// through may be missing or too much or different.
func (t *table) against(want *table, of string, spare func(key string, row []string) bool) (out []string) {
	missing, extra := []string{}, []string{}
	columns := make(map[string][]string)
	for _, key := range slices.Sorted(maps.Keys(want.rows)) {
		row := want.rows[key]
		got, ok := t.rows[key]
		if spare != nil && spare(key, row) {
			continue
		}
		if !ok {
			missing = append(missing, fmt.Sprintf("%s %s", key, strings.Join(row, "|")))
			continue
		}
		for i := range row {
			if row[i] != got[i] && !slices.Contains(want.ignored, want.columns[i]) {
				columns[want.columns[i]] = append(columns[want.columns[i]], fmt.Sprintf("%s: %q, want %q", key, got[i], row[i]))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(t.rows)) {
		if _, ok := want.rows[key]; !ok && (spare == nil || !spare(key, t.rows[key])) {
			extra = append(extra, fmt.Sprintf("%s %s", key, strings.Join(t.rows[key], "|")))
		}
	}
	add := func(what string, list []string) {
		if len(list) > 0 {
			out = append(out, fmt.Sprintf("%s: %d rows %s %s, as %s", t.name, len(list), what, of, list[0]))
		}
	}
	add("are missing that are in", missing)
	add("are too many beside", extra)
	for _, c := range slices.Sorted(maps.Keys(columns)) {
		add(c+" is not as in", columns[c])
	}
	for _, key := range t.double {
		out = append(out, fmt.Sprintf("%s: %s is there twice", t.name, key))
	}
	return out
}

func notFinal(path string) (int64, error) {
	c, err := open(path)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return number(c, `SELECT count(*) FROM failures WHERE gone = 0 AND final = 0`)
}

func number(c *sqlite.Conn, text string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(c, text, &sqlitex.ExecOptions{ResultFunc: func(r *sqlite.Stmt) error {
		n = r.ColumnInt64(0)
		return nil
	}})
	return n, err
}
