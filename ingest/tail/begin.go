package tail

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"why503/parse/fact"
)

// begin finds the file to read next.
func (f *File) begin() error {
	switch {
	case f.at != nil:
		return f.resume()
	case f.after == nil:
		return f.start(f.path)
	}
	rest := f.rest(f.after)
	if len(rest) == 0 {
		return f.pause()
	}
	return f.start(rest[0].path)
}

// rest lists what comes after at, without what was read before: names need not
// be in the order of time.
func (f *File) rest(at *Position) []sibling {
	rest := following(f.path, f.opt.Handles, at)
	return slices.DeleteFunc(rest, func(s sibling) bool {
		return s.path != f.path && slices.ContainsFunc(f.old, func(c *incarnation) bool {
			// An inode may be used again: the content decides.
			return c.number < at.Incarnation && !c.gone && c.end.FingerprintLen > 0 && c.handle.id == idOf(s.info) &&
				isAt(s.path, f.opt.Handles, &c.end, true)
		})
	})
}

// resume finds the file that a saved Position is in.
func (f *File) resume() error {
	at := f.at
	if at.FingerprintLen == 0 && at.id() == (fileID{}) && at.Modified == 0 { // nothing was ever read
		f.at = nil
		return nil
	}
	got, ok, err := search(f.path, f.opt.Handles, at)
	if err != nil {
		return f.fail(f.path, err)
	}
	if ok {
		if info, err := os.Stat(f.path); err == nil && at.id() != (fileID{}) && got.handle.id != at.id() && !got.handle.compressed && idOf(info) == at.id() {
			f.stats.Truncations++ // it is a copy, and the original goes on from its start
			f.stats.Recovered++
		}
		c := f.newIncarnation(got.handle, got.head)
		c.restore(at, got.head)
		f.begun(c, at.Offset, at.Tail, at.TailLen)
		f.number, f.skip = at.Line, at.Skipping
		return nil
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.pause() // it may be between two names
	case err != nil:
		return f.fail(f.path, err)
	}
	if at.Offset > 0 || at.FingerprintLen > 0 { // something stood there, read or not
		f.stats.Missing++
		if idOf(info) == at.id() {
			f.stats.Truncations++
		}
	}
	f.at, f.next = nil, at.Incarnation+1
	if at.FingerprintLen == evidenceBytes {
		f.kin = &kin{at.Fingerprint, at.Fingerprint}
		if at.Identity != (fact.Fingerprint{}) {
			f.kin.identity = at.Identity
		}
	}
	// What bears its inode is another file by now.
	f.after = &Position{Path: at.Path, Modified: at.Modified, Incarnation: at.Incarnation}
	return nil
}

// start begins with a file at its start, or where opt.FromEnd says.
func (f *File) start(path string) error {
	h, head, err := open(path, f.opt.Handles)
	fromEnd := f.opt.FromEnd
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errMoved) {
		f.opt.FromEnd = false // what comes later is new
		return f.pause()
	}
	if err == nil && h.compressed && path == f.path {
		h.close()
		err = errPacked
	}
	if err != nil {
		return f.fail(path, err)
	}
	f.opt.FromEnd = false
	if !fromEnd {
		f.begun(f.newIncarnation(h, head), 0, fact.Fingerprint{}, 0)
		return nil
	}
	offset, whole, err := lastBorder(h, int64(f.limit))
	if err != nil {
		h.close()
		f.opt.FromEnd = true
		return f.fail(path, err)
	}
	n := int(min(offset, evidenceBytes))
	tail, ok := tailOf(h, offset, n)
	if !ok { // it was truncated just now
		offset, n, tail, whole = 0, 0, fact.Fingerprint{}, true
	}
	f.begun(f.newIncarnation(h, head), offset, tail, n)
	f.skip = !whole
	return nil
}

// lastBorder returns where the last line without end begins. Of a line longer
// than limit the rest is not whole.
func lastBorder(h *handle, limit int64) (offset int64, whole bool, err error) {
	info, err := h.stat()
	if err != nil {
		return 0, false, err
	}
	buf := make([]byte, 32<<10)
	for end := info.Size(); end > 0 && info.Size()-end < limit; {
		from := max(0, end-int64(len(buf)))
		n, err := h.ReadAt(buf[:end-from], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, false, err
		}
		i := bytes.LastIndexByte(buf[:n], '\n')
		border := from + int64(i) + 1
		if (i >= 0 || from == 0) && info.Size()-border < limit {
			return border, true, nil
		}
		end = from
	}
	return info.Size(), info.Size() == 0, nil
}

func (f *File) newIncarnation(h *handle, head []byte) *incarnation {
	c := &incarnation{number: f.next, handle: h, maxLine: f.opt.MaxLine, salt: f.opt.Salt, before: f.kin, static: h.compressed}
	c.setHead(head)
	return c
}

// begun makes c the current file.
func (f *File) begun(c *incarnation, offset int64, tail fact.Fingerprint, tailLen int) {
	c.read = offset
	if info, err := c.handle.stat(); err == nil {
		c.modified = info.ModTime().UnixNano()
	}
	f.mu.Lock()
	f.cur = c
	f.mu.Unlock()
	f.buf.start(offset, tail, tailLen)
	f.at, f.after, f.again = nil, nil, false
	f.next = c.number + 1
	f.number, f.skip, f.more, f.ending = 0, false, true, false
	f.known, f.lookups, f.retry = fileState{-1, -1}, 0, time.Time{}
	f.problem = ""
	f.unrotate()
	f.publish()
}
