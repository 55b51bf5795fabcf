package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"why503/ingest/segment"
	"why503/ingest/tail"
	"why503/parse"
	"why503/parse/fact"
)

// A line is one line of a source and which incarnation of it, a file or a
// segment, it stands in. Its Text is valid until the next call.
type line struct {
	parse.Line
	inc         int
	fingerprint fact.Fingerprint // names it with Offset
}

// A follower gives the lines of one source as they come.
type follower interface {
	// next returns tail.ErrWait when there is nothing now; other errors are
	// problems of the moment.
	next() (line, error)
	// flush returns a last line that has no end yet.
	flush() (line, bool)
	// readAt reads again, wherever the incarnation is by now.
	readAt(inc int, p []byte, off int64) (int, error)
	// fingerprint names the line at off.
	fingerprint(inc int, off int64) (fact.Fingerprint, error)
	// position is where reading goes on, before is the place of a line that was
	// read, by where it stands and its number.
	position() place
	before(inc int, off, number int64) (place, error)
	// lost counts what could not be read, by reason.
	lost() map[string]int64
	close() error
}

// A place is where a source is read on.
type place struct {
	File    *tail.Position    `json:"file,omitempty"`
	Segment *segment.Position `json:"segment,omitempty"`
}

// at orders places of one source: incarnation, then offset.
func (p place) at() (inc int, off int64) {
	switch {
	case p.File != nil:
		return p.File.Incarnation, p.File.Offset
	case p.Segment != nil:
		return int(p.Segment.Seq), p.Segment.Offset
	}
	return 0, 0
}

// A fileFollower follows a path.
type fileFollower struct{ f *tail.File }

func (f fileFollower) next() (line, error) {
	l, err := f.f.Next()
	return line{l.Line, l.Incarnation, l.Fingerprint}, err
}

func (f fileFollower) flush() (line, bool) {
	l, ok := f.f.Flush()
	return line{l.Line, l.Incarnation, l.Fingerprint}, ok
}

func (f fileFollower) readAt(inc int, p []byte, off int64) (int, error) {
	return f.f.ReadAt(inc, p, off)
}

func (f fileFollower) fingerprint(inc int, off int64) (fact.Fingerprint, error) {
	return f.f.FingerprintAt(inc, off)
}

func (f fileFollower) position() place {
	p := f.f.Position()
	return place{File: &p}
}

func (f fileFollower) before(inc int, off, number int64) (place, error) {
	p, err := f.f.PositionAt(inc, off, number)
	return place{File: &p}, err
}

// positionLost is why reading could not go on where it was left.
const positionLost = "position not found"

// copyGap counts truncations of a file of which a copy was found. What was
// written between the two is in neither, and nobody knows how much it was.
const copyGap = "between copy and truncation"

func (f fileFollower) lost() map[string]int64 {
	s := f.f.Stats()
	return nonZero(map[string]int64{
		"truncated": s.Truncations - s.Recovered, copyGap: s.Recovered, "lost bytes": s.Lost, positionLost: s.Missing, "oversized line": s.Oversized, "NUL bytes": s.NULs,
	})
}

func (f fileFollower) close() error { return f.f.Close() }

// A streamFollower follows the segments of a stream.
type streamFollower struct {
	r      *segment.Reader
	w      *segment.Writer
	n      int64                   // lines that fell out of the stream before they were read
	missed func() map[string]int64 // what never came into the stream; may be nil
}

func (f *streamFollower) next() (line, error) {
	l, err := f.r.Next()
	var gap *segment.GapError
	switch {
	case errors.Is(err, io.EOF):
		return line{}, tail.ErrWait
	case errors.As(err, &gap):
		f.n++
		return line{}, err
	case err != nil:
		return line{}, err
	}
	return line{parse.Line{Text: l.Text, Offset: l.At.Offset, Number: l.Number}, int(l.At.Seq), l.Fingerprint}, nil
}

func (f *streamFollower) flush() (line, bool) { return line{}, false }

func (f *streamFollower) readAt(inc int, p []byte, off int64) (int, error) {
	return f.w.ReadAt(p, segment.Position{Seq: uint64(inc), Offset: off})
}

func (f *streamFollower) fingerprint(inc int, _ int64) (fact.Fingerprint, error) {
	return f.w.Epoch().Fingerprint(uint64(inc)), nil
}

func (f *streamFollower) position() place {
	p := f.r.Position()
	return place{Segment: &p}
}

func (f *streamFollower) before(inc int, off, _ int64) (place, error) {
	return place{Segment: &segment.Position{Seq: uint64(inc), Offset: off}}, nil
}

func (f *streamFollower) lost() map[string]int64 {
	out := map[string]int64{"gap in the stream": f.n}
	if f.missed != nil {
		maps.Copy(out, f.missed())
	}
	s := f.w.Stats()
	for why, l := range s.Lost {
		out["stream "+why] += l.Lines
	}
	out["oversized line"] = s.CutLines
	return nonZero(out)
}

func (f *streamFollower) close() error { return f.r.Close() }

func nonZero(m map[string]int64) map[string]int64 {
	for k, v := range m {
		if v <= 0 {
			delete(m, k)
		}
	}
	return m
}

// A checkpoint is what is stored of a source's reading.
type checkpoint struct {
	Counted place  `json:"counted"` // all before it was sent and counted
	Flushed bool   `json:"flushed"` // also what looked unfinished
	Marks   []mark `json:"marks"`   // places before it, oldest first
	// Counts of all that was read up to Counted, by this process and those before.
	Bytes    int64            `json:"bytes"`
	Lines    int64            `json:"lines"`
	Records  int64            `json:"records"`
	Unparsed int64            `json:"unparsed"`
	Losses   map[string]int64 `json:"losses,omitempty"`
	LostAt   parse.Time       `json:"lost_at,omitempty"` // when the last of them came
	// Files are the files that marks are in, each with one of its positions.
	Files []tail.Position `json:"files,omitempty"`
}

// A mark is a place before a line, and the latest end of a request that was
// logged before it.
type mark struct {
	Time   parse.Time `json:"t"`
	Inc    int        `json:"i"`
	Offset int64      `json:"o"`
	Line   int64      `json:"l"`
	// Tail is a hash of what stands before it, which tells whether the file was
	// written anew.
	Tail    []byte `json:"e,omitempty"`
	TailLen int    `json:"n,omitempty"`
}

// markOf makes a mark of a place.
func markOf(t parse.Time, p place) mark {
	if p.Segment != nil {
		return mark{Time: t, Inc: int(p.Segment.Seq), Offset: p.Segment.Offset}
	}
	f := p.File
	return mark{t, f.Incarnation, f.Offset, f.Line, f.Tail[:], f.TailLen}
}

// place is where a mark of c is; false where its file is not known any more.
func (c *checkpoint) place(m mark) (place, bool) {
	if c.Counted.File == nil {
		return place{Segment: &segment.Position{Seq: uint64(m.Inc), Offset: m.Offset}}, true
	}
	for i := range c.Files {
		if c.Files[i].Incarnation == m.Inc {
			p := c.Files[i]
			p.Offset, p.Line, p.TailLen, p.Skipping, p.Tail = m.Offset, m.Line, m.TailLen, false, fact.Fingerprint(m.Tail)
			return place{File: &p}, len(m.Tail) == len(fact.Fingerprint{})
		}
	}
	return place{}, false
}

func (c *checkpoint) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // it holds nothing that JSON cannot
	}
	return b
}

func decodeCheckpoint(b []byte) (*checkpoint, error) {
	if len(b) == 0 {
		return nil, nil
	}
	c := new(checkpoint)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("reading a stored position: %w", err)
	}
	return c, nil
}

// back returns the last place before which everything ended before t, else the
// first that is known.
func (c *checkpoint) back(t parse.Time) place {
	best := c.Counted
	for i := len(c.Marks) - 1; i >= 0; i-- {
		p, known := c.place(c.Marks[i])
		if !known {
			break
		}
		best = p
		if c.Marks[i].Time < t {
			break
		}
	}
	return best
}
