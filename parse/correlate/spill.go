package correlate

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// filterBits is the size of a spilled segment's filter per key: 10 bits with
// three probes let one absent tag in 60 through.
const filterBits = 10

// fenceGap is how many links of a spilled segment lie between two whose tags are
// kept in memory, so that one read finds a tag.
const fenceGap = 64

// slotBytes is the room for a segment in the spill. The file has holes where a
// segment needs less, which cost no disk; a segment that needs more stays in
// memory.
const slotBytes = 16 << 20

// A spilledLink is how a link is written: sorted by tag, then offset.
type spilledLink struct{ tag, off uint32 }

// spillSegment writes s to the spill and keeps only its time range and filter.
func (g *Ring) spillSegment(s *segment) error {
	if s.data == nil || len(s.data)+8*len(s.links) > slotBytes {
		return nil
	}
	g.used -= s.size()
	sorted := make([]spilledLink, 0, len(s.links))
	s.filter = make([]uint64, s.tags*filterBits/64+1)
	for _, t := range s.table {
		if t.last == 0 {
			continue
		}
		for l := t.last; l != 0; l = s.links[l-1].before {
			sorted = append(sorted, spilledLink{t.tag, s.links[l-1].off})
		}
		for _, bit := range s.probes(t.tag) {
			s.filter[bit/64] |= 1 << (bit % 64)
		}
	}
	slices.SortFunc(sorted, func(a, b spilledLink) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.off, b.off)) })
	table := make([]byte, 0, 8*len(sorted))
	s.fences = make([]uint32, 0, len(sorted)/fenceGap+1)
	for i, t := range sorted {
		if i%fenceGap == 0 {
			s.fences = append(s.fences, t.tag)
		}
		table = binary.LittleEndian.AppendUint32(table, t.tag)
		table = binary.LittleEndian.AppendUint32(table, t.off)
	}
	at := g.next
	if n := len(g.slots); n > 0 {
		at, g.slots = g.slots[n-1], g.slots[:n-1]
	} else {
		g.next += slotBytes
	}
	s.dataAt, s.tableAt, s.tableLen = at, at+int64(len(s.data)), len(sorted)
	if _, err := g.spill.WriteAt(s.data, s.dataAt); err != nil {
		return err
	}
	if _, err := g.spill.WriteAt(table, s.tableAt); err != nil {
		return err
	}
	g.spilled += int64(len(s.data) + len(table))
	s.data, s.table, s.links = nil, nil, nil
	g.used += s.size()
	return nil
}

func (s *segment) probes(tag uint32) [3]uint64 {
	n := uint64(len(s.filter)) * 64
	h := uint64(tag) * 0x9e3779b97f4a7c15
	return [3]uint64{h % n, (h >> 21) % n, (h >> 42) % n}
}

// spilledOffsets is offsets for a segment in the spill.
func (g *Ring) spilledOffsets(s *segment, tag uint32, v interval, out []uint32) ([]uint32, error) {
	for _, bit := range s.probes(tag) {
		if s.filter[bit/64]&(1<<(bit%64)) == 0 {
			return out, nil
		}
	}
	// All links of a tag lie between the last fence before it and the first behind.
	lo, _ := slices.BinarySearch(s.fences, tag)
	hi := lo
	for hi < len(s.fences) && s.fences[hi] == tag {
		hi++
	}
	from, to := max(0, lo-1)*fenceGap, min(hi*fenceGap, s.tableLen)
	run := make([]byte, 8*(to-from))
	if _, err := g.spill.ReadAt(run, s.tableAt+8*int64(from)); err != nil {
		return out, err
	}
	for ; len(run) > 0; run = run[8:] {
		off := binary.LittleEndian.Uint32(run[4:])
		if binary.LittleEndian.Uint32(run) == tag && s.blocks[off>>blockBytes].overlaps(v) {
			out = append(out, off)
		}
	}
	return out, nil
}
