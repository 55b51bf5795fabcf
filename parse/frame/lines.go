package frame

import (
	"bytes"
	"io"

	"why503/parse"
)

// Lines hands out a stream line by line. Texts are pieces of the block that
// was read; nothing is copied. It is pulled from one goroutine.
type Lines struct {
	blocks *Blocks
	buf    []byte
	it     BlockLines
}

// NewLines reads r. A maxLine of 0 means DefaultMaxLine.
func NewLines(r io.Reader, maxLine int) *Lines { return NewLinesSize(r, maxLine, lineBlock) }

// NewLinesSize begins with a buffer of that size, for who reads many streams
// at a time. Longer lines make it grow.
func NewLinesSize(r io.Reader, maxLine, buffer int) *Lines {
	b := NewBlocks(r, maxLine)
	b.eager = true
	return &Lines{blocks: b, buf: make([]byte, 0, min(max(buffer, 4096), b.limit))}
}

// Next returns the next line, without its LF or CRLF. Its Text is valid until
// the next call. At the end it returns io.EOF; an error of the stream comes
// after all lines before it.
func (l *Lines) Next() (parse.Line, error) {
	for {
		if line, ok := l.it.Next(); ok {
			return line, nil
		}
		block, err := l.blocks.Next(l.buf)
		if err != nil {
			return parse.Line{}, err
		}
		l.buf, l.it = block.Data[:0], block.Lines()
	}
}

// Skipped returns how many lines were longer than the bound, and how many
// bytes of them were skipped.
func (l *Lines) Skipped() (lines, bytes int64) { return l.blocks.Skipped() }

// BlockLines hands out the lines of one Block.
type BlockLines struct {
	rest           []byte
	offset, number int64
	cut            bool
}

// Lines begins at the first line of b.
func (b Block) Lines() BlockLines {
	return BlockLines{rest: b.Data, offset: b.Offset, number: b.Number, cut: b.Cut}
}

// Next returns the next line. Its Text is a piece of the Block's Data.
func (l *BlockLines) Next() (parse.Line, bool) {
	if len(l.rest) == 0 {
		return parse.Line{}, false
	}
	line := parse.Line{Offset: l.offset, Number: l.number}
	n := bytes.IndexByte(l.rest, '\n')
	if n < 0 {
		line.Text, line.Cut = l.rest, l.cut
		l.rest = nil
		if !line.Cut {
			line.Text = bytes.TrimSuffix(line.Text, carriageReturn)
		}
		return line, true
	}
	line.Text = l.rest[:n]
	if n > 0 && line.Text[n-1] == '\r' {
		line.Text = line.Text[:n-1]
	}
	l.rest = l.rest[n+1:]
	l.offset += int64(n + 1)
	l.number++
	return line, true
}

var carriageReturn = []byte{'\r'}
