package incident

import (
	"slices"

	"why503/parse"
)

// told is an incident as it was last told, under its first identifier.
type told struct {
	Incident
	fresh     bool     // not told yet
	withdrawn bool     // nothing is left of it, but it may come back
	settled   bool     // no second can change more than its counts
	restored  bool     // not found by the test since the restart
	carried   *carried // what it had before the first second since the restart

	corrected bool // by a second that had settled, since was
	was       Incident
}

// carried is the part of a restored incident whose seconds are not known.
type carried struct {
	start              parse.Time
	requests, failures int64
	causes             []Count
	peak               float64
}

// identify gives what the newest replay found the identifiers under which it
// was told before, and returns what has changed.
//
// A found incident is the known one with the same identifier, else the first
// known one that it overlaps; other known ones that it overlaps have become
// parts of it. Those that were withdrawn or merged come back in the same way.
func (st *liveSite) identify(d *Detector, now int64) []Change {
	var live, gone []*told
	for _, t := range st.told {
		if t.withdrawn || t.MergedInto != "" {
			gone = append(gone, t)
		} else {
			live = append(live, t)
		}
	}
	list := st.foundNow()
	owner := make([]*told, len(list))
	owned := make(map[*told]bool, len(live))
	claim := func(from []*told, fits func(f *Incident, t *told) bool) {
		for i := range list {
			if f := &list[i]; f.MergedInto == "" && owner[i] == nil {
				for _, t := range from {
					if !owned[t] && fits(f, t) {
						owner[i], owned[t] = t, true
						break
					}
				}
			}
		}
	}
	same := func(f *Incident, t *told) bool { return f.ID == t.ID }
	claim(live, same)
	claim(live, func(f *Incident, t *told) bool { return f.overlaps(&t.Incident) })
	claim(gone, same)
	claim(gone, func(f *Incident, t *told) bool { return f.overlaps(&t.Incident) })

	var out []Change
	st.by = st.by[:0]
	for i := range list {
		f := &list[i]
		t := owner[i]
		switch {
		case f.MergedInto != "":
			if t = st.knownAs(f.ID); t != nil && owned[t] {
				t = nil // it has become the whole
			}
		case t == nil:
			t = &told{Incident: Incident{ID: f.ID, Site: f.Site}, fresh: true}
			st.told = append(st.told, t)
			owner[i], owned[t] = t, true
		}
		if i < len(st.head.ended) {
			st.by = append(st.by, t)
		}
	}
	for i := range list {
		if t := owner[i]; t != nil {
			out = append(out, st.tell(t, list[i])...)
		}
	}
	for _, t := range live {
		if !owned[t] {
			out = append(out, st.lose(d, t, list, owner, now)...)
		}
	}
	out = append(out, st.follow(gone, owned)...)
	st.restored = slices.ContainsFunc(st.told, func(t *told) bool { return t.restored && !t.settled })
	return out
}

// foundNow returns what the newest replay found, by Start.
func (st *liveSite) foundNow() []Incident {
	list := make([]Incident, 0, len(st.head.ended)+1)
	for i := range st.head.ended {
		list = append(list, st.head.ended[i].incident(st.head.name))
	}
	if st.head.open != nil {
		i := st.head.open.incident(st.head.name)
		i.Ongoing = true
		list = append(list, i)
	}
	return list
}

func (st *liveSite) knownAs(id string) *told {
	if i := slices.IndexFunc(st.told, func(t *told) bool { return t.ID == id }); i >= 0 {
		return st.told[i]
	}
	return nil
}

// tell updates t to what was found of it.
func (st *liveSite) tell(t *told, f Incident) []Change {
	if t.restored {
		t.restored = false
		if first := st.firstSecond(); t.begins() < first {
			t.carried = st.before(&t.Incident, first)
		}
	}
	f.ID = t.ID
	t.carried.addTo(&f)
	was, back := t.Incident, t.withdrawn || t.MergedInto != ""
	t.Incident, t.withdrawn = f, false
	change := func(k ChangeKind) Change { return Change{Kind: k, Incident: f.clone(), Was: was} }
	var out []Change
	switch {
	case t.fresh:
		t.fresh, was = false, Incident{}
		out = append(out, change(Opened))
		was = f.clone()
	case back || f.Ongoing && !was.Ongoing:
		out = append(out, change(Reopened))
		was.Ongoing = true
	case f.Ongoing == was.Ongoing && !f.equal(was):
		out = append(out, change(Changed))
	}
	if !f.Ongoing && (len(out) == 0 || out[0].Kind != Changed) && (was.Ongoing || out != nil) {
		out = append(out, change(Ended))
	}
	return out
}

// lose says of a live incident that the test finds no more what has become of
// it: a part of another, or nothing.
func (st *liveSite) lose(d *Detector, t *told, list []Incident, owner []*told, now int64) []Change {
	was := t.Incident
	for i := range list {
		if f := &list[i]; owner[i] != nil && f.overlaps(&t.Incident) {
			t.MergedInto, t.Ongoing, t.restored = owner[i].ID, false, false
			return []Change{{Kind: Merged, Incident: t.clone(), Was: was}}
		}
	}
	if t.restored && st.vouched(d, &t.Incident) {
		if t.Ongoing && now-t.ends() <= seconds(d.cfg.MaxQuiet) {
			return nil // its seconds may be on their way
		}
		// Until its seconds have settled it may turn out to be a part of another.
		t.settled = st.base.started && t.ends() < st.horizon(d)
		if !t.Ongoing {
			return nil
		}
		t.Ongoing = false
		return []Change{{Kind: Ended, Incident: t.clone(), Was: was}}
	}
	t.withdrawn, t.Ongoing, t.restored = true, false, false
	return []Change{{Kind: Withdrawn, Incident: t.clone(), Was: was}}
}

// follow keeps merged incidents pointing at one that is told: where that was
// merged in turn, at the same as it.
func (st *liveSite) follow(gone []*told, owned map[*told]bool) []Change {
	var out []Change
	for _, t := range gone {
		if owned[t] || t.withdrawn {
			continue
		}
		was, into := t.Incident, st.knownAs(t.MergedInto)
		for range len(st.told) {
			if into == nil || into.MergedInto == "" {
				break
			}
			into = st.knownAs(into.MergedInto)
		}
		switch {
		case into == nil || into.ID == t.MergedInto && !into.withdrawn:
			continue
		case into.withdrawn:
			t.withdrawn = true
			out = append(out, Change{Kind: Withdrawn, Incident: t.clone(), Was: was})
		default:
			t.MergedInto = into.ID
			out = append(out, Change{Kind: Merged, Incident: t.clone(), Was: was})
		}
	}
	return out
}

// vouched tells whether an incident of before a restart is to be believed
// though the test does not find it: it had other seconds before it to judge by.
// Where its seconds are known again, most of its failures have to be there.
func (st *liveSite) vouched(d *Detector, i *Incident) bool {
	if i.begins() < st.firstSecond() {
		return true
	}
	n := int64(0)
	for _, list := range [][]Second{st.past, st.seconds} {
		for _, s := range list {
			if i.covers(s.At) {
				n += s.Failures
			}
		}
	}
	return n >= d.cfg.MinFailures && 2*n >= i.Failures
}

// firstSecond is the first that is known since the start of the program.
func (st *liveSite) firstSecond() int64 {
	first := st.since
	if st.base.requests > 0 {
		first = min(first, st.base.firstAt)
	}
	if len(st.seconds) > 0 {
		first = min(first, st.seconds[0].At)
	}
	return first
}

// before returns what i had before the first second that is known again: all
// that it had less what those seconds have of it.
func (st *liveSite) before(i *Incident, first int64) *carried {
	c := &carried{start: i.Start, requests: i.Requests, failures: i.Failures, causes: slices.Clone(i.Causes), peak: i.PeakRatio}
	for _, list := range [][]Second{st.past, st.seconds} {
		for _, s := range list {
			if s.At >= first && i.covers(s.At) {
				c.requests, c.failures = c.requests-s.Requests, c.failures-s.Failures
				c.causes = changeCounts(c.causes, s.Causes, nil)
			}
		}
	}
	c.failures = max(c.failures, 0)
	c.requests = max(c.requests, c.failures)
	return c
}

func (c *carried) addTo(i *Incident) {
	if c == nil {
		return
	}
	i.Start = min(i.Start, c.start)
	i.Requests += c.requests
	i.Failures += c.failures
	i.PeakRatio = max(i.PeakRatio, c.peak)
	i.Causes = mostFirst(addCounts(slices.Clone(i.Causes), c.causes))
}

// changeCounts returns list with old taken away and new added.
func changeCounts(list, old, now []Count) []Count {
	for _, c := range old {
		i := slices.IndexFunc(list, func(l Count) bool { return l.Cause == c.Cause })
		if i < 0 {
			i = slices.IndexFunc(list, func(l Count) bool { return l.Cause == otherCause })
		}
		if i >= 0 {
			list[i].N -= c.N
		}
	}
	list = slices.DeleteFunc(list, func(c Count) bool { return c.N <= 0 })
	return mostFirst(addCounts(list, now))
}
