package child

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before a program is started again: from Min,
// twice as long each time up to Max, and from Min again after it ran for Good.
// Each is taken between half and all of its length, so that many hosts do not
// start at one moment.
type Backoff struct{ Min, Max, Good time.Duration }

// DefaultBackoff is what zeros in a Backoff mean.
var DefaultBackoff = Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second, Good: time.Minute}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = DefaultBackoff.Min
	}
	if b.Max <= 0 {
		b.Max = max(DefaultBackoff.Max, b.Min)
	}
	if b.Good <= 0 {
		b.Good = DefaultBackoff.Good
	}
	return b
}

// after returns the wait after the nth end in a row (from 1) without a good run.
func (b Backoff) after(n int) time.Duration {
	d := b.Min
	for range n - 1 {
		if d *= 2; d >= b.Max {
			d = b.Max
			break
		}
	}
	return d/2 + rand.N(d/2+1)
}
