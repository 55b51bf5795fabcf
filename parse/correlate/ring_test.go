package correlate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/fact"
)

// memorySpill is a Spill in memory.
type memorySpill struct{ b []byte }

func (m *memorySpill) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memorySpill) ReadAt(p []byte, off int64) (int, error) {
	return copy(p, m.b[off:]), nil
}

// A kept Record is what a naive list remembers of an Add.
type kept struct {
	pos      Pos
	id       parse.RecordID
	from, to parse.Time
	keys     []Key
	offset   int64
}

// addRandom fills a Ring and a list with the same Records: a few keys that very
// many share, many that few do, tags that are shared by chance, times that go
// back a little.
func addRandom(t testing.TB, rng *rand.Rand, g *Ring, now parse.Time, n int) []kept {
	t.Helper()
	var list []kept
	for i := range n {
		now += parse.Time(rng.IntN(5e6))
		k := kept{from: now - parse.Time(rng.IntN(3e9)), offset: int64(i), id: fact.LineID(fact.Fingerprint{}, int64(i))}
		k.to = k.from + parse.Time(rng.IntN(3e9))
		for range rng.IntN(4) {
			switch rng.IntN(3) {
			case 0:
				k.keys = append(k.keys, Key(rng.IntN(3))<<32)
			case 1:
				k.keys = append(k.keys, Key(rng.IntN(n))<<32|Key(rng.IntN(2)))
			default:
				k.keys = append(k.keys, Key(rng.Uint64()))
			}
		}
		r := parse.Record{
			Kind: parse.KindRequest, Offset: k.offset, Time: k.from, Ended: k.to,
			Raw: fmt.Appendf(nil, "%d %0*d", i, rng.IntN(900), 7), Method: []byte("GET"), URL: []byte("/"),
		}
		var err error
		if k.pos, err = g.Add(&r, k.id, k.from, k.to, k.to, k.keys); err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

func TestRingFindsWhatAListFinds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		memory int64
		spill  Spill
		n      int
	}{
		{"in memory", 1 << 40, nil, 4000},
		{"spilled", 1, &memorySpill{}, 12000},
		{"partly spilled", 3 << 20, &memorySpill{}, 12000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			g := NewRing(tt.memory, tt.spill)
			list := addRandom(t, rng, g, 1e18, tt.n)
			if tt.spill != nil && g.Spilled() == 0 {
				t.Fatal("nothing was spilled: the test proves nothing")
			}
			for range 300 {
				some := list[rng.IntN(len(list))]
				if len(some.keys) == 0 {
					continue
				}
				key := some.keys[rng.IntN(len(some.keys))]
				from := some.from - parse.Time(rng.IntN(2e9)) + 1e9
				to := from + parse.Time(rng.IntN(2e9))
				var want, got []int64
				for _, k := range list {
					if k.from <= to && k.to >= from && hasTag(k.keys, key) {
						want = append(want, k.offset)
					}
				}
				err := g.Find(key, from, to, func(e Entry) bool {
					got = append(got, e.Record.Offset)
					if k := list[e.Record.Offset]; k.pos != e.Pos || k.id != e.ID || k.to != e.Logged {
						t.Fatalf("entry %+v of %+v", e, k)
					}
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatal(diff)
				}
			}
			for _, k := range list {
				e, err := g.Get(k.pos)
				if err != nil || e.Record.Offset != k.offset || e.ID != k.id {
					t.Fatalf("%v, %v", e, err)
				}
			}
		})
	}
}

func hasTag(keys []Key, key Key) bool {
	for _, k := range keys {
		if k>>32 == key>>32 {
			return true
		}
	}
	return false
}

func TestRingForgetsWhatIsOldAndNothingElse(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	spill := &memorySpill{}
	g := NewRing(1<<20, spill)
	var list []kept
	for round := range 4 {
		list = append(list, addRandom(t, rng, g, parse.Time(1e18)+parse.Time(round)*60e9, 9000)...)
	}
	before := g.Len()
	cut := list[len(list)/2].from
	n := g.Forget(cut, Pos(math.MaxUint64))
	if n == 0 || g.Len() != before-n {
		t.Fatalf("%d of %d segments forgotten, %d left", n, before, g.Len())
	}
	for _, k := range list {
		_, err := g.Get(k.pos)
		if gone := err != nil; gone != (k.pos < g.Oldest()) || gone && k.to >= cut {
			t.Fatalf("%d: %v", k.offset, err)
		}
	}
	if n := g.Forget(math.MaxInt64, list[len(list)*3/4].pos); n == 0 {
		t.Error("nothing before what is kept was forgotten")
	}
	if _, err := g.Get(list[len(list)*3/4].pos); err != nil {
		t.Error("a Record that was to be kept is gone:", err)
	}
	free := len(g.slots)
	size := len(spill.b)
	addRandom(t, rng, g, 2e18, 9000)
	if len(g.slots) >= free && len(spill.b) > size {
		t.Error("room in the spill is not used again")
	}
	if g.used < 0 {
		t.Errorf("%d bytes used", g.used)
	}
}

// A load test asks for one URL all the time: what it costs to find the few that
// are near in time must not grow with all the others.
func TestAnswerHoldsWhatIsNearNotWhatIsFirst(t *testing.T) {
	g := NewRing(1<<40, nil)
	key := Key(5 << 32)
	var at []Pos
	for i := range 50000 {
		tm := parse.Time(i) * 1e6
		p, err := g.Add(&parse.Record{Offset: int64(i)}, parse.RecordID{}, tm, tm, tm, []Key{key, key})
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, p)
	}
	a, err := g.Answer(Want{Keys: []Key{key, key}, From: 40000e6, To: 40009e6})
	if err != nil || len(a.Entries) != 10 || a.Entries[0].Record.Offset != 40000 {
		t.Fatalf("%d entries, %v", len(a.Entries), err)
	}
	a, err = g.Answer(Want{Keys: []Key{key}, From: 0, To: math.MaxInt64})
	if err != nil || len(a.Entries) != maxAnswer {
		t.Fatalf("%d entries, %v", len(a.Entries), err)
	}
	a, err = g.answer(Want{Keys: []Key{key}, From: 0, To: math.MaxInt64}, func(p Pos) bool { return p < at[1000] })
	if err != nil || len(a.Entries) != maxAnswer || a.Entries[0].Record.Offset != 1000 {
		t.Fatalf("%d entries, %v", len(a.Entries), err)
	}
}

func TestClaimsForgetWithTheRing(t *testing.T) {
	c := make(claims)
	for seq := range uint64(5) {
		c.put(Pos(seq<<32|7), 0)
	}
	c.forget(0, 3<<32)
	for seq := range uint64(5) {
		if got := c.has(Pos(seq<<32 | 7)); got != (seq >= 3) {
			t.Errorf("segment %d: %v", seq, got)
		}
	}
	if c.has(4<<32|8) || len(c) != 2 {
		t.Error("it holds what was not put")
	}
}

func BenchmarkRingAdd(b *testing.B) {
	for _, tt := range []struct {
		name string
		urls int
	}{{"many URLs", 5000}, {"one URL", 1}} {
		b.Run(tt.name, func(b *testing.B) {
			f, err := os.CreateTemp(b.TempDir(), "")
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			g := NewRing(64<<20, f)
			r := benchRecord()
			b.ReportAllocs()
			b.SetBytes(int64(len(r.Raw)))
			var keys []Key
			for i := 0; b.Loop(); i++ {
				tm := parse.Time(i) * 1e5
				r.Time, r.Ended = tm, tm
				keys = append(AppendKeys(keys[:0], r), Key(i%tt.urls)<<32)
				if _, err := g.Add(r, parse.RecordID{}, tm, tm, tm, keys); err != nil {
					b.Fatal(err)
				}
				g.Forget(tm-60e9, math.MaxUint64)
			}
		})
	}
}

func BenchmarkRingFind(b *testing.B) {
	for _, tt := range []struct {
		name string
		urls int
	}{{"many URLs", 5000}, {"one URL", 1}} {
		b.Run(tt.name, func(b *testing.B) {
			g := NewRing(1<<40, nil)
			r := benchRecord()
			const n = 100000
			for i := range n {
				tm := parse.Time(i) * 1e6
				if _, err := g.Add(r, parse.RecordID{}, tm, tm, tm, []Key{Key(i%tt.urls) << 32}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				tm := parse.Time(i%n) * 1e6
				err := g.Find(Key(i%tt.urls)<<32, tm, tm, func(Entry) bool { return true })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchRecord() *parse.Record {
	return &parse.Record{
		Kind: parse.KindRequest, Program: parse.Nginx, Status: 200, Bytes: 512, Precision: 1e9,
		Raw:    []byte(`203.0.113.7 - - [02/Jan/2026:03:00:00 +0000] "GET /product/17 HTTP/1.1" 200 512 "-" "Mozilla/5.0"`),
		Method: []byte("GET"), URL: []byte("/product/17"), Client: []byte("203.0.113.7"), Agent: []byte("Mozilla/5.0"),
		Upstreams: []parse.Upstream{{Addr: []byte("10.0.0.5:8080"), Status: 200, Connect: 1e6, Header: 2e6, Response: 3e6}},
	}
}
