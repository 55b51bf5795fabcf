package localstore

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A step is how a bucket of a histogram of durations changes. The encoding is
// that of traffic.Hist: pairs of varints, distance to the bucket before, count.
type step struct {
	bucket int64
	n      int64
}

// addHist returns the encoded histogram with changes added to it. A bucket
// whose count is not above 0 afterwards is left out.
func addHist(hist []byte, changes []step) []byte {
	slices.SortFunc(changes, func(a, b step) int { return cmp.Compare(a.bucket, b.bucket) })
	out := make([]byte, 0, len(hist)+4*len(changes))
	last := int64(0)
	put := func(bucket, n int64) {
		if n > 0 {
			out = binary.AppendUvarint(out, uint64(bucket-last))
			out = binary.AppendUvarint(out, uint64(n))
			last = bucket
		}
	}
	at, i := int64(0), 0
	change := func(below int64) { // writes the changes of buckets below, which hist has not
		for i < len(changes) && changes[i].bucket < below {
			bucket, n := changes[i].bucket, int64(0)
			for ; i < len(changes) && changes[i].bucket == bucket; i++ {
				n += changes[i].n
			}
			put(bucket, n)
		}
	}
	for len(hist) > 0 {
		bucket, count, rest := nextHist(hist, at)
		if rest == nil {
			break
		}
		hist, at = rest, bucket
		change(bucket)
		for ; i < len(changes) && changes[i].bucket == bucket; i++ {
			count += changes[i].n
		}
		put(bucket, count)
	}
	change(1 << 62)
	return out
}

// stepsOf adds the buckets of an encoded histogram to steps.
func stepsOf(steps []step, hist []byte) []step {
	at := int64(0)
	for len(hist) > 0 {
		bucket, n, rest := nextHist(hist, at)
		if rest == nil {
			break
		}
		steps = append(steps, step{bucket, n})
		hist, at = rest, bucket
	}
	return steps
}

// nextHist reads the bucket that follows at; rest is nil when there is none.
func nextHist(hist []byte, at int64) (bucket, n int64, rest []byte) {
	d, i := binary.Uvarint(hist)
	if i <= 0 {
		return 0, 0, nil
	}
	c, j := binary.Uvarint(hist[i:])
	if j <= 0 {
		return 0, 0, nil
	}
	return at + int64(d), int64(c), hist[i+j : len(hist) : len(hist)] // never nil: hist is not
}
