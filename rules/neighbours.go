package rules

import (
	"fmt"
	"time"

	"why503/parse"
)

// What the hops counted of their own traffic around the request (see
// parse.Neighbours) enters in three ways: as the fact usually_slow, as walls
// that were observed, and as words on what held the slots.

// Slow work is usual where good answers took near the time after which the proxy
// gave up in nine of ten minutes before, over a quarter of an hour at least:
// a dependency that has just become slow was quick before that.
const (
	usualMinutes = 10
	usualGood    = 20
	usualSince   = int64(15 * time.Minute)
	usualShare   = 0.8 // answers that take longer than the limit are cut off, so what is left of them lies below it
)

// usuallySlow returns the count by which a proxy that gave up is usually given
// answers that take about as long, nil where there is none.
func (v *view) usuallySlow() *parse.Neighbours {
	if len(v.q.Neighbours) == 0 {
		return nil
	}
	end, took := v.ending()
	if end != parse.EndGaveUp || took <= 0 {
		return nil
	}
	var found *parse.Neighbours
	for i := range v.q.Neighbours {
		n := &v.q.Neighbours[i]
		if n.Of == parse.OfHop || n.Minutes < usualMinutes || n.Good < usualGood || n.Since < usualSince || !v.counts(n.Source) {
			continue
		}
		if float64(n.Usual) >= usualShare*float64(took) && (found == nil || n.Usual > found.Usual) {
			found = n
		}
	}
	return found
}

// ending is how the attempt that decided ended, or where there is none the
// request at the hop, and after how long.
func (v *view) ending() (parse.End, int64) {
	if v.at >= 0 {
		return v.part(v.at).Record.End()
	}
	end, took, _ := endOf(v.part(v.hop).Record)
	return end, took
}

// counts says that a source wrote of the hop that failed, or of one behind it.
func (v *view) counts(s parse.SourceID) bool {
	depth := v.part(v.hop).Depth
	for _, o := range v.order[:v.parts] {
		if p := v.part(int(o)); p.Record.Source == s && p.Depth >= depth && p.Record.Kind != parse.KindLog {
			return true
		}
	}
	return false
}

// endOf is how a hop's part of a request ended: of several attempts the one that
// was waited for, which was at the backend of that name.
func endOf(r *parse.Record) (end parse.End, took int64, backend []byte) {
	if r.Kind == parse.KindFetch {
		end, took = r.End()
		return end, took, backendOf(r)
	}
	if end, took = r.End(); end == parse.EndLeft || len(r.Upstreams) == 0 {
		return end, took, nil
	}
	i := waitedIn(r, answering(r))
	end, took = r.UpstreamEnd(i)
	return end, took, r.Upstreams[i].Addr
}

// observed returns the wall at which the span of Part i ended, where one is seen
// in the data and it is no limit that its proxy is known to have.
func (v *view) observed(i int) *parse.Wall {
	if len(v.q.Neighbours) == 0 || i >= len(v.q.Parts) {
		return nil
	}
	p := v.part(i)
	if p.Record.Kind != parse.KindFetch && p.Record.Kind != parse.KindRequest {
		if i = p.Parent; i < 0 || v.part(i).Record == nil {
			return nil
		}
		p = v.part(i) // a line tells of the request that it was joined to
	}
	end, took, backend := endOf(p.Record)
	if end <= parse.EndGood || took <= 0 {
		return nil
	}
	for _, name := range timeoutNames {
		if v.env.wallNear(name, p.Record.Program, p.Host, string(backend), took, 0.05) != WallNone {
			return nil
		}
	}
	// A backend's own count says more than that of a route, and that more than
	// that of the whole hop.
	rank := func(of parse.Traffic) int { return [parse.NumTraffic]int{parse.OfRoute: 1, parse.OfBackend: 2}[of] }
	var found *parse.Wall
	of := 0
	for k := range v.q.Neighbours {
		n := &v.q.Neighbours[k]
		if n.Source != p.Record.Source || n.Of == parse.OfBackend && n.Name != string(backend) {
			continue
		}
		for j := range n.Walls {
			w := &n.Walls[j]
			if w.End == end && near(took, w.Value, 0.02) && (found == nil || rank(n.Of) > of || rank(n.Of) == of && w.N > found.N) {
				found, of = w, rank(n.Of)
			}
		}
	}
	return found
}

// held says which route had most of the requests that were in flight when the
// attempt that decided failed.
func (v *view) held() string {
	at := v.decided()
	for i := range v.q.Neighbours {
		n := &v.q.Neighbours[i]
		if n.Of != parse.OfHop || n.Source != v.part(at).Record.Source || len(n.Held) == 0 {
			continue
		}
		if h := &n.Held[0]; n.InFlight >= 2 && h.InFlight*2 > n.InFlight {
			return fmt.Sprintf("%d of the %d requests in flight were for %s", h.InFlight, n.InFlight, text([]byte(h.Route)))
		}
	}
	return ""
}
