package slo

import "time"

// A Burn is how fast a site burns its budget by one pair of windows.
type Burn struct {
	Window
	LongRate, ShortRate float64 // multiples of what the objective allows
	Requests, Bad       int64   // in the long window
	// Over is true when both windows burn by the factor and there was traffic
	// enough to say so.
	Over bool
}

// Ratio is the share of bad requests in the long window.
func (b Burn) Ratio() float64 {
	if b.Requests == 0 {
		return 0
	}
	return float64(b.Bad) / float64(b.Requests)
}

// Lasts is how long a budget of thirty days lasts at the long window's rate; 0
// when nothing burns.
func (b Burn) Lasts() time.Duration {
	if !(b.LongRate > 0) {
		return 0
	}
	return time.Duration(float64(30*24*time.Hour) / b.LongRate)
}

// clearer tells which of two windows an alert speaks of: one that is over, of
// those the one that burns fastest, else the one that comes closest.
func (b Burn) clearer(o Burn) bool {
	switch {
	case b.Over != o.Over:
		return b.Over
	case b.Over:
		return b.Factor > o.Factor
	}
	return b.LongRate/b.Factor > o.LongRate/o.Factor
}

// Burns tells how s stood at the begin of a minute, in the order of
// Config.Windows.
func (c Config) Burns(s *Series, minute int64) []Burn {
	c.fill()
	out := make([]Burn, len(c.Windows))
	for i, w := range c.Windows {
		good, bad := s.Sum(minute, minutes(w.Long))
		shortGood, shortBad := s.Sum(minute, minutes(w.Short))
		b := Burn{Window: w, Requests: good + bad, Bad: bad, LongRate: c.rate(good, bad), ShortRate: c.rate(shortGood, shortBad)}
		b.Over = b.Requests >= c.MinRequests && b.Bad >= c.MinBad && reaches(b.LongRate, w.Factor) && reaches(b.ShortRate, w.Factor)
		out[i] = b
	}
	return out
}

func (c Config) rate(good, bad int64) float64 {
	if good+bad == 0 {
		return 0
	}
	return float64(bad) / float64(good+bad) / (1 - c.Objective)
}

// reaches forgives what 1-0.999 is off.
func reaches(rate, factor float64) bool { return rate >= factor*(1-1e-9) }

// minutes rounds up.
func minutes(d time.Duration) int64 { return int64((d + time.Minute - 1) / time.Minute) }
