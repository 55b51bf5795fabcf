package rollup

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

const second = parse.Time(time.Second)

func TestSeriesWidensAndKeepsEveryCount(t *testing.T) {
	s := NewSeries(100)
	at := 1_700_000_000 * second
	for i, c := range []struct {
		span  time.Duration
		width time.Duration
	}{
		{time.Second, 50 * time.Millisecond},
		{20 * time.Second, 500 * time.Millisecond},
		{200 * time.Second, 5 * time.Second},
		{time.Hour, time.Minute},
		{10 * time.Hour, 10 * time.Minute},
		{48 * time.Hour, time.Hour},
		{60 * 24 * time.Hour, 24 * time.Hour},
	} {
		for k := range 1000 {
			s.Add(at+parse.Time(c.span)*parse.Time(k)/1000, 1)
		}
		if s.Width() != c.width {
			t.Errorf("after %v: width %v, want %v", c.span, s.Width(), c.width)
		}
		if want := int64(1000 * (i + 1)); s.Total() != want || sum(s) != want {
			t.Errorf("after %v: total %d, sum %d, want %d", c.span, s.Total(), sum(s), want)
		}
		if len(s.bins) > 100 {
			t.Errorf("after %v: %d bins", c.span, len(s.bins))
		}
	}
}

func TestSeriesIsTheSameInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	times := make([]parse.Time, 3000)
	for i := range times {
		times[i] = 1_700_000_000*second + parse.Time(rng.Int64N(int64(10*time.Minute)))
	}
	var want map[parse.Time]int64
	for range 3 {
		s := NewSeries(1 << 16)
		for _, at := range times {
			s.Add(at, 2)
		}
		got := map[parse.Time]int64{}
		for at, n := range s.Bins() {
			got[at] = n
		}
		if want == nil {
			want = got
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		rng.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
	}
}

func TestSeriesKeepsItsResolutionBesideOneWildStamp(t *testing.T) {
	var s Series
	for i := range 100 {
		s.Add(1_700_000_000*second+parse.Time(i)*second/10, 1)
	}
	s.Add(0, 1)
	s.Add(math.MaxInt64, 1)
	s.Add(math.MinInt64, 1)
	if s.Width() != 50*time.Millisecond {
		t.Errorf("width %v", s.Width())
	}
	dst := make([]int64, 10)
	if outside := s.Rebin(dst, 1_700_000_000*second, time.Second); outside != 3 {
		t.Errorf("%d outside", outside)
	}
	if diff := cmp.Diff([]int64{10, 10, 10, 10, 10, 10, 10, 10, 10, 10}, dst); diff != "" {
		t.Error(diff)
	}
}

func TestSeriesMergeOfDifferentWidths(t *testing.T) {
	narrow, wide := NewSeries(64), NewSeries(64)
	for i := range 20 {
		narrow.Add(1_700_000_000*second+parse.Time(i)*second/20, 1)
	}
	for i := range 1000 {
		wide.Add(1_700_000_000*second+parse.Time(i)*second, 3)
	}
	narrow.Merge(wide)
	if narrow.Total() != 3020 || sum(narrow) != 3020 || narrow.Width() < wide.Width() {
		t.Errorf("total %d, sum %d, width %v", narrow.Total(), sum(narrow), narrow.Width())
	}
}

func TestSeriesAddAllocatesNothingInOrder(t *testing.T) {
	s := NewSeries(256)
	for i := range 10_000 {
		s.Add(parse.Time(i)*second, 1)
	}
	at := 10_000 * second
	if n := testing.AllocsPerRun(1000, func() { at += second / 1000; s.Add(at, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func sum(s *Series) (n int64) {
	for _, c := range s.Bins() {
		n += c
	}
	return n
}

func FuzzSeries(f *testing.F) {
	f.Add(int64(0), int64(1), int64(-1), int64(math.MaxInt64))
	f.Add(int64(math.MinInt64), int64(1_700_000_000e9), int64(1e9), int64(5))
	f.Fuzz(func(t *testing.T, a, b, c, d int64) {
		s := NewSeries(16)
		for i := range int64(40) { // wraps around on purpose
			for k, at := range []int64{a + i*c, b + i*d, a ^ i<<58, b - i*c} {
				s.Add(parse.Time(at), int64(k+1))
			}
		}
		if s.Total() != 400 || sum(s) != 400 || len(s.bins) > 1<<10 {
			t.Fatalf("total %d, sum %d, %d bins", s.Total(), sum(s), len(s.bins))
		}
		last := parse.Time(math.MinInt64)
		for at := range s.Bins() {
			if at < last {
				t.Fatalf("%d after %d", at, last)
			}
			last = at
		}
		dst := make([]int64, 7)
		in := s.Rebin(dst, parse.Time(a), time.Duration(d))
		for _, n := range dst {
			in += n
		}
		if in != 400 {
			t.Fatalf("%d after Rebin", in)
		}
	})
}

func BenchmarkSeriesAdd(b *testing.B) {
	s := NewSeries(4096)
	at := 1_700_000_000 * second
	b.ReportAllocs()
	for b.Loop() {
		at += 37_000_000
		s.Add(at, 1)
	}
}
