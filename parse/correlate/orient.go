package correlate

import (
	"cmp"
	"slices"

	"why503/parse"
)

// byURL pairs the sources that share no id by request line, status and time.
func (s *survey) byURL() {
	asked := make(map[int]bool)
	for k := range s.edges {
		asked[k[1]] = true
	}
	for i := range s.samples {
		for k := range s.samples[:i] {
			if s.edges[[2]int{i, k}] != nil || s.edges[[2]int{k, i}] != nil {
				continue
			}
			s.compare(k, i, asked)
		}
	}
}

// compare finds out by which orientation more of the one source's Records have
// a counterpart in the other: what is behind a cache sees less than the cache.
// asked holds the sources of which an id tells who asked them.
func (s *survey) compare(a, b int, asked map[int]bool) {
	ab, okAB := s.match(a, b)
	ba, okBA := s.match(b, a)
	front, behind, m := a, b, ab
	switch {
	case !okAB && !okBA:
		return
	case okBA && (!okAB || ba.share > ab.share+1e-9 || (ba.share == ab.share && ba.children < ab.children)):
		front, behind, m = b, a, ba
	}
	if asked[behind] {
		return // that another one has the same traffic is chance, or it stands further out
	}
	e := s.edge(front, behind)
	e.votes, e.ranges, e.addrs = m.support, m.ranges, m.addrs
}

type match struct {
	support  int
	children int
	share    float64 // of the children that have a counterpart
	ranges   []offsetRange
	addrs    map[string]int // where the parents sent them
}

// match lays the Records of c under those of p at the offset that most agree on.
func (s *survey) match(p, c int) (match, bool) {
	byURL := make(map[Key][]*parse.Record)
	for _, r := range s.samples[p].Records {
		if (r.Tx != nil && r.Kind != parse.KindFetch) || r.Kind == parse.KindLog || !proxy(r.Program) || len(r.URL) == 0 {
			continue
		}
		k := urlKey(r.Method, r.URL)
		if len(byURL[k]) < maxSharers {
			byURL[k] = append(byURL[k], r)
		}
	}
	var m match
	var all []offsetRange
	var parents []*parse.Record
	isLog := s.samples[c].Source.Kind == parse.SourceNginxError
	for i, r := range s.samples[c].Records {
		if len(r.URL) == 0 || (r.Tx != nil && r.Tx.Reason != parse.ReasonClient) || (r.Kind != parse.KindRequest && !(isLog && r.Kind == parse.KindLog)) {
			continue
		}
		m.children++
		for _, q := range byURL[urlKey(r.Method, r.URL)] {
			if string(q.URL) != string(r.URL) || !compatible(q, r) {
				continue
			}
			all = append(all, prompt(q, r, i))
			parents = append(parents, q)
		}
	}
	at, n := agree(all)
	if n == 0 || n*5 < m.children {
		return m, false
	}
	// Each parent asked once, so it answers for one child only: a hit in front
	// of a cache is not matched by the miss a second before it.
	usedP, usedC := make(map[*parse.Record]bool), make(map[int]bool)
	for i, r := range all {
		if at < r.lo || r.hi < at {
			continue
		}
		m.ranges = append(m.ranges, r)
		if isLog || (!usedP[parents[i]] && !usedC[r.child]) {
			usedP[parents[i]], usedC[r.child] = true, true
		}
		m.addr(parents[i])
	}
	m.support = len(usedC)
	m.share = float64(m.support) / float64(m.children)
	return m, true
}

// prompt is rangeOf for pairs that no id joins: it takes parents that print no
// duration to have been quick, as most are, since else everything would fit.
func prompt(p, c *parse.Record, child int) offsetRange {
	r := rangeOf(p, c, child)
	if p.Time == p.Ended {
		r.lo = max(r.lo, int64(p.Ended-c.Ended)-c.Precision-promptly)
	}
	r.hi = min(r.hi, int64(p.Ended-c.Ended)+p.Precision+promptly)
	return r
}

// promptly is how long most requests take at the most, ns.
const promptly = int64(500e6)

// addr counts where a parent that fits sent its request.
func (m *match) addr(p *parse.Record) {
	if n := len(p.Upstreams); n > 0 && len(p.Upstreams[n-1].Addr) > 0 {
		if m.addrs == nil {
			m.addrs = make(map[string]int)
		}
		m.addrs[string(p.Upstreams[n-1].Addr)]++
	}
}

func compatible(p, c *parse.Record) bool {
	if c.Kind == parse.KindLog {
		return p.ConnID == 0 || c.ConnID == 0 || p.ConnID == c.ConnID
	}
	told := statusTold(p)
	return told == c.Status || told == 0
}

// agree returns the offset that fits the most children and how many those are.
// Zero is taken when nearly as many fit it: clocks are right more often than not.
func agree(rs []offsetRange) (int64, int) {
	type step struct {
		at    int64
		child int
		enter bool
	}
	steps := make([]step, 0, 2*len(rs))
	zero := make(map[int]bool)
	for _, r := range rs {
		if r.lo > r.hi {
			continue
		}
		steps = append(steps, step{r.lo, r.child, true}, step{r.hi, r.child, false})
		if r.lo <= 0 && 0 <= r.hi {
			zero[r.child] = true
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(boolInt(b.enter), boolInt(a.enter)), cmp.Compare(a.child, b.child))
	})
	active := make(map[int]int)
	most, from, to, open := 0, int64(0), int64(0), false
	for _, st := range steps {
		if st.enter {
			active[st.child]++
			if len(active) > most {
				most, from, to, open = len(active), st.at, st.at, true
			}
			continue
		}
		if open && len(active) == most {
			to, open = st.at, false
		}
		if active[st.child]--; active[st.child] == 0 {
			delete(active, st.child)
		}
	}
	if 10*len(zero) >= 9*most {
		return 0, len(zero)
	}
	return from + (to-from)/2, most
}
