package rollup

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"why503/parse"
)

// seriesWidths are the widths of a bin, each a multiple of the one before, so
// that narrower bins become wider ones without dividing a count. The last make
// any span of a Time fit.
var seriesWidths = [...]time.Duration{
	50 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second, time.Minute, 10 * time.Minute,
	time.Hour, 24 * time.Hour, 10 * 24 * time.Hour, 100 * 24 * time.Hour, 1000 * 24 * time.Hour,
}

// defaultSeriesBins bounds a Series that was made without a bound to 64 kB.
const defaultSeriesBins = 4096

// A Series counts events over time. Its memory is bounded: when more bins than
// its bound would have a count, bins become wider until half of the bound is
// left. Empty bins take nothing, so one stamp that is decades off does not
// cost the others their resolution. Counts are exact.
//
// The zero Series is empty and has the default bound.
type Series struct {
	bins  []seriesBin // sorted by at
	last  int         // where the last count went: the next is mostly there too
	level int         // index of the width in seriesWidths
	limit int
	total int64
}

type seriesBin struct {
	at int64 // number of the bin since the epoch
	n  int64
}

// NewSeries returns a Series of at most limit bins that have a count.
func NewSeries(limit int) *Series {
	return &Series{limit: max(limit, 16)}
}

// Add counts n events at t. Times come mostly in order, which is fast; any
// order gives the same counts.
func (s *Series) Add(t parse.Time, n int64) {
	if n == 0 {
		return
	}
	s.total += n
	at := floorDiv(int64(t), int64(seriesWidths[s.level]))
	if s.last < len(s.bins) && s.bins[s.last].at == at {
		s.bins[s.last].n += n
		return
	}
	i, found := slices.BinarySearchFunc(s.bins, at, func(b seriesBin, at int64) int { return cmp.Compare(b.at, at) })
	if !found {
		s.bins = slices.Insert(s.bins, i, seriesBin{at: at})
	}
	s.bins[i].n += n
	s.last = i
	if limit := s.bound(); len(s.bins) > limit {
		for len(s.bins) > limit/2 && s.level < len(seriesWidths)-1 {
			s.widen()
		}
	}
}

func (s *Series) bound() int {
	if s.limit == 0 {
		return defaultSeriesBins
	}
	return s.limit
}

// widen goes to the next width.
func (s *Series) widen() {
	ratio := int64(seriesWidths[s.level+1] / seriesWidths[s.level])
	s.level++
	out := s.bins[:0]
	for _, b := range s.bins {
		b.at = floorDiv(b.at, ratio)
		if len(out) > 0 && out[len(out)-1].at == b.at {
			out[len(out)-1].n += b.n
		} else {
			out = append(out, b)
		}
	}
	s.bins, s.last = out, 0
}

// Merge adds the counts of o, which may have another width.
func (s *Series) Merge(o *Series) {
	for s.level < o.level {
		s.widen()
	}
	for t, n := range o.Bins() {
		s.Add(t, n)
	}
}

// Total returns the sum of all counts.
func (s *Series) Total() int64 { return s.total }

// Width returns how wide the bins are now.
func (s *Series) Width() time.Duration { return seriesWidths[s.level] }

// Bins yields the start and the count of every bin that has one, in order.
func (s *Series) Bins() iter.Seq2[parse.Time, int64] {
	return func(yield func(parse.Time, int64) bool) {
		width := int64(s.Width())
		for _, b := range s.bins {
			if !yield(startOf(b.at, width), b.n) {
				return
			}
		}
	}
}

// Rebin counts the events of each column of a plot that begins at from: dst[i]
// is the sum of the bins that begin in [from+i*width, from+(i+1)*width). It
// sets all of dst and returns the sum of what lies outside. The columns are
// exact when from and width are multiples of the Series' own width.
func (s *Series) Rebin(dst []int64, from parse.Time, width time.Duration) (outside int64) {
	clear(dst)
	for t, n := range s.Bins() {
		i := int64(-1)
		if t >= from && width > 0 {
			i = int64(uint64(t-from) / uint64(width)) // a difference beyond int64 still fits here
		}
		if i >= 0 && i < int64(len(dst)) {
			dst[i] += n
		} else {
			outside += n
		}
	}
	return outside
}

// startOf returns when a bin begins. The first bin of all time begins before
// what a Time can say.
func startOf(at, width int64) parse.Time {
	if t := at * width; floorDiv(t, width) == at && (t < 0) == (at < 0) {
		return parse.Time(t)
	}
	return parse.Time(-1 << 63)
}

// floorDiv divides towards minus infinity: times before 1970 are times too.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
