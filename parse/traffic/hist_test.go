package traffic

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHistBucketsCoverAllDurationsWithoutGapOrOverlap(t *testing.T) {
	for b := range HistBuckets {
		low, next := HistLow(b), HistLow(b+1)
		if HistBucket(low) != b || HistBucket(next-1) != b {
			t.Fatalf("bucket %d is [%v, %v), whose ends fall into %d and %d", b, low, next, HistBucket(low), HistBucket(next-1))
		}
		if b > histSteps && float64(next-low) > 0.125*float64(low) {
			t.Fatalf("bucket %d [%v, %v) is wider than an eighth", b, low, next)
		}
	}
	for _, c := range []struct {
		d    time.Duration
		want int
	}{{-time.Second, 0}, {0, 0}, {999, 0}, {1 << 62, HistBuckets - 1}} {
		if got := HistBucket(c.d); got != c.want {
			t.Errorf("HistBucket(%v) = %d, want %d", c.d, got, c.want)
		}
	}
}

func TestHistMergeIsTheSameAsAddingAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all, a, b Hist
	for i := range 5000 {
		d := time.Duration(rng.ExpFloat64() * float64(50*time.Millisecond))
		all.Add(d, 1)
		if i%3 == 0 {
			a.Add(d, 1)
		} else {
			b.Add(d, 1)
		}
	}
	b.Merge(&a)
	if diff := cmp.Diff(all.cells, b.cells, cmp.AllowUnexported(histCell{})); diff != "" {
		t.Error(diff)
	}
	if all.Count() != 5000 {
		t.Errorf("%d counted", all.Count())
	}
	// The median of an exponential is ln 2 of its mean.
	if q := all.Quantile(0.5); q < 31*time.Millisecond || q > 39*time.Millisecond {
		t.Errorf("median %v", q)
	}
	data, _ := all.AppendBinary(nil)
	var back Hist
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all.cells, back.cells, cmp.AllowUnexported(histCell{})); diff != "" {
		t.Error(diff)
	}
}

func TestHistOfNothing(t *testing.T) {
	var h Hist
	h.Add(time.Second, 0)
	if h.Count() != 0 || h.Quantile(0.99) != 0 {
		t.Errorf("%d, %v", h.Count(), h.Quantile(0.99))
	}
}

func FuzzHist(f *testing.F) {
	f.Add([]byte{3, 1, 4, 200, 1})
	f.Add([]byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Hist
		if h.UnmarshalBinary(data) != nil {
			return
		}
		again, _ := h.AppendBinary(nil)
		var back Hist
		if err := back.UnmarshalBinary(again); err != nil {
			t.Fatal(err)
		}
		if len(again) > len(data) || !cmp.Equal(h.cells, back.cells, cmp.AllowUnexported(histCell{})) {
			t.Fatalf("%x came back as %x", data, again)
		}
		if third, _ := back.AppendBinary(nil); !bytes.Equal(again, third) {
			t.Fatalf("%x, then %x", again, third)
		}
		h.Quantile(0.9)
	})
}

func BenchmarkHistAdd(b *testing.B) {
	var h Hist
	b.ReportAllocs()
	d := time.Duration(0)
	for b.Loop() {
		d = (d*7 + 1313) % (5 * time.Second)
		h.Add(d, 1)
	}
}
