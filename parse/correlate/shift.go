package correlate

import (
	"encoding/binary"
	"math"
	"slices"

	"why503/parse"
)

// Clocks are found out while Records come: those that came before stand under
// times that their source's clock was believed to show. A shift is what to add
// to them, by source.
type shift map[parse.SourceID]parse.Time

// of is what to add to the times of r. One without a stamp stands under the time
// at which it came.
func (s shift) of(r *parse.Record) parse.Time {
	if r.Ended == 0 {
		return 0
	}
	return s[r.Source]
}

// shift moves the Records of sources whose clocks turned out to be wrong. They
// keep their places.
func (g *Ring) shift(by shift) error {
	for i, s := range g.segs {
		s.from, s.to, s.blocks = math.MaxInt64, math.MinInt64, s.blocks[:0]
		for off := int64(0); off < s.dataLen(); {
			h, err := g.head(s, uint32(off))
			if err != nil {
				return err
			}
			e, err := g.read(s, h, Pos((uint64(i)+g.first)<<32|uint64(off)))
			if err != nil {
				return err
			}
			if d := by.of(e.Record); d != 0 {
				h.logged, h.from, h.to = h.logged+d, h.from+d, h.to+d
				if err := g.rewrite(s, off, h); err != nil {
					return err
				}
			}
			s.cover(int(off), interval{min(h.from, h.to), max(h.from, h.to, h.logged)})
			off += headBytes + int64(h.size)
		}
	}
	return nil
}

func (s *segment) dataLen() int64 {
	if s.data == nil {
		return s.tableAt - s.dataAt
	}
	return int64(len(s.data))
}

// rewrite replaces the times of the Record at off.
func (g *Ring) rewrite(s *segment, off int64, h entryHead) error {
	times := g.headBuf[:0]
	for _, t := range [...]parse.Time{h.logged, h.from, h.to} {
		times = binary.LittleEndian.AppendUint64(times, uint64(t))
	}
	if s.data == nil {
		_, err := g.spill.WriteAt(times, s.dataAt+off+int64(len(h.id)))
		return err
	}
	copy(s.data[off+int64(len(h.id)):], times)
	return nil
}

// shift moves the signals of sources whose clocks turned out to be wrong.
func (s *Signals) shift(by shift) {
	for k, c := range s.series {
		if by[k.source] == 0 {
			continue
		}
		for i := range c.marks {
			c.marks[i].at += by.of(c.marks[i].rec)
		}
		slices.SortStableFunc(c.marks, func(a, b mark) int { return int(min(1, max(-1, a.at-b.at))) })
	}
}
