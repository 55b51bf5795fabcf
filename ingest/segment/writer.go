package segment

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Writer appends lines to a stream. It may be used by several goroutines.
type Writer struct {
	cfg       Config
	name, dir string
	log       *slog.Logger
	lock      *os.File
	existed   bool
	epoch     Epoch

	disk    sync.Mutex // serialises what changes files; taken before mu
	f       *os.File   // of the last segment, nil until there is a line for it
	dirty   bool       // f has lines that were not synced
	scratch []byte
	closed  bool

	mu       sync.Mutex // guards what is below; never held while the disk is waited for
	header   header
	segments []piece // oldest first
	released Position
	ended    bool // nothing is appended any more
	stats    Stats
	lost     map[string]Loss
	wake     chan struct{} // closed at the next change, for who waits; nil when nobody does
}

// ErrClosed says that the Writer was closed.
var ErrClosed = errors.New("the stream is closed")

// Name returns the name that the stream was opened with.
func (w *Writer) Name() string { return w.name }

// Existed tells whether the stream was there before this process opened it.
func (w *Writer) Existed() bool { return w.existed }

// Epoch returns the stream's identity.
func (w *Writer) Epoch() Epoch { return w.epoch }

// Path returns the file of a segment.
func (w *Writer) Path(seq uint64) string { return w.path(seq) }

// Append writes lines as one piece. Each ends in LF; the last gets one where it
// has none. It returns where the first line stands. After an error nothing of
// the lines is in the stream, and they are counted as lost.
func (w *Writer) Append(lines []byte) (Position, error) {
	if len(lines) == 0 {
		return w.End(), nil
	}
	w.disk.Lock()
	defer w.disk.Unlock()
	lines, cut, left := w.whole(lines)
	n := int64(bytes.Count(lines, lineEnd))
	at, err := w.put(lines)
	if err != nil {
		w.lose(LostWrite, n, int64(len(lines)))
		return Position{}, fmt.Errorf("writing to the stream %s: %w", w.dir, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Lines += n
	w.stats.Bytes += int64(len(lines))
	w.stats.CutLines += cut
	w.stats.CutBytes += left
	last := &w.segments[len(w.segments)-1]
	last.size = at.Offset + int64(len(lines))
	last.written = time.Now()
	w.changed()
	return at, nil
}

// End returns where the next line will stand, unless it begins a new segment.
func (w *Writer) End() Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end()
}

// Begin returns where the oldest line stands that is still there.
func (w *Writer) Begin() Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.segments) == 0 {
		return w.end()
	}
	return Position{Seq: w.segments[0].seq}
}

// Release says that everything before at was read, so that dropping it is no
// loss. It never goes back. Call it with what was stored, or a crash can lose
// lines that were only read.
func (w *Writer) Release(at Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.Compare(w.released) > 0 && at.Compare(Position{Seq: w.header.next}) <= 0 {
		w.released = at
	}
}

// Sync makes what was appended safe against a power cut.
func (w *Writer) Sync() error {
	w.disk.Lock()
	defer w.disk.Unlock()
	return w.sync()
}

// Close syncs and ends. Readers still read what is there.
func (w *Writer) Close() error {
	w.disk.Lock()
	defer w.disk.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	err := errors.Join(w.finish(), w.lock.Close())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.changed()
	if err != nil {
		return fmt.Errorf("closing the stream %s: %w", w.dir, err)
	}
	return nil
}

func (w *Writer) end() Position {
	if n := len(w.segments); n > 0 && w.segments[n-1].seq+1 == w.header.next {
		return Position{Seq: w.segments[n-1].seq, Offset: w.segments[n-1].size}
	}
	return Position{Seq: w.header.next}
}

// changed wakes who waits. w.mu is held.
func (w *Writer) changed() {
	if w.wake != nil {
		close(w.wake)
		w.wake = nil
	}
}

// whole gives the last line its end and cuts lines that are too long. What it
// returns may be w.scratch.
func (w *Writer) whole(lines []byte) (out []byte, cut, left int64) {
	if lines[len(lines)-1] == '\n' && (len(lines) <= w.cfg.MaxLine || !w.tooLong(lines)) {
		return lines, 0, 0
	}
	out = w.scratch[:0]
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, lineEnd)
		if n := len(line) - w.cfg.MaxLine; n > 0 {
			cut++
			left += int64(n)
			line = line[:w.cfg.MaxLine]
		}
		out = append(append(out, line...), '\n')
		lines = rest
	}
	if cap(out) <= 1<<20 {
		w.scratch = out
	}
	return out, cut, left
}

func (w *Writer) tooLong(lines []byte) bool {
	for len(lines) > w.cfg.MaxLine {
		n := bytes.IndexByte(lines, '\n')
		if n < 0 || n > w.cfg.MaxLine {
			return true
		}
		lines = lines[n+1:]
	}
	return false
}

// put writes lines at the end of the last segment, or of a new one. Where the
// disk is full it makes room of what was read already.
func (w *Writer) put(lines []byte) (Position, error) {
	if w.closed {
		return Position{}, ErrClosed
	}
	at, err := w.room(int64(len(lines)))
	if err != nil {
		return Position{}, err
	}
	_, err = w.f.WriteAt(lines, at.Offset)
	if errors.Is(err, syscall.ENOSPC) && w.dropRead() {
		_, err = w.f.WriteAt(lines, at.Offset)
	}
	w.dirty = true
	if err == nil {
		return at, nil
	}
	if terr := w.f.Truncate(at.Offset); terr != nil {
		// Half a line stays behind. Nobody reads it, and the next lines go elsewhere.
		err = errors.Join(err, terr, w.finish())
	}
	return Position{}, err
}

// room returns where n bytes go, having begun a segment and dropped others
// where that is needed.
func (w *Writer) room(n int64) (Position, error) {
	at := w.End()
	if w.f != nil && at.Offset > 0 && at.Offset+n > w.cfg.MaxSegment {
		if err := w.finish(); err != nil {
			return at, err
		}
	}
	if w.f == nil {
		if err := w.begin(); err != nil {
			return at, err
		}
		at = w.End()
	}
	w.bound(n)
	return at, nil
}

// begin makes the next segment. Its number is used up before there is a file.
func (w *Writer) begin() error {
	w.mu.Lock()
	h := w.header
	w.mu.Unlock()
	seq := h.next
	h.next++
	if err := writeHeader(w.dir, h); err != nil {
		return err
	}
	f, err := os.OpenFile(w.path(seq), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	if err := syncDir(w.dir); err != nil {
		f.Close()
		return err
	}
	w.f = f
	w.mu.Lock()
	defer w.mu.Unlock()
	w.header = h
	w.segments = append(w.segments, piece{seq: seq, written: time.Now()})
	return nil
}

// finish closes the last segment for good.
func (w *Writer) finish() error {
	if w.f == nil {
		return nil
	}
	err := errors.Join(w.sync(), w.f.Close())
	w.f = nil
	return err
}

func (w *Writer) sync() error {
	if w.f == nil || !w.dirty {
		return nil
	}
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("syncing the stream %s: %w", w.dir, err)
	}
	w.dirty = false
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Syncs++
	return nil
}

func (w *Writer) path(seq uint64) string { return filepath.Join(w.dir, segmentName(seq)) }

func (w *Writer) snapshot() []piece {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.segments)
}

var lineEnd = []byte{'\n'}
