package correlate

import (
	"encoding/binary"
	"io"
	"math"
	"slices"

	"why503/parse"
)

// segmentBytes is how much encoded data a segment takes before the next one
// begins: small enough that its time range is narrow.
const segmentBytes = 1 << 20

// A Spill is where a Ring puts what exceeds its memory: a temporary file.
type Spill interface {
	io.ReaderAt
	io.WriterAt
}

// A Key is a hash of something that two Records of one request share.
type Key uint64

// A Pos is the place of a Record in a Ring. It stays valid as long as the
// Ring keeps the Record. Later Records have greater places.
type Pos uint64

// An Entry is a Record in a Ring. Its Record is decoded for the caller and
// shares its texts with the Ring; it may be kept.
type Entry struct {
	Pos    Pos
	ID     parse.RecordID
	Logged parse.Time // when the line was written, on the reference clock
	Record *parse.Record
}

// A Ring keeps the Records of a window of event time, encoded, and finds them
// by key. What exceeds its memory goes to its Spill, oldest first; what falls
// out of the window is forgotten a segment at a time.
type Ring struct {
	memory int64 // bound of data and tables in memory, bytes
	spill  Spill // nil: nothing is spilled, the bound is not kept
	used   int64
	slots  []int64 // places in the spill that are free again
	next   int64   // the first place in the spill that was never used
	segs   []*segment
	first  uint64 // sequence number of segs[0]

	scratch []byte
	spilled int64 // bytes written to spill so far
}

// NewRing returns an empty Ring that holds about memory bytes before it spills.
func NewRing(memory int64, spill Spill) *Ring { return &Ring{memory: memory, spill: spill} }

// A segment is a run of Records in the order of Add.
type segment struct {
	data     []byte // nil once spilled
	from, to parse.Time
	table    []slot // open addressing while in memory, sorted once spilled
	keys     int
	filter   []uint64 // Bloom filter of the tags, once spilled
	dataAt   int64    // place of data in the spill
	tableAt  int64
	tableLen int
}

// A slot maps a key's tag to an offset in the data, plus one; 0 is empty.
type slot struct{ tag, off uint32 }

// Spilled returns how many bytes have been written to the Spill.
func (g *Ring) Spilled() int64 { return g.spilled }

// Len returns the number of segments.
func (g *Ring) Len() int { return len(g.segs) }

// Add encodes r under the given keys. from and to are the event time that r
// tells of, on the reference clock; logged is when it was written.
func (g *Ring) Add(r *parse.Record, id parse.RecordID, from, to, logged parse.Time, keys []Key) (Pos, error) {
	s := g.tail()
	if s == nil || len(s.data) >= segmentBytes {
		if err := g.grow(); err != nil {
			return 0, err
		}
		s = g.tail()
	}
	off := len(s.data)
	before := cap(s.data)
	g.scratch = AppendRecord(g.scratch[:0], r)
	s.data = append(s.data, id[:]...)
	s.data = binary.LittleEndian.AppendUint64(s.data, uint64(logged))
	s.data = binary.LittleEndian.AppendUint32(s.data, uint32(len(g.scratch)))
	s.data = append(s.data, g.scratch...)
	g.used += int64(cap(s.data) - before)
	s.from, s.to = min(s.from, from), max(s.to, to, logged)
	for _, k := range keys {
		g.used += s.put(uint32(k>>32), uint32(off)+1)
	}
	return Pos((g.first+uint64(len(g.segs))-1)<<32 | uint64(off)), nil
}

func (g *Ring) tail() *segment {
	if len(g.segs) == 0 {
		return nil
	}
	return g.segs[len(g.segs)-1]
}

func (g *Ring) grow() error {
	if g.spill != nil {
		for i := 0; i < len(g.segs)-1 && g.used > g.memory; i++ {
			if err := g.spillSegment(g.segs[i]); err != nil {
				return err
			}
		}
	}
	g.segs = append(g.segs, &segment{from: math.MaxInt64, to: math.MinInt64, data: make([]byte, 0, 64<<10)})
	g.used += 64 << 10
	return nil
}

// Forget drops the segments that end before t.
func (g *Ring) Forget(t parse.Time) {
	n := 0
	for n < len(g.segs)-1 && g.segs[n].to < t {
		s := g.segs[n]
		g.used -= s.size()
		if s.data == nil {
			g.slots = append(g.slots, s.dataAt)
		}
		n++
	}
	if n > 0 {
		g.segs = slices.Delete(g.segs, 0, n)
		g.first += uint64(n)
	}
}

// Oldest returns the least place that the Ring still holds.
func (g *Ring) Oldest() Pos { return Pos(g.first << 32) }

// Find calls fn with the Records under key whose segment overlaps from..to, in
// the order of Add, until fn returns false. A tag may be shared by chance, so
// fn must check what it gets.
func (g *Ring) Find(key Key, from, to parse.Time, fn func(Entry) bool) error {
	tag := uint32(key >> 32)
	var offs [64]uint32
	for i, s := range g.segs {
		if s.to < from || s.from > to {
			continue
		}
		found, err := g.offsets(s, tag, offs[:0])
		if err != nil {
			return err
		}
		slices.Sort(found)
		for _, off := range found {
			e, err := g.read(s, uint64(i)+g.first, int64(off-1))
			if err != nil {
				return err
			}
			if !fn(e) {
				return nil
			}
		}
	}
	return nil
}

// Get returns the Record at p.
func (g *Ring) Get(p Pos) (Entry, error) {
	seq := uint64(p) >> 32
	if seq < g.first || seq-g.first >= uint64(len(g.segs)) {
		return Entry{}, errCodec
	}
	return g.read(g.segs[seq-g.first], seq, int64(uint32(p)))
}

const entryHead = 16 + 8 + 4

func (g *Ring) read(s *segment, seq uint64, off int64) (Entry, error) {
	var head, body []byte
	if s.data != nil {
		head = s.data[off : off+entryHead]
		n := int64(binary.LittleEndian.Uint32(head[24:]))
		body = s.data[off+entryHead : off+entryHead+n]
	} else {
		head = make([]byte, entryHead)
		if _, err := g.spill.ReadAt(head, s.dataAt+off); err != nil {
			return Entry{}, err
		}
		body = make([]byte, binary.LittleEndian.Uint32(head[24:]))
		if _, err := g.spill.ReadAt(body, s.dataAt+off+entryHead); err != nil {
			return Entry{}, err
		}
	}
	e := Entry{Pos: Pos(seq<<32 | uint64(off)), Logged: parse.Time(binary.LittleEndian.Uint64(head[16:])), Record: new(parse.Record)}
	copy(e.ID[:], head)
	_, err := DecodeRecord(body, e.Record)
	return e, err
}

func (s *segment) size() int64 {
	return int64(cap(s.data)) + 8*int64(cap(s.table)) + 8*int64(cap(s.filter))
}

// put adds a slot and returns by how many bytes the table grew.
func (s *segment) put(tag, off uint32) int64 {
	grown := int64(0)
	if 2*(s.keys+1) > len(s.table) {
		old := s.table
		s.table = make([]slot, max(64, 2*len(old)))
		grown = 8 * int64(len(s.table)-len(old))
		for _, o := range old {
			if o.off != 0 {
				s.place(o)
			}
		}
	}
	s.place(slot{tag, off})
	s.keys++
	return grown
}

func (s *segment) place(n slot) {
	mask := uint32(len(s.table) - 1)
	for i := n.tag & mask; ; i = (i + 1) & mask {
		if s.table[i].off == 0 {
			s.table[i] = n
			return
		}
	}
}

func (g *Ring) offsets(s *segment, tag uint32, out []uint32) ([]uint32, error) {
	if s.data == nil {
		return g.spilledOffsets(s, tag, out)
	}
	if len(s.table) == 0 {
		return out, nil
	}
	mask := uint32(len(s.table) - 1)
	for i := tag & mask; s.table[i].off != 0; i = (i + 1) & mask {
		if s.table[i].tag == tag && !slices.Contains(out, s.table[i].off) {
			out = append(out, s.table[i].off)
		}
	}
	return out, nil
}
