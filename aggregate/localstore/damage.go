package localstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
)

// damaged reports whether an error says that the file is broken, rather than
// that something is in the way of using it.
func damaged(err error) bool {
	var of *strangerError
	if errors.As(err, &of) {
		return false
	}
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB
}

// sqliteMagic is how a database begins: https://www.sqlite.org/fileformat.html
var sqliteMagic = []byte("SQLite format 3\x00")

// notAStranger refuses a file of text, which somebody named by mistake: it is
// no broken store, and setting it aside would harm who uses it.
func notAStranger(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // it is made, or SQLite says why not
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, _ := f.Read(head)
	head = head[:n]
	if n == 0 || bytes.HasPrefix(head, sqliteMagic) || bytes.IndexByte(head, 0) >= 0 {
		return nil
	}
	return &strangerError{"this is a file of text"}
}

// heal replaces the file that db is of, once, whoever finds it damaged first.
func (s *Store) heal(ctx context.Context, db *database, why error) error {
	s.replacing.Lock()
	defer s.replacing.Unlock()
	if s.db != db || s.closed {
		return nil
	}
	_ = db.close() // it is damaged: what it says at its end changes nothing
	return s.replace(ctx, why)
}

// replace sets the file aside and makes a new one with what can be read of it.
func (s *Store) replace(ctx context.Context, why error) error {
	aside := fmt.Sprintf("%s.damaged-%s", s.cfg.Path, s.cfg.Now().UTC().Format("20060102T150405Z"))
	for i := 2; exists(aside); i++ {
		aside = fmt.Sprintf("%s.damaged-%s-%d", s.cfg.Path, s.cfg.Now().UTC().Format("20060102T150405Z"), i)
	}
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(s.cfg.Path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("it is damaged (%w) and cannot be set aside: %w. Move it away", why, err)
		}
	}
	s.fails.forget()
	s.traffic.forget()
	s.owners.forget()
	clear(s.foldedAt)
	if err := s.openFile(ctx); err != nil {
		return fmt.Errorf("it was damaged (%w) and set aside as %s; making a new one: %w", why, aside, err)
	}
	saved, lost := s.salvage(ctx, aside)
	s.cfg.Log.Error("the store was damaged; it was set aside and a new one goes on with what could be read of it",
		"store", s.cfg.Path, "err", why, "set_aside", aside, "rows_saved", saved, "tables_incomplete", lost)
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// salvage copies what can be read of a damaged file. A table is read from both
// ends up to where it is broken.
func (s *Store) salvage(ctx context.Context, aside string) (rows int64, incomplete []string) {
	c := <-s.db.writer
	defer func() { s.db.writer <- c }()
	old := &database{}
	from, err := old.open(aside, sqlite.OpenReadWrite, 1<<10) // writing, so that its log is read too
	if err != nil {
		return 0, []string{"all"}
	}
	defer func() {
		_ = old.close() // it is damaged: what it says at its end changes nothing
	}()
	for _, t := range salvageOrder {
		var whole bool
		for _, order := range []string{"", " DESC"} {
			if whole || ctx.Err() != nil {
				break
			}
			var n int64
			n, whole = copyTable(c, from, t, order)
			rows += n
		}
		if !whole {
			incomplete = append(incomplete, t.name)
		}
	}
	// Where the counts are whole they stand, also of facts that are lost.
	if slices.ContainsFunc(incomplete, func(t string) bool {
		return t == "minutes" || t == "rollup_1m" || t == "failures" || t == "failure_keys"
	}) {
		if err := s.rederive(c); err != nil {
			s.cfg.Log.Error("counting the facts of a damaged store anew", "store", s.cfg.Path, "err", err)
		}
	}
	return rows, incomplete
}

// A salvaged is a table and the column by which it is walked.
type salvaged struct{ name, by string }

// salvageOrder has what cannot be had again first.
var salvageOrder = []salvaged{
	{"state", "name"}, {"sources", "path"}, {"marks", "at"}, {"incidents", "id"}, {"alerts", "id"}, {"owners", "id"}, {"failure_keys", "id"}, {"traffic_keys", "id"},
	{"failures", "id"}, {"minutes", "minute"}, {"rollup_1m", "minute"}, {"covered", "minute"}, {"traffic_1m", "minute"}, {"seconds", "at"}, {"signals", "id"},
	{"hours", "minute"}, {"dirty_hours", "minute"}, {"dirty_days", "minute"}, {"rollup_1h", "minute"}, {"rollup_1d", "minute"}, {"traffic_1h", "minute"}, {"traffic_1d", "minute"},
	{"causes_1h", "minute"}, {"requests_1h", "minute"}, {"clients_1m", "minute"},
}

// copyTable copies rows one by one, so that those before a broken page stay.
func copyTable(c, from conn, t salvaged, order string) (n int64, whole bool) {
	columns, _, err := c.number(`SELECT count(*) FROM pragma_table_info(?)`, t.name)
	if err != nil || columns == 0 {
		return 0, false
	}
	insert := "INSERT OR IGNORE INTO " + t.name + " VALUES (" + strings.Repeat("?, ", int(columns)-1) + "?)"
	err = c.transact(`BEGIN IMMEDIATE`, func(c conn) error {
		err := from.query("SELECT * FROM "+t.name+" ORDER BY "+t.by+order, func(r *row) error {
			if err := c.exec(insert, valuesOf(r)...); err == nil { // else a value that cannot be, of a broken page
				n += int64(c.Changes())
			}
			return nil
		})
		whole = err == nil
		return nil
	})
	return n, whole && err == nil
}

func valuesOf(r *row) []any {
	args := make([]any, r.ColumnCount())
	for i := range args {
		switch r.ColumnType(i) {
		case sqlite.TypeInteger:
			args[i] = r.ColumnInt64(i)
		case sqlite.TypeFloat:
			args[i] = r.ColumnFloat(i)
		case sqlite.TypeText:
			args[i] = r.ColumnText(i)
		case sqlite.TypeBlob:
			args[i] = notNil(bytesOf(r, i))
		default:
			args[i] = []byte(nil)
		}
	}
	return args
}

// rederive makes all minutes anew from the facts that are there.
func (s *Store) rederive(c conn) error {
	return c.transact(`BEGIN IMMEDIATE`, func(c conn) error {
		for _, text := range []string{
			`DELETE FROM failures WHERE gone = 0 AND key NOT IN (SELECT id FROM failure_keys)`,
			`INSERT OR IGNORE INTO minutes (minute, rows, folded, dirty, clients) SELECT DISTINCT minute, 0, 1, 1, 1 FROM failures WHERE gone = 0`,
			`UPDATE minutes SET folded = 1, dirty = 1 WHERE minute IN (SELECT minute FROM failures WHERE gone = 0)`,
			`INSERT OR IGNORE INTO dirty_hours SELECT DISTINCT minute - minute % 60 FROM minutes WHERE dirty = 1`,
			`INSERT OR IGNORE INTO dirty_days SELECT DISTINCT minute - minute % 1440 FROM minutes WHERE dirty = 1`,
		} {
			if err := c.exec(text); err != nil {
				return err
			}
		}
		s.stale.Store(true)
		return nil
	})
}
