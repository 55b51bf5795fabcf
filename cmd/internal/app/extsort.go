package app

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sortMemory is how many bytes a sorter keeps before it writes a run.
const sortMemory = 24 << 20

// A sortKey orders things by time, then by id.
type sortKey struct {
	time int64
	id   [16]byte
}

func (k sortKey) compare(o sortKey) int {
	return cmp.Or(cmp.Compare(k.time, o.time), bytes.Compare(k.id[:], o.id[:]))
}

// A sorter sorts any number of payloads in bounded memory: what exceeds it is
// written to a temporary file in sorted runs, which are merged at the end.
type sorter struct {
	keys  []sortEntry
	data  []byte
	limit int
	file  *os.File
	end   int64
	runs  []sortRun
}

type sortEntry struct {
	sortKey
	off, n int
}

type sortRun struct{ from, to int64 }

func newSorter() *sorter { return &sorter{limit: sortMemory} }

// add takes a payload; it is copied.
func (s *sorter) add(k sortKey, payload []byte) error {
	s.keys = append(s.keys, sortEntry{k, len(s.data), len(payload)})
	s.data = append(s.data, payload...)
	if len(s.data)+40*len(s.keys) < s.limit {
		return nil
	}
	return s.flush()
}

func (s *sorter) order() {
	slices.SortFunc(s.keys, func(a, b sortEntry) int { return a.compare(b.sortKey) })
}

func (s *sorter) flush() error {
	if s.file == nil {
		f, err := temporary()
		if err != nil {
			return err
		}
		s.file = f
	}
	s.order()
	from := s.end
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, from), 256<<10)
	for _, e := range s.keys {
		var head [28]byte
		binary.LittleEndian.PutUint64(head[:], uint64(e.time))
		copy(head[8:], e.id[:])
		binary.LittleEndian.PutUint32(head[24:], uint32(e.n))
		_, _ = w.Write(head[:]) // bufio keeps the first error until Flush
		_, _ = w.Write(s.data[e.off : e.off+e.n])
		s.end += int64(len(head) + e.n)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing to the temporary file: %w", err)
	}
	s.runs = append(s.runs, sortRun{from, s.end})
	s.keys, s.data = s.keys[:0], s.data[:0]
	return nil
}

// sorted returns what pulls the payloads in order. A payload is valid until
// the next call.
func (s *sorter) sorted() (*sortedRuns, error) {
	r := &sortedRuns{s: s}
	if len(s.runs) == 0 {
		s.order()
		return r, nil
	}
	if len(s.keys) > 0 {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	s.keys, s.data = nil, nil
	for _, run := range s.runs {
		h := &runHead{r: bufio.NewReaderSize(io.NewSectionReader(s.file, run.from, run.to-run.from), 64<<10)}
		if ok, err := h.next(); err != nil {
			return nil, err
		} else if ok {
			r.heads = append(r.heads, h)
		}
	}
	heap.Init(&r.heads)
	return r, nil
}

func (s *sorter) Close() {
	if s.file != nil {
		s.file.Close()
	}
}

// sortedRuns merges the runs of a sorter.
type sortedRuns struct {
	s     *sorter
	i     int
	heads runHeads
	last  *runHead
}

func (r *sortedRuns) next() (sortKey, []byte, bool, error) {
	if len(r.s.runs) == 0 {
		if r.i == len(r.s.keys) {
			return sortKey{}, nil, false, nil
		}
		e := r.s.keys[r.i]
		r.i++
		return e.sortKey, r.s.data[e.off : e.off+e.n], true, nil
	}
	if r.last != nil {
		ok, err := r.last.next()
		if err != nil {
			return sortKey{}, nil, false, err
		}
		if ok {
			heap.Fix(&r.heads, 0)
		} else {
			heap.Pop(&r.heads)
		}
		r.last = nil // the end may be asked for again
	}
	if len(r.heads) == 0 {
		return sortKey{}, nil, false, nil
	}
	r.last = r.heads[0]
	return r.last.key, r.last.payload, true, nil
}

type runHead struct {
	r       *bufio.Reader
	key     sortKey
	payload []byte
}

func (h *runHead) next() (bool, error) {
	var head [28]byte
	if _, err := io.ReadFull(h.r, head[:]); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("reading the temporary file: %w", err)
	}
	h.key.time = int64(binary.LittleEndian.Uint64(head[:]))
	copy(h.key.id[:], head[8:])
	n := int(binary.LittleEndian.Uint32(head[24:]))
	h.payload = slices.Grow(h.payload[:0], n)[:n]
	if _, err := io.ReadFull(h.r, h.payload); err != nil {
		return false, fmt.Errorf("reading the temporary file: %w", err)
	}
	return true, nil
}

type runHeads []*runHead

func (h runHeads) Len() int           { return len(h) }
func (h runHeads) Less(i, j int) bool { return h[i].key.compare(h[j].key) < 0 }
func (h runHeads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeads) Push(x any)        { *h = append(*h, x.(*runHead)) }
func (h *runHeads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
