package correlate

import (
	"slices"

	"why503/parse"
)

// rank gives each source the number of known hops in front of it.
func (s *survey) rank() {
	n := len(s.samples)
	front := make([][]int, n) // sources in front of each
	for k, e := range s.edges {
		back := s.edges[[2]int{k[1], k[0]}]
		if back != nil && (back.votes > e.votes || (back.votes == e.votes && k[0] > k[1])) {
			continue
		}
		front[k[1]] = append(front[k[1]], k[0])
	}
	for i := range s.samples { // programs are behind proxies, also where nothing pairs them
		if k := s.samples[i].Source; Requests(k.Kind) && !proxy(k.Program) && len(front[i]) == 0 {
			for p := range s.samples {
				if q := s.samples[p].Source; Requests(q.Kind) && proxy(q.Program) {
					front[i] = append(front[i], p)
				}
			}
		}
	}
	state := make([]int, n) // 0 new, 1 on the path, 2 done
	var depth func(i int) int
	depth = func(i int) int {
		src := s.samples[i].Source
		if state[i] != 0 {
			return src.Rank // on the path: a loop, cut here
		}
		state[i] = 1
		src.Rank = 0
		for _, p := range front[i] {
			if state[p] != 1 {
				d := depth(p)
				if src.Kind != parse.SourceNginxError || s.samples[p].Source.Program != parse.Nginx {
					d++ // an error log is of the same hop as its access log
				}
				src.Rank = max(src.Rank, d)
			}
		}
		state[i] = 2
		return src.Rank
	}
	for i := range front {
		slices.Sort(front[i])
	}
	for i := range s.samples {
		depth(i)
	}
	for i := range s.samples {
		if src := s.samples[i].Source; !Requests(src.Kind) && len(front[i]) == 0 {
			src.Rank = -1 // not placed: a line of any hop
		}
		for k, e := range s.edges {
			if k[1] == i && e.byID {
				s.samples[i].Source.HasIDs = true
			}
		}
	}
}

// clocks measures each source against those in front of it, beginning with the
// outermost, and hands the offset on to sources that pair with nothing.
func (s *survey) clocks() []Clock {
	clocks := make([]Clock, len(s.samples))
	ref := s.reference(func(int) bool { return true })
	if ref < 0 {
		return clocks
	}
	clocks[ref].Reference = true
	known := map[int]bool{ref: true}
	for {
		front, behind, best := -1, -1, 0
		flip := false
		for k, e := range s.edges {
			for _, back := range [...]bool{false, true} {
				a, b := k[0], k[1]
				if back {
					a, b = b, a
				}
				if known[a] && !known[b] && (e.votes > best || (e.votes == best && (b < behind || (b == behind && (a < front || (a == front && !back)))))) {
					front, behind, best, flip = a, b, e.votes, back
				}
			}
		}
		if behind < 0 {
			// What is left pairs with nothing that is known, but perhaps with each
			// other: another site's logs. One of them is believed.
			if ref = s.reference(func(i int) bool { return !known[i] && s.paired(i) }); ref < 0 {
				break
			}
			known[ref] = true
			continue
		}
		k := [2]int{front, behind}
		if flip {
			k = [2]int{behind, front}
		}
		off, spread, pairs := settle(s.edges[k].ranges)
		if flip {
			off = -off
		}
		s.samples[behind].Source.Offset = s.samples[front].Source.Offset + off
		clocks[behind] = Clock{Measured: true, Spread: spread, Pairs: pairs}
		known[behind] = true
	}
	s.inherit(known, clocks)
	for i := range clocks {
		s.split(i, &clocks[i])
	}
	return clocks
}

func (s *survey) paired(i int) bool {
	for k := range s.edges {
		if k[0] == i || k[1] == i {
			return true
		}
	}
	return false
}

// reference is of the sources that may be it the one whose clock the others are
// brought to: the outermost one with the finest stamps.
func (s *survey) reference(may func(int) bool) int {
	ref := -1
	for i := range s.samples {
		src := s.samples[i].Source
		if !Requests(src.Kind) || len(s.samples[i].Records) == 0 || !may(i) {
			continue
		}
		if ref < 0 || s.finer(i, ref) {
			ref = i
		}
	}
	return ref
}

func (s *survey) finer(a, b int) bool {
	x, y := s.samples[a].Source, s.samples[b].Source
	if (x.Kind == parse.SourceVarnishlog) != (y.Kind == parse.SourceVarnishlog) {
		return x.Kind == parse.SourceVarnishlog
	}
	return x.Rank < y.Rank
}

// settle finds the offset that the pairs of an edge allow. A tenth of them may
// be mispaired.
func settle(rs []offsetRange) (off, spread int64, pairs int) {
	if len(rs) == 0 {
		return 0, 0, 0
	}
	lo, hi := make([]int64, 0, len(rs)), make([]int64, 0, len(rs))
	for _, r := range rs {
		lo, hi = append(lo, r.lo), append(hi, r.hi)
	}
	slices.Sort(lo)
	slices.Sort(hi)
	l, h := lo[(len(lo)-1)*9/10], hi[len(hi)/10]
	switch {
	case l <= 0 && 0 <= h:
		return 0, max(h, -l), len(rs)
	case l > 0 && l <= h: // not in the middle of what leaves much open
		return l + min(h-l, pinned)/2, h - l, len(rs)
	case l <= h:
		return h - min(h-l, pinned)/2, h - l, len(rs)
	}
	if off, n := agree(rs); 2*n > children(rs) { // many are mispaired: what most of them say
		return off, 0, n
	}
	if l > 0 && h < 0 { // pairs disagree around zero: noise, not skew
		return 0, l - h, len(rs)
	}
	return h + (l-h)/2, l - h, len(rs)
}

// pinned is within how much an offset is taken to be known; ns.
const pinned = int64(2e9)

func children(rs []offsetRange) int {
	seen := make(map[int]bool, len(rs))
	for _, r := range rs {
		seen[r.child] = true
	}
	return len(seen)
}

// inherit gives sources that pair with nothing the offset of those of the same
// host, else of the programs behind the proxy, and shifts stamps without zone
// by whole zones where only that lets them overlap with the rest.
func (s *survey) inherit(known map[int]bool, clocks []Clock) {
	var inner []int64
	for i := range s.samples {
		if known[i] && clocks[i].Measured && s.samples[i].Source.Rank > 0 {
			inner = append(inner, s.samples[i].Source.Offset)
		}
	}
	slices.Sort(inner)
	for i := range s.samples {
		src := s.samples[i].Source
		if known[i] || len(s.samples[i].Records) == 0 {
			continue
		}
		base, host := int64(0), false
		for k := range s.samples {
			if o := s.samples[k].Source; known[k] && o.Host == src.Host && src.Host != "" {
				base, host = o.Offset, true
			}
		}
		if !host && len(inner) > 0 {
			base = inner[len(inner)/2]
		}
		zone, skew := zoneOf(base)
		src.Offset = skew
		if !s.samples[i].Zoned {
			src.Offset = s.bestZone(i, skew, zone, known)
		}
	}
}

// quarter is the step of the world's zones.
const quarter = int64(15 * 60e9)

// zoneOf splits an offset into whole quarter hours and the rest.
func zoneOf(off int64) (zone, rest int64) {
	if off > -quarter/2 && off < quarter/2 {
		return 0, off
	}
	n := (off + quarter/2) / quarter
	if off < 0 {
		n = (off - quarter/2) / quarter
	}
	return n * quarter, off - n*quarter
}

// bestZone tries the zones that other sources are known to use, and none, and
// takes the one at which most of the Records fall into the others' time.
func (s *survey) bestZone(i int, skew, hint int64, known map[int]bool) int64 {
	var from, to parse.Time
	for k := range s.samples {
		if !known[k] {
			continue
		}
		o := s.samples[k]
		for _, r := range o.Records {
			if r.Time == 0 {
				continue
			}
			at := r.Time + parse.Time(o.Source.Offset)
			if from == 0 || at < from {
				from = at
			}
			to = max(to, at)
		}
	}
	if from == 0 {
		return skew
	}
	inside := func(off int64) int {
		n := 0
		for _, r := range s.samples[i].Records {
			if at := r.Time + parse.Time(off); at >= from-60e9 && at <= to+60e9 {
				n++
			}
		}
		return n
	}
	// A log that reaches beyond the others has lines outside of their time in
	// any zone; only one that has all of them there is in the wrong one.
	total := len(s.samples[i].Records)
	best, most := skew, inside(skew)
	if 10*most > total {
		return skew
	}
	for _, z := range zones(hint) {
		if n := inside(skew + z); n > most && 10*n >= 9*total {
			best, most = skew+z, n
		}
	}
	return best
}

// zones are the offsets in use (https://www.iana.org/time-zones), the one that
// other logs have first, then the nearer before the farther.
func zones(hint int64) []int64 {
	out := []int64{hint}
	for h := int64(1); h <= 14; h++ {
		out = append(out, -h*hour, h*hour)
	}
	for _, m := range [...]int64{150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825} {
		out = append(out, -m*60e9, m*60e9)
	}
	return out
}

const hour = int64(3600e9)

// split divides the offset of a source into zone and skew, for the report.
func (s *survey) split(i int, c *Clock) {
	off := s.samples[i].Source.Offset
	if s.samples[i].Zoned {
		c.Skew = -off
		return
	}
	var skew int64
	c.Zone, skew = zoneOf(off)
	c.Zone, c.Skew = -c.Zone, -skew
}

// introduce tells j where the sources answer and what they are called.
func (s *survey) introduce(j *Joiner) {
	for _, p := range s.pairs {
		if n := len(p.p.Upstreams); n > 0 && p.c.Kind == parse.KindRequest {
			front, behind := s.samples[p.front].Source, s.samples[p.behind].Source
			if behind.Rank == front.Rank+1 {
				j.Learn(p.p.Upstreams[n-1].Addr, behind.ID)
			}
		}
	}
	for k, e := range s.edges {
		front, behind := s.samples[k[0]].Source, s.samples[k[1]].Source
		if behind.Rank != front.Rank+1 || !Requests(behind.Kind) {
			continue
		}
		for a, n := range e.addrs {
			if 10*n >= e.votes { // a few may be chance
				j.Learn([]byte(a), behind.ID)
			}
		}
	}
	for i := range s.samples {
		for _, r := range s.samples[i].Records {
			if r.Kind != parse.KindSignal {
				j.Named(s.samples[i].Source.ID, r.Service)
			}
		}
	}
}
