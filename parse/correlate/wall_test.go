package correlate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"why503/parse"
)

// An ended took some seconds, and came so many seconds after the first.
type ended struct{ took, at float64 }

func wallsWith(end parse.End, all []ended) []parse.Wall {
	l := NewLoad()
	t := &track{}
	c := &counter{hop: t}
	slices.SortFunc(all, func(a, b ended) int { return cmp.Compare(a.at, b.at) })
	for _, e := range all {
		at := int64(e.at) + 6000
		c.newest = max(c.newest, at/60)
		s := l.block(c, t, at/60).secs.at(at % 60)
		s.took = countTook(s.took, end, int64(math.Round(e.took*1e9)))
	}
	w := window{[]*track{t}, 0, 200}
	return wallsOf(w.ends(&l.pile), w.seconds)
}

// every makes n ends, some seconds apart.
func every(n int, gap float64, took func(i int) float64) []ended {
	all := make([]ended, n)
	for i := range all {
		all[i] = ended{took(i), float64(i) * gap}
	}
	return all
}

func TestWalls(t *testing.T) {
	jitter := func(wall float64) func(int) float64 {
		return func(i int) float64 { return wall + float64(i%7)*0.002 + 0.0003 }
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	spread := func(from, to float64) func(int) float64 {
		return func(int) float64 { return from + rnd.Float64()*(to-from) }
	}
	for _, tt := range []struct {
		name string
		ends []ended
		want []int64 // ms
	}{
		{"the same again and again", every(48, 5, jitter(7)), []int64{7006}},
		{"five are enough", every(5, 20, jitter(30)), []int64{30004}},
		{"four are not", every(4, 20, jitter(30)), nil},
		{"among many others", append(every(60, 9, jitter(7)), every(50, 9, spread(1, 20))...), []int64{7006}},
		{"two limits", append(every(30, 9, jitter(2)), every(30, 9, jitter(30))...), []int64{2006, 30005}},
		{"a short one with its delay", every(40, 9, spread(0.3, 0.32)), []int64{310}},
		{"all over", every(300, 4, spread(0.3, 60)), nil},
		{"about as long, but no limit", every(300, 4, spread(5, 9)), nil},
		{"all at once: a crash", every(200, 0.01, jitter(7)), nil},
		{"what fails at once", every(200, 3, jitter(0.05)), nil},
		{"a log of whole seconds", every(200, 3, func(int) float64 { return 7 }), nil},
		{"none", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int64
			for _, w := range wallsWith(parse.EndClosed, tt.ends) {
				if w.End != parse.EndClosed || w.N > w.Of || w.N < wallEnds {
					t.Errorf("%+v", w)
				}
				got = append(got, w.Value/1e6)
			}
			near := gocmp.Comparer(func(a, b int64) bool { return math.Abs(float64(a-b)) <= 1+float64(b)/200 })
			if d := gocmp.Diff(tt.want, got, near); d != "" {
				t.Error(d)
			}
		})
	}
	if w := wallsWith(parse.EndGood, every(48, 5, jitter(7))); w != nil {
		t.Errorf("good answers gave %v", w)
	}
}

// Durations that have no limit give no wall, however many there are.
func TestSmoothDurationsHaveNoWall(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	shapes := map[string]func() float64{
		"exponential":  func() float64 { return rnd.ExpFloat64() * 3 },
		"log-normal":   func() float64 { return math.Exp(rnd.NormFloat64()*0.8 + 1) },
		"normal":       func() float64 { return 8 + rnd.NormFloat64() },
		"heavy tailed": func() float64 { return 0.3 / math.Pow(1-rnd.Float64(), 0.7) },
	}
	for name, took := range shapes {
		found := 0
		for range 400 {
			n := 5 + int(math.Exp(rnd.Float64()*7)) // from few to a thousand
			if len(wallsWith(parse.EndClosed, every(n, 1500/float64(n), func(int) float64 { return took() }))) > 0 {
				found++
			}
		}
		if found > 1 {
			t.Errorf("%s: a wall in %d of 400", name, found)
		}
	}
}

func TestBucketsOfDurations(t *testing.T) {
	for ns := int64(1000); ns < 20*24*3600e9; ns += ns/7 + 1000 {
		b := tookBucket(ns)
		if low, high := tookLow(b), tookLow(b+1); ns < low || ns >= high || high-low > max(1000, low/64+1000) {
			t.Fatalf("%d ns lie in bucket %d, from %d to %d", ns, b, low, high)
		}
	}
	for _, ns := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		if b := tookBucket(ns); b > maxTook {
			t.Errorf("%d ns lie in bucket %d", ns, b)
		}
	}
}
