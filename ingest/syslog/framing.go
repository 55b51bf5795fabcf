package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A framer takes messages out of a stream. Each is framed by its length or by
// its end (RFC 6587 section 3.4); which of both is told anew for each message.
type framer struct {
	r       *bufio.Reader
	max     int // bytes of a message that are kept
	buf     []byte
	counted bool // the last message told its length
}

// errFraming says that a length cannot be one, so that nothing tells where the
// next message begins.
var errFraming = errors.New("a message with an impossible length")

// maxSkip bounds what is read of a message that is longer than what is kept.
const maxSkip = 64 << 20

func newFramer(r io.Reader, size int) *framer {
	return &framer{r: bufio.NewReaderSize(r, 16<<10), max: size}
}

// next returns a message, which is valid until the next call, and whether its
// end was left out. A message at the end of the stream needs no end of its own,
// but one that told its length and is shorter is left out: io.ErrUnexpectedEOF.
func (f *framer) next() (msg []byte, cut bool, err error) {
	n, ok, err := f.length()
	if err != nil {
		return nil, false, err
	}
	if ok {
		f.counted = true
		return f.byLength(n)
	}
	f.counted = false
	return f.byEnd()
}

// length reads "123 " when that is what a message begins with. A text can begin
// with digits as well, so < has to follow, unless the message before was of
// this kind.
func (f *framer) length() (n int, ok bool, err error) {
	first, err := f.r.Peek(1)
	if err != nil {
		return 0, false, err
	}
	if first[0] < '1' || first[0] > '9' {
		return 0, false, nil
	}
	for i := 1; ; i++ {
		head, err := f.r.Peek(i + 1)
		if len(head) <= i {
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, false, err
			}
			return 0, false, nil
		}
		c := head[i]
		if c >= '0' && c <= '9' && i < 10 {
			continue
		}
		if c != ' ' {
			if f.counted && i == 10 && c >= '0' && c <= '9' {
				return 0, false, errFraming
			}
			return 0, false, nil
		}
		if !f.counted {
			if more, _ := f.r.Peek(i + 2); len(more) < i+2 || more[i+1] != '<' {
				return 0, false, nil
			}
		}
		for _, d := range head[:i] {
			n = n*10 + int(d-'0')
		}
		if n > maxSkip {
			return 0, false, errFraming
		}
		_, _ = f.r.Discard(i + 1)
		return n, true, nil
	}
}

func (f *framer) byLength(n int) (msg []byte, cut bool, err error) {
	keep := min(n, f.max)
	if cap(f.buf) < keep {
		f.buf = make([]byte, 0, max(keep, 4096))
	}
	f.buf = f.buf[:keep]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, false, err
	}
	_, _ = f.r.Discard(n - keep) // where the stream ends in it the next call tells
	return f.buf, n > keep, nil
}

// byEnd reads to the next LF, or to a NUL, which is how the C library ends a
// message on a stream.
func (f *framer) byEnd() (msg []byte, cut bool, err error) {
	f.buf = f.buf[:0]
	for skipped := 0; ; {
		if _, err = f.r.Peek(1); err != nil {
			if len(f.buf) > 0 {
				return f.buf, cut, nil // the end is told with the next call
			}
			return nil, false, err
		}
		b, _ := f.r.Peek(f.r.Buffered())
		n := bytes.IndexByte(b, '\n')
		if m := bytes.IndexByte(b[:max(n, 0)], 0); n >= 0 && m >= 0 {
			n = m
		} else if n < 0 {
			n = bytes.IndexByte(b, 0)
		}
		text := b
		if n >= 0 {
			text = b[:n]
		}
		room := min(f.max-len(f.buf), len(text))
		f.buf = append(f.buf, text[:room]...)
		if room < len(text) {
			cut = true
			skipped += len(text) - room
		}
		_, _ = f.r.Discard(len(text))
		if n >= 0 {
			_, _ = f.r.Discard(1)
			return f.buf, cut, nil
		}
		if skipped > maxSkip {
			return nil, false, errFraming
		}
	}
}
