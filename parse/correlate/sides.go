package correlate

import (
	"bytes"

	"why503/parse"
)

// unlinked reports whether p and c are lines of the two sides of one Varnish in
// a format that does not print which transaction began in which (varnishncsa
// without %{VSL:Begin}x): only ids and times tell what belongs together.
func unlinked(p, c *parse.Record) bool {
	return p.Source == c.Source && p.Kind == parse.KindRequest && c.Kind == parse.KindFetch &&
		p.Tx != nil && c.Tx != nil && c.Tx.Parent == 0 && c.Tx.Reason == parse.ReasonNone
}

// The scores of a fetch that was put under a request of its own log without an
// id. A worker of Varnish mostly takes the next number for its fetch.
const (
	scoreNextVXID = 0.95
	scoreSameURL  = 0.8
)

// fetchedFor returns the request for which an unlinked fetch was made: of the
// same request line, running then, and the last to begin before it, told by
// the transactions' numbers where the format prints them.
func (j *Joiner) fetchedFor(c candidate) (candidate, bool, error) {
	r := c.Record
	if c.src.Kind != parse.SourceVarnishncsa || r.Kind != parse.KindFetch || len(r.URL) == 0 {
		return candidate{}, false, nil
	}
	v := span(c.src, r).loose()
	a, err := j.ask(Want{UID: c.ID, Keys: []Key{urlKey(r.Method, r.URL)}, From: v.from, To: v.to}, nil)
	if err != nil {
		return candidate{}, false, err
	}
	var at candidate
	ok := false
	for _, e := range a.Entries {
		p := candidate{Entry: e, src: c.src, how: parse.JoinInferred, score: scoreSameURL}
		if !unlinked(e.Record, r) || !mayFetch(e.Record, r) || !fits(c.src, e.Record, c.src, r) {
			continue
		}
		if e.Record.VXID != 0 && e.Record.VXID+1 == r.VXID {
			p.score = scoreNextVXID
		}
		if !ok || likelier(p, at) {
			at, ok = p, true
		}
	}
	return at, ok, nil
}

// mayFetch reports whether nothing in p speaks against c being its fetch.
func mayFetch(p, c *parse.Record) bool {
	return p.Time <= c.Time+parse.Time(max(p.Precision, c.Precision)) && p.Tx.Handling != parse.HandlingSynth &&
		bytes.Equal(p.URL, c.URL) && !differs(p.Method, c.Method) && !differs(p.Host, c.Host) && !differs(p.Agent, c.Agent) &&
		!differs(p.RequestID, c.RequestID) && !differs(p.TraceID, c.TraceID)
}

// likelier prefers p to q: the number next to the fetch's decides. A hit fetches
// only to refresh what it was given, and of several the last to begin made the
// fetch.
func likelier(p, q candidate) bool {
	if p.score != q.score {
		return p.score > q.score
	}
	if x, y := p.Record.Tx.Handling == parse.HandlingHit, q.Record.Tx.Handling == parse.HandlingHit; x != y {
		return y
	}
	return p.Record.Time > q.Record.Time
}

// unlinkedFetches adds the fetches of Part i that its log does not link to it.
func (b *builder) unlinkedFetches(i int) error {
	p := b.cands[i]
	r := p.Record
	if p.src.Kind != parse.SourceVarnishncsa || r.Kind != parse.KindRequest || len(r.URL) == 0 {
		return nil
	}
	key := urlKey(r.Method, r.URL)
	v := span(p.src, r).loose()
	a, err := b.j.ask(Want{UID: b.q.UID, Keys: []Key{key}, From: v.from, To: v.to}, nil)
	if err != nil {
		return err
	}
	for _, e := range a.Entries {
		if _, mine := b.place[e.Pos]; mine || !unlinked(r, e.Record) || b.taken(e.Pos) {
			continue
		}
		up, ok, err := b.j.fetchedFor(candidate{Entry: e, src: p.src})
		if err != nil {
			return err
		}
		if ok && up.Pos == p.Pos {
			b.add(candidate{Entry: e, src: p.src}, i, up.score, parse.JoinInferred)
		}
	}
	return nil
}
