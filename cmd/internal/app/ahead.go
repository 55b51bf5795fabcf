package app

import (
	"context"
	"errors"
	"io"

	"why503/ingest"
	"why503/parse"
	"why503/parse/frame"
)

// lineSource hands out the lines of an input, as ingest.Lines does.
type lineSource interface {
	Next() (parse.Line, error)
	Skipped() (lines, bytes int64)
	Close() error
}

// openLines begins to read in. What is compressed is decompressed in a
// goroutine of its own, which ends with ctx or with the input.
func (in *input) openLines(ctx context.Context) lineSource {
	if in.source.Compression == frame.Plain {
		return in.source.Lines(ingest.Options{})
	}
	return newAhead(ctx, in.source.Blocks(ingest.Options{}))
}

// An ahead reads Blocks beside who parses their lines. Texts are valid until
// the next call of Next.
type ahead struct {
	blocks *ingest.Blocks
	filled chan filled
	free   chan []byte
	cancel context.CancelFunc
	buf    []byte // of the block that is being parsed
	rest   frame.BlockLines
}

type filled struct {
	block frame.Block
	err   error
}

func newAhead(ctx context.Context, blocks *ingest.Blocks) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{blocks: blocks, filled: make(chan filled, 1), free: make(chan []byte, 3), cancel: cancel}
	for range cap(a.free) {
		a.free <- make([]byte, 0, blockBytes)
	}
	go a.read(ctx)
	return a
}

func (a *ahead) read(ctx context.Context) {
	defer close(a.filled)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-ctx.Done():
			return
		}
		var f filled
		if f.block, f.err = a.blocks.Next(buf[:0]); errors.Is(f.err, io.EOF) {
			return
		}
		if f.err != nil {
			f.block.Data = buf
		}
		select {
		case a.filled <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (a *ahead) Next() (parse.Line, error) {
	for {
		if l, ok := a.rest.Next(); ok {
			return l, nil
		}
		if a.buf != nil {
			a.free <- a.buf
			a.buf = nil
		}
		f, ok := <-a.filled
		if !ok {
			return parse.Line{}, io.EOF
		}
		a.buf = f.block.Data
		if f.err != nil {
			return parse.Line{}, f.err
		}
		a.rest = f.block.Lines()
	}
}

// Skipped is known at the end.
func (a *ahead) Skipped() (lines, bytes int64) { return a.blocks.Skipped() }

// Close waits for the goroutine.
func (a *ahead) Close() error {
	a.cancel()
	for range a.filled {
	}
	return a.blocks.Close()
}
