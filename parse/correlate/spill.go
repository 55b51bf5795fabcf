package correlate

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// filterBits is the size of a spilled segment's filter per key: 10 bits with
// three probes let one absent tag in 60 through.
const filterBits = 10

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
	for _, t := range sorted {
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
	var failed error
	at := func(i int) spilledLink {
		var b [8]byte
		if _, err := g.spill.ReadAt(b[:], s.tableAt+8*int64(i)); err != nil {
			failed = err
		}
		return spilledLink{binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:])}
	}
	i := sort.Search(s.tableLen, func(i int) bool { return at(i).tag >= tag })
	for ; i < s.tableLen && failed == nil; i++ {
		t := at(i)
		if t.tag != tag {
			break
		}
		if s.blocks[t.off>>blockBytes].overlaps(v) {
			out = append(out, t.off)
		}
	}
	return out, failed
}
