package tail

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"why503/parse/fact"
)

const (
	chunk = 128 << 10 // read at a time
	// keepPartial is how much of a line without end is read again when more of
	// it is there, instead of keeping it in memory.
	keepPartial = 32 << 10
)

var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// errReplaced says that what was read is not in the file any more.
var errReplaced = errors.New("the file began anew in place")

// A buffer holds the piece of a file that lines are cut from. It is empty while
// there is nothing to read. Before the next line it keeps evidenceBytes, which
// each read compares with the file.
type buffer struct {
	b    []byte
	pool *[]byte // b, where it came from chunks
	base int64   // where b[0] stands in the file
	r, w int     // the next line; the end of what was read
	scan int     // no line end in b[r:scan]

	tail    fact.Fingerprint // of the tailLen bytes before the next line, while b is empty
	tailLen int
}

// start begins at offset, with the evidence of what is before it.
func (b *buffer) start(offset int64, tail fact.Fingerprint, tailLen int) {
	b.free()
	b.base, b.r, b.w, b.scan = offset, 0, 0, 0
	b.tail, b.tailLen = tail, tailLen
}

// offset is where the next line begins.
func (b *buffer) offset() int64 { return b.base + int64(b.r) }

// seen is how far the file was read.
func (b *buffer) seen() int64 { return b.base + int64(b.w) }

// fill reads on. It returns how much is new, and whether that is all there is
// now.
func (b *buffer) fill(h *handle) (n int, end bool, err error) {
	if b.b == nil {
		b.pool = chunks.Get().(*[]byte)
		b.b = *b.pool
		n, end, err = b.first(h)
		return n, end, err
	}
	b.room()
	var before [evidenceBytes]byte
	known := 0
	if !h.compressed { // nobody writes to it, and a step back is dear
		known = copy(before[:], b.b[max(0, b.w-evidenceBytes):b.w])
	}
	got, err := h.ReadAt(b.b[b.w-known:], b.seen()-int64(known))
	if err != nil && !errors.Is(err, io.EOF) {
		copy(b.b[b.w-known:], before[:known])
		return 0, false, err
	}
	if got < known || !bytes.Equal(b.b[b.w-known:b.w], before[:known]) {
		copy(b.b[b.w-known:], before[:known])
		return 0, false, errReplaced
	}
	b.w += got - known
	return got - known, b.w < len(b.b), nil
}

// first reads into the empty buffer.
func (b *buffer) first(h *handle) (n int, end bool, err error) {
	known := b.tailLen
	got, err := h.ReadAt(b.b, b.base-int64(known))
	if err == nil || errors.Is(err, io.EOF) {
		err = nil
		if got < known || sumOf(b.b[:known]) != b.tail {
			err = errReplaced
		}
	}
	if err != nil {
		b.drop()
		return 0, false, err
	}
	b.base -= int64(known)
	b.r, b.w, b.scan = known, got, known
	return got - known, got < len(b.b), nil
}

// room moves what is needed to the front, and makes the buffer larger where a
// line takes up more than half of it.
func (b *buffer) room() {
	from := max(0, b.r-evidenceBytes)
	to := b.b
	if b.w-from > len(b.b)/2 {
		to = make([]byte, 2*len(b.b))
	}
	copy(to, b.b[from:b.w])
	if len(to) != len(b.b) {
		b.drop()
		b.b = to
	}
	b.base += int64(from)
	b.r, b.w, b.scan = b.r-from, b.w-from, b.scan-from
}

// evidence returns the hash of what is before the next line.
func (b *buffer) evidence() (fact.Fingerprint, int) {
	if b.b == nil {
		return b.tail, b.tailLen
	}
	before := b.b[max(0, b.r-evidenceBytes):b.r]
	return sumOf(before), len(before)
}

// pause gives the memory back until there is something to read. A part of a
// line is read again then, unless that is much.
func (b *buffer) pause() {
	if b.w-b.r <= keepPartial {
		b.free()
	}
}

// free gives the memory back. What was not handed out is read again.
func (b *buffer) free() {
	if b.b == nil {
		return
	}
	offset := b.offset()
	b.tail, b.tailLen = b.evidence()
	b.base, b.r, b.w, b.scan = offset, 0, 0, 0
	b.drop()
}

func (b *buffer) drop() {
	if b.pool != nil {
		chunks.Put(b.pool)
	}
	b.b, b.pool = nil, nil
}
