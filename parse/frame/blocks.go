package frame

import (
	"bytes"
	"errors"
	"io"
)

const (
	// DefaultBlock is a good size for the blocks of NewBlocks.
	DefaultBlock = 1 << 20
	// DefaultMaxLine bounds a line, with its line end. What is longer is handed
	// out as its beginning; the rest is skipped and counted.
	DefaultMaxLine = 1 << 20

	lineBlock     = 256 << 10
	maxEmptyReads = 100
)

var newline = []byte{'\n'}

// A Block is a run of whole lines. It is never longer than the bound of a line.
type Block struct {
	Data   []byte // with line ends; the last line of a stream may have none
	Offset int64  // of the first byte, in the uncompressed stream
	Number int64  // of the first line, from 1
	Cut    bool   // the last line is the beginning of a longer one
}

// Count returns the number of lines in b.
func (b Block) Count() int64 {
	n := int64(bytes.Count(b.Data, newline))
	if len(b.Data) > 0 && b.Data[len(b.Data)-1] != '\n' {
		n++
	}
	return n
}

// Blocks divides a stream into Blocks, so that parts of it can be parsed side
// by side. It is pulled from one goroutine.
type Blocks struct {
	r      io.Reader
	err    error // of r; sticky
	limit  int   // of a block, and so of a line with its end
	eager  bool  // hand out what is there and do not wait for a full block
	carry  []byte
	offset int64 // of carry, which begins the next block
	number int64 // of the line that carry begins

	skip         bool // carry is the rest of a line that was cut
	cuts, unread int64
}

// NewBlocks reads r. A maxLine of 0 means DefaultMaxLine.
func NewBlocks(r io.Reader, maxLine int) *Blocks {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	return &Blocks{r: r, limit: maxLine + 1, number: 1}
}

// Skipped returns how many lines were longer than the bound, and how many
// bytes of them were skipped.
func (b *Blocks) Skipped() (lines, bytes int64) { return b.cuts, b.unread }

// Next fills buf, which the caller owns, and returns the Block in it; a buffer
// that is too small is replaced by a larger one. At the end it returns io.EOF.
// An error of the stream comes after all that could be read before it.
func (b *Blocks) Next(buf []byte) (Block, error) {
	buf = b.begin(buf)
	for {
		buf = b.fill(buf)
		if b.skip {
			buf = b.dropRest(buf)
		}
		if n := bytes.LastIndexByte(buf, '\n') + 1; n > 0 {
			return b.hand(buf, n, false), nil
		}
		switch {
		case len(buf) == b.limit:
			b.skip = true
			b.cuts++
			return b.hand(buf, b.limit-1, true), nil
		case b.ended() && len(buf) == 0:
			return Block{}, b.err
		case b.ended():
			// What stands before a damage is the beginning of a line.
			return b.hand(buf, len(buf), !errors.Is(b.err, io.EOF)), nil
		case len(buf) == cap(buf):
			buf = append(make([]byte, 0, min(2*cap(buf), b.limit)), buf...)
		}
	}
}

func (b *Blocks) ended() bool { return b.err != nil }

// begin puts what is left of the block before into buf.
func (b *Blocks) begin(buf []byte) []byte {
	if cap(buf) <= len(b.carry) || cap(buf) < min(4096, b.limit) {
		buf = make([]byte, 0, b.limit)
	}
	buf = append(buf[:0:min(cap(buf), b.limit)], b.carry...)
	b.carry = b.carry[:0]
	return buf
}

// fill reads until buf is full, or once where it must not wait.
func (b *Blocks) fill(buf []byte) []byte {
	for empty := 0; len(buf) < cap(buf) && b.err == nil; {
		n, err := b.r.Read(buf[len(buf):cap(buf)])
		if n < 0 || n > cap(buf)-len(buf) {
			n, err = 0, io.ErrNoProgress // not a reader that keeps its contract
		}
		buf, b.err = buf[:len(buf)+n], err
		switch {
		case n > 0 && b.eager:
			return buf
		case n == 0 && err == nil:
			if empty++; empty == maxEmptyReads {
				b.err = io.ErrNoProgress
			}
		}
	}
	return buf
}

// dropRest drops what belongs to a line that was cut, with its line end.
func (b *Blocks) dropRest(buf []byte) []byte {
	n := bytes.IndexByte(buf, '\n')
	if n < 0 {
		b.unread += int64(len(buf))
		b.offset += int64(len(buf))
		return buf[:0]
	}
	b.skip = false
	b.unread += int64(n)
	b.offset += int64(n + 1)
	return buf[:copy(buf, buf[n+1:])]
}

// hand makes a Block of the first n bytes and keeps the rest for the next.
func (b *Blocks) hand(buf []byte, n int, cut bool) Block {
	block := Block{Data: buf[:n], Offset: b.offset, Number: b.number, Cut: cut}
	b.carry = append(b.carry, buf[n:]...)
	b.offset += int64(n)
	b.number += int64(bytes.Count(block.Data, newline))
	if cut {
		b.number++
	}
	return block
}
