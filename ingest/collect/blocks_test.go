package collect

import (
	"math/rand/v2"
	"slices"
	"testing"

	"why503/parse"
	"why503/parse/correlate"
)

// A noted is a Record as a ring was told of it.
type noted struct {
	keys     []correlate.Key
	off      int64
	from, to parse.Time
}

// fill puts n Records of 50 to 350 bytes and up to five keys, a hundredth of a
// second apart, and sometimes long.
func fill(g *ring, rng *rand.Rand, n int) []noted {
	all := make([]noted, n)
	off := int64(0)
	for i := range all {
		keys := make([]correlate.Key, rng.IntN(6))
		for k := range keys {
			keys[k] = correlate.Key(rng.Uint64())
		}
		to := parse.Time(i)*1e7 + parse.Time(rng.IntN(1e7))
		from := to - parse.Time(rng.IntN(2e9))
		size := int64(50 + rng.IntN(300))
		all[i] = noted{keys, off, from, to}
		g.put(keys, 0, off, off+size, int64(i+1), from, to, 0)
		off += size
	}
	return all
}

func TestNoBlockThatHoldsARecordIsPassedOver(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		g := &ring{exact: rng.IntN(2) == 0}
		for i, r := range fill(g, rng, 1+rng.IntN(5000)) {
			ask := append(slices.Clone(r.keys), correlate.Every)
			blocks := g.find(ask[rng.IntN(len(ask)):], r.to, r.to, r.to)
			if !slices.ContainsFunc(blocks, func(b *block) bool {
				return b.off <= r.off && r.off < b.end && (!g.exact || b.holds(r.off))
			}) {
				t.Fatalf("record %d at %d is in none of %d blocks", i, r.off, len(blocks))
			}
		}
	}
}

func TestBlocksAreSeldomReadForNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	g := &ring{}
	fill(g, rng, 100_000)
	g.seal()
	tried, found := 0, 0
	for range 2000 {
		tried += len(g.blocks)
		found += len(g.find([]correlate.Key{correlate.Key(rng.Uint64())}, 0, 1<<62, 0))
	}
	if found*100 > tried || len(g.blocks) < 100 {
		t.Errorf("%d of %d blocks hold a key by their filters that nothing has; one in 300 is expected", found, tried)
	}
	if n := g.size; n > 100_000*200/30 {
		t.Errorf("the filters take %d bytes of memory, more than a thirtieth of the log", n)
	}
}

func TestBlocksAreBounded(t *testing.T) {
	g := &ring{}
	fill(g, rand.New(rand.NewPCG(5, 6)), 20_000)
	g.put(nil, 0, 1<<30, 1<<30+5*blockBytes, 1, 0, 1, 0) // one line that is longer than a block
	g.put(nil, 1, 0, 100, 1, 0, 1, 0)                    // the file was replaced
	g.seal()
	for i, b := range g.blocks[:len(g.blocks)-2] {
		if b.end-b.off > blockBytes {
			t.Errorf("block %d has %d bytes", i, b.end-b.off)
		}
	}
	last := g.blocks[len(g.blocks)-2:]
	if last[0].inc != 0 || last[0].end-last[0].off != 5*blockBytes || last[1].inc != 1 || last[1].off != 0 {
		t.Errorf("the last two blocks are %+v and %+v", *last[0], *last[1])
	}
}

func TestWhatIsNearestIsReadFirst(t *testing.T) {
	g := &ring{}
	all := fill(g, rand.New(rand.NewPCG(7, 8)), 10_000)
	near := all[7000].to
	away := func(b *block) parse.Time { return max(0, b.from-near, near-b.to) }
	blocks := g.find([]correlate.Key{correlate.Every}, 0, 1<<62, near)
	if len(blocks) != len(g.blocks)+1 {
		t.Fatalf("%d blocks, want all %d and the open one", len(blocks), len(g.blocks))
	}
	if !slices.IsSortedFunc(blocks, func(a, b *block) int { return int(min(1, max(-1, away(a)-away(b)))) }) || away(blocks[0]) != 0 {
		t.Error("they are not in the order of their distance")
	}
}

func TestARingForgets(t *testing.T) {
	filled := func() (*ring, []noted) {
		g := &ring{}
		all := fill(g, rand.New(rand.NewPCG(9, 10)), 20_000)
		return g, all
	}
	sum := func(g *ring) (n int64) {
		for _, b := range g.blocks {
			n += b.bytes()
		}
		return n
	}
	t.Run("what is too old, and nothing else", func(t *testing.T) {
		g, all := filled()
		at := all[10_000].to
		g.forget(at, 1<<30)
		if oldest, ok := g.oldest(); !ok || oldest > at || g.lost != 0 || g.size != sum(g) {
			t.Errorf("oldest %d, lost %d, %d bytes of %d", oldest, g.lost, g.size, sum(g))
		}
		for _, r := range all[10_000:] {
			if len(g.find([]correlate.Key{correlate.Every}, r.to, r.to, 0)) == 0 {
				t.Fatalf("nothing is known of %d any more", r.to)
			}
		}
		if n := len(g.find([]correlate.Key{correlate.Every}, 0, all[5000].from, 0)); n != 0 {
			t.Errorf("%d blocks of old times are kept", n)
		}
	})
	t.Run("what takes too much memory, and counts it", func(t *testing.T) {
		g, _ := filled()
		had := len(g.blocks)
		g.forget(-1<<62, sum(g)/2)
		if g.size > sum(g) || len(g.blocks) >= had*6/10 || g.lost != int64(had-len(g.blocks)) {
			t.Errorf("%d of %d blocks are left, %d counted as lost", len(g.blocks), had, g.lost)
		}
	})
	t.Run("all, and then there is nothing to ask for", func(t *testing.T) {
		g, _ := filled()
		g.seal()
		g.forget(1<<62, 1<<30)
		if _, ok := g.oldest(); ok || g.size != 0 {
			t.Errorf("something is left: %d bytes", g.size)
		}
	})
}
