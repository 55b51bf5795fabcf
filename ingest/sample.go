package ingest

import (
	"bytes"
	"errors"
	"io"

	"why503/parse/frame"
)

// SampleBytes is how much of a source detection looks at.
const SampleBytes = 64 << 10

// Head returns whole lines from the beginning of the source, about n bytes, over
// as many parts as that takes: how a log was rotated makes no difference. Of a
// stream no more than SampleBytes are there.
func (s *Source) Head(n int) ([]byte, error) {
	var all []byte
	for i := range s.parts {
		p := &s.parts[i]
		room := n - len(all)
		if p.stream != nil {
			head := p.ahead[:min(room, len(p.ahead))]
			return append(all, wholeLines(head, true, len(head) == len(p.ahead) && len(head) < SampleBytes)...), nil
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
		if k := len(all); k > 0 && all[k-1] != '\n' {
			all = append(all, '\n')
		}
	}
	return all, nil
}

// Middle returns whole lines from the middle of the source, about n bytes. It
// is empty where that cannot be had without reading all before it, or where it
// would overlap the head.
func (s *Source) Middle(n int) ([]byte, error) {
	half := s.Size / 2
	for i := range s.parts {
		p := &s.parts[i]
		if s.Size < 0 || p.compression != frame.Plain {
			return nil, nil
		}
		if half < p.size || i == len(s.parts)-1 {
			return s.piece(p, half, n)
		}
		half -= p.size
	}
	return nil, nil
}

// Tail returns whole lines from the end of the source, about n bytes. It is
// empty where Middle would be.
func (s *Source) Tail(n int) ([]byte, error) {
	p := &s.parts[len(s.parts)-1]
	if p.compression != frame.Plain || p.stream != nil {
		return nil, nil
	}
	return s.piece(p, p.size-int64(n), n)
}

func (s *Source) piece(p *part, offset int64, n int) ([]byte, error) {
	if offset < int64(n) && p == &s.parts[0] {
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
