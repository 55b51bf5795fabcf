package merge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// A batched Stream hands out Items a few at a time.
type batched struct {
	items []Item
	size  func() int
	err   error
}

func (b *batched) Next() ([]Item, error) {
	n := min(b.size(), len(b.items))
	out := b.items[:n]
	b.items = b.items[n:]
	if n == 0 {
		return nil, b.err
	}
	return out, nil
}

func sources(n, each int, rng *rand.Rand) [][]Item {
	out := make([][]Item, n)
	for s := range out {
		at := parse.Time(1)
		for i := range each {
			at += parse.Time(rng.IntN(3)) // many share a stamp
			r := &parse.Record{Source: parse.SourceID(s), Offset: int64(i), Ended: at}
			out[s] = append(out[s], Item{Record: r, Logged: at})
		}
	}
	return out
}

type place struct {
	source parse.SourceID
	offset int64
}

func drain(t testing.TB, streams []Stream) []place {
	t.Helper()
	m, err := New(streams)
	if err != nil {
		t.Fatal(err)
	}
	var out []place
	last := parse.Time(0)
	for {
		it, ok, err := m.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		if it.Logged < last {
			t.Fatalf("%d after %d", it.Logged, last)
		}
		last = it.Logged
		out = append(out, place{it.Record.Source, it.Record.Offset})
	}
}

// The order must not depend on the order of the streams, nor on how their Items
// are cut into batches.
func TestOrderDependsOnRecordsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	items := sources(7, 200, rng)
	var want []place
	for range 20 {
		order := rng.Perm(len(items))
		var streams []Stream
		for _, s := range order {
			size := 1 + rng.IntN(40)
			streams = append(streams, &batched{items: items[s], size: func() int { return size }})
		}
		got := drain(t, streams)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
			t.Fatal(diff)
		}
	}
	if len(want) != 7*200 {
		t.Errorf("%d items", len(want))
	}
	for s := range items {
		at := int64(-1)
		for _, p := range want {
			if int(p.source) == s {
				if p.offset != at+1 {
					t.Fatalf("source %d: %d after %d", s, p.offset, at)
				}
				at = p.offset
			}
		}
	}
}

// An Item that is older than the one before it in its own Stream comes at once
// and holds nothing up.
func TestALateItemComesAtOnce(t *testing.T) {
	one := func() int { return 1 }
	a := &batched{size: one, items: []Item{
		{Record: &parse.Record{Offset: 0}, Logged: 10}, {Record: &parse.Record{Offset: 1}, Logged: 3}, {Record: &parse.Record{Offset: 2}, Logged: 20},
	}}
	b := &batched{size: one, items: []Item{{Record: &parse.Record{Source: 1}, Logged: 11}}}
	m, err := New([]Stream{b, a})
	if err != nil {
		t.Fatal(err)
	}
	var got []parse.Time
	for {
		it, ok, err := m.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		got = append(got, it.Logged)
	}
	if diff := cmp.Diff([]parse.Time{10, 3, 11, 20}, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsOfStreamsEndIt(t *testing.T) {
	failed := errors.New("no")
	one := func() int { return 1 }
	if _, err := New([]Stream{&batched{size: one, err: failed}}); !errors.Is(err, failed) {
		t.Errorf("beginning gives %v", err)
	}
	m, err := New([]Stream{&batched{size: one, err: failed, items: []Item{{Record: &parse.Record{}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Next(); !errors.Is(err, failed) {
		t.Errorf("the end gives %v", err)
	}
	if _, ok, err := (&Merger{}).Next(); ok || err != nil {
		t.Error("nothing gives something")
	}
}

func BenchmarkMerge(b *testing.B) {
	items := sources(8, 10000, rand.New(rand.NewPCG(1, 1)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		var streams []Stream
		for s := range items {
			streams = append(streams, &batched{items: slices.Clone(items[s]), size: func() int { return 256 }})
		}
		n += len(drain(b, streams))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/item")
}
