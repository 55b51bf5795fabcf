package correlate

import (
	"bytes"
	"slices"

	"why503/parse"
)

// minScore is the least score at which a join without a shared id is taken.
const minScore = 0.75

// parent returns the Record that asked for what c tells of.
func (j *Joiner) parent(c candidate) (candidate, bool, error) {
	r := c.Record
	if r.Tx != nil && r.Tx.Parent != 0 && r.Tx.Reason != parse.ReasonClient {
		return j.began(c)
	}
	var found []candidate
	v := span(c.src, r).loose()
	want := Want{UID: c.ID, From: v.from, To: v.to} // who asked was waiting then
	if r.Tx == nil && r.VXID != 0 {
		want.Keys = append(want.Keys, vxidKey(r.VXID))
	}
	for _, id := range [...][]byte{r.RequestID, r.OwnID, r.TraceID} {
		if len(id) > 0 {
			want.Keys = append(want.Keys, idKey(id))
		}
	}
	if r.Kind == parse.KindLog && r.ConnID != 0 {
		want.Keys = append(want.Keys, connKey(r.Program, r.ConnID))
	}
	answer, err := j.ask(want, nil)
	if err != nil {
		return candidate{}, false, err
	}
	for _, e := range answer.Entries {
		if p := (candidate{Entry: e, src: j.sources[e.Record.Source], score: 1}); j.asks(&p, c) {
			found = append(found, p)
		}
	}
	if p, ok := nearest(found, c); ok {
		return j.unclaimed(found, p, c), true, nil
	}
	if p, ok, err := j.fetchedFor(c); ok || err != nil {
		return p, ok, err
	}
	return j.inferParent(c)
}

// unclaimed returns p, or where p's Request is written already another that may
// as well have asked for c: a client sent the same twice at once.
func (j *Joiner) unclaimed(found []candidate, p, c candidate) candidate {
	if !j.claims.has(p.Pos) {
		return p
	}
	for _, o := range found {
		if j.claims.has(o.Pos) || o.src.Rank != p.src.Rank || o.Record.Kind != p.Record.Kind || o.how != p.how {
			continue
		}
		if likeness(o.src, o.Record, c.src, c.Record) >= likeness(p.src, p.Record, c.src, c.Record) {
			return o
		}
	}
	return p
}

// began returns the Varnish transaction in which c's transaction began.
func (j *Joiner) began(c candidate) (candidate, bool, error) {
	v := span(c.src, c.Record).loose()
	a, err := j.ask(Want{
		UID: c.ID, Keys: []Key{vxidKey(c.Record.Tx.Parent)},
		From: v.from - parse.Time(j.cfg.Horizon), To: v.to + parse.Time(j.cfg.Hold),
	}, nil)
	if err != nil {
		return candidate{}, false, err
	}
	for _, e := range a.Entries {
		p := e.Record
		if p.Tx == nil || p.Tx.Type == parse.TxSession || p.VXID != c.Record.Tx.Parent || p.Source != c.Record.Source {
			continue
		}
		if p.Time <= c.Record.Time+1e6 { // a transaction begins after its parent
			return candidate{Entry: e, src: c.src, how: parse.JoinLink, score: 1}, true, nil
		}
	}
	return candidate{}, false, nil
}

// asks reports whether p asked for what c tells of, by an id that they share,
// and notes in p how that is known.
func (j *Joiner) asks(p *candidate, c candidate) bool {
	pr, cr := p.Record, c.Record
	if p.Pos == c.Pos || pr.Kind == parse.KindLog || pr.Kind == parse.KindSession || !fits(p.src, pr, c.src, cr) {
		return false
	}
	if pr.Tx == nil && cr.Tx == nil && cr.VXID != 0 && pr.VXID == cr.VXID && p.src.Rank < c.src.Rank {
		p.how = parse.JoinVXID // both carry the id of the fetch behind which they stand
		return true
	}
	if pr.Tx != nil && cr.Tx == nil && cr.VXID != 0 && pr.VXID == cr.VXID && named(pr, cr) {
		p.how = parse.JoinVXID
		return pr.Kind == parse.KindFetch || pr.Tx.Handling == parse.HandlingPipe || pr.Tx.Calls&parse.CallPipe != 0
	}
	if cr.Kind == parse.KindLog && cr.ConnID != 0 && cr.ConnID == pr.ConnID && cr.Program == pr.Program && sameHost(p.src, c.src) {
		p.how = parse.JoinConnection
		return sameRequestLine(pr, cr)
	}
	if p.src.Rank >= c.src.Rank && !(cr.Kind == parse.KindLog && p.src.Rank == c.src.Rank) && !unlinked(pr, cr) {
		return false
	}
	switch {
	case shared(pr, cr, parse.JoinRequestID):
		p.how = parse.JoinRequestID
	case shared(pr, cr, parse.JoinTraceID):
		p.how = parse.JoinTraceID
	default:
		return false
	}
	// Where the child names the very transaction that asked, another one of the
	// same request (a retry, a client's second try) did not.
	return !(pr.Tx != nil && cr.Tx == nil && cr.VXID != 0 && pr.Kind == parse.KindFetch && pr.VXID != cr.VXID)
}

// named reports whether c, which carries the number of transaction p, can mean
// p: several Varnishes count from the same number, and a proxy logs the request
// line as it came.
func named(p, c *parse.Record) bool { return !proxy(c.Program) || sameRequestLine(p, c) }

// shared reports whether two Records carry the same id of that kind.
func shared(a, b *parse.Record, how parse.JoinHow) bool {
	eq := func(x, y []byte) bool { return len(x) > 0 && string(x) == string(y) }
	if how == parse.JoinTraceID {
		return eq(a.TraceID, b.TraceID)
	}
	return eq(a.RequestID, b.RequestID) || eq(a.OwnID, b.RequestID) || eq(a.RequestID, b.OwnID)
}

// sameRequestLine reports whether two Records name the same request line. A
// long URL may be cut in one of them.
func sameRequestLine(a, b *parse.Record) bool {
	if len(a.URL) == 0 || len(b.URL) == 0 {
		return true
	}
	if string(a.Method) != string(b.Method) {
		return false
	}
	short, long := a.URL, b.URL
	if len(short) > len(long) {
		short, long = long, short
	}
	return string(short) == string(long) || (len(short) >= cutURL && bytes.HasPrefix(long, short))
}

// cutURL is from how many bytes on a URL may have been cut by its log: less
// than vsl_reclen and than the 2,048 bytes of an nginx error line leave it.
const cutURL = 180

// nearest returns of all that asked the one right in front of c: the deepest
// hop, a fetch before the request it was made for, the one most like c, the
// latest to begin.
func nearest(found []candidate, c candidate) (candidate, bool) {
	var at candidate
	ok := false
	for _, p := range found {
		if !ok || closer(p, at, c) {
			at, ok = p, true
		}
	}
	return at, ok
}

func closer(p, q, c candidate) bool {
	if (p.how == parse.JoinVXID) != (q.how == parse.JoinVXID) {
		return p.how == parse.JoinVXID
	}
	if p.src.Rank != q.src.Rank {
		return p.src.Rank > q.src.Rank
	}
	if p.Record.Kind != q.Record.Kind {
		return p.Record.Kind == parse.KindFetch
	}
	if x, y := likeness(p.src, p.Record, c.src, c.Record), likeness(q.src, q.Record, c.src, c.Record); x != y {
		return x > y
	}
	if p.Record.Time != q.Record.Time {
		return p.Record.Time > q.Record.Time
	}
	return p.Pos < q.Pos
}

// inferParent looks for the hop that asked without a shared id.
func (j *Joiner) inferParent(c candidate) (candidate, bool, error) {
	r := c.Record
	if len(r.Method) == 0 || len(r.URL) == 0 || !j.hasFront(c.src) {
		return candidate{}, false, nil
	}
	v := span(c.src, r).loose()
	a, err := j.ask(Want{UID: c.ID, Keys: []Key{urlKey(r.Method, r.URL)}, From: v.from, To: v.to}, nil)
	if err != nil {
		return candidate{}, false, err
	}
	var found []candidate
	rank := -1
	for _, e := range a.Entries {
		p := candidate{Entry: e, src: j.sources[e.Record.Source], how: parse.JoinInferred}
		if p.Pos == c.Pos || !j.mayAsk(p, c) {
			continue
		}
		if r.Kind == parse.KindLog {
			p.score = lineScore(p.src, e.Record, c.src, r)
		} else {
			p.score = inferScore(p.src, e.Record, c.src, r)
		}
		if p.score >= minScore {
			found = append(found, p)
			rank = max(rank, p.src.Rank)
		}
	}
	var near []candidate
	for _, p := range found {
		if p.src.Rank == rank {
			near = append(near, p)
		}
	}
	p, _, ok := best(near)
	return p, ok, nil
}

// mayAsk reports whether p is of a kind and place that c may have been asked by,
// and neither carries an id that the other would show.
func (j *Joiner) mayAsk(p, c candidate) bool {
	pr := p.Record
	if pr.Kind == parse.KindLog || pr.Kind == parse.KindSession || pr.Kind == parse.KindSignal {
		return false
	}
	if c.Record.Kind == parse.KindLog {
		return pr.Program == c.Record.Program && pr.Kind == parse.KindRequest && sameHost(p.src, c.src)
	}
	if p.src.Rank >= c.src.Rank || (c.Record.Tx != nil && c.Record.Tx.Reason != parse.ReasonClient) {
		return false // of a transaction tree, only the client's request was asked by another hop
	}
	if pr.Tx != nil && pr.Kind == parse.KindRequest && pr.Tx.Handling != parse.HandlingPipe {
		return false // its fetches asked, not the request itself
	}
	if !carriesID(c.Record) || !c.src.HasIDs {
		return true
	}
	// A hop that was given no id may make one and not log it.
	return !carriesID(pr) && len(pr.OwnID) == 0 && !j.askedByID(p, c)
}

// askedByID reports whether another Record of a hop in front of c carries its id.
func (j *Joiner) askedByID(p, c candidate) bool {
	v := span(c.src, c.Record).loose()
	want := Want{UID: c.ID, From: v.from, To: v.to} // who asked was waiting then
	for _, id := range [...][]byte{c.Record.RequestID, c.Record.TraceID} {
		if len(id) > 0 {
			want.Keys = append(want.Keys, idKey(id))
		}
	}
	a, err := j.ask(want, nil)
	return err != nil || slices.ContainsFunc(a.Entries, func(e Entry) bool {
		return e.Pos != p.Pos && e.Record.Kind != parse.KindLog && j.sources[e.Record.Source].Rank <= p.src.Rank
	})
}

func carriesID(r *parse.Record) bool {
	return len(r.RequestID) > 0 || len(r.TraceID) > 0 || r.VXID != 0
}

// hasFront reports whether a source in front of s (or, for an error log, beside it) was given.
func (j *Joiner) hasFront(s *Source) bool {
	for _, o := range j.sources {
		if o != s && Requests(o.Kind) && (o.Rank < s.Rank || (!Requests(s.Kind) && o.Program == s.Program)) {
			return true
		}
	}
	return false
}

// hasBehind reports whether a source of requests behind s was given.
func (j *Joiner) hasBehind(s *Source) bool {
	for _, o := range j.sources {
		if Requests(o.Kind) && o.Rank > s.Rank {
			return true
		}
	}
	return false
}

// hasLines reports whether a source was given that may hold lines of programs.
func (j *Joiner) hasLines() bool {
	for _, o := range j.sources {
		switch o.Kind {
		case parse.SourceVarnishlog, parse.SourceVarnishncsa, parse.SourceNginxAccess, parse.SourceApacheAccess, parse.SourceCDN:
		default:
			return true
		}
	}
	return false
}

// lineScore says how well a program's line without id fits a request of the
// same program: same request line, written while it ran.
func lineScore(ps *Source, p *parse.Record, cs *Source, c *parse.Record) float64 {
	if !sameRequestLine(p, c) || !fits(ps, p, cs, c) {
		return 0
	}
	score := 0.6
	if string(p.URL) == string(c.URL) {
		score += 0.15
	}
	if len(p.Client) > 0 && len(c.Client) > 0 {
		if string(p.Client) != string(c.Client) {
			return 0
		}
		score += 0.05
	}
	if len(p.Upstreams) > 0 && len(c.Upstreams) > 0 && p.Program == c.Program { // a hop behind p asks another one
		hit := false
		for i := range p.Upstreams {
			a := p.Upstreams[i].Addr // none where nginx failed before it had a socket
			hit = hit || len(a) == 0 || string(a) == string(c.Upstreams[0].Addr)
		}
		if !hit {
			return 0
		}
		score += 0.05
	}
	if p.Status >= 500 {
		score += 0.05
	}
	return min(1, score+0.1*closeness(ps, p, cs, c))
}

// stray reports whether a failed Record that nobody in front of it claims is no
// client's request: a hop in front was read over its time and never asked for
// that path, and the Record names no client program. Health probes look so.
func (j *Joiner) stray(c candidate) (bool, error) {
	r := c.Record
	if c.src.Rank == 0 || len(r.Agent) > 0 || len(r.URL) == 0 {
		return false, nil
	}
	v := span(c.src, r)
	covered := false
	for _, s := range j.sources {
		covered = covered || (Requests(s.Kind) && s.Rank < c.src.Rank && s.coverage(j.now, true).Covers(v.from, v.to))
	}
	if !covered {
		return false, nil
	}
	asked := false
	looked := 0 // by a probe that asks for the same path all the time
	for _, k := range [...]Key{urlKey(r.Method, r.URL), lineKey(r.Method, r.URL)} {
		err := j.ring.Find(k, v.from-parse.Time(j.cfg.Horizon), v.to+parse.Time(j.cfg.Hold), func(e Entry) bool {
			looked++
			asked = looked > maxAnswer || (j.sources[e.Record.Source].Rank < c.src.Rank && sameRequestLine(e.Record, r))
			return !asked
		})
		if asked || err != nil {
			return false, err
		}
	}
	return true, nil
}
