package app

import (
	"context"
	"sync"

	"why503/aggregate/live"
)

// A queue holds what waits for the collector. It has no bound of its own: what
// asks is bounded by the join.
type queue struct {
	mu    sync.Mutex
	list  []any
	ready chan struct{}
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) put(m any) {
	q.mu.Lock()
	q.list = append(q.list, m)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take waits for the next; it reports false when ctx ends.
func (q *queue) take(ctx context.Context) (any, bool) {
	for {
		q.mu.Lock()
		if len(q.list) > 0 {
			m := q.list[0]
			q.list = q.list[1:]
			q.mu.Unlock()
			return m, true
		}
		q.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, false
		case <-q.ready:
		}
	}
}

// A hub tells who looks that something changed. Who is slow misses changes, not
// the last one.
type hub struct {
	queue   *queue
	mu      sync.Mutex
	watch   map[chan struct{}]struct{}
	notices []live.Noticed
	noticed chan struct{}
}

// Subscribe implements web.Live.
func (h *hub) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watch == nil {
		h.watch = make(map[chan struct{}]struct{})
	}
	h.watch[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watch, c)
	}
}

func (h *hub) changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watch {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// notice keeps news of an incident for those who alert.
func (h *hub) notice(n live.Noticed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notices = append(h.notices, n)
	if h.noticed == nil {
		h.noticed = make(chan struct{}, 1)
	}
	select {
	case h.noticed <- struct{}{}:
	default:
	}
}
