package incident

import (
	"cmp"
	"slices"
)

// What is kept of settled seconds: those of incidents, so that a later
// correction of one can be told from its first value.
const (
	maxPastOfSite = 1 << 15
	maxPast       = 1 << 18
)

// correct takes a second that has settled. What the test made of it stays; the
// counts of the incident that it lies in are corrected.
func (l *Live) correct(st *liveSite, s Second) {
	if s.At < st.pastFrom || st.restoredBefore(s.At) {
		return
	}
	i, have := slices.BinarySearchFunc(st.past, s.At, func(s Second, at int64) int { return cmp.Compare(s.At, at) })
	old := Second{At: s.At}
	if have {
		old = st.past[i]
		if old.equal(s) {
			return
		}
	} else if !st.inIncident(s.At) {
		return // it was, like all around it, forgotten
	}
	s.Causes = slices.Clone(s.Causes)
	switch {
	case have && s.Requests > 0:
		st.past[i] = s
	case have:
		st.past = slices.Delete(st.past, i, i+1)
		l.past--
	default:
		st.past = slices.Insert(st.past, i, s)
		l.past++
	}
	for _, t := range st.archived {
		if t.MergedInto == "" && t.covers(s.At) {
			if !t.corrected {
				t.corrected, t.was = true, t.clone()
				st.corrected = append(st.corrected, t)
			}
			t.Requests += s.Requests - old.Requests
			t.Failures += s.Failures - old.Failures
			t.Causes = changeCounts(t.Causes, old.Causes, s.Causes)
			t.PeakRatio = max(t.PeakRatio, t.Ratio())
			return
		}
	}
	for _, f := range st.base.unsettled() {
		if f.mergedInto == "" && floorSecond(f.first) <= s.At && s.At <= f.lastAt {
			f.requests += s.Requests - old.Requests
			f.failures += s.Failures - old.Failures
			f.causes = changeCounts(f.causes, old.Causes, s.Causes)
			st.dirty = true
			return
		}
	}
}

// restoredBefore tells whether the second lies before all that are known again
// after a restart.
func (st *liveSite) restoredBefore(at int64) bool { return st.wasRestored && at < st.firstSecond() }

func (st *liveSite) inIncident(at int64) bool {
	for _, t := range st.archived {
		if t.MergedInto == "" && t.covers(at) {
			return true
		}
	}
	for _, f := range st.base.unsettled() {
		if floorSecond(f.first) <= at && at <= f.lastAt {
			return true
		}
	}
	return false
}

// unsettled returns the incidents that a state still works on.
func (st *site) unsettled() []*found {
	var out []*found
	for i := range st.ended {
		out = append(out, &st.ended[i])
	}
	if st.open != nil {
		out = append(out, st.open)
	}
	return out
}

// trimPast forgets settled seconds that are in no incident and will be in none.
func (l *Live) trimPast(st *liveSite) {
	if len(st.past) < max(st.trimAt, 1024) && l.past < maxPast {
		return
	}
	n := len(st.past)
	from := st.horizon(l.d)
	st.past = slices.DeleteFunc(st.past, func(s Second) bool { return s.At < from && !st.inIncident(s.At) })
	if over := len(st.past) - maxPastOfSite; over > 0 {
		st.forget(over)
	}
	if over := l.past - (n - len(st.past)) - maxPast; over > 0 {
		st.forget(min(over, len(st.past)))
	}
	l.past -= n - len(st.past)
	st.trimAt = 2 * len(st.past)
}

// horizon is the first second that could still become part of an incident.
func (st *liveSite) horizon(d *Detector) int64 {
	at := st.base.next - 2*seconds(d.cfg.MaxQuiet) - 2*seconds(d.cfg.MergeGap)
	for _, r := range []*run{&st.base.suspect, &st.base.gap} {
		if r.failures > 0 {
			at = min(at, floorSecond(r.first))
		}
	}
	for _, f := range st.base.unsettled() {
		at = min(at, floorSecond(f.first))
	}
	return at
}

// forget drops the oldest n settled seconds.
func (st *liveSite) forget(n int) {
	if n > 0 {
		st.pastFrom = st.past[n-1].At + 1
		st.past = slices.Delete(st.past, 0, n)
	}
}
