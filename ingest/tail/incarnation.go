package tail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"why503/parse/fact"
)

// An Incarnation is one of the files that a path meant, one after the other.
type Incarnation struct {
	Number         int
	Path           string           // where it is now, as far as known
	Fingerprint    fact.Fingerprint // of its first FingerprintLen bytes; grows with the file up to 1,024
	FingerprintLen int
	// Position at which all of it that was read was handed out. In
	// Options.Earlier it lets ReadAt find the file after a restart.
	Position Position
}

// ErrForgotten says that an incarnation is further back than Options.Keep, or
// was never there.
var ErrForgotten = errors.New("this incarnation of the file is not kept any more")

// ErrGone says that an incarnation cannot be found any more: it was deleted, or
// was truncated without a copy.
var ErrGone = errors.New("this incarnation of the file is gone")

type incarnation struct {
	number  int
	handle  *handle
	maxLine int
	salt    string
	head    []byte // its beginning, up to evidenceBytes
	breaks  []int  // ends of lines in head that were flushed without a line end

	whole    bool             // head is complete, and the next three are known
	raw      fact.Fingerprint // of head
	identity fact.Fingerprint // raw, or another one where the file before began alike
	salted   fact.Fingerprint // what lines are named by
	before   *kin

	read     int64 // of the content, all of it handed out or given up
	modified int64
	static   bool // nothing will be added to it: a copy, or compressed
	gone     bool
	end      Position // when it was left
}

// kin is what has to be known of the file before.
type kin struct{ raw, identity fact.Fingerprint }

// setHead takes the beginning of the file as far as it is there.
func (c *incarnation) setHead(b []byte) {
	if c.whole || len(b) <= len(c.head) {
		return
	}
	c.head = bytes.Clone(b[:min(len(b), evidenceBytes)])
	if len(c.head) < evidenceBytes {
		return
	}
	c.raw = sum(c.head)
	c.identity = c.raw
	// A hole that a truncation left says nothing about the file either.
	hole := len(bytes.TrimLeft(c.head, "\x00")) == 0
	if c.before != nil && (c.before.raw == c.raw || hole) {
		c.identity = mix(c.raw, c.before.identity[:])
	}
	c.settle()
}

func (c *incarnation) settle() {
	c.whole = true
	c.salted = c.withSalt(c.identity)
}

func (c *incarnation) withSalt(f fact.Fingerprint) fact.Fingerprint {
	if c.salt == "" {
		return f
	}
	return mix(f, []byte(c.salt))
}

// fingerprint names the line that ends before end.
func (c *incarnation) fingerprint(end int64) fact.Fingerprint {
	if end >= evidenceBytes && c.whole {
		return c.salted
	}
	return c.withSalt(sum(c.head[:min(end, int64(len(c.head)))]))
}

// fingerprintAt names the line that begins at offset.
func (c *incarnation) fingerprintAt(offset int64) fact.Fingerprint {
	if offset >= int64(len(c.head)) {
		return c.fingerprint(evidenceBytes)
	}
	at := int(max(0, offset))
	end := at + c.maxLine
	if n := bytes.IndexByte(c.head[at:], '\n'); n >= 0 && n <= c.maxLine {
		end = at + n + 1
	}
	for _, b := range c.breaks {
		if b > at {
			end = min(end, b)
		}
	}
	return c.fingerprint(int64(end))
}

// broke notes that a line without end was flushed there.
func (c *incarnation) broke(end int64) {
	if end < evidenceBytes && !slices.Contains(c.breaks, int(end)) {
		c.breaks = append(slices.Clone(c.breaks), int(end))
	}
}

// position returns what is known of the incarnation itself.
func (c *incarnation) position() Position {
	p := Position{
		FingerprintLen: len(c.head), Inode: c.handle.id.inode, Device: c.handle.id.device, Path: c.handle.path,
		Modified: c.modified, Incarnation: c.number, Breaks: c.breaks, Salt: c.salt,
	}
	switch {
	case !c.whole:
		p.Fingerprint = sum(c.head)
		if c.before != nil {
			p.Before, p.BeforeIdentity = c.before.raw, c.before.identity
		}
	case c.identity != c.raw:
		p.Fingerprint, p.Identity = c.raw, c.identity
	default:
		p.Fingerprint = c.raw
	}
	return p
}

// restore takes over what a Position says beside the content.
func (c *incarnation) restore(p *Position, head []byte) {
	c.number, c.salt, c.breaks, c.modified = p.Incarnation, p.Salt, p.Breaks, p.Modified
	if p.Before != (fact.Fingerprint{}) {
		c.before = &kin{p.Before, p.BeforeIdentity}
	}
	c.setHead(head)
	if c.whole && p.Identity != (fact.Fingerprint{}) {
		c.identity = p.Identity
		c.settle()
	}
}

// Incarnation returns what is known of incarnation n. It may be called from any
// goroutine, as may FingerprintAt, ReadAt and Stats.
func (f *File) Incarnation(n int) (Incarnation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.incarnation(n)
	if err != nil {
		return Incarnation{}, err
	}
	p := c.position()
	i := Incarnation{Number: n, Path: p.Path, Fingerprint: p.Fingerprint, FingerprintLen: p.FingerprintLen, Position: c.end}
	if c == f.cur {
		i.Position = f.shared
	}
	return i, nil
}

// FingerprintAt returns what the line at offset in incarnation n is named by,
// together with the offset. It is Line.Fingerprint of that line.
func (f *File) FingerprintAt(n int, offset int64) (fact.Fingerprint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.incarnation(n)
	if err != nil {
		return fact.Fingerprint{}, err
	}
	return c.fingerprintAt(offset), nil
}

// ReadAt reads the uncompressed content of incarnation n, as io.ReaderAt does,
// wherever the file is by now.
func (f *File) ReadAt(n int, p []byte, off int64) (int, error) {
	f.mu.Lock()
	c, err := f.incarnation(n)
	if err != nil || c.gone {
		f.mu.Unlock()
		if err == nil {
			err = fmt.Errorf("reading %s again at %d: %w", f.path, off, ErrGone)
		}
		return 0, err
	}
	h := c.handle
	f.mu.Unlock()
	got, err := h.ReadAt(p, off)
	if !errors.Is(err, errMoved) {
		return got, err
	}
	found, err := f.findAgain(c)
	if err != nil {
		return 0, fmt.Errorf("reading %s again at %d: %w", f.path, off, err)
	}
	got, err = found.ReadAt(p, off)
	f.keep(c, found)
	return got, err
}

// findAgain finds a file that is not where it was. That it is not found is no
// reason to give it up for good: rotation moves files step by step.
func (f *File) findAgain(c *incarnation) (*handle, error) {
	f.mu.Lock()
	p := c.end
	if c == f.cur {
		p = f.shared
	}
	if p.FingerprintLen == 0 {
		p = c.position()
	}
	f.mu.Unlock()
	found, ok, err := search(f.path, f.opt.Handles, &p)
	if err == nil && !ok {
		err = ErrGone
	}
	return found.handle, err
}

// keep puts a handle in the place of one that does not lead to its file any
// more. That of the current file belongs to who pulls.
func (f *File) keep(c *incarnation, found *handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c == f.cur || !slices.Contains(f.old, c) {
		found.close()
		return
	}
	c.handle.close()
	c.handle = found
}

func (f *File) incarnation(n int) (*incarnation, error) {
	if f.cur != nil && f.cur.number == n {
		return f.cur, nil
	}
	for _, c := range f.old {
		if c.number == n {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s, incarnation %d: %w", f.path, n, ErrForgotten)
}
