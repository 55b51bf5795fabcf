package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// An Appender takes whole lines, as a Writer does.
type Appender interface {
	Append(lines []byte) (Position, error)
}

// Feed appends what r gives until its end, nil, or until ctx ends. A last line
// without an end is appended too. Where r has read deadlines (a pipe, a
// connection; see Stdin) ctx interrupts a read that waits.
//
// Lines that the disk does not take are counted as lost by the Writer, and the
// first error is returned at the end: who writes to r is not held up by it.
func Feed(ctx context.Context, r io.Reader, to Appender, maxLine int) error {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	if d, ok := r.(interface{ SetReadDeadline(time.Time) error }); ok {
		stop := context.AfterFunc(ctx, func() { _ = d.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	f := feeder{to: to, limit: maxLine + 1}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		f.take(buf[:n])
		switch {
		case ctx.Err() != nil:
			f.end()
			return errors.Join(f.err, ctx.Err())
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
			f.end()
			return f.err
		case err != nil:
			f.end()
			return errors.Join(f.err, fmt.Errorf("reading a stream: %w", err))
		}
	}
}

// A feeder holds a line until its end is there.
type feeder struct {
	to    Appender
	limit int // of carry; the Writer cuts and counts what is longer than its bound
	carry []byte
	skip  bool // the rest of a line whose beginning was appended
	err   error
}

func (f *feeder) take(b []byte) {
	if f.skip {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			return
		}
		f.skip, b = false, b[n+1:]
	}
	if len(f.carry) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			f.keep(b)
			return
		}
		f.keep(b[:n])
		if f.skip { // it became too long with its very end
			f.skip = false
		}
		f.end()
		b = b[n:]
	}
	if n := bytes.LastIndexByte(b, '\n') + 1; n > 0 {
		f.append(b[:n])
		b = b[n:]
	}
	f.keep(b)
}

// keep adds b to the line that is not complete. One that is too long is
// appended, with one byte more than fits so that the Writer counts it as cut.
func (f *feeder) keep(b []byte) {
	room := f.limit - len(f.carry)
	if len(b) > room || len(b) == room && room > 0 && b[room-1] != '\n' {
		f.carry = append(f.carry, b[:room]...)
		f.end()
		f.skip = true
		return
	}
	f.carry = append(f.carry, b...)
}

func (f *feeder) end() {
	f.append(f.carry)
	f.carry = f.carry[:0]
}

func (f *feeder) append(b []byte) {
	if len(b) == 0 {
		return
	}
	if _, err := f.to.Append(b); err != nil && f.err == nil {
		f.err = err
	}
}

// Stdin opens standard input for Feed. A pipe or a terminal is opened anew so
// that a read can be interrupted, without making it non-blocking for the
// processes that share it.
func Stdin() (*os.File, error) {
	info, err := os.Stdin.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at standard input: %w", err)
	}
	if info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) != 0 {
		if f, err := os.OpenFile("/dev/stdin", os.O_RDONLY|nonblock, 0); err == nil {
			return f, nil
		}
	}
	return os.Stdin, nil
}
