package main

import (
	"bytes"
	"strings"

	"github.com/google/pprof/profile"
)

// A part is a share of one core.
type part struct {
	name  string
	share float64
}

// What work belongs to: the first function that is met on the way from the
// innermost outwards decides. What no function claims belongs to the last.
var owners = []struct {
	name      string
	functions []string
}{
	{"  garbage collector", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart"}},
	{"  counting requests by minute, route, ...", []string{"ingest/collect.(*counter).", "parse/correlate.(*Load)."}},
	{"  index of what may be asked for", []string{"ingest/collect.(*ring).", "parse/correlate.AppendKeys", "parse/correlate.Useful", "ingest/collect.(*wants).", "ingest/collect.(*source).answer", "ingest/collect.(*source).identity"}},
	{"  positions, messages", []string{"ingest/collect.(*Collector).report", "ingest/collect.(*source).flush"}},
	{"  tailing and parsing", []string{"ingest/collect.(*Collector).Run", "ingest/tail."}},
	{"  join, diagnosis, store", []string{"aggregate/live.", "aggregate/localstore."}},
	{"  the rest: scheduler, page, alerts", nil},
}

// parts divides a profile of the processor.
func parts(b []byte) ([]part, error) {
	p, err := profile.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	taken := make([]int64, len(owners))
	for _, s := range p.Sample {
		taken[owner(s)] += s.Value[len(s.Value)-1] // ns, behind the count
	}
	list := make([]part, len(owners))
	for i := range owners {
		list[i] = part{owners[i].name, float64(taken[i]) / float64(p.DurationNanos)}
	}
	return list, nil
}

func owner(s *profile.Sample) int {
	for _, at := range s.Location {
		for _, line := range at.Line {
			if line.Function == nil {
				continue
			}
			for i := range owners {
				for _, f := range owners[i].functions {
					if strings.Contains(line.Function.Name, f) {
						return i
					}
				}
			}
		}
	}
	return len(owners) - 1
}
