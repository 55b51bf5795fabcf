// Package merge brings the Records of all sources into one order of event time,
// in lockstep: it holds one batch of each source and nothing else.
//
// It promises an order that depends only on the Records and the numbers of their
// sources, not on the order of the Streams. It starts no goroutines; a Stream may have one behind it.
package merge

import (
	"bytes"
	"cmp"
	"container/heap"

	"why503/parse"
)

// An Item is a Record on its way into the join.
type Item struct {
	Record *parse.Record
	ID     parse.RecordID
	Logged parse.Time // when it was written, on the reference clock
}

// A Stream hands out the Items of one source, in the order of the source. What
// it returns stays valid until its next call.
type Stream interface {
	// Next returns the next Items; none at the end of the source.
	Next() ([]Item, error)
}

// A Merger pulls Items from Streams in the order of (Logged, source, offset), so
// that lines of one stamp come in the order of their source however that is cut
// into files. An Item that is older than the one before it in its own Stream comes at once: sources
// that are out of order by more than a moment are sorted before they get here.
type Merger struct {
	heads heads
}

type head struct {
	stream Stream
	items  []Item
	i      int
}

// New returns a Merger over streams.
func New(streams []Stream) (*Merger, error) {
	m := &Merger{}
	for _, s := range streams {
		h := &head{stream: s}
		ok, err := h.fill()
		if err != nil {
			return nil, err
		}
		if ok {
			m.heads = append(m.heads, h)
		}
	}
	heap.Init(&m.heads)
	return m, nil
}

// Next returns the next Item, valid until the call after it; false at the end.
func (m *Merger) Next() (Item, bool, error) {
	if len(m.heads) == 0 {
		return Item{}, false, nil
	}
	h := m.heads[0]
	it := h.items[h.i]
	h.i++
	ok, err := h.fill()
	if err != nil {
		return Item{}, false, err
	}
	if ok {
		heap.Fix(&m.heads, 0)
	} else {
		heap.Pop(&m.heads)
	}
	return it, true, nil
}

func (h *head) fill() (bool, error) {
	if h.i < len(h.items) {
		return true, nil
	}
	items, err := h.stream.Next()
	h.items, h.i = items, 0
	return len(items) > 0, err
}

type heads []*head

func (h heads) Len() int { return len(h) }

func (h heads) Less(i, j int) bool {
	a, b := &h[i].items[h[i].i], &h[j].items[h[j].i]
	if a.Logged != b.Logged {
		return a.Logged < b.Logged
	}
	return cmp.Or(
		cmp.Compare(a.Record.Source, b.Record.Source),
		cmp.Compare(a.Record.Offset, b.Record.Offset), bytes.Compare(a.ID[:], b.ID[:]),
	) < 0
}

func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *heads) Push(x any) { *h = append(*h, x.(*head)) }

func (h *heads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
