package segment

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// Expire drops segments whose last line is older than the age that Config
// gives. Append does so too; this is for streams that fell silent.
func (w *Writer) Expire() error {
	w.disk.Lock()
	defer w.disk.Unlock()
	all := w.snapshot()
	if n := len(all); n > 0 && !w.closed && w.old(all[n-1]) {
		if err := w.finish(); err != nil {
			return err
		}
	}
	w.bound(0)
	return nil
}

// bound drops the oldest segments until n more bytes fit. w.disk is held.
func (w *Writer) bound(n int64) {
	total, over := w.over(n)
	if !over {
		return
	}
	all := w.snapshot()
	for i, g := range all {
		if i == len(all)-1 && w.f != nil {
			return // lines are written to it
		}
		reason := LostSize
		if w.old(g) {
			reason = LostAge
		} else if total <= w.cfg.MaxTotal {
			return
		}
		w.drop(g, reason)
		total -= g.size
	}
}

// over tells what all would be with n more bytes, and whether that or an age is
// too much.
func (w *Writer) over(n int64) (total int64, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	total = n
	for _, g := range w.segments {
		total += g.size
	}
	return total, total > w.cfg.MaxTotal || len(w.segments) > 0 && w.old(w.segments[0])
}

func (w *Writer) old(g piece) bool {
	return w.cfg.MaxAge > 0 && g.size > 0 && time.Since(g.written) > w.cfg.MaxAge
}

// dropRead drops what was read, and reports whether there was any.
func (w *Writer) dropRead() (dropped bool) {
	all := w.snapshot()
	for _, g := range all[:max(0, len(all)-1)] {
		w.mu.Lock()
		read := w.released.Compare(Position{g.seq, g.size}) >= 0
		w.mu.Unlock()
		if !read {
			break
		}
		w.drop(g, LostSize)
		dropped = true
	}
	return dropped
}

// drop removes the oldest segment and counts what of it was not read.
func (w *Writer) drop(g piece, reason string) {
	w.mu.Lock()
	from := int64(0)
	if w.released.Seq == g.seq {
		from = min(w.released.Offset, g.size)
	} else if w.released.Seq > g.seq {
		from = g.size
	}
	h := w.header
	w.mu.Unlock()
	lines := int64(0)
	if from < g.size { // where it cannot be read that is one line at least
		lines = max(1, countLines(w.path(g.seq), from, g.size))
	}
	h.dropped = Position{g.seq, g.size}
	if err := writeHeader(w.dir, h); err != nil { // it only tells a gap from none after a restart
		w.log.Warn("cannot note that a segment is dropped", "stream", w.dir, "segment", g.seq, "err", err)
	}
	if err := os.Remove(w.path(g.seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("cannot remove a segment", "stream", w.dir, "segment", g.seq, "err", err)
	}
	w.lose(reason, lines, g.size-from)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.segments = w.segments[1:]
	w.header = h
	w.changed()
}

// countLines returns as many line ends as can be read of a piece of a file.
func countLines(path string, from, to int64) (n int64) {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	r := io.NewSectionReader(f, from, to-from)
	for {
		k, err := r.Read(buf)
		n += int64(bytes.Count(buf[:k], lineEnd))
		if err != nil {
			return n
		}
	}
}
