package correlate

import (
	"bytes"
	"cmp"
	"slices"

	"why503/parse"
)

// A Sample is some Records of one source, kept for the Survey.
type Sample struct {
	Source  *Source
	Records []*parse.Record
	// Late are Records from further on in the source, picked by their ids; they
	// only pair with those of the same ids.
	Late []*parse.Record
	// Zoned says that the stamps print their zone (or are epochs), so that only
	// skew can be wrong with them.
	Zoned bool
	// Whole says that the sample reaches to the end of the source.
	Whole bool
	// Pieces are the places in Records where pieces begin that do not follow
	// on the one before; empty where the sample is one piece.
	Pieces []int
}

// A Clock is what the Survey found about a source's clock.
type Clock struct {
	Reference bool
	Measured  bool  // from joined pairs; else taken over from a neighbour or assumed
	Zone      int64 // ns, a multiple of 15 minutes: stamps were written in another zone than assumed
	Skew      int64 // ns that the clock is ahead, without the zone
	Spread    int64 // ns that the pairs leave open
	Pairs     int
}

// Survey looks at samples of all sources and decides which hop is in front of
// which (Source.Rank), what to add to each clock (Source.Offset), and which
// ids the sources share (Source.HasIDs). It tells j which addresses and names
// the sources answer to. The clocks are in the order of the samples.
//
// The result does not depend on the order of the samples.
func Survey(samples []Sample, j *Joiner) []Clock {
	order := canonical(samples)
	s := &survey{edges: make(map[[2]int]*edge)}
	for _, i := range order {
		s.samples = append(s.samples, samples[i])
	}
	of := s.twins()
	s.byID()
	s.count()
	s.byURL()
	s.rank()
	clocks := make([]Clock, len(samples))
	for k, c := range s.follow(of, s.clocks()) {
		clocks[order[k]] = c
	}
	s.introduce(j)
	s.begin()
	return clocks
}

// canonical returns the order in which samples are looked at: by what they are
// and hold, so that ties are broken alike however the inputs were given.
func canonical(samples []Sample) []int {
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return samples[a].compare(samples[b]) })
	return order
}

func (s Sample) compare(o Sample) int {
	if c := cmp.Or(
		cmp.Compare(s.Source.Kind, o.Source.Kind), cmp.Compare(s.Source.Program, o.Source.Program), cmp.Compare(s.Source.Host, o.Source.Host),
		cmp.Compare(boolInt(len(s.Records) > 0), boolInt(len(o.Records) > 0)),
	); c != 0 || len(s.Records) == 0 {
		return cmp.Or(c, bytes.Compare(s.Source.Fingerprint[:], o.Source.Fingerprint[:]))
	}
	a, b := s.Records[0], o.Records[0]
	return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Raw, b.Raw), bytes.Compare(s.Source.Fingerprint[:], o.Source.Fingerprint[:]))
}

// Canonical numbers the sources of samples from 0 in an order that does not
// depend on theirs, and returns them in it. What breaks ties by the number of a
// source gives the same result however the inputs were given.
func Canonical(samples []Sample) []*Source {
	sources := make([]*Source, len(samples))
	for n, i := range canonical(samples) {
		sources[n] = samples[i].Source
		sources[n].ID = parse.SourceID(n)
		for _, r := range samples[i].Records {
			r.Source = parse.SourceID(n)
		}
	}
	return sources
}

// begin notes from when on each source covers, as far as its sample tells.
func (s *survey) begin() {
	for i := range s.samples {
		src := s.samples[i].Source
		for _, r := range s.samples[i].Records {
			if r.Ended != 0 {
				src.From = min(src.From, span(src, r).from)
			}
		}
	}
}

type survey struct {
	samples []Sample
	edges   map[[2]int]*edge // (in front, behind)
	pairs   []idPair
	last    []int8 // of each sample: 1 when it prints durations, -1 when not, 0 when nobody looked
}

// An edge holds what speaks for one source being in front of another.
type edge struct {
	votes  int // joined pairs that say so
	byID   bool
	ranges []offsetRange
	addrs  map[string]int // where pairs without id were sent, and how many
}

// An offsetRange is what one pair allows to be added to the child's clock.
type offsetRange struct {
	child  int
	lo, hi int64
}

type idPair struct {
	front, behind int
	p, c          *parse.Record
	weight        int
	room          offsetRange
}

func (s *survey) edge(front, behind int) *edge {
	k := [2]int{front, behind}
	if s.edges[k] == nil {
		s.edges[k] = &edge{}
	}
	return s.edges[k]
}

// maxSharers bounds how many Records with one id or one URL are compared: a
// load test sends the same id for ever.
const maxSharers = 48

type place struct{ sample, record int }

// byID pairs Records that share an id across sources.
func (s *survey) byID() {
	index := make(map[Key][]place)
	var order []Key
	for i := range s.samples {
		for k := range len(s.samples[i].Records) + len(s.samples[i].Late) {
			r := s.record(place{i, k})
			if r.Kind == parse.KindSignal || r.Kind == parse.KindSession {
				continue
			}
			for _, key := range pairKeys(r) {
				if len(index[key]) == 0 {
					order = append(order, key)
				}
				if len(index[key]) < maxSharers {
					index[key] = append(index[key], place{i, k})
				}
			}
		}
	}
	for _, key := range order {
		at := index[key]
		for i := range at {
			for k := range at[:i] {
				if at[i].sample != at[k].sample {
					s.pair(at[k], at[i])
				}
			}
		}
	}
}

func (s *survey) record(p place) *parse.Record {
	sample := &s.samples[p.sample]
	if n := len(sample.Records); p.record >= n {
		return sample.Late[p.record-n]
	}
	return sample.Records[p.record]
}

// pairKeys are the ids by which r pairs with Records of other sources.
func pairKeys(r *parse.Record) []Key {
	keys := idsOf(r)
	if r.Tx == nil && r.VXID != 0 {
		keys = append(keys, vxidKey(r.VXID))
	}
	return keys
}

// Chosen reports whether r has an id whose hash has none of mask's bits: a
// choice that takes the Records of the same requests from every source.
func Chosen(r *parse.Record, mask uint64) bool {
	if r.Kind == parse.KindSignal || r.Kind == parse.KindSession {
		return false
	}
	return slices.ContainsFunc(pairKeys(r), func(k Key) bool { return uint64(k)&mask == 0 })
}

// pair decides which of two Records with a shared id is in front.
func (s *survey) pair(a, b place) {
	ar, br := s.record(a), s.record(b)
	if ar.Tx != nil && br.Tx == nil && br.VXID != 0 {
		if ar.VXID == br.VXID && ar.Kind == parse.KindFetch && named(ar, br) {
			s.vote(a, b, 4)
		}
		return
	}
	if br.Tx != nil && ar.Tx == nil && ar.VXID != 0 {
		if br.VXID == ar.VXID && br.Kind == parse.KindFetch && named(br, ar) {
			s.vote(b, a, 4)
		}
		return
	}
	if !shared(ar, br, parse.JoinRequestID) && !shared(ar, br, parse.JoinTraceID) {
		return // both were handed the number of a transaction, perhaps of two Varnishes
	}
	switch pa, pb := proxy(ar.Program), proxy(br.Program); {
	case pa && !pb:
		s.voteIfFetch(a, b)
	case pb && !pa:
		s.voteIfFetch(b, a)
	case ar.Kind == parse.KindLog || br.Kind == parse.KindLog:
	case !s.lasts(a.sample) || !s.lasts(b.sample): // who waited longer cannot be told
	case ar.Ended-ar.Time > br.Ended-br.Time && br.Kind == parse.KindRequest:
		s.voteIfFetch(a, b)
	case br.Ended-br.Time > ar.Ended-ar.Time && ar.Kind == parse.KindRequest:
		s.voteIfFetch(b, a)
	}
}

// lasts reports whether a source prints how long its requests took.
func (s *survey) lasts(i int) bool {
	if s.last == nil {
		s.last = make([]int8, len(s.samples))
	}
	if s.last[i] == 0 {
		s.last[i] = -1
		if slices.ContainsFunc(s.samples[i].Records, func(r *parse.Record) bool { return r.Ended > r.Time && r.Kind != parse.KindLog }) {
			s.last[i] = 1
		}
	}
	return s.last[i] > 0
}

// voteIfFetch votes for p being in front of c; of a Varnish transaction tree
// the fetch asks and the request is asked.
func (s *survey) voteIfFetch(p, c place) {
	pr, cr := s.record(p), s.record(c)
	if pr.Tx != nil && pr.Kind != parse.KindFetch || cr.Tx != nil && cr.Tx.Reason != parse.ReasonClient {
		return
	}
	s.vote(p, c, 1)
}

func (s *survey) vote(p, c place, weight int) {
	pr, cr := s.record(p), s.record(c)
	s.pairs = append(s.pairs, idPair{p.sample, c.sample, pr, cr, weight, rangeOf(pr, cr, c.record)})
}

// count makes edges of the pairs. Varnishes count from the same number, so a
// Record may seem to come from several: then it came from the one whose clock
// agrees, else from the one that most others came from.
func (s *survey) count() {
	votes := make(map[[2]int]int)
	asked := make(map[*parse.Record][]int) // pairs of each child by a VXID
	for i, p := range s.pairs {
		votes[[2]int{p.front, p.behind}] += p.weight
		if p.p.Tx != nil && p.c.Tx == nil && p.c.VXID != 0 && p.c.VXID == p.p.VXID {
			asked[p.c] = append(asked[p.c], i)
		}
	}
	better := func(i, k int) bool {
		x, y := &s.pairs[i], &s.pairs[k]
		if a, b := x.room.lo <= 0 && 0 <= x.room.hi, y.room.lo <= 0 && 0 <= y.room.hi; a != b {
			return a
		}
		return votes[[2]int{x.front, x.behind}] > votes[[2]int{y.front, y.behind}]
	}
	kept := s.pairs[:0:0]
	for i, p := range s.pairs {
		if slices.ContainsFunc(asked[p.c], func(k int) bool { return s.pairs[k].front != p.front && better(k, i) }) && slices.Contains(asked[p.c], i) {
			continue
		}
		kept = append(kept, p)
		e := s.edge(p.front, p.behind)
		e.votes += p.weight
		e.byID = true
		e.ranges = append(e.ranges, p.room)
	}
	s.pairs = kept
}

// rangeOf is what must be added to c's clock so that c happened while p
// waited: it began after p did, and ended before p had its answer, unless p
// gave up first. Stamps leave their precision open.
func rangeOf(p, c *parse.Record, child int) offsetRange {
	end := c.Ended + parse.Time(c.Precision)
	begin := c.Time + parse.Time(c.Precision)
	if c.Time == c.Ended {
		begin = end
	}
	r := offsetRange{child: child, lo: int64(p.Time - begin), hi: int64(p.Ended-c.Ended) + p.Precision}
	if p.Time == p.Ended {
		r.lo -= 60e9 // p prints no duration: it may have begun long before its stamp
	}
	if c.Kind == parse.KindLog {
		return r
	}
	if told := statusTold(p); told != c.Status || told >= 500 || told == 0 {
		r.hi = int64(p.Ended-c.Ended) + 120e9 // p may have given up before c ended
	}
	return r
}
