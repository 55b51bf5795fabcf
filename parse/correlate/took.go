package correlate

import (
	"math/bits"
	"slices"

	"why503/parse"
)

// A Took counts ends of one kind that took about as long. Buckets are fixed, so
// that counts of one bucket can be added, whoever made them.
type Took struct {
	End    parse.End
	Bucket uint16
	N      uint32
	Whole  uint32 // how many took a whole number of seconds, as a log without fractions says
	Sum    int64  // ns of all of them, so that the middle of a wall is known exactly
}

// Buckets of a duration: microseconds in 64 linear steps to each power of two,
// 1.6 % wide at most. Good answers are only asked how long they usually took,
// so they are counted in every eighth of them.
const (
	tookSteps  = 64
	tookShift  = 6
	tookCoarse = 8
	maxTook    = (41-tookShift)*tookSteps + tookSteps - 1 // 25 days
)

// wallFrom is the shortest wall that can be told: what fails sooner fails at
// once, and the delays of a scheduler are as long as the time limit.
const wallFrom = int64(250e6)

func tookBucket(ns int64) uint16 {
	us := uint64(max(ns, 0)) / 1000
	if us < tookSteps {
		return uint16(us)
	}
	e := bits.Len64(us) - 1 - tookShift
	return uint16(min((e<<tookShift)+int(us>>e), maxTook))
}

// tookLow is the shortest duration of a bucket, in ns.
func tookLow(bucket uint16) int64 {
	if bucket < 2*tookSteps {
		return int64(bucket) * 1000
	}
	e := bucket>>tookShift - 1
	return (int64(bucket&(tookSteps-1)) + tookSteps) << e * 1000
}

// countTook adds n ends of one kind to a sorted list.
func countTook(list []Took, end parse.End, ns int64) []Took {
	bucket := tookBucket(ns)
	if end == parse.EndGood {
		bucket -= bucket % tookCoarse
	} else if ns < wallFrom {
		return list
	}
	t := Took{End: end, Bucket: bucket, N: 1, Sum: ns}
	if ns%1e9 == 0 {
		t.Whole = 1
	}
	return addTook(list, t)
}

func addTook(list []Took, t Took) []Took {
	i, k := 0, t.key()
	for n := len(list); n > 0; { // by halves
		if half := n / 2; list[i+half].key() < k {
			i, n = i+half+1, n-half-1
		} else {
			n = half
		}
	}
	if i == len(list) || list[i].key() != k {
		return slices.Insert(list, i, t)
	}
	list[i].add(&t)
	return list
}

// key orders by End, then Bucket.
func (t *Took) key() uint32 { return uint32(t.End)<<16 | uint32(t.Bucket) }

func (t *Took) add(o *Took) {
	t.N += o.N
	t.Sum += o.Sum
	t.Whole += o.Whole
}

// A pile adds up many lists.
type pile struct {
	at   [parse.NumEnds][maxTook + 1]int32 // where a bucket is in list, plus one
	list []Took
}

func (p *pile) add(list []Took) {
	for i := range list {
		t := &list[i]
		at := &p.at[t.End][t.Bucket]
		if *at == 0 {
			p.list = append(p.list, *t)
			*at = int32(len(p.list))
			continue
		}
		p.list[*at-1].add(t)
	}
}

// take returns what was added, sorted, and empties p. It is valid until the next
// add.
func (p *pile) take() []Took {
	list := p.list
	for i := range list {
		p.at[list[i].End][list[i].Bucket] = 0
	}
	p.list = list[:0]
	slices.SortFunc(list, func(a, b Took) int { return int(a.key()) - int(b.key()) })
	return list
}

// middle returns how many good answers a sorted list counts, and how long the
// middle one took, as the mean of its bucket.
func middle(list []Took) (good uint32, took int64) {
	for i := range list {
		if list[i].End == parse.EndGood {
			good += list[i].N
		}
	}
	half := uint32(0)
	for i := range list {
		if list[i].End != parse.EndGood {
			continue
		}
		if half += list[i].N; half*2 >= good {
			return good, list[i].Sum / int64(list[i].N)
		}
	}
	return good, took
}
