package correlate

import (
	"slices"

	"why503/parse"
)

// lines adds the lines of the program of Part i that carry no request id: by
// connection number and request line, else by request line and time.
func (b *builder) lines(i int) error {
	p := b.cands[i]
	r := p.Record
	if r.Kind == parse.KindLog || r.Kind == parse.KindSession || len(r.URL) == 0 || !b.j.hasLines() {
		return nil
	}
	want := Want{UID: b.q.UID, Keys: []Key{lineKey(r.Method, r.URL)}}
	if r.ConnID != 0 && r.Tx == nil {
		want.Keys = append(want.Keys, connKey(r.Program, r.ConnID))
	}
	v := span(p.src, r).loose()
	want.From, want.To = v.from, v.to
	a, err := b.j.ask(want, b.taken)
	if err != nil {
		return err
	}
	var sure, likely []candidate
	for _, e := range a.Entries {
		c := candidate{Entry: e, src: b.j.sources[e.Record.Source]}
		if _, mine := b.place[e.Pos]; mine || e.Record.Kind != parse.KindLog {
			continue
		}
		if other, err := b.spokenFor(c, v); err != nil {
			return err
		} else if other {
			continue
		}
		switch {
		case b.ownLine(p, c) && r.ConnID != 0 && e.Record.ConnID == r.ConnID && sameRequestLine(r, e.Record) && fits(p.src, r, c.src, e.Record):
			c.score, c.how = 1, parse.JoinConnection
			sure = append(sure, c)
		case b.ownLine(p, c) && (r.ConnID == 0 || e.Record.ConnID == 0), b.lineBehind(i, c):
			if c.score, c.how = lineScore(p.src, r, c.src, e.Record), parse.JoinInferred; c.score >= minScore {
				likely = append(likely, c)
			}
		}
	}
	b.addLines(i, sure, 0)
	if len(sure) == 0 {
		b.addLikely(i, likely)
	}
	return nil
}

// spokenFor reports whether c carries an id that this request does not have and
// that a hop of another request has: then it is that one's, however well it
// would fit here. An id that no hop knows is the program's own.
func (b *builder) spokenFor(c candidate, v interval) (bool, error) {
	for _, id := range [...][]byte{c.Record.RequestID, c.Record.TraceID} {
		if len(id) == 0 || b.asked[idKey(id)] {
			continue
		}
		a, err := b.j.ask(Want{UID: b.q.UID, Keys: []Key{idKey(id)}, From: v.from, To: v.to}, nil)
		if err != nil {
			return false, err
		}
		for _, e := range a.Entries {
			if e.Record.Kind != parse.KindLog && e.Record.Source != c.Record.Source {
				return true, nil
			}
		}
	}
	return false, nil
}

// ownLine reports whether c was written by the program of p, on its host.
func (b *builder) ownLine(p, c candidate) bool {
	return c.Record.Program == p.Record.Program && sameHost(p.src, c.src) && (p.src.Rank == c.src.Rank || c.src.Rank < 0)
}

// lineBehind reports whether c is a line of a hop behind Part i whose own
// request lines were not given, so that it hangs under what asked.
func (b *builder) lineBehind(i int, c candidate) bool {
	p := b.cands[i]
	if p.Record.Tx != nil && (p.Record.Kind != parse.KindFetch || len(p.Record.Tx.Opens) == 0) {
		return false
	}
	if c.Record.Program == p.Record.Program || c.src.Rank <= p.src.Rank || !proxy(p.Record.Program) {
		return false
	}
	for k := range b.q.Parts {
		if b.q.Parts[k].Parent == i && b.q.Parts[k].Record.Kind != parse.KindLog && b.q.Parts[k].Record.Program == c.Record.Program {
			return false
		}
	}
	return true
}

// addLikely adds the lines that fit best, of each source those of one
// connection: several lines may tell of one request, but not those of another
// one beside it.
func (b *builder) addLikely(i int, likely []candidate) {
	perSource := make(map[parse.SourceID][]candidate)
	var order []parse.SourceID
	for _, c := range likely {
		if perSource[c.src.ID] == nil {
			order = append(order, c.src.ID)
		}
		perSource[c.src.ID] = append(perSource[c.src.ID], c)
	}
	for _, s := range order {
		found := perSource[s]
		first, next, _ := best(found)
		found = slices.DeleteFunc(found, func(c candidate) bool {
			return c.Pos != first.Pos && (c.Record.ConnID == 0 || c.Record.ConnID != first.Record.ConnID)
		})
		b.addLines(i, found, next)
	}
}

// addLines adds lines to Part i: of each event as many as it made attempts,
// since a client may send the same request again and again over one connection
// within the seconds that the stamps tell apart.
func (b *builder) addLines(i int, lines []candidate, next float64) {
	most := max(1, len(b.q.Parts[i].Record.Upstreams))
	count := make(map[parse.EventID]int)
	for _, c := range lines {
		var ev parse.EventID
		if len(c.Record.Notes) > 0 {
			ev = c.Record.Notes[0].Event
		}
		if count[ev]++; count[ev] <= most {
			b.q.Parts[b.add(c, i, c.score, c.how)].Join.RunnerUp = next
		}
	}
}
