package correlate

import (
	"bytes"

	"why503/parse"
)

// maxUnseen bounds the Records looked at for a page that may have included a
// fragment.
const maxUnseen = 4096

// unseen says why a fetch began that nobody asked for in a log that also holds
// the clients' side: varnishncsa writes no line for an ESI child without -E,
// and none ties a refresh behind a stale object to whoever was given it. Either
// way no client was answered with it. It is an ESI child where a page was on its
// way to a client all the while the fetch ran, and else a refresh.
//
// https://varnish-cache.org/docs/trunk/reference/varnishncsa.html
func (j *Joiner) unseen(c candidate) error {
	r := c.Record
	if c.src.Kind != parse.SourceVarnishncsa || !c.src.clients || r.Kind != parse.KindFetch || r.Tx == nil ||
		r.Tx.Parent != 0 || r.Tx.Reason != parse.ReasonNone {
		return nil
	}
	included, err := j.mayBeIncluded(c)
	if err != nil {
		return err
	}
	if included {
		r.Tx.Reason = parse.ReasonESI
	} else {
		r.Tx.Reason, r.Background = parse.ReasonBackground, true
	}
	return nil
}

// mayBeIncluded reports whether a page may have waited for c. Stamps of whole
// seconds do not tell.
func (j *Joiner) mayBeIncluded(c candidate) (bool, error) {
	r := c.Record
	if r.Precision > 1e6 {
		return true, nil
	}
	end := max(r.Time, r.Ended)
	if j.onWant != nil {
		v := span(c.src, r)
		j.onWant(&Want{UID: c.ID, Keys: []Key{Every}, From: v.from - stampSlack, To: v.to + stampSlack})
	}
	looked, included := 0, false
	err := j.ring.after(c.Pos, func(e Entry) bool { // a page ends after its parts
		p := e.Record
		looked++
		included = looked > maxUnseen || (p.Source == r.Source && p.Kind == parse.KindRequest && includes(p) &&
			!bytes.Equal(p.URL, r.URL) && p.Time <= r.Time+stampSlack && max(p.Time, p.Ended) >= end-stampSlack)
		return !included && e.Logged <= c.Logged+parse.Time(j.cfg.Hold)
	})
	return included, err
}

// stampSlack is what rounding leaves between stamps of one Varnish.
const stampSlack = parse.Time(1e6)

// includes reports whether the answer to p may have been put together of parts.
func includes(p *parse.Record) bool {
	return p.Tx != nil && p.Tx.Handling != parse.HandlingSynth && p.Tx.Handling != parse.HandlingPipe
}

// after calls fn with the Records that were added after the one at p, in the
// order of Add, until fn returns false.
func (g *Ring) after(p Pos, fn func(Entry) bool) error {
	seq, off := uint64(p)>>32, int64(uint32(p))
	if seq < g.first {
		return errCodec
	}
	for i := seq - g.first; i < uint64(len(g.segs)); i, off = i+1, 0 {
		s := g.segs[i]
		size := int64(len(s.data))
		if s.data == nil {
			size = s.tableAt - s.dataAt
		}
		for off < size {
			h, err := g.head(s, uint32(off))
			if err != nil {
				return err
			}
			at := Pos((i+g.first)<<32 | uint64(off))
			off += headBytes + int64(h.size)
			if at == p {
				continue
			}
			e, err := g.read(s, h, at)
			if err != nil {
				return err
			}
			if !fn(e) {
				return nil
			}
		}
	}
	return nil
}
