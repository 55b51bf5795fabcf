package alert

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// An Item is a message of one channel, from when it is due until it is
// forgotten: what was sent says what need not be sent again.
type Item struct {
	ID       string // of incident, kind, cause and channel: there is one of each
	Channel  string
	Kind     Kind
	Incident string
	Payload  []byte // JSON; what is in it is this package's own
	Due      time.Time
	Tries    int
	State    State
}

// A State is how far an Item is.
type State string

const (
	Waiting State = "waiting" // to be sent when due
	Sent    State = "sent"
	Dropped State = "dropped" // became untrue before it was sent
	Failed  State = "failed"  // given up
)

// An Outbox keeps Items over a restart. It is called from several goroutines.
type Outbox interface {
	// Put inserts Items, or replaces those with the same ID, all or none.
	Put(ctx context.Context, items ...Item) error
	// Take returns up to n Items of a channel that wait and were due by now,
	// the earliest first. It does not change them.
	Take(ctx context.Context, channel string, now time.Time, n int) ([]Item, error)
	// Of returns the Items of an incident, whatever their state.
	Of(ctx context.Context, incident string) ([]Item, error)
	// Forget deletes the Items that do not wait and were due before t.
	Forget(ctx context.Context, t time.Time) error
}

// Memory is an Outbox that does not outlive the program.
type Memory struct {
	mu    sync.Mutex
	items map[string]Item
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{items: make(map[string]Item)} }

// Put implements Outbox.
func (m *Memory) Put(_ context.Context, items ...Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range items {
		i.Payload = slices.Clone(i.Payload)
		m.items[i.ID] = i
	}
	return nil
}

// Take implements Outbox.
func (m *Memory) Take(_ context.Context, channel string, now time.Time, n int) ([]Item, error) {
	out := m.list(func(i Item) bool { return i.Channel == channel && i.State == Waiting && !i.Due.After(now) })
	return out[:min(n, len(out))], nil
}

// Of implements Outbox.
func (m *Memory) Of(_ context.Context, incident string) ([]Item, error) {
	return m.list(func(i Item) bool { return i.Incident == incident }), nil
}

// Forget implements Outbox.
func (m *Memory) Forget(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, i := range m.items {
		if i.State != Waiting && i.Due.Before(t) {
			delete(m.items, id)
		}
	}
	return nil
}

func (m *Memory) list(which func(Item) bool) []Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Item
	for _, i := range m.items {
		if which(i) {
			i.Payload = slices.Clone(i.Payload)
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Item) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return out
}
