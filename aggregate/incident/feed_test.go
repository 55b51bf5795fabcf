package incident

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

type hit struct {
	ended parse.Time
	cause string // empty when it worked
}

// hits makes single requests of seconds.
func hits(rng *rand.Rand, seconds []Second) (out []hit) {
	for _, s := range seconds {
		for i := range s.Requests {
			h := hit{ended: parse.Time(s.At)*nsPerSecond + parse.Time(rng.IntN(nsPerSecond))}
			if i < s.Failures {
				h.cause = s.Causes[0].Cause
			}
			out = append(out, h)
		}
	}
	return out
}

// Requests that are a few seconds out of order give what sorted ones give.
func TestFeedSortsWhatIsNotReleased(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		list := hits(rng, story(rng, 300))
		feed := func(list []hit, lag parse.Time) []Incident {
			d := New(Config{})
			f := NewFeed(d)
			newest := parse.Time(0)
			for i, h := range list {
				s := f.Site([]byte("shop"))
				s.Requests(h.ended, 1)
				if h.cause != "" {
					s.Failures(h.ended, h.cause, 1)
				}
				if newest = max(newest, h.ended); i%100 == 0 {
					f.Release(newest - lag)
				}
			}
			f.Flush()
			if f.Late() != 0 || d.Late() != 0 {
				t.Fatalf("%d and %d were late", f.Late(), d.Late())
			}
			return d.Incidents()
		}
		want := feed(list, 20*nsPerSecond)
		shuffled := append([]hit(nil), list...)
		for i := range shuffled {
			if k := i + rng.IntN(8); k < len(shuffled) && shuffled[k].ended-shuffled[i].ended < 5*nsPerSecond {
				shuffled[i], shuffled[k] = shuffled[k], shuffled[i]
			}
		}
		if diff := cmp.Diff(want, feed(shuffled, 200*nsPerSecond)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func TestFeedIsBoundedAndCountsWhatIsLate(t *testing.T) {
	d := New(Config{MaxSites: 5})
	f := NewFeed(d)
	s := f.Site([]byte("shop"))
	for i := range 3 * maxOpenSeconds {
		s.Requests(at(float64(i)), 1)
	}
	if len(s.seconds) > maxOpenSeconds {
		t.Errorf("%d seconds are open", len(s.seconds))
	}
	f.Release(at(4 * maxOpenSeconds))
	s.Requests(at(7), 1)
	s.Failures(at(8), "x", 1)
	if f.Late() != 2 {
		t.Errorf("%d late", f.Late())
	}
	for i := range 100 {
		f.Site(fmt.Append(nil, "stranger-", i)).Requests(at(5*maxOpenSeconds), 1)
	}
	if len(f.streams) > 5 {
		t.Errorf("%d sites", len(f.streams))
	}
}

func TestFeedAllocatesNothingInASecond(t *testing.T) {
	f := NewFeed(New(Config{}))
	name := []byte("shop")
	if n := testing.AllocsPerRun(100, func() { f.Site(name).Requests(at(5), 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFeed(b *testing.B) {
	f := NewFeed(New(Config{}))
	name := []byte("shop.example")
	now := at(0)
	b.ReportAllocs()
	for b.Loop() {
		now += nsPerSecond / 1000
		f.Site(name).Requests(now, 1)
	}
}
