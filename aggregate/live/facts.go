package live

import (
	"slices"

	"why503/aggregate"
	"why503/aggregate/redact"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/wire"
	"why503/rules"
)

// Request implements correlate.Listener.
func (c *Core) Request(q *parse.Request) {
	v := c.cfg.Rules.Diagnose(q, c.env)
	if v.Class == rules.ClassNone {
		c.Gone(q.UID)
		return
	}
	row := c.rows.Row(q, &v)
	f := &aggregate.Fact{Row: row, Version: version(q), Words: v.Words, Advice: v.Advice}
	for i := range q.Parts {
		f.Background = f.Background || q.Parts[i].Record.Background
	}
	for _, parts := range [][]parse.Part{q.Parts, q.Signals} {
		for i := range parts {
			parts[i].File = c.nameOf(parts[i].Record.Source)
		}
	}
	if b, err := wire.AppendRequest(nil, q); err == nil {
		f.Records = b
	}
	if c.cfg.Redact {
		redacted(f)
	}
	c.facts[q.UID] = f
	c.seconds.set(&row)
	c.absorb(q)
	if row.Final {
		c.cfg.Metrics.Final(&row)
	}
}

// absorb takes back the facts from before a restart whose roots have turned out
// to be parts of q: the join does not know that they were handed on.
func (c *Core) absorb(q *parse.Request) {
	if len(c.left) == 0 {
		return
	}
	delete(c.left, q.UID.String())
	for i := 1; i < len(q.Parts); i++ {
		uid := q.Parts[i].ID
		if _, ok := c.left[uid.String()]; ok {
			delete(c.left, uid.String())
			c.Gone(uid)
		}
	}
}

// redacted takes out of f what could say who a client is. Its Records hold the
// lines as they stand, so they are not kept.
func redacted(f *aggregate.Fact) {
	f.Records = nil
	f.Row.Client = redact.Client(f.Row.Client)
	f.Words = redact.Words(f.Words)
	f.Advice = slices.Clone(f.Advice)
	for i := range f.Advice {
		f.Advice[i] = redact.Words(f.Advice[i])
	}
	for i := range f.Row.Chain {
		l := &f.Row.Chain[i]
		l.Line, l.Words = redact.Line(l.Line), redact.Words(l.Words)
	}
}

// Gone implements correlate.Listener.
func (c *Core) Gone(uid parse.RecordID) {
	f := &aggregate.Fact{Gone: true, Version: ^uint64(0) >> 1}
	if old := c.facts[uid]; old != nil {
		*f = *old
		f.Gone = true
	} else if row, ok := c.seconds.row(uid.String()); ok {
		f.Row = row
	} else {
		return // it was never handed on
	}
	f.Row.UID = uid.String()
	c.facts[uid] = f
	c.seconds.drop(uid.String())
}

// Want implements correlate.Listener.
func (c *Core) Want(number uint64, w *correlate.Want) {
	c.cfg.Metrics.Want()
	c.cfg.Ask(&wire.Want{Number: number, Want: *w})
}
