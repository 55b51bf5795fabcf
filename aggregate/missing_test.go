package aggregate

import (
	"math/rand/v2"
	"testing"

	"why503/parse"
)

// Each incident says of a missing log how many of its own requests it would
// decide, not how many of all.
func TestIncidentsCountWhatTheyMissThemselves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	c := NewCollector(&Describer{Names: noNames{}})
	begin := parse.Time(1767322800e9)
	for _, burst := range []struct {
		after parse.Time
		n     int
	}{{0, 60}, {7200e9, 90}} {
		for i := range burst.n {
			c.Add(failureAt(rng, begin+burst.after+parse.Time(i)*1e9))
		}
	}
	s := c.Summary()
	if len(s.Incidents) < 2 {
		t.Fatalf("%d incidents, want one a burst and site", len(s.Incidents))
	}
	for _, in := range s.Incidents {
		if in.Undecided == 0 || len(in.Missing) != 1 || in.Missing[0].Count != in.Undecided {
			t.Errorf("%s: %d undecided, missing %+v", in.ID, in.Undecided, in.Missing)
		}
	}
}
