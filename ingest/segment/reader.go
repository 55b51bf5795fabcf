package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"why503/parse"
	"why503/parse/fact"
)

// A Line is one line of a stream. Its Text, without LF or CRLF, is valid until
// the next call of Next; Offset and Number are those in its segment.
type Line struct {
	parse.Line
	At, Next    Position         // of the line, and behind it
	Fingerprint fact.Fingerprint // with Offset it names the line for good
	Path        string           // of the segment
}

// A GapError says that what a Reader was to read next is gone. It is returned
// once; the next call of Next goes on behind the gap. The lines in it are
// counted by the Writer's Stats, with the reason.
type GapError struct{ From, To Position }

func (e *GapError) Error() string {
	return fmt.Sprintf("lines from %v to %v were dropped before they were read. Give the stream more room, or find what holds its reader back", e.From, e.To)
}

// A Reader reads a stream line by line, as far as it goes. It is pulled from
// one goroutine, while others append.
type Reader struct {
	w           *Writer
	at          Position    // of the next line
	number      int64       // of the line before; -1 when it was not looked up yet
	gaps        []*GapError // to be told by the next call of Next
	fingerprint fact.Fingerprint
	path        string
	f           *os.File // of segment at.Seq; nil while it is not open
	buf         []byte
	rest        []byte // of buf: whole lines that were read and not handed out
}

const readBlock = 128 << 10

// Reader begins at a position, which the zero one makes the oldest line. One
// that this stream has not got to is of another stream, whose folder was
// removed: then it begins at the oldest line too, behind a gap. Resume tells the
// two apart in every case.
func (w *Writer) Reader(from Position) *Reader {
	r := &Reader{w: w}
	w.mu.Lock()
	foreign := from.Compare(Position{Seq: w.header.next}) > 0
	w.mu.Unlock()
	if from.Seq == 0 || foreign {
		r.to(w.Begin())
	} else {
		r.to(from)
	}
	if foreign {
		r.gaps = append(r.gaps, &GapError{From: from, To: r.at})
	}
	return r
}

// Resume begins at what Reader.Mark gave before a restart, and releases what is
// before it. The zero Mark makes it the oldest line.
func (w *Writer) Resume(m Mark) *Reader {
	switch m.Epoch {
	case w.epoch:
		w.Release(m.Position)
		return w.Reader(m.Position)
	case Epoch{}:
		return w.Reader(Position{})
	}
	r := w.Reader(Position{})
	r.gaps = append(r.gaps, &GapError{From: m.Position, To: r.at})
	return r
}

// Position returns where the next line stands.
func (r *Reader) Position() Position { return r.at }

// Mark is Position in the form to be stored.
func (r *Reader) Mark() Mark { return Mark{r.w.epoch, r.at} }

// Next returns the next line. At the end of what is there it returns io.EOF and
// may be called again. See GapError for the one other error that does not end
// reading.
func (r *Reader) Next() (Line, error) {
	if len(r.gaps) > 0 {
		gap := r.gaps[0]
		r.gaps = nil
		return Line{}, gap
	}
	for {
		if n := bytes.IndexByte(r.rest, '\n'); n >= 0 {
			r.number++
			line := Line{
				Line: parse.Line{Text: bytes.TrimSuffix(r.rest[:n], carriageReturn), Offset: r.at.Offset, Number: r.number},
				At:   r.at, Fingerprint: r.fingerprint, Path: r.path,
			}
			r.rest = r.rest[n+1:]
			r.at.Offset += int64(n + 1)
			line.Next = r.at
			return line, nil
		}
		if err := r.fill(); err != nil {
			return Line{}, err
		}
	}
}

// Wait returns when there may be more to read, nil, or when ctx ends or the
// Writer was closed and all of it was read, ErrClosed.
func (r *Reader) Wait(ctx context.Context) error {
	r.w.mu.Lock()
	g, last := r.w.segment(r.at.Seq)
	more := g.seq > r.at.Seq || g.seq == r.at.Seq && (g.size > r.at.Offset || !last)
	if more || len(r.rest) > 0 || len(r.gaps) > 0 {
		r.w.mu.Unlock()
		return nil
	}
	if r.w.wake == nil {
		r.w.wake = make(chan struct{})
	}
	wake, ended := r.w.wake, r.w.ended
	r.w.mu.Unlock()
	if ended {
		return ErrClosed
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the file that is open.
func (r *Reader) Close() error {
	r.rest = nil
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return f.Close()
}

// ReadAt reads what was written before, as io.ReaderAt does in one segment. What
// was dropped is fs.ErrNotExist.
func (w *Writer) ReadAt(p []byte, at Position) (int, error) {
	w.mu.Lock()
	g, _ := w.segment(at.Seq)
	w.mu.Unlock()
	if g.seq != at.Seq {
		return 0, fmt.Errorf("reading %s: %w", w.path(at.Seq), fs.ErrNotExist)
	}
	f, err := os.Open(w.path(at.Seq))
	if err != nil {
		return 0, fmt.Errorf("reading a segment again: %w", err)
	}
	defer f.Close()
	return io.NewSectionReader(f, 0, g.size).ReadAt(p, at.Offset)
}

// LastLine returns the last line of the stream without its end; nil where there
// is none.
func (w *Writer) LastLine() ([]byte, error) {
	all := w.snapshot()
	for i := len(all) - 1; i >= 0; i-- {
		g := all[i]
		if g.size == 0 {
			continue
		}
		b := make([]byte, min(g.size, int64(w.cfg.MaxLine)+2))
		if _, err := w.ReadAt(b, Position{g.seq, g.size - int64(len(b))}); err != nil {
			return nil, err
		}
		b = bytes.TrimSuffix(b, lineEnd)
		return bytes.TrimSuffix(b[bytes.LastIndexByte(b, '\n')+1:], carriageReturn), nil
	}
	return nil, nil
}

// fill reads more lines, of the next segment where this one has no more.
func (r *Reader) fill() error {
	r.w.mu.Lock()
	g, last := r.w.segment(r.at.Seq)
	r.w.mu.Unlock()
	switch {
	case g.seq == 0: // nothing at or behind at
		return io.EOF
	case g.seq != r.at.Seq:
		return r.over(g.seq)
	case r.at.Offset >= g.size && last:
		return io.EOF
	case r.at.Offset >= g.size:
		r.to(Position{Seq: r.at.Seq + 1})
		return nil
	}
	if err := r.open(); err != nil {
		return err
	}
	return r.read(g, last)
}

// over goes on in segment seq, since the one to be read is not there: it was
// dropped, after it was read or before, or somebody removed it, or its number
// was used up without lines.
func (r *Reader) over(seq uint64) error {
	from := r.at
	r.to(Position{Seq: seq})
	r.w.mu.Lock()
	dropped := r.w.header.dropped
	r.w.mu.Unlock()
	if from.Compare(dropped) < 0 || from.Seq > dropped.Seq && from.Offset > 0 {
		return &GapError{From: from, To: r.at}
	}
	return nil
}

func (r *Reader) to(at Position) {
	_ = r.Close() // it was opened for reading: nothing can be lost
	r.at, r.number = at, -1
	if at.Offset == 0 {
		r.number = 0
	}
	r.fingerprint = r.w.epoch.Fingerprint(at.Seq)
	r.path = r.w.path(at.Seq)
}

func (r *Reader) open() error {
	if r.f != nil {
		return nil
	}
	f, err := os.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r.vanished(err)
	}
	if err != nil {
		return fmt.Errorf("reading the stream %s: %w", r.w.dir, err)
	}
	r.f = f
	if r.number < 0 {
		r.number = countLines(r.path, 0, r.at.Offset)
	}
	return nil
}

// vanished goes on behind a segment that is gone: dropped just now, or removed
// by somebody else.
func (r *Reader) vanished(err error) error {
	from := r.at
	r.w.mu.Lock()
	g, _ := r.w.segment(r.at.Seq + 1)
	r.w.mu.Unlock()
	if g.seq == 0 {
		return fmt.Errorf("reading the stream %s: %w", r.w.dir, err)
	}
	r.to(Position{Seq: g.seq})
	return &GapError{From: from, To: r.at}
}

// read fills the buffer with whole lines, which every segment consists of.
func (r *Reader) read(g piece, last bool) error {
	if r.buf == nil {
		r.buf = make([]byte, readBlock)
	}
	for {
		b := r.buf[:min(int64(len(r.buf)), g.size-r.at.Offset)]
		n, err := r.f.ReadAt(b, r.at.Offset)
		if n < len(b) && err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading %s: %w", r.path, err)
		}
		b = b[:n]
		if k := bytes.LastIndexByte(b, '\n') + 1; k > 0 {
			r.rest = b[:k]
			return nil
		}
		switch {
		case n == len(r.buf) && n <= r.w.cfg.MaxLine:
			r.buf = make([]byte, min(2*len(r.buf), r.w.cfg.MaxLine+2))
		case last:
			return io.EOF // shorter than it was, and nothing whole in it
		default:
			// Half a line, as a failed write leaves it at the end of a segment.
			r.to(Position{Seq: r.at.Seq + 1})
			return nil
		}
	}
}

// segment returns the one with that number or, where that is not there, the
// next; last says that none is behind it. w.mu is held.
func (w *Writer) segment(seq uint64) (g piece, last bool) {
	for i, g := range w.segments {
		if g.seq >= seq {
			return g, i == len(w.segments)-1
		}
	}
	return piece{}, true
}

var carriageReturn = []byte{'\r'}
