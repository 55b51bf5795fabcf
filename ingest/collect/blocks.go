package collect

import (
	"cmp"
	"math"
	"slices"

	"why503/parse"
	"why503/parse/correlate"
)

// Blocks are small, so that little is read again for one Record, and large
// enough that their filters cost a fiftieth of the log at most.
const (
	blockBytes   = 64 << 10
	blockRecords = 512
	bitsPerKey   = 16 // one block in 1,700 is read for nothing: a busy log has 20,000 in ten minutes
)

// A block is a piece of a file, what time it tells of, and a filter of the keys
// in it.
type block struct {
	inc      int   // incarnation of the file
	off, end int64 // bytes
	line     int64 // number of the first line, less one
	from, to parse.Time
	dated    parse.Time // of the line before it, for lines without a time
	filter   []uint64
	// starts are the offsets of its Records from off, where a parser that begins
	// here could see pieces of others.
	starts []uint32
}

// A ring is the blocks of one source, oldest first.
type ring struct {
	blocks []*block
	size   int64 // bytes of memory
	open   *block
	keys   []correlate.Key // of the open block
	n      int             // Records in the open block
	exact  bool            // starts are kept
	lost   int64           // blocks that were dropped for want of memory
	forgot bool            // blocks were dropped
}

// put adds a Record that stands from off to end.
func (g *ring) put(keys []correlate.Key, inc int, off, end, line int64, from, to, dated parse.Time) {
	if b := g.open; b != nil && (b.inc != inc || off < b.off || end-b.off > blockBytes || g.n >= blockRecords) {
		g.seal()
	}
	if g.open == nil {
		g.open = &block{inc: inc, off: off, end: end, line: line - 1, from: math.MaxInt64, to: math.MinInt64, dated: dated}
		g.n = 0
	}
	b := g.open
	b.end = max(b.end, end)
	b.from, b.to = min(b.from, from), max(b.to, to)
	g.keys = append(g.keys, keys...)
	if g.exact {
		b.starts = append(b.starts, uint32(off-b.off))
	}
	g.n++
}

// seal makes the filter of the open block.
func (g *ring) seal() {
	b := g.open
	if b == nil {
		return
	}
	slices.Sort(g.keys)
	g.keys = slices.Compact(g.keys)
	b.filter = make([]uint64, max(1, (len(g.keys)*bitsPerKey+63)/64))
	for _, k := range g.keys {
		for i := range uint64(probes) {
			at := probe(k, i, uint64(len(b.filter))*64)
			b.filter[at>>6] |= 1 << (at & 63)
		}
	}
	b.starts = slices.Clone(b.starts) // of their length: they are many
	g.blocks = append(g.blocks, b)
	g.size += b.bytes()
	g.open, g.keys = nil, g.keys[:0]
}

func (b *block) bytes() int64 { return int64(144 + 8*cap(b.filter) + 4*cap(b.starts)) }

// probes is the number of bits of a key. The best for bitsPerKey is 11, and 8 is
// hardly worse.
const probes = 8

// probe is bit i of k, by double hashing (Kirsch and Mitzenmacher, 2006).
func probe(k correlate.Key, i, bits uint64) uint64 {
	h := uint64(k)
	return (h + i*(h>>32|h<<32|1)) % bits
}

// may reports whether the block may hold a Record of k.
func (b *block) may(k correlate.Key) bool {
	if k == correlate.Every || b.filter == nil {
		return true
	}
	bits := uint64(len(b.filter)) * 64
	for i := range uint64(probes) {
		at := probe(k, i, bits)
		if b.filter[at>>6]&(1<<(at&63)) == 0 {
			return false
		}
	}
	return true
}

// find returns the blocks that may hold what is wanted between from and to,
// those that tell of a time near to near first.
func (g *ring) find(keys []correlate.Key, from, to, near parse.Time) []*block {
	var out []*block
	try := func(b *block) {
		if b.from > to || b.to < from {
			return
		}
		if slices.ContainsFunc(keys, b.may) {
			out = append(out, b)
		}
	}
	for _, b := range g.blocks {
		try(b)
	}
	if g.open != nil {
		try(g.open)
	}
	away := func(b *block) parse.Time { return max(0, b.from-near, near-b.to) }
	slices.SortStableFunc(out, func(a, b *block) int { return cmp.Compare(away(a), away(b)) })
	return out
}

// forget drops the blocks that end before t, and the oldest until the rest take
// no more than most bytes.
func (g *ring) forget(t parse.Time, most int64) {
	n := 0
	for n < len(g.blocks) && (g.blocks[n].to < t || g.size > most) {
		if g.blocks[n].to >= t {
			g.lost++
		}
		g.size -= g.blocks[n].bytes()
		g.forgot = true
		n++
	}
	g.blocks = slices.Delete(g.blocks, 0, n)
}

// oldest returns the event time from which on everything can be found.
func (g *ring) oldest() (parse.Time, bool) {
	switch {
	case len(g.blocks) > 0:
		return g.blocks[0].from, true
	case g.open != nil:
		return g.open.from, true
	}
	return 0, false
}
