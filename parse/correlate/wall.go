package correlate

import (
	"cmp"
	"math"
	"slices"

	"why503/parse"
)

// A wall is told from how long those took that ended badly in one and the same
// way. If there were no limit, the ends near it would lie about as densely as
// those around it, from two thirds of its length to one and a half times it: of
// N ends there, each would fall onto the wall with the chance that is its share
// of that stretch. It is a wall when so many of the N fall onto it that this
// chance explains them less often than once in ten thousand times, over all
// places where one was looked for (a bound of the binomial distribution's tail,
// times their number), when they are more than half of the N, and when there are
// five of them at least, in five seconds at least: a program that dies takes all
// with it that it was at work for, and these may have begun together, but it
// does so once. Ends that all took whole seconds tell of a log that rounds.
const (
	wallEnds    = 5
	wallSeconds = 5
	wallChance  = 1e-4
	wallPlaces  = 700         // buckets from wallFrom to ten minutes
	wallJitter  = int64(25e6) // ns by which a timer may be late
	wallWindow  = int64(30)   // minutes that are looked at
	maxPlaces   = 16          // that are tested of one kind of end
)

// A spread says in how many seconds something ended in that way, within those
// buckets.
type spread func(end parse.End, first, last uint16) int

// wallsOf returns the walls in a sorted list, by End and Value.
func wallsOf(list []Took, seconds spread) []parse.Wall {
	var walls []parse.Wall
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].End == list[from].End {
			to++
		}
		if list[from].End > parse.EndGood {
			walls = append(walls, wallsOfEnd(list[from:to], seconds)...)
		}
		from = to
	}
	return walls
}

// wallsOfEnd takes the ends of one kind, by bucket. Where most ended is looked
// at first; what lies around it is then done with, since less than half of the
// ends there remain.
func wallsOfEnd(list []Took, seconds spread) []parse.Wall {
	var walls []parse.Wall
	var done []int64
	for range maxPlaces {
		best, most := -1, uint32(wallEnds-1)
		for i := range list {
			if n := onPlace(list, i); n > most && !beside(done, tookLow(list[i].Bucket)) {
				best, most = i, n
			}
		}
		if best < 0 {
			break
		}
		done = append(done, tookLow(list[best].Bucket))
		if w, ok := wallAt(list, best, seconds); ok {
			walls = append(walls, w)
		}
	}
	slices.SortFunc(walls, func(a, b parse.Wall) int { return cmp.Compare(a.Value, b.Value) })
	return walls
}

// placeEnd is the last bucket of the place of a wall that begins in a bucket:
// the next one, or as many as a timer may be late.
func placeEnd(bucket uint16) uint16 {
	return max(bucket+1, tookBucket(tookLow(bucket)+wallJitter))
}

func onPlace(list []Took, i int) uint32 {
	var n uint32
	end := placeEnd(list[i].Bucket)
	for ; i < len(list) && list[i].Bucket <= end; i++ {
		n += list[i].N
	}
	return n
}

// beside reports whether ns lies from two thirds of one of the others to one and
// a half times it.
func beside(others []int64, ns int64) bool {
	return slices.ContainsFunc(others, func(o int64) bool { return ns > o*2/3 && ns < o*3/2 })
}

// wallAt tests the place that begins with list[i].
func wallAt(list []Took, i int, seconds spread) (parse.Wall, bool) {
	first, last := list[i].Bucket, placeEnd(list[i].Bucket)
	low := tookLow(first)
	left, right := tookBucket(low*2/3), tookBucket(low*3/2)
	var on Took
	all := uint32(0)
	for k := range list {
		t := &list[k]
		if t.Bucket < left || t.Bucket > right {
			continue
		}
		all += t.N
		if t.Bucket >= first && t.Bucket <= last {
			on.N += t.N
			on.Sum += t.Sum
			on.Whole += t.Whole
		}
	}
	share := float64(last-first+1) / float64(right-left+1)
	switch {
	case on.N < wallEnds || on.N*2 <= all || on.Whole == on.N,
		tail(int(on.N), int(all), share)*wallPlaces > wallChance,
		seconds(list[i].End, first, last) < wallSeconds:
		return parse.Wall{}, false
	}
	return parse.Wall{End: list[i].End, Value: on.Sum / int64(on.N), N: int(on.N), Of: int(all)}, true
}

// tail bounds the chance that of n throws that each come true with chance p at
// least k do, where k is above their mean: exp(-n D(k/n || p)), which the sum
// does not exceed (Chernoff, Hoeffding 1963).
func tail(k, n int, p float64) float64 {
	q := float64(k) / float64(n)
	if q <= p {
		return 1
	}
	d := q * math.Log(q/p)
	if q < 1 {
		d += (1 - q) * math.Log((1-q)/(1-p))
	}
	return math.Exp(-float64(n) * d)
}
