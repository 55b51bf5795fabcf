package localstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"why503/aggregate"
)

func (s *Store) writeIncident(c conn, in *aggregate.Incident) error {
	text, err := s.coder.encode(in)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO incidents (id, site, start, end, ongoing, merged_into, failures, row) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET site = excluded.site, start = excluded.start, end = excluded.end, ongoing = excluded.ongoing,
			merged_into = excluded.merged_into, failures = excluded.failures, row = excluded.row`,
		clip(in.ID, maxName), clip(in.Site, maxName), nanos(in.Start), nanos(in.End), in.Ongoing, clip(in.MergedInto, maxName), in.Failures, text)
}

// Incidents returns incidents that go on at some point of a time, the last that
// began first, at most limit, and the cursor from which the list goes on. Those
// that were merged into others are not in it; Incident finds them.
func (s *Store) Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) (found []aggregate.Incident, next string, err error) {
	from, err := placeOf(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), maxPage)
	err = s.read(ctx, func(c conn) error {
		found, next, err = s.incidents(c, q, from, limit)
		return err
	})
	if err != nil {
		return nil, "", s.explain("reading incidents", err)
	}
	return found, next, nil
}

func (s *Store) incidents(c conn, q aggregate.Query, from place, limit int) (found []aggregate.Incident, next string, err error) {
	found = []aggregate.Incident{}
	begin, end := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		begin = nanos(q.From)
	}
	if !q.To.IsZero() {
		end = nanos(q.To)
	}
	if q.Incident != "" {
		in, err := s.incident(c, q.Incident)
		if errors.Is(err, aggregate.ErrNotFound) {
			return found, "", nil
		}
		return append(found, *in), "", err
	}
	last := from
	enough := errors.New("enough")
	var text *needle
	if q.Text != "" {
		text = newNeedle(q.Text)
	}
	err = c.query(`SELECT row, start, id FROM incidents WHERE start <= ?1 AND (start < ?1 OR id < ?2) AND start < ?3 AND (end >= ?4 OR ongoing = 1) AND merged_into = ''
			AND (?5 = '' OR site = iif(?5 = '-', '', ?5)) ORDER BY start DESC, id DESC`, func(r *row) error {
		packed, err := s.coder.unpack(bytesOf(r, 0))
		if err != nil {
			return err
		}
		var in aggregate.Incident
		if err := decodeText(packed, &in); err != nil {
			return err
		}
		if meets(&in, q) && (text == nil || text.in(packed)) {
			if len(found) == limit {
				next = last.cursor()
				return enough
			}
			found = append(found, in)
		}
		last = place{r.ColumnInt64(1), r.ColumnText(2)}
		return nil
	}, from.at, from.id, end, begin, clip(q.Site, maxName))
	if errors.Is(err, enough) {
		err = nil
	}
	return found, next, err
}

// meets reports whether an incident has the cause and the backend of a query.
func meets(in *aggregate.Incident, q aggregate.Query) bool {
	if q.Cause == "" && q.Backend == "" {
		return true
	}
	return slices.ContainsFunc(in.Causes, func(c aggregate.Cause) bool {
		return (q.Cause == "" || c.Cause == q.Cause || c.Symptom == q.Cause) &&
			(q.Backend == "" || slices.ContainsFunc(c.Backends, func(b aggregate.Count) bool { return b.Name == q.Backend }))
	})
}

// Incident returns the incident of an id, or of a part of one that no other
// has.
func (s *Store) Incident(ctx context.Context, id string) (in *aggregate.Incident, err error) {
	err = s.read(ctx, func(c conn) error {
		in, err = s.incident(c, id)
		return err
	})
	switch {
	case errors.Is(err, aggregate.ErrNotFound):
		return nil, err
	case err != nil:
		return nil, s.explain("reading an incident", err)
	}
	return in, nil
}

func (s *Store) incident(c conn, id string) (*aggregate.Incident, error) {
	var found []aggregate.Incident
	get := func(r *row) error {
		var in aggregate.Incident
		if err := s.coder.decode(bytesOf(r, 0), &in); err != nil {
			return err
		}
		found = append(found, in)
		return nil
	}
	id = clip(id, maxName)
	if err := c.query(`SELECT row FROM incidents WHERE id = ?`, get, id); err != nil {
		return nil, err
	}
	if len(found) == 0 && len(id) >= minPart {
		if err := c.query(`SELECT row FROM incidents WHERE instr(id, ?) > 0 LIMIT 2`, get, id); err != nil {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, aggregate.ErrNotFound
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("%w: %q is a part of more than one incident's id: %s, %s", aggregate.ErrNotFound, id, found[0].ID, found[1].ID)
}

// Mark notes a moment; noting it again changes nothing.
func (s *Store) Mark(ctx context.Context, m aggregate.Mark) error {
	err := s.change(ctx, func(c conn) error {
		return c.exec(`INSERT INTO marks (at, kind, site, what) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			nanos(m.At), clip(m.Kind, maxName), clip(m.Site, maxName), clip(m.What, maxText))
	})
	if err != nil {
		return s.explain("noting a mark", err)
	}
	return nil
}

// Marks returns the marks of a time and a site, and those of all sites, in
// order; at most the last maxPage.
func (s *Store) Marks(ctx context.Context, q aggregate.Query) ([]aggregate.Mark, error) {
	list := []aggregate.Mark{}
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		from = nanos(q.From)
	}
	if !q.To.IsZero() {
		to = nanos(q.To)
	}
	err := s.read(ctx, func(c conn) error {
		list = list[:0]
		return c.query(`SELECT at, kind, site, what FROM marks WHERE at >= ?1 AND at < ?2 AND (?3 = '' OR site = '' OR site = ?3) ORDER BY at DESC, kind DESC, site DESC, what DESC LIMIT ?4`, func(r *row) error {
			m := aggregate.Mark{At: timeOf(r, 0), Kind: r.ColumnText(1), Site: r.ColumnText(2), What: r.ColumnText(3)}
			if q.Text == "" || strings.Contains(strings.ToLower(m.What), strings.ToLower(q.Text)) {
				list = append(list, m)
			}
			return nil
		}, from, to, clip(q.Site, maxName), maxPage)
	})
	if err != nil {
		return nil, s.explain("reading marks", err)
	}
	slices.Reverse(list)
	return list, nil
}
