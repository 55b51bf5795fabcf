package alert

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// A sender is the protocol of one channel.
type sender interface {
	traits() traits
	// send delivers a and returns the channel's name of the message, where it
	// has one. root is that of the incident's first message, if known.
	send(ctx context.Context, a Alert, root string) (ref string, err error)
}

// traits are what a channel can do.
type traits struct {
	edits  bool // it is an editor
	states bool // it is a stater: it wants to hear again of what goes on
}

type editor interface {
	edit(ctx context.Context, a Alert, ref string) error
}

type stater interface {
	again() time.Duration
	state(ctx context.Context, firing []Alert) error
}

// A channel is a sender and how it is doing.
type channel struct {
	name   string
	sites  []string
	sender sender
	wake   chan struct{}

	burst  float64
	every  time.Duration
	tokens float64
	filled time.Time
	until  time.Time // the channel asked not to be called before
	// unkept are items that the outbox did not take back: it still says that
	// they wait.
	unkept map[string]Item

	mu  sync.Mutex
	did map[string]int64
}

func newChannel(name string, sites []string, s sender, cfg Config) *channel {
	return &channel{name: name, sites: sites, sender: s, wake: make(chan struct{}, 1), burst: float64(cfg.Burst), every: cfg.Every,
		tokens: float64(cfg.Burst), filled: time.Now(), did: make(map[string]int64), unkept: make(map[string]Item)}
}

// takes reports whether the channel is told of a site.
func (c *channel) takes(site string) bool {
	return len(c.sites) == 0 || slices.Contains(c.sites, site)
}

func (c *channel) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *channel) count(what string) {
	c.mu.Lock()
	c.did[what]++
	c.mu.Unlock()
}

func (c *channel) counts() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.did)
}

// allowed returns how many messages may be sent now.
func (c *channel) allowed(now time.Time) int {
	c.tokens = min(c.burst, c.tokens+float64(now.Sub(c.filled))/float64(c.every))
	c.filled = now
	return int(c.tokens)
}

// A laterError is one whose sender said when to try again.
type laterError struct {
	error
	after time.Duration
}

func (e laterError) Unwrap() error { return e.error }

const (
	firstRetry = 5 * time.Second
	lastRetry  = 10 * time.Minute
	maxRetry   = time.Hour // however long a channel asks for
)

// backoff is how long to wait after so many tries.
func backoff(tries int, err error) time.Duration {
	wait := lastRetry
	if tries < 8 {
		wait = min(firstRetry<<max(tries-1, 0), lastRetry)
	}
	if later := (laterError{}); errors.As(err, &later) {
		wait = min(max(wait, later.after), maxRetry)
	}
	return wait
}

// errGone says that a message that was to be edited is there no more.
var errGone = errors.New("the message to edit is gone")
