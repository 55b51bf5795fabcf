package web

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// A memory keeps the last answers of the store by what was asked, so that all
// viewers of a page share its queries, and a page has figures to show when the
// store does not answer.
type memory struct {
	flight singleflight.Group
	mu     sync.Mutex
	kept   map[string]remembered
	limit  int
}

type remembered struct {
	value any
	at    time.Time // when it was asked for
}

func newMemory(limit int) *memory { return &memory{kept: make(map[string]remembered), limit: limit} }

// fresh is how long an answer is taken for the newest.
const fresh = time.Second

// recall returns the answer to key: a fresh one, else what load says. When load
// fails it returns the last good answer, where there is one, with load's error.
// Who waits stops waiting with ctx; load goes on, and has its own deadline.
func recall[T any](ctx context.Context, m *memory, key string, now func() time.Time, load func(context.Context) (T, error)) (value T, at time.Time, err error) {
	m.mu.Lock()
	old, ok := m.kept[key]
	m.mu.Unlock()
	if ok && now().Sub(old.at) < fresh {
		return old.value.(T), old.at, nil
	}
	result := m.flight.DoChan(key, func() (any, error) {
		began := now()
		v, err := load(context.WithoutCancel(ctx))
		if err == nil {
			m.keep(key, remembered{v, began})
		}
		return remembered{v, began}, err
	})
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case r := <-result:
		if err = r.Err; err == nil {
			got := r.Val.(remembered)
			return got.value.(T), got.at, nil
		}
	}
	if ok {
		return old.value.(T), old.at, err
	}
	return value, at, err
}

// keep puts an answer in place of the oldest where there are too many.
func (m *memory) keep(key string, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.kept[key]; !ok && len(m.kept) >= m.limit {
		oldest, at := "", time.Time{}
		for k, v := range m.kept {
			if oldest == "" || v.at.Before(at) {
				oldest, at = k, v.at
			}
		}
		delete(m.kept, oldest)
	}
	m.kept[key] = r
}
