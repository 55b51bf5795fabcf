package correlate

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"why503/parse"
	"why503/parse/fact"
)

// A Twin says that a source tells again of requests that another source of the
// same hop tells of: one server that writes two logs. The other one, Of, says
// more of each request, so it makes the Requests and is counted; of this one
// only lines that are no requests are used where Of was being written.
type Twin struct {
	Of       *Source
	From, To parse.Time // what Of is known to cover, on the common clock of both
}

// Retells reports whether r is a request that the other source of the pair
// tells of as well.
func (t *Twin) Retells(r *parse.Record) bool {
	if t == nil || (r.Kind != parse.KindRequest && r.Kind != parse.KindFetch) {
		return false
	}
	return r.Ended == 0 || t.From <= r.Ended+parse.Time(r.Precision) && r.Time <= t.To+parse.Time(r.Precision)
}

// The bounds of likeness. Pieces of two logs may be torn at their ends, and a
// cut line may not be recognised in the other.
const (
	twinShare   = 0.9 // of the Records that both may hold must be in both
	twinFewest  = 8   // pairs that are needed where nothing names the request
	twinCompare = 2000
)

// twins marks the sources that retell another one and takes their requests out
// of the survey: they would look like a hop of their own. It returns for each
// sample which it retells, or -1.
func (s *survey) twins() []int {
	of := make([]int, len(s.samples))
	order := make([]int, 0, len(s.samples))
	worth := make([]float64, len(s.samples))
	for i := range s.samples {
		of[i] = -1
		if Requests(s.samples[i].Source.Kind) && len(s.samples[i].Records) > 0 {
			order = append(order, i)
			worth[i] = richness(&s.samples[i])
		}
	}
	// The richest first, so that each other one meets it. The order of the
	// command line must not decide.
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := s.samples[a].Source.Fingerprint, s.samples[b].Source.Fingerprint
		return cmp.Or(cmp.Compare(worth[b], worth[a]), compareFingerprint(x, y))
	})
	for n, i := range order {
		for _, k := range order[:n] {
			if of[k] < 0 && s.retell(k, i) {
				of[i] = k
				break
			}
		}
	}
	for i, k := range of {
		if k < 0 {
			continue
		}
		a := &s.samples[k]
		from, to := bounds(a.Records)
		if !a.Whole {
			to = math.MaxInt64 / 2
		}
		s.samples[i].Source.Twin = &Twin{Of: a.Source, From: from, To: to}
		s.samples[i].Records = slices.DeleteFunc(slices.Clone(s.samples[i].Records), func(r *parse.Record) bool {
			return r.Kind == parse.KindRequest || r.Kind == parse.KindFetch
		})
	}
	return of
}

// follow puts twins where the source is that they retell.
func (s *survey) follow(of []int, clocks []Clock) []Clock {
	for i, k := range of {
		if k < 0 {
			continue
		}
		src, rep := s.samples[i].Source, s.samples[k].Source
		src.Rank, src.Offset, src.HasIDs = rep.Rank, rep.Offset, rep.HasIDs
		clocks[i] = clocks[k]
		clocks[i].Measured = clocks[k].Measured || clocks[k].Reference
		clocks[i].Reference = false
	}
	return clocks
}

// richness says how much a source tells of a request, as the mean over its sample.
func richness(s *Sample) float64 {
	sum, n := 0.0, 0
	add := func(weight float64, ok bool) {
		if ok {
			sum += weight
		}
	}
	for _, r := range s.Records {
		if r.Kind != parse.KindRequest && r.Kind != parse.KindFetch {
			continue
		}
		n++
		add(8, len(r.RequestID) > 0)
		add(8, r.VXID != 0)
		add(4, len(r.TraceID) > 0)
		add(2, len(r.OwnID) > 0)
		add(4, r.ConnID != 0)
		add(4, r.Ended > r.Time)
		add(4, r.Precision < 1e9)
		add(6, len(r.Upstreams) > 0)
		add(2, len(r.Upstreams) > 0 && r.Upstreams[0].Response >= 0)
		add(2, len(r.Upstreams) > 0 && r.Upstreams[0].Connect >= 0)
		add(1, len(r.Host) > 0)
		add(1, len(r.Agent) > 0)
	}
	if n == 0 {
		return 0
	}
	sum /= float64(n)
	if s.Source.Kind == parse.SourceVarnishlog {
		sum += 1000 // the only one that says why
	}
	return sum
}

func compareFingerprint(a, b fact.Fingerprint) int { return bytes.Compare(a[:], b[:]) }

// bounds returns the first and the last time in records.
func bounds(records []*parse.Record) (from, to parse.Time) {
	from = math.MaxInt64
	for _, r := range records {
		if r.Ended != 0 && (r.Kind == parse.KindRequest || r.Kind == parse.KindFetch) {
			from, to = min(from, r.Time), max(to, r.Ended)
		}
	}
	return from, to
}

// retell reports whether samples a and b tell of the same requests of one hop.
// Where something names a request (a transaction, an id that only this hop
// makes), most of what the one holds must be in the other; where only time,
// request line and status agree, it must be so in both directions, since a hop
// behind a cache sees part of what the cache sees.
func (s *survey) retell(a, b int) bool {
	x, y := &s.samples[a], &s.samples[b]
	if x.Source.Program != y.Source.Program {
		return false
	}
	both := overlap(x.stretches(), y.stretches())
	fetches := holds(x.Records, parse.KindFetch) && holds(y.Records, parse.KindFetch)
	p, q := common(x.Records, both, fetches), common(y.Records, both, fetches)
	if len(p) > len(q) {
		p, q = q, p
	}
	if len(p) == 0 {
		return false
	}
	pairs, named, left := pairUp(p, q)
	share := float64(pairs) / float64(len(p))
	if share < twinShare {
		return false
	}
	if float64(named) >= twinShare*float64(pairs) {
		return true
	}
	differ := x.Source.Host != "" && y.Source.Host != "" && x.Source.Host != y.Source.Host
	// A stamp of whole seconds near the end of a stretch says nothing of which side of it.
	left = slices.DeleteFunc(left, func(r *parse.Record) bool { return !surely(r, both) })
	return !differ && pairs >= twinFewest && float64(pairs) >= twinShare*float64(pairs+len(left))
}

// surely reports whether r ended within one of the stretches, wherever within
// its stamp's unit that was.
func surely(r *parse.Record, within []interval) bool {
	return slices.ContainsFunc(within, func(v interval) bool {
		return v.from <= r.Ended && r.Ended+parse.Time(r.Precision) <= v.to
	})
}

func holds(records []*parse.Record, kind parse.Kind) bool {
	return slices.ContainsFunc(records, func(r *parse.Record) bool { return r.Kind == kind })
}

// stretches returns the times over which the sample has all that was logged.
func (s *Sample) stretches() []interval {
	var out []interval
	for i := 0; i <= len(s.Pieces); i++ {
		from, to := 0, len(s.Records)
		if i > 0 {
			from = s.Pieces[i-1]
		}
		if i < len(s.Pieces) {
			to = s.Pieces[i]
		}
		v := interval{from: math.MaxInt64}
		for _, r := range s.Records[from:to] {
			if r.Ended != 0 && (r.Kind == parse.KindRequest || r.Kind == parse.KindFetch) {
				v.from, v.to = min(v.from, r.Ended), max(v.to, r.Ended+parse.Time(r.Precision)) // logs are written in order of the end
			}
		}
		if v.from <= v.to {
			out = append(out, v)
		}
	}
	return out
}

func overlap(a, b []interval) []interval {
	var out []interval
	for _, v := range a {
		for _, w := range b {
			if both := (interval{max(v.from, w.from), min(v.to, w.to)}); both.from <= both.to {
				out = append(out, both)
			}
		}
	}
	return out
}

// common returns the Records that ended within one of the stretches and that
// another log of the hop would hold as well.
func common(records []*parse.Record, within []interval, fetches bool) []*parse.Record {
	var out []*parse.Record
	for _, r := range records {
		if r.Kind != parse.KindRequest && (r.Kind != parse.KindFetch || !fetches) {
			continue
		}
		inside := func(v interval) bool { return v.from <= r.Ended+parse.Time(r.Precision) && r.Ended <= v.to }
		if len(r.URL) == 0 || r.Ended == 0 || r.Incomplete || !slices.ContainsFunc(within, inside) {
			continue
		}
		if out = append(out, r); len(out) == twinCompare {
			break
		}
	}
	return out
}

// pairUp pairs each of p with one of q. It counts the pairs and those that an
// id names, and returns those of q that are left.
func pairUp(p, q []*parse.Record) (pairs, named int, left []*parse.Record) {
	byURL := make(map[Key][]int)
	for i, r := range q {
		k := urlKey(nil, r.URL)
		byURL[k] = append(byURL[k], i)
	}
	used := make([]bool, len(q))
	for _, r := range p {
		best, byID := -1, false
		for n, i := range byURL[urlKey(nil, r.URL)] {
			if n >= twinCompare {
				break
			}
			if used[i] {
				continue
			}
			if same, id := sameTelling(r, q[i]); same && (best < 0 || id && !byID) {
				best, byID = i, id
				if id {
					break
				}
			}
		}
		if best >= 0 {
			used[best] = true
			pairs++
			if byID {
				named++
			}
		}
	}
	for i, r := range q {
		if !used[i] {
			left = append(left, r)
		}
	}
	return pairs, named, left
}

// sameTelling reports whether two Records of one program may tell of the same
// request at the same hop, and whether an id says that they do.
func sameTelling(a, b *parse.Record) (same, named bool) {
	coarse := max(a.Precision, b.Precision, int64(1e6))
	if a.Kind != b.Kind || differs(a.Method, b.Method) || (far(a.Time, b.Time, coarse) && far(a.Ended, b.Ended, coarse)) {
		return false, false
	}
	if a.Tx != nil && b.Tx != nil && a.VXID != 0 && b.VXID != 0 {
		return a.VXID == b.VXID, true
	}
	if contradict(a, b) {
		return false, false
	}
	switch {
	case len(a.OwnID) > 0 && len(b.OwnID) > 0, a.ConnID != 0 && b.ConnID != 0 && len(a.RequestID) > 0 && len(b.RequestID) > 0:
		return true, true
	case !proxy(a.Program) && len(a.RequestID) > 0 && len(b.RequestID) > 0:
		return true, a.Ended > a.Time && b.Ended > b.Time
	}
	return !differs(a.Client, b.Client), false
}

// contradict reports whether something that both Records say of their request
// is not the same.
func contradict(a, b *parse.Record) bool {
	if a.Status != b.Status && a.Status != 0 && b.Status != 0 || a.ConnID != b.ConnID && a.ConnID != 0 && b.ConnID != 0 {
		return true
	}
	if a.Ended > a.Time && b.Ended > b.Time && far(a.Time-a.Ended, b.Time-b.Ended, 2e6) {
		return true
	}
	if n, m := len(a.Upstreams), len(b.Upstreams); n > 0 && m > 0 && differs(a.Upstreams[n-1].Addr, b.Upstreams[m-1].Addr) {
		return true
	}
	return differs(a.Protocol, b.Protocol) || differs(a.OwnID, b.OwnID) || differs(a.RequestID, b.RequestID) || differs(a.TraceID, b.TraceID) ||
		differs(a.Agent, b.Agent) || differs(a.Service, b.Service) || differs(queryOf(a.URL), queryOf(b.URL))
}

// differs reports whether both are known and not the same.
func differs(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && !bytes.Equal(a, b) }

func queryOf(url []byte) []byte {
	if i := bytes.IndexByte(url, '?'); i >= 0 {
		return url[i+1:]
	}
	return nil
}

func far(a, b parse.Time, by int64) bool {
	d := int64(a - b)
	return d > by || d < -by
}
