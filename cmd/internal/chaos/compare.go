package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"why503/aggregate"
	"why503/aggregate/localstore"
)

// A comparison is of what serve stored with what is true.
type comparison struct {
	store, reference string // files
	live             string
	truth            *truth
	counts           *Counts
	seen             map[string]bool // incidents, by id
	differs          []string
}

func compare(ctx context.Context, c *comparison) ([]string, error) {
	got, err := open(c.store)
	if err != nil {
		return nil, err
	}
	defer got.Close()
	want, err := open(c.reference)
	if err != nil {
		return nil, err
	}
	defer want.Close()
	for _, step := range []func(got, want *sqlite.Conn) error{c.sound, c.facts, c.rollups, c.traffic} {
		if err := step(got, want); err != nil {
			return nil, err
		}
	}
	return c.differs, c.sources(ctx)
}

func (c *comparison) differ(list ...string) { c.differs = append(c.differs, list...) }

// sound holds the file against SQLite's own check.
func (c *comparison) sound(got, _ *sqlite.Conn) error {
	return sqlitex.ExecuteTransient(got, `PRAGMA integrity_check`, &sqlitex.ExecOptions{ResultFunc: func(r *sqlite.Stmt) error {
		if text := r.ColumnText(0); text != "ok" {
			c.differ("the file is damaged: " + text)
		}
		return nil
	}})
}

// spare reports whether of a fact something may have been lost by copytruncate.
func (c *comparison) spare(t *table) func(string, []string) bool {
	if c.counts.Copies == 0 {
		return nil
	}
	return func(_ string, row []string) bool {
		n, ok := c.truth.numbers[t.value(row, "request_id")]
		return !ok || c.counts.touched[n]
	}
}

// facts are those of the reference, and what the daemons know of.
func (c *comparison) facts(got, want *sqlite.Conn) error {
	mine, err := facts.read(got)
	if err != nil {
		return err
	}
	theirs, err := facts.read(want)
	if err != nil {
		return err
	}
	n := c.counts
	n.Facts = int64(len(mine.rows))
	if n.Gone, err = number(got, `SELECT count(*) FROM failures WHERE gone = 1`); err != nil {
		return err
	}
	if n.Revisions, err = number(got, `SELECT ifnull(sum(revision), 0) FROM failures WHERE gone = 0`); err != nil {
		return err
	}
	byID := make(map[string]int)
	var open []string
	for uid, row := range mine.rows {
		if mine.value(row, "final") == "1" {
			n.Final++
		} else {
			open = append(open, uid+" "+strings.Join(row, "|"))
		}
		if mine.value(row, "class") == "failure" {
			byID[mine.value(row, "request_id")]++
		}
	}
	if len(open) > 0 {
		c.differ(fmt.Sprintf("facts: %d are not final, as %s", len(open), open[0]))
	}
	c.fates(mine, byID)
	if n.Copies > 0 { // absence proves nothing in a log that lost something
		theirs.ignored = []string{"missing", "decidable"}
	}
	c.differ(mine.against(theirs, "the reference", c.spare(theirs))...)
	return nil
}

// reached is what follows for the first split from what a daemon did.
var reached = map[string]string{"refused": "never", "timeout": "late", "app error": "origin_5xx", "app down": "origin_5xx", "closed": "origin_5xx"}

// fates holds facts against what the daemons know, each failure one fact.
func (c *comparison) fates(mine *table, byID map[string]int) {
	spare := func(id string) bool { return c.counts.touched[c.truth.numbers[id]] }
	for _, id := range slices.Sorted(maps.Keys(c.truth.fates)) {
		if byID[id] != 1 && !spare(id) {
			fate := c.truth.fates[id]
			c.differ(fmt.Sprintf("truth: request %s failed (%s, VXID %d), and is %d facts", id, fate.Fault, fate.VXID, byID[id]))
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(mine.rows)) {
		row := mine.rows[uid]
		if mine.value(row, "class") != "failure" {
			continue
		}
		id := mine.value(row, "request_id")
		_, known := c.truth.numbers[id]
		if spare(id) || !known && c.counts.Copies > 0 {
			continue
		}
		fate, ok := c.truth.fates[id]
		switch split := mine.value(row, "reached"); {
		case !ok:
			c.differ(fmt.Sprintf("truth: %s is a failure, and nothing failed: %s", uid, strings.Join(row, "|")))
		case split != reached[fate.Fault]:
			c.differ(fmt.Sprintf("truth: request %s failed (%s), and reached is %q: %s", id, fate.Fault, split, strings.Join(row, "|")))
		}
	}
}

// rollups are those of the facts that are stored, and of the reference.
func (c *comparison) rollups(got, want *sqlite.Conn) error {
	mine, err := rollup.read(got)
	if err != nil {
		return err
	}
	own, err := counted.read(got)
	if err != nil {
		return err
	}
	c.differ(mine.against(own, "the facts", nil)...)
	if c.counts.Copies > 0 {
		return nil // the facts were compared, and these are theirs
	}
	theirs, err := rollup.read(want)
	if err != nil {
		return err
	}
	c.differ(mine.against(theirs, "the reference", nil)...)
	return nil
}

func (c *comparison) traffic(got, want *sqlite.Conn) error {
	for _, s := range []statement{traffic1m, covered, seconds} {
		if c.counts.Copies > 0 {
			break
		}
		mine, err := s.read(got)
		if err != nil {
			return err
		}
		theirs, err := s.read(want)
		if err != nil {
			return err
		}
		c.differ(mine.against(theirs, "the reference", nil)...)
	}
	return c.requests(got)
}

// requests holds what was counted against what the daemons counted. What
// copytruncate took may be counted or not.
func (c *comparison) requests(got *sqlite.Conn) error {
	mine, err := classes.read(got)
	if err != nil {
		return err
	}
	may := make(map[minuteOf]int64)
	for number := range c.counts.touched {
		for _, m := range c.truth.byNumber[number] {
			may[m]++
		}
	}
	for m, n := range c.truth.minutes {
		key := fmt.Sprintf("%d|%s|%d", m.minute, filepath.Join(c.live, m.file), m.class)
		has := int64(0)
		if row, ok := mine.rows[key]; ok {
			if has, err = strconv.ParseInt(row[0], 10, 64); err != nil {
				return err
			}
			delete(mine.rows, key)
		}
		if has > n || has < n-may[m] {
			c.differ(fmt.Sprintf("truth: %s counts %d, and %d were written, of which copytruncate touched %d", key, has, n, may[m]))
		}
	}
	torn := int64(0) // a cut goes through one request at most on either side, of which no status may be left
	for key, row := range mine.rows {
		if n, err := strconv.ParseInt(row[0], 10, 64); err == nil && strings.HasSuffix(key, "|0") && torn+n <= 2*c.counts.Copies {
			torn += n
			continue
		}
		if row[0] != "0" {
			c.differ(fmt.Sprintf("truth: %s counts %s, and none was written", key, row[0]))
		}
	}
	return nil
}

// sources have read all lines, or say what they did not read; incidents that a
// kill found are still there.
func (c *comparison) sources(ctx context.Context) error {
	s, err := localstore.Open(ctx, localstore.Config{Path: c.store, ReadOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := s.Sources(ctx)
	if err != nil {
		return err
	}
	lines, losses := int64(0), int64(0)
	for i := range list {
		lines += list[i].Lines
		for _, l := range list[i].Losses {
			losses += l.Count
			if c.counts.Copies == 0 {
				c.differ(fmt.Sprintf("sources: %s says that %d were lost: %s", list[i].Path, l.Count, l.Reason))
			}
		}
	}
	if c.counts.Copies == 0 && lines != c.counts.Lines {
		c.differ(fmt.Sprintf("sources: %d lines were read, %d were written", lines, c.counts.Lines))
	}
	if c.counts.LostBytes > 0 && losses == 0 && lines < c.counts.Lines {
		c.differ(fmt.Sprintf("sources: %d lines of %d were read, and no loss is told of", lines, c.counts.Lines))
	}
	return c.incidents(ctx, s)
}

// incidents are those of the reference, and those that a kill found are among
// them under their names.
func (c *comparison) incidents(ctx context.Context, s *localstore.Store) error {
	mine, err := identities(ctx, s)
	if err != nil {
		return err
	}
	c.counts.Incidents = int64(len(mine))
	for _, id := range slices.Sorted(maps.Keys(c.seen)) {
		switch in, err := s.Incident(ctx, id); {
		case errors.Is(err, aggregate.ErrNotFound):
			c.counts.Withdrawn++ // of provisional facts; that none is missing is seen below
		case err != nil:
			return err
		case c.seen[id] && in.MergedInto == "":
			c.counts.Across++
		}
	}
	r, err := localstore.Open(ctx, localstore.Config{Path: c.reference, ReadOnly: true})
	if err != nil {
		return err
	}
	defer r.Close()
	theirs, err := identities(ctx, r)
	if err != nil || c.counts.Copies > 0 {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(theirs)) {
		switch n, ok := mine[id]; {
		case !ok:
			c.differ(fmt.Sprintf("incidents: %s of the reference is not there, only %v", id, slices.Sorted(maps.Keys(mine))))
		case n != theirs[id]:
			c.differ(fmt.Sprintf("incidents: %s is %s, in the reference %s", id, n, theirs[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(mine)) {
		if _, ok := theirs[id]; !ok {
			c.differ(fmt.Sprintf("incidents: %s is not in the reference: %s", id, mine[id]))
		}
	}
	return nil
}

// identities are the incidents of a store that stand for themselves.
func identities(ctx context.Context, s *localstore.Store) (map[string]string, error) {
	list, _, err := s.Incidents(ctx, aggregate.Query{}, "", 1000)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string)
	for i := range list {
		in := &list[i]
		out[in.ID] = fmt.Sprintf("from %s to %s with %d failures of %d requests, merged into %q", in.Start.Format(time.RFC3339Nano), in.End.Format(time.RFC3339Nano), in.Failures, in.Requests, in.MergedInto)
	}
	return out, nil
}
