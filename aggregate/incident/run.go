package incident

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"why503/parse"
)

// A Second is what happened to a site in one second, by the end of requests.
type Second struct {
	At       int64 // seconds since the epoch
	Requests int64 // all of the site, failed ones too
	Failures int64
	// First and Last are when the first and the last failed request ended; 0
	// where only the second is known.
	First, Last parse.Time
	Causes      []Count // of the failures; may be left out
}

const nsPerSecond = 1_000_000_000

// maxSecond is the last second that fits a Time.
const maxSecond = math.MaxInt64/nsPerSecond - 1

// normal returns s with what strangers may have got wrong put right.
func (s Second) normal() Second {
	s.Failures = max(s.Failures, 0)
	s.Requests = max(s.Requests, s.Failures)
	s.At = min(max(s.At, -maxSecond), maxSecond)
	begin := parse.Time(s.At) * nsPerSecond
	if s.First < begin || s.First >= begin+nsPerSecond {
		s.First = begin
	}
	if s.Last < s.First || s.Last >= begin+nsPerSecond {
		s.Last = max(s.First, begin)
	}
	return s
}

// merge adds a second part of the same second.
func (s *Second) merge(o Second) {
	if o.Failures > 0 {
		if s.Failures == 0 {
			s.First, s.Last = o.First, o.Last
		}
		s.First, s.Last = min(s.First, o.First), max(s.Last, o.Last)
	}
	s.Requests += o.Requests
	s.Failures += o.Failures
	s.Causes = addCounts(s.Causes, o.Causes)
}

// maxCauses bounds the causes of one incident; what exceeds it is "other".
const (
	maxCauses  = 32
	otherCause = "other"
)

// addCounts adds counts to list, which has few entries.
func addCounts(list, counts []Count) []Count {
	for _, c := range counts {
		if c.N <= 0 {
			continue
		}
		i := slices.IndexFunc(list, func(l Count) bool { return l.Cause == c.Cause })
		if i < 0 && len(list) >= maxCauses-1 {
			c.Cause = otherCause
			i = slices.IndexFunc(list, func(l Count) bool { return l.Cause == otherCause })
		}
		if i < 0 {
			list = append(list, c)
		} else {
			list[i].N += c.N
		}
	}
	return list
}

// mostFirst returns a sorted copy.
func mostFirst(list []Count) []Count {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Cause, b.Cause))
	})
	return list
}

// A run is seconds in a row, summed up.
type run struct {
	requests, failures int64
	first, last        parse.Time // failed requests
	lastAt             int64      // second of the last failed request
	causes             []Count
	peak               float64
	ring               [peakSeconds]ringSecond
}

type ringSecond struct{ at, requests, failures int64 }

// peakSeconds and peakRequests bound what a peak may rest on.
const (
	peakSeconds  = 10
	peakRequests = 10
)

func (r *run) reset() { *r = run{causes: r.causes[:0]} }

func (r *run) empty() bool { return r.requests == 0 }

// add appends a second.
func (r *run) add(s Second) {
	r.requests += s.Requests
	r.failures += s.Failures
	r.ring[uint64(s.At)%peakSeconds] = ringSecond{s.At, s.Requests, s.Failures}
	if s.Failures == 0 {
		return
	}
	if r.failures == s.Failures {
		r.first = s.First
	}
	r.last, r.lastAt = s.Last, s.At
	r.causes = addCounts(r.causes, s.Causes)
	var n, k int64
	for _, x := range r.ring {
		if s.At-x.at < peakSeconds {
			n, k = n+x.requests, k+x.failures
		}
	}
	if n >= peakRequests {
		r.peak = max(r.peak, float64(k)/float64(n))
	}
}

// absorb appends a run that follows.
func (r *run) absorb(o *run) {
	r.requests += o.requests
	r.failures += o.failures
	r.peak = max(r.peak, o.peak)
	if o.failures > 0 {
		if r.failures == o.failures {
			r.first = o.first
		}
		r.last, r.lastAt = o.last, o.lastAt
		r.causes = addCounts(r.causes, o.causes)
	}
	for _, x := range o.ring {
		if old := &r.ring[uint64(x.at)%peakSeconds]; x.requests > 0 && x.at > old.at {
			*old = x
		}
	}
}

// similar reports whether two sets of causes are mostly the same: the shares
// that they have in common add up to half. Nothing known is like anything.
func similar(a, b []Count) bool {
	total := func(list []Count) (n int64) {
		for _, c := range list {
			n += c.N
		}
		return max(n, 1)
	}
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	na, nb := float64(total(a)), float64(total(b))
	common := 0.0
	for _, x := range a {
		for _, y := range b {
			if x.Cause == y.Cause {
				common += min(float64(x.N)/na, float64(y.N)/nb)
			}
		}
	}
	return common >= 0.5
}
