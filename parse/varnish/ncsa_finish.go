package varnish

import (
	"bytes"

	"why503/parse"
)

// finish fits the values together. It says false when the line tells of no
// request.
func (p *NCSA) finish() bool {
	r, v := &p.rec, &p.v
	if !v.request && r.Status == 0 {
		return false
	}
	r.Kind = parse.KindRequest
	switch {
	case v.side == 'b', v.side == 0 && p.tx.Type == parse.TxFetch,
		v.side == 0 && p.tx.Type == parse.TxNone && v.handlingSeen && p.tx.Handling == parse.HandlingNone && v.hitMiss == parse.HandlingNone:
		r.Kind = parse.KindFetch
	}
	p.times()
	p.ids()
	if len(v.query) > 0 && bytes.IndexByte(r.URL, '?') < 0 {
		n := len(p.scratch)
		p.scratch = append(p.scratch, r.URL...)
		if v.query[0] != '?' {
			p.scratch = append(p.scratch, '?')
		}
		p.scratch = append(p.scratch, v.query...)
		r.URL = p.scratch[n:]
	}
	if r.Kind == parse.KindFetch {
		p.fetch()
	} else {
		p.tx.Type = parse.TxRequest
		r.Client = v.client
		if p.tx.Reason == parse.ReasonClient {
			r.ConnID = p.tx.Parent
		}
		if p.tx.Handling == parse.HandlingNone {
			p.tx.Handling = v.hitMiss
		}
		if v.firstByte >= 0 && r.Time > 0 {
			p.tx.Stamps = append(p.tx.Stamps, parse.Stamp{Name: parse.StampProcess, At: r.Time + parse.Time(v.firstByte), Since: v.firstByte})
		}
	}
	p.dropHandling()
	return true
}

func (p *NCSA) times() {
	r, v := &p.rec, &p.v
	if v.fracUnit > 0 && v.startUnit == 1e9 {
		v.start += parse.Time(v.frac)
		v.startUnit = v.fracUnit
	}
	switch {
	case v.start > 0:
		r.Time, r.Precision = v.start, v.startUnit
	case v.end > 0:
		r.Time, r.Precision = v.end-parse.Time(max(v.duration, 0)), v.endUnit
	}
	r.Ended = r.Time
	if v.end >= r.Time && v.end > 0 {
		r.Ended = v.end
	}
	if v.duration >= 0 && r.Time > 0 {
		r.Ended = r.Time + parse.Time(v.duration)
	}
}

func (p *NCSA) ids() {
	r, v := &p.rec, &p.v
	if len(r.RequestID) == 0 {
		r.RequestID = v.answerID
	}
	if r.VXID == 0 && r.Kind == parse.KindFetch {
		r.VXID = v.own
	}
	if r.VXID == 0 {
		r.VXID = v.xv
	}
	if p.tx.HitVXID == 0 && r.Kind == parse.KindRequest {
		p.tx.HitVXID = v.hit
	}
}

// fetch fills what a line of the backend side says of the origin, whose
// address stands where the client's is otherwise.
func (p *NCSA) fetch() {
	r, v := &p.rec, &p.v
	p.tx.Type = parse.TxFetch
	r.Background = p.tx.Reason == parse.ReasonBackground
	up := parse.Upstream{Addr: v.client, Connect: -1, Header: -1, Response: -1}
	if len(p.tx.Opens) > 0 {
		n := len(p.scratch)
		p.scratch = append(p.scratch, p.tx.Opens[0].RemoteAddr...)
		p.scratch = append(p.scratch, ':')
		p.scratch = append(p.scratch, p.tx.Opens[0].RemotePort...)
		up.Addr = p.scratch[n:]
	}
	if v.fetchErrorSeen && !v.fetchError {
		up.Status = r.Status
		if v.firstByte >= 0 {
			up.Header = v.firstByte
		}
		if v.duration >= 0 {
			up.Response = v.duration
		}
	}
	if v.firstByte >= 0 && r.Time > 0 {
		p.tx.Stamps = append(p.tx.Stamps, parse.Stamp{Name: parse.StampBeresp, At: r.Time + parse.Time(v.firstByte), Since: v.firstByte})
	}
	if len(up.Addr) > 0 || up.Status > 0 {
		r.Upstreams = append(r.Upstreams, up)
	}
}

// dropHandling takes the handling of a good request out of the Notes.
func (p *NCSA) dropHandling() {
	r := &p.rec
	kept := r.Notes[:0]
	for _, n := range r.Notes {
		if n.Field == parse.FieldNCSAHandling && r.Status < 500 {
			continue
		}
		n.Time = r.Ended
		kept = append(kept, n)
	}
	r.Notes = kept
}
