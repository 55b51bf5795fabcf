package localstore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"why503/aggregate"
)

// maxPage bounds a page of a list, maxLooked the facts that a search for text
// looks at for one page: then the page ends, and its cursor goes on from there.
const (
	maxPage   = 1000
	maxLooked = 20_000
)

// A place is where in a list something stands: newest first.
type place struct {
	at int64
	id string
}

// before reports whether p stands in front of o.
func (p place) before(o place) bool {
	return cmp.Or(cmp.Compare(o.at, p.at), strings.Compare(o.id, p.id)) < 0
}

func (p place) cursor() string {
	return strconv.FormatInt(p.at, 36) + "." + hex.EncodeToString([]byte(p.id))
}

// CursorError says that a cursor is none that was given out.
type CursorError struct{ Cursor string }

func (e *CursorError) Error() string {
	return fmt.Sprintf("the cursor %q was not given out by this list. Begin without one", clip(e.Cursor, 40))
}

// BadCursor tells who asked that the fault is theirs.
func (e *CursorError) BadCursor() bool { return true }

var first = place{math.MaxInt64, "\U0010ffff"}

func placeOf(cursor string) (place, error) {
	if cursor == "" {
		return first, nil
	}
	at, id, ok := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(at, 36, 64)
	b, errID := hex.DecodeString(id)
	if !ok || err != nil || errID != nil {
		return place{}, &CursorError{cursor}
	}
	return place{n, string(b)}, nil
}

// Failures returns facts, the last that ended first, at most limit, and the
// cursor from which the list goes on; it is empty at the end. What arrives
// meanwhile moves nothing. A page may have fewer than limit when text is
// searched for.
func (s *Store) Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) (rows []aggregate.Failure, next string, err error) {
	rows = []aggregate.Failure{}
	from, err := placeOf(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), maxPage)
	err = s.read(ctx, func(c conn) error {
		rows, next = rows[:0], ""
		f, err := s.filterOf(c, q)
		if err != nil || f.nothing {
			return err
		}
		lists := f.lists(from)
		looked := 0
		for {
			p, text, ok, err := merged(c, lists, limit-len(rows)+1)
			if err != nil || !ok {
				return err
			}
			if len(rows) == limit || looked == maxLooked {
				next = from.cursor()
				return nil
			}
			from = p
			looked++
			if text, err = s.coder.unpack(text); err != nil {
				return fmt.Errorf("reading the fact %q: %w", p.id, err)
			}
			if f.text != nil && !f.text.in(text) {
				continue
			}
			var x stored
			if err := decodeText(text, &x); err != nil {
				return err
			}
			rows = append(rows, x.Row)
		}
	})
	if err != nil {
		return nil, "", s.explain("reading failures", err)
	}
	return rows, next, nil
}

// bounded cuts the names of a query as those that it is compared with.
func bounded(q aggregate.Query) aggregate.Query {
	q.Site, q.Cause, q.Backend = clip(q.Site, maxName), clip(q.Cause, maxName), clip(q.Backend, maxName)
	return q
}

// A filter is a Query as the columns of facts meet it.
type filter struct {
	from, to                    int64
	site, cause, backend, class string
	text                        *needle
	nothing                     bool // an incident that is not there has no facts
}

func (s *Store) filterOf(c conn, q aggregate.Query) (filter, error) {
	q = bounded(q)
	f := filter{from: math.MinInt64, to: math.MaxInt64, site: q.Site, cause: q.Cause, backend: q.Backend, class: cmp.Or(q.Class, "failure")}
	if !q.From.IsZero() {
		f.from = nanos(q.From)
	}
	if !q.To.IsZero() {
		f.to = nanos(q.To)
	}
	if q.Text != "" {
		f.text = newNeedle(q.Text)
	}
	if q.Incident == "" {
		return f, nil
	}
	in, err := s.incident(c, q.Incident)
	if err != nil {
		return f, err
	}
	f.from, f.to = max(f.from, nanos(in.Start)), min(f.to, nanos(in.End)+1)
	site := aggregate.OfSite(clip(in.Site, maxName))
	f.nothing = f.site != "" && f.site != site
	f.site = site
	return f, nil
}

// A list is facts by one index, in the order of places, from a place on.
type list struct {
	where string
	args  []any
	from  place
	page  []entry
	done  bool
}

type entry struct {
	place
	row []byte
}

// lists returns where the facts of a filter stand. The narrowest index is
// walked; a cause is looked for as cause and as symptom.
func (f *filter) lists(from place) []*list {
	where, args := []string{"gone = 0", "ended >= ?", "ended < ?"}, []any{f.from, f.to}
	add := func(column, value string) {
		if value != "" {
			where, args = append(where, column+" = ?"), append(args, value)
		}
	}
	if add("site", f.site); f.site == aggregate.NoSite {
		args[len(args)-1] = ""
	}
	add("backend", f.backend)
	if f.class != "all" {
		add("class", f.class)
	}
	by := func(index, extra string, more ...any) *list {
		return &list{where: " FROM failures INDEXED BY " + index + " WHERE " + strings.Join(where, " AND ") + extra, args: append(args[:len(args):len(args)], more...), from: from}
	}
	switch {
	case f.cause != "":
		return []*list{by("failures_cause", " AND cause = ?", f.cause), by("failures_symptom", " AND symptom = ? AND cause <> ?", f.cause, f.cause)}
	case f.backend != "":
		return []*list{by("failures_backend", "")}
	case f.site != "":
		return []*list{by("failures_site", "")}
	}
	return []*list{by("failures_ended", "")}
}

// merged takes the next fact of several lists.
func merged(c conn, lists []*list, ahead int) (place, []byte, bool, error) {
	var best *list
	for _, l := range lists {
		if err := l.fill(c, ahead); err != nil {
			return place{}, nil, false, err
		}
		if len(l.page) > 0 && (best == nil || l.page[0].before(best.page[0].place)) {
			best = l
		}
	}
	if best == nil {
		return place{}, nil, false, nil
	}
	e := best.page[0]
	best.page = best.page[1:]
	return e.place, e.row, true, nil
}

// fill reads ahead of what is taken.
func (l *list) fill(c conn, ahead int) error {
	if len(l.page) > 0 || l.done {
		return nil
	}
	ahead = min(max(ahead, 2), 256)
	args := append(l.args[:len(l.args):len(l.args)], l.from.at, l.from.at, l.from.id, ahead)
	err := c.query("SELECT ended, uid, row"+l.where+" AND ended <= ? AND (ended < ? OR uid < ?) ORDER BY ended DESC, uid DESC LIMIT ?", func(r *row) error {
		l.page = append(l.page, entry{place{r.ColumnInt64(0), r.ColumnText(1)}, bytesOf(r, 2)})
		return nil
	}, args...)
	if err != nil {
		return err
	}
	if l.done = len(l.page) < ahead; !l.done {
		l.from = l.page[len(l.page)-1].place
	}
	return nil
}

// A needle is text that is looked for in stored rows, in any case of its
// letters.
type needle struct{ plain, spread []byte }

func newNeedle(text string) *needle {
	text = clip(text, maxName)
	return &needle{bytes.ToLower(inJSON(text)), bytes.ToLower(inJSON(spread(text)))}
}

// inJSON is text as it stands within a string of JSON.
func inJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(s)
	}
	return b[1 : len(b)-1]
}

func (n *needle) in(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	if text[0] == byteJSON {
		return bytes.Contains(bytes.ToLower(text), n.spread)
	}
	return bytes.Contains(bytes.ToLower(text), n.plain)
}

// Find returns the facts that an id may mean: a uid, or the beginning of one
// that no other has, a request id, a trace id or a VXID.
func (s *Store) Find(ctx context.Context, id string) ([]aggregate.Failure, error) {
	list := []aggregate.Failure{}
	err := s.read(ctx, func(c conn) error {
		list = list[:0]
		seen := make(map[string]bool)
		get := func(r *row) error {
			var x stored
			if err := s.coder.decode(bytesOf(r, 0), &x); err != nil {
				return err
			}
			if uid := r.ColumnText(1); !seen[uid] {
				seen[uid] = true
				list = append(list, x.Row)
			}
			return nil
		}
		const end = " AND gone = 0 ORDER BY ended DESC, uid DESC LIMIT 100"
		name := clip(id, maxName)
		if err := c.query("SELECT row, uid FROM failures WHERE uid = ?"+end, get, name); err != nil || len(list) > 0 || name == "" {
			return err
		}
		for _, where := range []string{"request_id = ? AND request_id <> ''", "trace_id = ? AND trace_id <> ''"} {
			if err := c.query("SELECT row, uid FROM failures WHERE "+where+end, get, name); err != nil {
				return err
			}
		}
		if n, err := strconv.ParseUint(name, 10, 64); err == nil && n != 0 {
			if err := c.query("SELECT row, uid FROM failures WHERE vxid = ? AND vxid <> 0"+end, get, int64(n)); err != nil {
				return err
			}
		}
		if len(list) > 0 || len(name) < minPart {
			return nil
		}
		return c.query("SELECT row, uid FROM failures WHERE uid >= ? AND uid < ? AND gone = 0 LIMIT 2", get, name, name+"\U0010ffff")
	})
	switch {
	case err != nil:
		return nil, s.explain("finding a request", err)
	case len(list) == 0:
		return nil, aggregate.ErrNotFound
	}
	return list, nil
}

// minPart is how much of an id has to be given.
const minPart = 4

// Records returns the encoded Request of a fact and the version that it is of;
// nil where it is not kept any more.
func (s *Store) Records(ctx context.Context, uid string) (request []byte, version uint64, err error) {
	found := false
	err = s.read(ctx, func(c conn) error {
		return c.query(`SELECT records, ver FROM failures WHERE uid = ? AND gone = 0`, func(r *row) (err error) {
			found = true
			version = uint64(r.ColumnInt64(1))
			request, err = s.coder.unpack(bytesOf(r, 0))
			return err
		}, clip(uid, maxName))
	})
	switch {
	case err != nil:
		return nil, 0, s.explain("reading the records of a request", err)
	case !found:
		return nil, 0, aggregate.ErrNotFound
	}
	return request, version, nil
}
