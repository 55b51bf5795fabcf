package tail

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"time"
)

// advance does the next step towards a line: reads on, looks for news, or goes
// to the next file. It returns ErrWait when there is nothing to do now.
func (f *File) advance() error {
	switch {
	case f.cur != nil && f.ending:
		f.leave()
		return nil
	case f.cur != nil && f.more && (f.retry.IsZero() || !time.Now().Before(f.retry)):
		return f.read()
	case time.Now().Before(f.due):
		if f.buf.b != nil {
			f.buf.pause()
			f.publish()
		}
		return ErrWait
	case f.cur == nil:
		return f.begin()
	}
	return f.look()
}

// read takes in the next piece of cur.
func (f *File) read() error {
	n, end, err := f.buf.fill(f.cur.handle)
	switch {
	case err == nil:
	case errors.Is(err, errReplaced):
		return f.replaced()
	case errors.Is(err, errMoved):
		return f.relocate()
	case isDamage(err):
		f.ending = true
		return pathError(f.cur.handle.path, err)
	default:
		f.cur.handle.rest() // a stale handle would fail for ever
		return f.fail(f.cur.handle.path, err)
	}
	if f.otherHead() {
		offset := f.buf.offset()
		tail, n := f.buf.evidence()
		f.buf.start(offset, tail, n)
		return f.replaced()
	}
	f.more = !end || f.cur.static
	f.lookups = 0
	if f.news() {
		f.problem, f.retry, f.last = "", time.Time{}, false
		f.grown = time.Now()
		f.interval = f.opt.Poll
		f.due = f.grown.Add(f.interval)
		return nil
	}
	if !end || n > 0 && f.cur.handle.compressed {
		return nil
	}
	if f.cur.static || f.last {
		f.ending = true
		return nil
	}
	return f.pause()
}

// otherHead tells a file whose inode was used again from ours where little of
// it was handed out: a partial first line is evidence as well.
func (f *File) otherHead() bool {
	return !f.cur.whole && f.buf.base == 0 && !bytes.HasPrefix(f.buf.b[:f.buf.w], f.cur.head)
}

// look asks whether there is news of cur.
func (f *File) look() error {
	f.stats.Polls++
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.drain(nil)
	case err != nil:
		return f.fail(f.path, err)
	}
	if err := regular(info); err != nil {
		return f.fail(f.path, err)
	}
	if idOf(info) != f.cur.handle.id {
		return f.drain(info)
	}
	f.unrotate()
	now := fileState{info.Size(), info.ModTime().UnixNano()}
	if now.size < f.cur.read {
		return f.replaced()
	}
	if now == f.known {
		return f.idle()
	}
	f.mu.Lock()
	f.cur.modified = now.modified
	f.mu.Unlock()
	f.known, f.more = now, true
	return nil
}

func (f *File) unrotate() { f.rotated, f.last = time.Time{}, false }

// drain reads a file that was renamed to its end: until its writer has been
// quiet for long enough. Live is what the path means now, nil when nothing.
func (f *File) drain(live fs.FileInfo) error {
	now := time.Now()
	f.more, f.interval = true, f.opt.Poll
	if f.rotated.IsZero() {
		f.rotated, f.grown = now, now
		here := f.position()
		// With more than one file behind it the writer has long let go.
		n := len(f.rest(&here))
		f.cur.static = n > 1 || n == 1 && live == nil
		return nil
	}
	wait := f.opt.Drain
	if live != nil && live.Size() == 0 {
		wait *= emptyDrain
	}
	switch {
	case live == nil: // nobody knows yet what comes next
	case now.Sub(f.rotated) >= maxDrain*f.opt.Drain:
		f.ending = true
	case now.Sub(f.grown) >= wait:
		f.last = true
	}
	return nil
}

// replaced deals with a file that is not what was read from it: it was
// truncated, and may have grown again.
func (f *File) replaced() error {
	c := f.cur
	here := f.position()
	if f.rotated.IsZero() && !c.static {
		f.stats.Truncations++
		here.Inode, here.Device = 0, 0
		if got, ok, _ := search(f.path, f.opt.Handles, &here); ok {
			f.stats.Recovered++
			f.swap(got.handle, &here)
			c.static = true
			return nil
		}
		f.again = true
	}
	f.stats.Lost += max(0, c.read-f.buf.seen())
	f.ending = true
	f.mu.Lock()
	c.gone = true
	f.mu.Unlock()
	return nil
}

// relocate finds a file that is not where it was when it was parked.
func (f *File) relocate() error {
	here := f.position()
	got, ok, err := search(f.path, f.opt.Handles, &here)
	if err != nil {
		return f.fail(f.path, err)
	}
	if ok {
		static := got.handle.compressed || got.handle.id != f.cur.handle.id
		f.swap(got.handle, &here)
		f.cur.static = static
		return nil
	}
	if f.lookups++; f.lookups < 3 {
		return f.pause() // it may be between two names
	}
	f.stats.Lost += max(0, f.cur.read-f.buf.seen())
	f.ending = true
	f.mu.Lock()
	f.cur.gone = true
	f.mu.Unlock()
	return nil
}

// swap reads on in another file with the same content.
func (f *File) swap(h *handle, here *Position) {
	f.mu.Lock()
	f.stats.Reopened += f.cur.handle.reopened()
	f.cur.handle.close()
	f.cur.handle = h
	f.mu.Unlock()
	f.buf.start(here.Offset, here.Tail, here.TailLen)
	f.more = true
}

// leave is done with cur.
func (f *File) leave() {
	c := f.cur
	f.lateBytes()
	end := f.position()
	f.buf.free()
	f.kin = &kin{c.raw, c.identity}
	if !c.whole {
		f.kin.raw = sum(c.head)
		f.kin.identity = f.kin.raw
	}
	if f.again {
		f.after = nil
	} else {
		f.stats.Rotations++
		f.after = &end
	}
	f.mu.Lock()
	c.end = end
	if c.gone {
		c.handle.close()
	}
	f.old = append(f.old, c)
	for len(f.old) > f.opt.Keep {
		f.stats.Reopened += f.old[0].handle.reopened()
		f.old[0].handle.close()
		f.old = f.old[1:]
	}
	f.cur = nil
	f.mu.Unlock()
	f.hold = time.Now().Add(f.opt.Hold)
	f.ending, f.more, f.skip = false, false, false
	f.Wake()
	f.publish()
}

// lateBytes counts what was written to the file before after it was left.
func (f *File) lateBytes() {
	if len(f.old) == 0 {
		return
	}
	c := f.old[len(f.old)-1]
	f.mu.Lock()
	h := c.handle // another goroutine may have found it again
	f.mu.Unlock()
	if c.gone || h.compressed || c.read == 0 {
		return
	}
	if info, err := h.stat(); err == nil && info.Size() > c.read {
		f.stats.Lost += info.Size() - c.read
		c.read = info.Size()
	}
}

// Position returns where reading goes on: behind the line that was handed out
// last.
func (f *File) Position() Position {
	switch {
	case f.cur == nil && f.at != nil:
		return *f.at
	case f.cur == nil && f.after != nil:
		return *f.after
	case f.cur == nil:
		return Position{Path: f.path, Incarnation: f.next, Salt: f.opt.Salt}
	}
	return f.position()
}

// PositionAt returns the Position before the line at offset in incarnation n,
// which is line number in it.
func (f *File) PositionAt(n int, offset, number int64) (Position, error) {
	f.mu.Lock()
	c, err := f.incarnation(n)
	if err != nil {
		f.mu.Unlock()
		return Position{}, err
	}
	p := c.position()
	f.mu.Unlock()
	var room [evidenceBytes]byte
	tail := room[:min(offset, evidenceBytes)]
	if len(tail) > 0 {
		if got, err := f.ReadAt(n, tail, offset-int64(len(tail))); got < len(tail) {
			return Position{}, err
		}
	}
	p.Offset, p.Line, p.Tail, p.TailLen = offset, max(0, number-1), sumOf(tail), len(tail)
	return p, nil
}

func (f *File) position() Position {
	p := f.cur.position()
	p.Offset, p.Line, p.Skipping = f.buf.offset(), f.number, f.skip
	p.Tail, p.TailLen = f.buf.evidence()
	return p
}
