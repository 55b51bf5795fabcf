package collect

import (
	"log/slog"
	"testing"
	"time"
)

// A source that is new can only be compared with what others write at the same
// time, so they all send samples anew; many that come at once count as one.
func TestAllSendSamplesAnewWhenThatIsDue(t *testing.T) {
	c := New(Config{Log: slog.New(slog.DiscardHandler)})
	first, second := &source{c: c}, &source{c: c}
	c.sources = []*source{first, second}
	c.now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, step := range []struct {
		after time.Duration // since the step before
		due   time.Duration
		anew  bool
	}{
		{0, sampleSoon, true},
		{time.Second, sampleSoon, false},
		{sampleSoon, sampleSoon, true},
		{sampleSoon, sampleAgain, false},
		{sampleAgain, sampleAgain, true},
	} {
		c.now = c.now.Add(step.after)
		first.samples, second.samples = maxSamples, 7
		c.sample(step.due)
		if got := first.samples == 0 && second.samples == 0; got != step.anew {
			t.Errorf("%s after the step before: samples are sent anew: %v, by %d and %d that were sent", step.after, got, first.samples, second.samples)
		}
	}
}
