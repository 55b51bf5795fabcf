package incident

import (
	"cmp"
	"slices"
)

// A liveSite is what a Live keeps of one site: the settled state, the seconds
// after it, and the state that the newest replay of them came to.
type liveSite struct {
	base    *site    // has taken all seconds before base.next
	seconds []Second // after base, sorted
	head    *site    // base and the seconds[:taken]; nil before the first replay
	taken   int
	dirty   bool // a second that head has taken has changed

	told     []*told // by Start as first told; may still change
	by       []*told // of head.ended, in its order; nil for a part nobody was told of
	archived []*told // settled
	restored bool    // some of told are of before a restart and not found since

	since       int64   // from when on all seconds are known
	wasRestored bool    // Restore has been called
	corrected   []*told // archived ones whose counts were, since the last Advance

	past     []Second // settled seconds in incidents, or what may yet be one; sorted
	pastFrom int64    // all seconds of incidents since then are in past
	trimAt   int      // length of past at which to look what may go
}

// set stores a second that has not settled.
func (st *liveSite) set(s Second) {
	i, have := st.find(s.At)
	switch {
	case have && s.Requests == 0:
		st.seconds = slices.Delete(st.seconds, i, i+1)
	case s.Requests == 0:
		return
	case have:
		if st.seconds[i].equal(s) {
			return
		}
		s.Causes = slices.Clone(s.Causes)
		st.seconds[i] = s
	default:
		s.Causes = slices.Clone(s.Causes)
		st.seconds = slices.Insert(st.seconds, i, s)
	}
	if i < st.taken || st.head != nil && s.At < st.head.next {
		st.dirty = true
	}
}

func (st *liveSite) find(at int64) (int, bool) {
	if n := len(st.seconds); n == 0 || st.seconds[n-1].At < at {
		return n, false
	}
	return slices.BinarySearchFunc(st.seconds, at, func(s Second, at int64) int { return cmp.Compare(s.At, at) })
}

func (s Second) equal(o Second) bool {
	return s.At == o.At && s.Requests == o.Requests && s.Failures == o.Failures && s.First == o.First && s.Last == o.Last &&
		slices.Equal(s.Causes, o.Causes)
}

// replay brings head to now, and tells whether incidents may differ.
func (st *liveSite) replay(d *Detector, now int64) bool {
	again := st.dirty || st.head == nil
	if again {
		st.head, st.taken, st.dirty = st.base.clone(), 0, false
	}
	matters := again || st.restored || st.head.open != nil
	for st.taken < len(st.seconds) && st.seconds[st.taken].At < now {
		d.step(st.head, st.seconds[st.taken])
		matters = matters || st.seconds[st.taken].Failures > 0
		st.taken++
	}
	st.head.next, st.head.started = max(now, st.head.next), true
	d.endIfDue(st.head, now)
	return matters
}

// settleBefore moves the settled state up to the second at.
func (l *Live) settleBefore(st *liveSite, at int64) {
	n := 0
	for n < len(st.seconds) && st.seconds[n].At < at {
		l.d.step(st.base, st.seconds[n])
		n++
	}
	if n == 0 {
		return
	}
	st.past = append(st.past, st.seconds[:n]...)
	l.past += n
	st.seconds = slices.Delete(st.seconds, 0, n)
	if st.taken -= n; st.taken < 0 { // only where too many waited: head is behind
		st.taken, st.dirty = 0, true
	}
	l.trimPast(st)
}

// recent is how many of the newest ended incidents of a settled state later
// seconds can still change: the last may go on, and then become one with the
// one before it, but never with a third, as what was merged stays between them.
const recent = 2

// archive puts away the incidents that no second can change any more.
func (l *Live) archive(st *liveSite) {
	if n := len(st.base.ended) - recent; n > 0 {
		for _, t := range st.by[:n] {
			if t != nil {
				t.settled = true
			}
		}
		st.base.ended = slices.Delete(st.base.ended, 0, n)
		st.head.ended = slices.Delete(st.head.ended, 0, n)
		st.by = slices.Delete(st.by, 0, n)
	}
	horizon := st.horizon(l.d)
	st.told = slices.DeleteFunc(st.told, func(t *told) bool {
		gone := (t.withdrawn || t.MergedInto != "") && st.base.started && t.ends() < horizon
		if !t.settled && !gone {
			return false
		}
		if !t.withdrawn {
			st.archived = append(st.archived, t)
			l.kept++
		}
		return true
	})
	if n := min(l.kept-l.d.cfg.MaxIncidents, len(st.archived)-1); n > 0 {
		st.archived = slices.Delete(st.archived, 0, n)
		l.kept -= n
	}
}
