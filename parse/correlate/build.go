package correlate

import (
	"cmp"
	"slices"

	"why503/parse"
)

// A builder gathers the Parts of one Request from its root downwards.
type builder struct {
	j     *Joiner
	root  Pos
	lost  bool // a hop behind should have a line of it and has none
	q     *parse.Request
	place map[Pos]int // where in Parts a Record is
	cands []candidate // of the same index as Parts
	asked map[Key]bool
}

func (b *builder) add(c candidate, parent int, score float64, how parse.JoinHow) int {
	if b.place == nil {
		b.place, b.asked = make(map[Pos]int), make(map[Key]bool)
	}
	if i, ok := b.place[c.Pos]; ok {
		return i
	}
	depth := 0
	if parent >= 0 {
		depth = b.q.Parts[parent].Depth
		// A hop is one deeper than what asked it; a line, and a Varnish request
		// under a request, are of the same hop.
		if c.Record.Kind != parse.KindLog && !sameHop(b.cands[parent].Record, c.Record) {
			depth++
		}
	}
	i := len(b.q.Parts)
	b.place[c.Pos] = i
	b.cands = append(b.cands, c)
	b.q.Parts = append(b.q.Parts, parse.Part{
		ID: c.ID, Record: c.Record, Depth: depth, Parent: parent,
		Join: parse.Join{How: how, Score: score}, Offset: c.src.Offset, Host: c.src.Host, Kind: c.src.Kind,
	})
	return i
}

func sameHop(p, c *parse.Record) bool {
	return p.Tx != nil && c.Tx != nil && p.Source == c.Source
}

// descend asks for everything under the Parts until no new one is found: what
// Varnish began, what shares an id, and only then what fits without one.
func (b *builder) descend() error {
	for range maxRounds {
		before := len(b.q.Parts)
		if err := b.each(b.transactions); err != nil {
			return err
		}
		if err := b.byID(); err != nil {
			return err
		}
		if len(b.q.Parts) > before {
			continue
		}
		if err := b.each(b.unlinkedFetches); err != nil {
			return err
		}
		if err := b.each(b.inferChild); err != nil {
			return err
		}
		if len(b.q.Parts) == before {
			break
		}
	}
	return b.each(b.lines)
}

// each calls fn for every Part, also for those that fn adds.
func (b *builder) each(fn func(i int) error) error {
	for i := 0; i < len(b.q.Parts) && len(b.q.Parts) < maxRecords; i++ {
		if err := fn(i); err != nil {
			return err
		}
	}
	return nil
}

// transactions adds what a Varnish transaction began.
func (b *builder) transactions(i int) error {
	r := b.q.Parts[i].Record
	if r.Tx == nil || r.VXID == 0 {
		return nil
	}
	key := parentKey(r.VXID)
	if b.asked[key] {
		return nil
	}
	b.asked[key] = true
	v := span(b.cands[i].src, r)
	a, err := b.j.ask(Want{
		UID: b.q.UID, Keys: []Key{key}, From: v.from - parse.Time(slack), To: v.to + parse.Time(b.j.cfg.Hold),
	}, nil)
	if err != nil {
		return err
	}
	slices.SortStableFunc(a.Entries, func(x, y Entry) int { return cmp.Compare(x.Record.Time, y.Record.Time) })
	for _, e := range a.Entries {
		c := e.Record
		if c.Tx == nil || c.Tx.Parent != r.VXID || c.Source != r.Source || c.Time+1e6 < r.Time {
			continue
		}
		b.add(candidate{Entry: e, src: b.cands[i].src}, i, 1, parse.JoinLink)
	}
	return nil
}

// byID adds the Records that share an id with one of the Parts, outermost hops
// first, each under the deepest Part that can have asked for it.
func (b *builder) byID() error {
	want := Want{UID: b.q.UID}
	for i := range b.q.Parts {
		r := b.q.Parts[i].Record
		v := span(b.cands[i].src, r).loose()
		if i == 0 {
			want.From, want.To = v.from, v.to
		}
		want.From, want.To = min(want.From, v.from), max(want.To, v.to) // what ends later began before that
		for _, k := range idsOf(r) {
			if !b.asked[k] && len(b.asked) < maxIDs {
				b.asked[k] = true
				want.Keys = append(want.Keys, k)
			}
		}
	}
	if len(want.Keys) == 0 {
		return nil
	}
	a, err := b.j.ask(want, nil)
	if err != nil {
		return err
	}
	var found []candidate
	for _, e := range a.Entries {
		if _, ok := b.place[e.Pos]; !ok {
			found = append(found, candidate{Entry: e, src: b.j.sources[e.Record.Source], score: 1})
		}
	}
	slices.SortStableFunc(found, func(x, y candidate) int {
		return cmp.Or(
			cmp.Compare(x.src.Rank, y.src.Rank),
			cmp.Compare(boolInt(x.Record.Kind == parse.KindLog), boolInt(y.Record.Kind == parse.KindLog)),
			cmp.Compare(x.Record.Time, y.Record.Time), cmp.Compare(x.Pos, y.Pos))
	})
	for _, c := range found {
		if len(b.q.Parts) >= maxRecords {
			break
		}
		if p, ok := b.asker(c); ok && !b.others(found, p, c) {
			b.add(c, b.place[p.Pos], 1, p.how)
		}
	}
	return nil
}

// others reports whether c, which may be what Part p asked for by its id, is
// rather what another request with the same id (of a client that repeats it, of
// another Varnish) asked for. found holds all that carry the id.
func (b *builder) others(found []candidate, p, c candidate) bool {
	if p.how == parse.JoinConnection {
		return false
	}
	over := b.taken(c.Pos) || b.answered(p, c)
	mine := likeness(p.src, p.Record, c.src, c.Record)
	for _, o := range found {
		if o.Pos == c.Pos || o.src.Rank != p.src.Rank || o.Record.Kind != p.Record.Kind || b.has(o) || !b.j.asks(&o, c) {
			continue
		}
		if over || likeness(o.src, o.Record, c.src, c.Record) > mine {
			return true
		}
	}
	return false
}

func (b *builder) has(c candidate) bool {
	_, ok := b.place[c.Pos]
	return ok
}

// answered reports whether as many requests of c's source hang under p as p
// made attempts.
func (b *builder) answered(p, c candidate) bool {
	if c.Record.Kind == parse.KindLog {
		return false
	}
	at, n := b.place[p.Pos], 0
	for i := range b.q.Parts {
		if q := &b.q.Parts[i]; q.Parent == at && q.Record.Kind == c.Record.Kind && q.Record.Source == c.Record.Source {
			n++
		}
	}
	return n >= max(1, len(p.Record.Upstreams))
}

// idsOf returns the keys under which hops behind r may be found.
func idsOf(r *parse.Record) []Key {
	var keys []Key
	if r.Tx != nil && (r.Kind == parse.KindFetch || r.Tx.Calls&parse.CallPipe != 0) {
		keys = append(keys, vxidKey(r.VXID))
	}
	for _, id := range [...][]byte{r.RequestID, r.OwnID, r.TraceID} {
		if len(id) > 0 {
			keys = append(keys, idKey(id))
		}
	}
	return keys
}

// asker returns the Part that c belongs under.
func (b *builder) asker(c candidate) (candidate, bool) {
	var found []candidate
	for i := range b.cands {
		p := b.cands[i]
		if b.j.asks(&p, c) {
			found = append(found, p)
		}
	}
	return nearest(found, c)
}

// inferChild looks for the request line of the hop that Part i asked, where no
// id leads to it.
func (b *builder) inferChild(i int) error {
	p := b.cands[i]
	r := p.Record
	if !b.asksOthers(i) || !b.j.hasBehind(p.src) {
		return nil
	}
	v := span(p.src, r).loose() // what ends later began before that
	a, err := b.j.ask(Want{UID: b.q.UID, Keys: []Key{urlKey(r.Method, r.URL)}, From: v.from, To: v.to}, b.taken)
	if err != nil {
		return err
	}
	byRank := make(map[int][]candidate)
	for _, e := range a.Entries {
		c := candidate{Entry: e, src: b.j.sources[e.Record.Source], how: parse.JoinInferred}
		if _, mine := b.place[e.Pos]; mine || e.Record.Kind == parse.KindLog || !b.j.mayAsk(p, c) {
			continue
		}
		if c.score = inferScore(p.src, r, c.src, e.Record); c.score < minScore {
			continue
		}
		if other, err := b.spokenFor(c, v); err != nil {
			return err
		} else if !other {
			byRank[c.src.Rank] = append(byRank[c.src.Rank], c)
		}
	}
	if len(byRank) == 0 {
		return nil
	}
	ranks := make([]int, 0, len(byRank))
	for rank := range byRank {
		ranks = append(ranks, rank)
	}
	slices.Sort(ranks)
	found := byRank[ranks[0]]
	c, next, _ := best(found)
	if len(found) > 1 && !alike(found[0], found[1]) && c.score-next < 0.02 {
		b.j.Counts.Ambiguous++
		return nil
	}
	at := b.add(c, i, c.score, parse.JoinInferred)
	b.q.Parts[at].Join.RunnerUp = next
	return nil
}

// taken reports whether a Record belongs to another Request that was written.
func (b *builder) taken(p Pos) bool {
	root, ok := b.j.claims.by(p)
	return ok && root != b.root
}

// alike reports whether it makes no difference which of two candidates it is:
// both say the same of the same kind of request.
func alike(x, y candidate) bool {
	return x.Record.Status == y.Record.Status && x.Record.Source == y.Record.Source
}

// asksOthers reports whether Part i is a hop that sent a request on and has no
// hop under it yet.
func (b *builder) asksOthers(i int) bool {
	r := b.q.Parts[i].Record
	if len(r.Method) == 0 || len(r.URL) == 0 || r.Kind == parse.KindLog || r.Kind == parse.KindSession {
		return false
	}
	if r.Tx != nil {
		if r.Kind != parse.KindFetch && r.Tx.Handling != parse.HandlingPipe {
			return false
		}
		if r.Kind == parse.KindFetch && len(r.Tx.Opens) == 0 {
			return false // no connection, so nobody was asked
		}
	} else if !proxy(r.Program) {
		return false
	}
	for k := range b.q.Parts {
		if b.q.Parts[k].Parent == i && b.q.Parts[k].Record.Kind != parse.KindLog {
			return false
		}
	}
	return true
}

func proxy(p parse.Program) bool {
	switch p {
	case parse.Varnish, parse.Nginx, parse.HAProxy, parse.Apache, parse.Envoy, parse.CDN:
		return true
	}
	return false
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// at returns the Record at a place that the Request holds.
func (b *builder) at(p Pos) Entry {
	for i := range b.cands {
		if b.cands[i].Pos == p {
			return b.cands[i].Entry
		}
	}
	return Entry{}
}
