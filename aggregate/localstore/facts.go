package localstore

import (
	"math"
	"slices"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
	"why503/rules"
)

// A counted is how a fact stands in the rollups.
type counted struct {
	minute     traffic.Minute
	key        int64
	bucket     int64
	confidence int64
	crawler    bool
	background bool
	saved      bool
}

// A state is what the store has of a fact.
type state struct {
	id       int64 // 0: nothing
	ver      uint64
	revision int64
	final    bool
	gone     bool
	counted
}

// confidenceUnit is what a confidence is counted in, so that sums do not depend
// on their order.
const confidenceUnit = 1e9

// writeFacts writes facts by their versions and counts what changed by it. What
// a fact was counted as before stands in its row, so the rollups of its minute
// are those of all facts of the minute at every commit.
func (s *Store) writeFacts(c conn, facts []aggregate.Fact) error {
	changes := newChanges()
	var err error
	for h, at := range map[horizon]*int64{recordsFrom: &changes.recordsFrom, factsFrom: &changes.factsFrom, minutesFrom: &changes.minutesFrom} {
		if *at, err = s.horizon(c, h); err != nil {
			return err
		}
	}
	for i := range facts {
		if err := s.writeFact(c, &facts[i], changes); err != nil {
			return err
		}
	}
	if changes.tooOld > 0 {
		err := c.exec(`INSERT INTO state (name, value) VALUES ('too_old', ?) ON CONFLICT DO UPDATE SET value = value + excluded.value`, changes.tooOld)
		if err != nil {
			return err
		}
	}
	return s.apply(c, changes)
}

func (s *Store) writeFact(c conn, f *aggregate.Fact, changes *changes) error {
	uid := clip(f.Row.UID, maxName)
	var old state
	err := c.query(`SELECT id, ver, revision, final, gone, minute, key, bucket, confidence, crawler, background, class FROM failures WHERE uid = ?`, func(r *row) error {
		old = state{
			id: r.ColumnInt64(0), ver: uint64(r.ColumnInt64(1)), revision: r.ColumnInt64(2), final: r.ColumnBool(3), gone: r.ColumnBool(4),
			counted: counted{
				minute: traffic.Minute(r.ColumnInt64(5)), key: r.ColumnInt64(6), bucket: r.ColumnInt64(7), confidence: r.ColumnInt64(8),
				crawler: r.ColumnBool(9), background: r.ColumnBool(10), saved: r.ColumnText(11) == saved,
			},
		}
		return nil
	}, uid)
	if err != nil {
		return err
	}
	if !f.Gone && old.id != 0 && !replaces(f, &old) || old.gone {
		return nil
	}
	if old.id != 0 {
		changes.add(old.counted, -1)
	}
	if ended := endOf(&f.Row); old.id == 0 && !f.Gone && ended < changes.factsFrom {
		changes.tooOld++
		return nil
	}
	if f.Gone {
		return s.writeGone(c, uid, f, old.id)
	}
	return s.putFact(c, uid, f, old.id, changes)
}

var saved = rules.ClassSaved.String()

// replaces reports whether a state that arrives stands in place of old: one
// that is more complete, then a final one, then a later one.
func replaces(f *aggregate.Fact, old *state) bool {
	switch {
	case f.Version != old.ver:
		return f.Version > old.ver
	case f.Row.Final != old.final:
		return f.Row.Final
	}
	return int64(f.Row.Revision) >= old.revision
}

// writeGone leaves nothing of a fact but that it is gone, so that a late copy
// of it does not bring it back.
func (s *Store) writeGone(c conn, uid string, f *aggregate.Fact, id int64) error {
	ended := endOf(&f.Row)
	if ended == 0 { // all that was known of it is that it is gone
		ended = nanos(s.cfg.Now())
	}
	if id != 0 {
		return c.exec(`UPDATE failures SET gone = 1, ver = ?, row = NULL, records = NULL, request_id = '', trace_id = '', vxid = 0 WHERE id = ?`, int64(f.Version), id)
	}
	return c.exec(`INSERT INTO failures (uid, ver, revision, final, gone, ended, minute, class, site, cause, symptom, backend, request_id, trace_id, vxid, client,
			key, bucket, confidence, crawler, background)
		VALUES (?, ?, ?, ?, 1, ?, ?, '', '', '', '', '', '', '', 0, 0, 0, 0, 0, 0, 0)`,
		uid, int64(f.Version), f.Row.Revision, f.Row.Final, ended, int64(traffic.MinuteOf(parse.Time(ended))))
}

func (s *Store) putFact(c conn, uid string, f *aggregate.Fact, id int64, changes *changes) error {
	r := &f.Row
	key := failKeyOf(f)
	number, err := s.fails.id(c, key)
	if err != nil {
		return err
	}
	ended := endOf(r)
	now := counted{
		minute: traffic.MinuteOf(parse.Time(ended)), key: number, bucket: bucketOf(r.DurationMS),
		confidence: int64(math.Round(min(max(r.Confidence, 0), 1) * confidenceUnit)), crawler: r.ClientClass == "crawler", background: f.Background,
		saved: key.Class == saved,
	}
	text, err := s.coder.encode(&stored{*r, f.Words, f.Advice})
	if err != nil {
		return err
	}
	records := s.coder.pack(f.Records)
	if ended < changes.recordsFrom {
		records = nil
	}
	name := func(s string) string { return clip(s, maxName) }
	columns := []any{
		uid, int64(f.Version), r.Revision, r.Final, ended, int64(now.minute), key.Class, key.Site, key.Cause, key.Symptom, key.Backend,
		name(r.RequestID), name(r.TraceID), int64(r.VXID), clientOf(r), now.key, now.bucket, now.confidence, now.crawler, now.background,
		text, records,
	}
	if id == 0 {
		err = c.exec(`INSERT INTO failures (gone, uid, ver, revision, final, ended, minute, class, site, cause, symptom, backend, request_id, trace_id, vxid, client,
				key, bucket, confidence, crawler, background, row, records)
			VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, columns...)
	} else {
		err = c.exec(`UPDATE failures SET uid = ?, ver = ?, revision = ?, final = ?, ended = ?, minute = ?, class = ?, site = ?, cause = ?, symptom = ?, backend = ?,
				request_id = ?, trace_id = ?, vxid = ?, client = ?, key = ?, bucket = ?, confidence = ?, crawler = ?, background = ?, row = ?, records = ?
			WHERE id = ?`, append(columns, id)...)
	}
	if err != nil {
		return err
	}
	changes.add(now, 1)
	return nil
}

// clientOf is the hash by which clients are told apart; 0 where none is known.
func clientOf(r *aggregate.Failure) int64 {
	switch {
	case r.ClientHash != "":
		return int64(aggregate.ClientOf([]byte(r.ClientHash)))
	case r.Client != "":
		return int64(aggregate.ClientOf([]byte(r.Client)))
	}
	return 0
}

func bucketOf(ms float64) int64 {
	if !(ms > 0) {
		return int64(traffic.HistBucket(0))
	}
	return int64(traffic.HistBucket(time.Duration(min(ms, 1e12) * 1e6)))
}

// endOf is when a fact ended; 0 where that is no time.
func endOf(r *aggregate.Failure) int64 {
	t, err := time.Parse(time.RFC3339Nano, r.Ended)
	if err != nil {
		return 0
	}
	return nanos(t)
}

// changes are what a batch changes in the rollups.
type changes struct {
	cells  map[cellAt]*change
	tooOld int64 // facts that were forgotten, or would be

	recordsFrom, factsFrom, minutesFrom int64 // horizons
}

type cellAt struct {
	minute traffic.Minute
	key    int64
}

type change struct {
	n, saved, confidence, crawlers, background int64
	hist                                       []step
}

func newChanges() *changes { return &changes{cells: make(map[cellAt]*change)} }

// add counts n facts, or takes them away where n is negative.
func (x *changes) add(k counted, n int64) {
	if int64(k.minute.Start()) < x.minutesFrom {
		return
	}
	at := cellAt{k.minute, k.key}
	c := x.cells[at]
	if c == nil {
		c = &change{}
		x.cells[at] = c
	}
	c.n += n
	c.saved += n * b2i(k.saved)
	c.confidence += n * k.confidence
	c.crawlers += n * b2i(k.crawler)
	c.background += n * b2i(k.background)
	if i := slices.IndexFunc(c.hist, func(s step) bool { return s.bucket == k.bucket }); i >= 0 {
		c.hist[i].n += n
	} else {
		c.hist = append(c.hist, step{k.bucket, n})
	}
}

func (c *change) nothing() bool {
	return c.n == 0 && c.saved == 0 && c.confidence == 0 && c.crawlers == 0 && c.background == 0 && !slices.ContainsFunc(c.hist, func(s step) bool { return s.n != 0 })
}
