package rules

import (
	"slices"

	"why503/parse"
)

// missing lists the logs that could lead deeper than the decision's cause and
// that are not there, or not for this time, or not without loss. A cause of
// level root is decided without them; they would only tell what led to it.
func (s *Set) missing(e *evidence, d *decision) []Missing {
	last := d.steps[len(d.steps)-1]
	program := programIndex(e.facts.Program)
	if last.item >= 0 && e.items[last.item].in&inSignal == 0 {
		program = int(e.items[last.item].program)
	}
	var all []Missing
	for i := range s.wants {
		w := &s.wants[i]
		if !slices.ContainsFunc(w.causes, func(c string) bool { return meets(c, last.cause.Slug) }) {
			continue
		}
		if w.programs != 0 && w.programs&(1<<program) == 0 || e.kinds[w.kind] == coverFull {
			continue
		}
		if w.with != nil && !slices.ContainsFunc(w.with, func(k parse.SourceKind) bool { return e.kinds[k] != coverNone }) {
			continue
		}
		if slices.ContainsFunc(w.unless, func(k parse.SourceKind) bool { return e.joined.Has(k) }) ||
			slices.ContainsFunc(all, func(m Missing) bool { return m.Kind == w.kind }) {
			continue
		}
		m := Missing{Source: w.source, Kind: w.kind, WouldDecide: w.decides, Snippet: w.snippet}
		switch e.kinds[w.kind] {
		case coverOther:
			m.Why = NotCovered
		case coverLossy:
			m.Why = Lossy
		}
		all = append(all, m)
	}
	return all
}

func programIndex(name string) int { return max(slices.Index(programNames[:], name), 0) }
