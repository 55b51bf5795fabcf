package correlate

import (
	"cmp"
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
	Sum    int64  // ns of all of them, so that the middle of a wall is known exactly
	Whole  uint32 // how many took a whole number of seconds, as a log without fractions says
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
	i, found := slices.BinarySearchFunc(list, t, compareTook)
	if !found {
		return slices.Insert(list, i, t)
	}
	list[i].N += t.N
	list[i].Sum += t.Sum
	list[i].Whole += t.Whole
	return list
}

func compareTook(a, b Took) int {
	return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Bucket, b.Bucket))
}
