package ingest

import (
	"bytes"
	"errors"
	"io"

	"why503/parse/frame"
)

// SampleBytes is how much of a source detection looks at.
const SampleBytes = 64 << 10

// streamBytes is how much of a stream is read ahead and kept for samples, since
// it cannot be read twice.
const streamBytes = 512 << 10

// Head returns whole lines from the beginning of the source, about n bytes, over
// as many parts as that takes: how a log was rotated makes no difference. Of a
// stream no more than 512 KB are there.
func (s *Source) Head(n int) ([]byte, error) {
	var all []byte
	for i := range s.parts {
		p := &s.parts[i]
		if k := len(all); k > 0 && all[k-1] != '\n' {
			all = append(all, '\n')
		}
		room := n - len(all)
		if p.stream != nil {
			head := p.ahead[:min(room, len(p.ahead))]
			return append(all, wholeLines(head, true, len(head) == len(p.ahead) && len(head) < streamBytes)...), nil
		}
		head, err := s.files.head(p, int64(room))
		if err != nil {
			return all, err
		}
		whole := len(head) < room
		all = append(all, wholeLines(head, true, whole)...)
		if !whole || len(all) >= n {
			break
		}
	}
	return all, nil
}

// Middle returns whole lines from the middle of the source, about n bytes. It
// is empty where that cannot be had without reading all before it, or where it
// would overlap a head of twice that size.
func (s *Source) Middle(n int) ([]byte, error) {
	half := s.Size / 2
	for i := range s.parts {
		p := &s.parts[i]
		if s.Size < 0 || p.compression != frame.Plain {
			return nil, nil
		}
		if half < p.size || i == len(s.parts)-1 {
			return s.piece(p, half, n, 2*n)
		}
		half -= p.size
	}
	return nil, nil
}

// Tail returns whole lines from the end of the source, about n bytes. It is
// empty where Middle would be, or where it would overlap Middle.
func (s *Source) Tail(n int) ([]byte, error) {
	p := &s.parts[len(s.parts)-1]
	if s.Size < 0 || p.compression != frame.Plain {
		return nil, nil
	}
	return s.piece(p, p.size-int64(n), n, max(2*n, int(s.Size/2)+n))
}

// piece reads n bytes of p from offset on, unless that is less than after in
// the source (on disk, which is the least that it can be uncompressed).
func (s *Source) piece(p *part, offset int64, n, after int) ([]byte, error) {
	before := int64(0)
	for i := range s.parts {
		if p == &s.parts[i] {
			break
		}
		before += s.parts[i].size
	}
	if before+offset < int64(after) {
		return nil, nil
	}
	begin := offset <= 0
	offset = max(0, offset)
	h := s.files.handle(p)
	defer h.Close()
	h.offset = offset
	b := make([]byte, n)
	n, err := io.ReadFull(h, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, pathError(p.path, err)
	}
	return wholeLines(b[:n], begin, offset+int64(n) >= p.size), nil
}

// wholeLines drops the line that b begins in the midst of and the one that
// goes on behind it. A single line that is longer than b is kept.
func wholeLines(b []byte, atBegin, atEnd bool) []byte {
	if !atBegin {
		n := bytes.IndexByte(b, '\n')
		b = b[n+1:]
	}
	if n := bytes.LastIndexByte(b, '\n'); !atEnd && n >= 0 {
		b = b[:n+1]
	}
	return b
}
