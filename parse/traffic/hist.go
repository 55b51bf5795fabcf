package traffic

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"time"
)

// Buckets of a Hist: microseconds, in eight linear steps to each power of two.
// They are fixed, so two histograms are merged by adding the counts of equal
// bucket numbers, here or in SQL (sumMap in ClickHouse), exactly and in any
// order. A bucket is at most 12.5 % wide, enough for a timeout to stand out
// as a wall; the last one holds all from 19 hours.
const (
	histSteps   = 8 // linear steps of an octave
	histShift   = 3 // log2 of histSteps
	histOctaves = 36
	// HistBuckets is the number of buckets, numbered from 0.
	HistBuckets = (histOctaves-histShift)*histSteps + histSteps
)

// A Hist counts durations in fixed log-linear buckets. The zero Hist is empty.
// It takes space only for buckets that were met.
type Hist struct {
	cells []histCell // sorted by bucket
}

type histCell struct {
	bucket uint16
	n      uint64
}

// HistBucket returns the number of the bucket that d falls into. What is
// negative falls into the first.
func HistBucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < histSteps {
		return int(us)
	}
	e := bits.Len64(us) - 1 - histShift // us has histShift+1 leading bits above 2^e
	return min((e<<histShift)+int(us>>e), HistBuckets-1)
}

// HistLow returns the shortest duration of a bucket.
func HistLow(bucket int) time.Duration {
	if bucket < 2*histSteps {
		return time.Duration(bucket) * time.Microsecond
	}
	e := bucket>>histShift - 1
	return time.Duration((bucket&(histSteps-1)+histSteps)<<e) * time.Microsecond
}

// Add counts a duration n times.
func (h *Hist) Add(d time.Duration, n uint64) {
	if n > 0 {
		h.add(uint16(HistBucket(d)), n)
	}
}

func (h *Hist) add(bucket uint16, n uint64) {
	i, found := slices.BinarySearchFunc(h.cells, bucket, func(c histCell, b uint16) int { return int(c.bucket) - int(b) })
	if !found {
		h.cells = slices.Insert(h.cells, i, histCell{bucket: bucket})
	}
	h.cells[i].n += n
}

// Merge adds the counts of o.
func (h *Hist) Merge(o *Hist) {
	for _, c := range o.cells {
		h.add(c.bucket, c.n)
	}
}

// Count returns how many durations were added.
func (h *Hist) Count() uint64 {
	var n uint64
	for _, c := range h.cells {
		n += c.n
	}
	return n
}

// Quantile returns the duration that a share q of all does not exceed, taken
// in the middle of its bucket; 0 when h is empty.
func (h *Hist) Quantile(q float64) time.Duration {
	rank := uint64(min(max(q, 0), 1) * float64(h.Count()))
	var seen uint64
	for i, c := range h.cells {
		seen += c.n
		if seen > rank || i == len(h.cells)-1 {
			low := HistLow(int(c.bucket))
			return low + (HistLow(int(c.bucket)+1)-low)/2
		}
	}
	return 0
}

// AppendBinary appends h as pairs of varints: distance to the bucket before,
// count.
func (h *Hist) AppendBinary(b []byte) ([]byte, error) {
	last := 0
	for _, c := range h.cells {
		b = binary.AppendUvarint(b, uint64(int(c.bucket)-last))
		b = binary.AppendUvarint(b, c.n)
		last = int(c.bucket)
	}
	return b, nil
}

var errHist = errors.New("not a histogram")

// UnmarshalBinary reads what AppendBinary wrote. It leaves h alone when b is
// not that.
func (h *Hist) UnmarshalBinary(b []byte) error {
	var cells []histCell
	bucket := uint64(0)
	for len(b) > 0 {
		step, i := binary.Uvarint(b)
		if i <= 0 {
			return errHist
		}
		n, j := binary.Uvarint(b[i:])
		bucket += step
		if j <= 0 || n == 0 || step >= HistBuckets || bucket >= HistBuckets || step == 0 && len(cells) > 0 {
			return errHist
		}
		cells = append(cells, histCell{uint16(bucket), n})
		b = b[i+j:]
	}
	h.cells = cells
	return nil
}

// Clone returns a copy that shares no memory with h.
func (h *Hist) Clone() Hist { return Hist{cells: slices.Clone(h.cells)} }
