package correlate

import (
	"slices"

	"why503/parse"
	"why503/parse/fact"
)

// A pending is a failed Record that waits for what can still be added.
type pending struct {
	pos     Pos
	id      parse.RecordID
	logged  parse.Time
	arrived int64 // wall ns
	settled bool  // in a Request that was final before a restart
	fact    *open // what it was last found to belong to
	path    []candidate
}

// An open Request is one that may still grow.
type open struct {
	uid      parse.RecordID
	members  []*pending
	wants    []question
	asked    uint64     // number of the last Want
	signals  parse.Time // until when signals matter to it
	version  fact.Version
	revision int
	written  bool // handed on
	final    bool // handed on for the last time, if nothing comes late
	dirty    bool
}

// A written Request is final, unless a Record comes late.
type written struct {
	pos      Pos
	at       int64 // wall ns
	version  fact.Version
	revision int
}

// place finds the root of each failed Record of which something is new.
func (v *Live) place(wall int64) error {
	for _, p := range v.pending {
		if p.settled || p.fact == nil && wall < p.arrived+v.delay || p.fact != nil && !p.fact.dirty {
			continue
		}
		if root, ok := v.j.claims.by(p.pos); ok && root != p.pos { // another Request took it
			v.leave(p)
			continue
		}
		if err := v.find(p); err != nil {
			return err
		}
	}
	return nil
}

// find climbs from p and puts it into the Request of its root.
func (v *Live) find(p *pending) error {
	v.asking = v.asking[:0]
	e, err := v.j.ring.Get(p.pos)
	if err != nil {
		return err
	}
	path, err := v.j.climb(e)
	if err != nil {
		return err
	}
	root := path[len(path)-1]
	if p.fact != nil && p.fact.uid != root.ID {
		v.leave(p)
	}
	p.path = path
	if p.fact == nil {
		p.fact = v.open[root.ID]
		if p.fact == nil {
			p.fact = &open{uid: root.ID}
			if w, ok := v.written[root.ID]; ok { // it was final
				p.fact.version, p.fact.revision, p.fact.written, p.fact.final = w.version, w.revision, true, true
			}
			v.open[root.ID] = p.fact
		}
		p.fact.members = append(p.fact.members, p)
		p.fact.dirty = true
	}
	p.fact.wants = append(p.fact.wants, v.asking...)
	v.send(p.fact, root)
	return nil
}

// leave takes p out of the Request that it was in. A Request that was handed on
// and has nobody left is gone.
func (v *Live) leave(p *pending) {
	o := p.fact
	if o == nil {
		return
	}
	p.fact, p.path = nil, nil
	o.members = slices.DeleteFunc(o.members, func(m *pending) bool { return m == p })
	o.dirty = true
	if len(o.members) > 0 {
		return
	}
	delete(v.open, o.uid)
	if _, final := v.written[o.uid]; o.written && !final {
		v.to.Gone(o.uid)
	}
}

// grow builds the Requests of which something is new.
func (v *Live) grow() error {
	for _, p := range v.pending { // in the order in which Records came
		o := p.fact
		if o == nil || !o.dirty || o.members[0] != p {
			continue
		}
		o.dirty = false
		if _, final := v.written[o.uid]; final {
			continue // what came late is added when it has had its time
		}
		b, err := v.build(o)
		if err != nil {
			return err
		}
		switch {
		case b != nil:
			v.hand(o, b, false)
		case o.written: // no client's request after all
			o.written = false
			v.to.Gone(o.uid)
		}
	}
	return nil
}

// build gathers an open Request, and asks for what could be added.
func (v *Live) build(o *open) (*builder, error) {
	first := o.members[0]
	if first.path == nil {
		if err := v.find(first); err != nil || first.fact != o {
			return nil, err
		}
	}
	v.asking = v.asking[:0]
	b, err := v.j.build(first.path)
	if err != nil {
		return nil, err
	}
	root := first.path[len(first.path)-1]
	o.wants = compact(append(o.wants, v.asking...))
	v.send(o, root)
	for _, m := range o.members { // what they hold was decoded for this once
		m.path = nil
	}
	return b, nil
}

// hand hands a Request on where it differs from what was handed on before.
func (v *Live) hand(o *open, b *builder, final bool) {
	q := b.q
	version := fact.VersionOf(q, 0)
	if o.written && version == o.version && final == o.final {
		return
	}
	o.final = final
	o.version = version
	o.revision++
	o.written = true
	root := q.Parts[0]
	o.signals = root.Record.Ended + parse.Time(root.Offset+signalAfter)
	q.Revision, q.Final = o.revision, final
	v.to.Request(q)
	for pos := range b.place {
		v.absorb(o, pos, b)
	}
}

// absorb ends Requests whose root turned out to belong into o.
func (v *Live) absorb(o *open, pos Pos, b *builder) {
	c := b.at(pos)
	if c.ID == o.uid {
		return
	}
	if other := v.open[c.ID]; other != nil {
		other.dirty = true // its Records climb again
	}
	if w, ok := v.written[c.ID]; ok && w.pos == pos {
		delete(v.written, c.ID)
		v.to.Gone(c.ID)
	}
}
