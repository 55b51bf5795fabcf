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
	headBuf [headBytes]byte
	spilled int64 // bytes written to spill so far
}

// NewRing returns an empty Ring that holds about memory bytes before it spills.
func NewRing(memory int64, spill Spill) *Ring { return &Ring{memory: memory, spill: spill} }

// A segment is a run of Records in the order of Add.
type segment struct {
	data     []byte // nil once spilled
	from, to parse.Time
	blocks   []interval // what each blockBytes of data tell of
	table    []slot     // open addressing, one for each tag; nil once spilled
	links    []link     // the entries of each tag, latest first; nil once spilled
	tags     int
	filter   []uint64 // Bloom filter of the tags, once spilled
	fences   []uint32 // tag of each fenceGap-th link, once spilled
	dataAt   int64    // place of data in the spill
	tableAt  int64
	tableLen int
}

// blockBytes is how much of a segment's data is passed over together when it
// tells of another time, as a power of two.
const blockBytes = 14

func (s *segment) cover(off int, v interval) {
	s.from, s.to = min(s.from, v.from), max(s.to, v.to)
	for off>>blockBytes >= len(s.blocks) {
		s.blocks = append(s.blocks, interval{math.MaxInt64, math.MinInt64})
	}
	b := &s.blocks[off>>blockBytes]
	b.from, b.to = min(b.from, v.from), max(b.to, v.to)
}

// A slot maps a key's tag to the latest of its links, plus one; 0 is empty.
type slot struct{ tag, last uint32 }

// A link is an offset in the data and the link before it of the same tag, plus
// one. Chains keep Add quick when everything has the same key.
type link struct{ off, before uint32 }

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
	for _, t := range [...]parse.Time{logged, from, to} {
		s.data = binary.LittleEndian.AppendUint64(s.data, uint64(t))
	}
	s.data = binary.LittleEndian.AppendUint32(s.data, uint32(len(g.scratch)))
	s.data = append(s.data, g.scratch...)
	g.used += int64(cap(s.data) - before)
	s.cover(off, interval{min(from, to), max(from, to, logged)})
	for _, k := range keys {
		g.used += s.put(uint32(k>>32), uint32(off))
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

// Forget drops the segments that end before t and before the one that keep is
// in, and returns how many.
func (g *Ring) Forget(t parse.Time, keep Pos) int {
	n := 0
	for n < len(g.segs)-1 && g.segs[n].to < t && g.first+uint64(n) < uint64(keep>>32) {
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
	return n
}

// Oldest returns the least place that the Ring still holds.
func (g *Ring) Oldest() Pos { return Pos(g.first << 32) }

// Find calls fn with the Records under key that overlap from..to, in the order
// of Add, until fn returns false. A tag may be shared by chance, so fn must
// check what it gets.
func (g *Ring) Find(key Key, from, to parse.Time, fn func(Entry) bool) error {
	return g.find(key, from, to, nil, fn)
}

// find is Find without the Records that skip names, which are not decoded.
func (g *Ring) find(key Key, from, to parse.Time, skip func(Pos) bool, fn func(Entry) bool) error {
	tag := uint32(key >> 32)
	var offs [64]uint32
	v := interval{from, to}
	for i, s := range g.segs {
		if s.to < from || s.from > to {
			continue
		}
		found, err := g.offsets(s, tag, v, offs[:0])
		if err != nil {
			return err
		}
		for _, off := range found {
			pos := Pos((uint64(i)+g.first)<<32 | uint64(off))
			if skip != nil && skip(pos) {
				continue
			}
			h, err := g.head(s, off)
			if err != nil {
				return err
			}
			if h.to < from || h.from > to {
				continue
			}
			e, err := g.read(s, h, pos)
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
	s := g.segs[seq-g.first]
	h, err := g.head(s, uint32(p))
	if err != nil {
		return Entry{}, err
	}
	return g.read(s, h, p)
}

// An entryHead is what stands before each encoded Record: its id, when it was
// logged, the time it tells of, and its length.
type entryHead struct {
	id               parse.RecordID
	logged, from, to parse.Time
	size             int
}

const headBytes = 16 + 3*8 + 4

func (g *Ring) head(s *segment, off uint32) (h entryHead, err error) {
	b := g.headBuf[:]
	if s.data != nil {
		b = s.data[off : off+headBytes]
	} else if _, err := g.spill.ReadAt(b, s.dataAt+int64(off)); err != nil {
		return h, err
	}
	copy(h.id[:], b)
	for i, t := range [...]*parse.Time{&h.logged, &h.from, &h.to} {
		*t = parse.Time(binary.LittleEndian.Uint64(b[16+8*i:]))
	}
	h.size = int(binary.LittleEndian.Uint32(b[headBytes-4:]))
	return h, nil
}

func (g *Ring) read(s *segment, h entryHead, p Pos) (Entry, error) {
	var body []byte
	if at := int64(uint32(p)) + headBytes; s.data != nil {
		body = s.data[at : at+int64(h.size)]
	} else {
		body = make([]byte, h.size)
		if _, err := g.spill.ReadAt(body, s.dataAt+at); err != nil {
			return Entry{}, err
		}
	}
	e := Entry{Pos: p, ID: h.id, Logged: h.logged, Record: new(parse.Record)}
	_, err := DecodeRecord(body, e.Record)
	return e, err
}

func (s *segment) size() int64 {
	// Blocks are a thousandth of it.
	return int64(cap(s.data)) + 8*int64(cap(s.table)+cap(s.links)+cap(s.filter)) + 4*int64(cap(s.fences))
}

// put adds a link and returns by how many bytes the tables grew.
func (s *segment) put(tag, off uint32) int64 {
	before := cap(s.table) + cap(s.links)
	if 2*(s.tags+1) > len(s.table) {
		old := s.table
		s.table = make([]slot, max(64, 2*len(old)))
		for _, o := range old {
			if o.last != 0 {
				*s.slot(o.tag) = o
			}
		}
	}
	at := s.slot(tag)
	if at.last == 0 {
		s.tags++
	} else if s.links[at.last-1].off == off {
		return 0 // two keys of one Record with the same tag
	}
	s.links = append(s.links, link{off, at.last})
	*at = slot{tag, uint32(len(s.links))}
	return 8 * int64(cap(s.table)+cap(s.links)-before)
}

// slot returns the place of a tag, which is empty if the tag is new.
func (s *segment) slot(tag uint32) *slot {
	mask := uint32(len(s.table) - 1)
	for i := tag & mask; ; i = (i + 1) & mask {
		if t := &s.table[i]; t.last == 0 || t.tag == tag {
			return t
		}
	}
}

// offsets appends where the Records of a tag begin, ascending, without those in
// blocks that tell of another time than v.
func (g *Ring) offsets(s *segment, tag uint32, v interval, out []uint32) ([]uint32, error) {
	if s.data == nil {
		return g.spilledOffsets(s, tag, v, out)
	}
	if len(s.table) == 0 {
		return out, nil
	}
	for l := s.slot(tag).last; l != 0; l = s.links[l-1].before {
		if off := s.links[l-1].off; s.blocks[off>>blockBytes].overlaps(v) {
			out = append(out, off)
		}
	}
	slices.Reverse(out)
	return out, nil
}
