package correlate

import (
	"slices"

	"why503/parse"
	"why503/parse/fact"
)

// complete reports whether nothing is to be expected for p any more: what was
// logged in its time was read, and what was asked was answered. Old logs are read
// quicker than the hops are put in order, so some time passes in any case.
func (v *Live) complete(p *pending, wall int64) bool {
	if _, ok := v.j.claims.by(p.pos); ok {
		return true // it is in a Request that was written
	}
	if p.settled {
		return wall >= p.arrived+ordering
	}
	return p.logged < v.j.now-parse.Time(v.j.cfg.Hold) && wall >= max(p.arrived, v.moved)+ordering && p.fact != nil && !p.fact.dirty && p.fact.asked <= v.heardOf
}

// ordering is how long it takes to put new sources in order (wall ns).
const ordering = int64(5e9)

// finish writes for the last time what has had its time, in the order in which
// it was logged: which Record is taken without an id hangs on who comes first.
func (v *Live) finish(wall int64) error {
	done := 0
	for _, p := range v.pending {
		if !v.complete(p, wall) && wall < p.arrived+v.j.cfg.Hold {
			break
		}
		if err := v.settle(p, wall); err != nil {
			return err
		}
		done++
	}
	v.pending = slices.Delete(v.pending, 0, done)
	return nil
}

// settle resolves p for good.
func (v *Live) settle(p *pending, wall int64) error {
	if _, ok := v.j.claims.by(p.pos); ok {
		v.leave(p)
		return nil
	}
	if err := v.find(p); err != nil {
		return err
	}
	o := p.fact
	root := p.path[len(p.path)-1]
	if owner, ok := v.j.claims.by(root.Pos); ok && (owner != root.Pos || !v.late(p, o.uid)) {
		v.j.Counts.Late++
		v.j.claims.put(p.pos, owner)
		v.leave(p)
		return nil
	}
	b, err := v.j.build(p.path)
	if err != nil {
		return err
	}
	if b == nil {
		v.j.claims.put(p.pos, root.Pos)
		v.leave(p)
		return nil
	}
	if _, again := v.written[o.uid]; again {
		v.j.Counts.Late++
	}
	if p.settled && !o.written { // it was handed on before a restart
		o.version = fact.VersionOf(b.q, 0)
	} else {
		v.hand(o, b, true)
	}
	v.j.claim(b)
	v.j.claims.put(p.pos, root.Pos)
	v.written[o.uid] = written{root.Pos, wall, o.version, o.revision}
	v.leave(p)
	return nil
}

// late reports whether p came after its Request was final, and is known by an id
// to belong to it, so that the Request has to be written once more.
func (v *Live) late(p *pending, uid parse.RecordID) bool {
	w, ok := v.written[uid]
	return ok && p.arrived >= w.at && !slices.ContainsFunc(p.path, func(c candidate) bool { return c.how == parse.JoinInferred })
}
