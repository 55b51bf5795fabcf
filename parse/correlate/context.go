package correlate

import (
	"math"

	"why503/parse"
)

// signalAfter is how long after a request's end a signal may still explain it:
// a manager notices an exit some time after the connections broke.
const signalAfter = int64(2e9)

// addSignals adds the signals that are near in time and not known to be about
// something else.
func (b *builder) addSignals() {
	f := b.failing()
	root := &b.cands[0]
	v := span(root.src, root.Record)
	for i := range b.cands {
		w := span(b.cands[i].src, b.cands[i].Record)
		v.from, v.to = min(v.from, w.from), max(v.to, w.to)
	}
	seen := make(map[parse.RecordID]bool)
	b.j.signals.Near(v.from, v.to, signalAfter, func(k seriesKey, m mark) {
		if seen[m.id] {
			return
		}
		src := b.j.sources[k.source]
		score := 0.8
		switch b.j.book.relate(f, src, m.rec) {
		case elsewhere:
			return
		case same:
			score = 1
		}
		seen[m.id] = true
		b.q.Signals = append(b.q.Signals, parse.Part{
			ID: m.id, Record: m.rec, Parent: -1, Join: parse.Join{How: parse.JoinSignal, Score: score},
			Offset: src.Offset, Host: src.Host, Kind: src.Kind,
		})
	})
}

// failing tells what the deepest hops asked and did not get.
func (b *builder) failing() *failing {
	f := &failing{}
	for i := range b.cands {
		r := b.cands[i].Record
		if r.Kind == parse.KindLog || r.Kind == parse.KindSession {
			continue
		}
		// Without an attempt the name is that of a director, whose members any
		// probe may be about.
		if r.Tx != nil && len(r.Tx.Backend) > 0 && len(r.Upstreams) > 0 {
			f.backends = append(f.backends, r.Tx.Backend)
		}
		leaf := b.isLeaf(i)
		for k := range r.Upstreams {
			if a := r.Upstreams[k].Addr; len(a) > 0 {
				f.path = append(f.path, a)
				if leaf {
					f.addrs = append(f.addrs, a)
				}
			}
		}
		if i > 0 && r.Tx == nil {
			f.hops = append(f.hops, b.cands[i].src)
		}
	}
	return f
}

// isLeaf reports whether no hop hangs under Part i.
func (b *builder) isLeaf(i int) bool {
	for k := range b.q.Parts {
		if b.q.Parts[k].Parent == i && b.q.Parts[k].Record.Kind != parse.KindLog {
			return false
		}
	}
	return true
}

// cover writes what each source can vouch for.
func (b *builder) cover() {
	rank := b.cands[0].src.Rank
	for i := range b.cands {
		if b.cands[i].Record.Tx != nil {
			rank = max(rank, b.cands[i].src.Rank)
		}
	}
	to := max(b.j.now, span(b.cands[0].src, b.cands[0].Record).to)
	f := b.failing()
	for _, s := range b.j.sources {
		if s.From == math.MaxInt64 {
			continue // it holds nothing with a time
		}
		c := s.coverage(to, Requests(s.Kind) && s.Rank <= rank)
		c.Asked = b.j.book.answers(s.ID, f)
		c.Elsewhere = !c.Asked && b.j.book.onlyElsewhere(s.ID, f)
		b.q.Coverage = append(b.q.Coverage, c)
	}
}

// unjoined reports whether a hop sent something on, a log behind it covers the
// time, and no line of it was found.
func (b *builder) unjoined() bool {
	for i := range b.cands {
		if !b.asksOthers(i) || !connected(b.cands[i].Record) || b.deeper(i) {
			continue
		}
		for _, s := range b.j.sources {
			if Requests(s.Kind) && s.Rank == b.cands[i].src.Rank+1 && s.From <= b.cands[i].Record.Time {
				return true
			}
		}
	}
	return false
}

// deeper reports whether a hop further behind than Part i was joined: then the
// request is known to have come through, though by way of another Part.
func (b *builder) deeper(i int) bool {
	for k := range b.cands {
		if b.cands[k].src.Rank > b.cands[i].src.Rank && Requests(b.cands[k].src.Kind) {
			return true
		}
	}
	return false
}

// connected reports whether a hop got through to the one it asked, as far as
// its own log shows.
func connected(r *parse.Record) bool {
	if r.Tx != nil {
		return len(r.Tx.Opens) > 0
	}
	if n := len(r.Upstreams); n > 0 {
		return r.Upstreams[n-1].Connect >= 0 || r.Upstreams[n-1].Header >= 0
	}
	return false
}
