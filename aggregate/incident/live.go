package incident

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// A Live tells the incidents of all sites from seconds that may still change:
// failures are provisional at first, get another cause, turn out to be none, or
// come late. It keeps the seconds of the last while, and where one changed it
// replays the site with the same test as a Detector, from a state that is
// settled. Given the same final seconds it finds what a Detector finds.
//
// An incident keeps the identifier under which it was first told, also when a
// correction moves its start. It belongs to one goroutine.
type Live struct {
	d      *Detector // the test; it keeps no sites here
	settle int64     // seconds
	since  int64     // from when on all seconds are known
	now    int64
	any    bool // Advance has been called
	sites  map[string]*liveSite
	kept   int // incidents in the archives
	past   int // seconds in all pasts

	late, dropped int64
}

// A ChangeKind says what became of an incident.
type ChangeKind uint8

const (
	// Opened comes first, once for each incident that was not restored.
	Opened ChangeKind = iota + 1
	// Changed is new figures, causes or times of one that is told already.
	Changed
	// Ended comes when recovery has been seen.
	Ended
	// Reopened comes when one that had ended, merged or been withdrawn is on.
	Reopened
	// Merged comes when one turns out to be part of another, MergedInto.
	Merged
	// Withdrawn comes when corrections leave nothing of an incident. It is no
	// longer in Incidents.
	Withdrawn
)

func (k ChangeKind) String() string {
	if k < Opened || k > Withdrawn {
		return "unknown"
	}
	return [...]string{"opened", "changed", "ended", "reopened", "merged", "withdrawn"}[k-Opened]
}

// A Change is what became of an incident since the last Advance.
type Change struct {
	Kind     ChangeKind
	Incident Incident // as it is now; of a Withdrawn one as it last was
	Was      Incident // as it was told before; zero of an Opened one
}

// NewLive returns a Live in which a second counts as settled when it is older
// than settle: it can then no longer move incidents, only their counts.
func NewLive(cfg Config, settle time.Duration) *Live {
	d := New(cfg)
	l := &Live{d: d, settle: max(seconds(settle), 0), since: maxSecond, now: math.MinInt64, sites: make(map[string]*liveSite)}
	return l
}

// Set replaces a second of a site; one without requests is taken back. It may
// be called long after. It keeps no memory of s but the names of causes.
//
// A second that has settled is late: it is counted, and where it lies in an
// incident whose seconds are still known the counts of that are corrected.
func (l *Live) Set(name string, s Second) {
	s = s.normal()
	if l.any && s.At > l.now+maxAhead {
		l.dropped++
		return
	}
	st := l.site(name)
	if st == nil {
		l.dropped++
		return
	}
	if st.base.started && s.At < st.base.next {
		l.late++
		l.correct(st, s)
		return
	}
	st.set(s)
	if len(st.seconds) > maxOpenSeconds {
		l.settleBefore(st, st.seconds[maxOpenSeconds/2].At)
		st.dirty = true
	}
}

// maxAhead is how far in the future a second may lie: beyond it a clock is
// wrong, and the second would be held until then.
const maxAhead = 3600

// Advance says that the seconds before now are complete as far as is known,
// and returns what has become of incidents since it was last called, by start,
// then site. Of one incident the changes are in order. now is the time up to
// which the sources have been read, not the clock: after a time in which nothing
// ran, what they hold would be late.
func (l *Live) Advance(now int64) []Change {
	if l.any && now < l.now {
		now = l.now
	}
	l.now, l.any = now, true
	var out []Change
	for _, st := range l.sites {
		if st.replay(l.d, now) {
			out = append(out, st.identify(l.d, now)...)
			l.archive(st)
		}
		for _, t := range st.corrected {
			t.corrected = false
			out = append(out, Change{Kind: Changed, Incident: t.clone(), Was: t.was})
		}
		st.corrected = nil
		l.settleBefore(st, now-l.settle)
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Incident.Start, b.Incident.Start), strings.Compare(a.Incident.Site, b.Incident.Site))
	})
	return out
}

// Incidents returns all that are known, by start, then site: those that were
// merged too, those that were withdrawn not.
func (l *Live) Incidents() []Incident {
	var out []Incident
	for _, st := range l.sites {
		for _, t := range st.archived {
			out = append(out, t.clone())
		}
		for _, t := range st.told {
			if !t.withdrawn {
				out = append(out, t.clone())
			}
		}
	}
	slices.SortFunc(out, func(a, b Incident) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Site, b.Site), strings.Compare(a.ID, b.ID))
	})
	return out
}

// Restore tells a new Live what was told before a restart, so that incidents
// go on under the same identifiers. The caller then Sets the stored seconds of
// the last hours and Advances. An incident that began before the first of those
// keeps the start and the counts that it had until then.
func (l *Live) Restore(known []Incident) {
	known = slices.Clone(known)
	slices.SortFunc(known, func(a, b Incident) int { return cmp.Compare(a.Start, b.Start) })
	if n := len(known) - l.d.cfg.MaxIncidents; n > 0 {
		known = known[n:]
	}
	for _, i := range known {
		st := l.site(i.Site)
		if st == nil {
			l.dropped++
			continue
		}
		live := i.MergedInto == ""
		st.told = append(st.told, &told{Incident: i.clone(), restored: live})
		st.restored, st.wasRestored, st.dirty = st.restored || live, true, true
	}
}

// Complete says that all seconds since one, of every site, are Set after a
// Restore: an incident in that time of which there are none is none. It is to be
// called before Restore.
func (l *Live) Complete(since int64) { l.since = since }

// Late returns how many seconds came after they had settled.
func (l *Live) Late() int64 { return l.late }

// Dropped returns how many seconds and restored incidents were left out: of
// more sites than Config.MaxSites, or of a far future.
func (l *Live) Dropped() int64 { return l.dropped }

// site returns the state of a site, nil when there are too many. Unlike those
// of a Detector they are not taken together, as their seconds replace each
// other; the one that has been idle longest goes.
func (l *Live) site(name string) *liveSite {
	if st := l.sites[name]; st != nil {
		return st
	}
	if len(l.sites) >= l.d.cfg.MaxSites && !l.evict() {
		return nil
	}
	name = strings.Clone(name)
	st := &liveSite{base: &site{name: name}, pastFrom: math.MinInt64, since: l.since}
	l.sites[name] = st
	return st
}

// evict forgets the site that has been idle longest, if one has been for
// MaxQuiet; one with incidents to its name only after a day.
func (l *Live) evict() bool {
	var longest *liveSite
	for _, st := range l.sites {
		quiet := seconds(l.d.cfg.MaxQuiet)
		if len(st.told)+len(st.archived) > 0 {
			quiet = 24 * 3600
		}
		idle := len(st.seconds) == 0 && st.base.started && st.base.lastAt < l.now-quiet &&
			!slices.ContainsFunc(st.told, func(t *told) bool { return t.Ongoing })
		if idle && (longest == nil || st.base.lastAt < longest.base.lastAt) {
			longest = st
		}
	}
	if longest == nil {
		return false
	}
	l.past -= len(longest.past)
	l.kept -= len(longest.archived)
	delete(l.sites, longest.base.name)
	return true
}

func (i Incident) clone() Incident {
	i.Causes = slices.Clone(i.Causes)
	return i
}

// equal tells whether two are told alike.
func (i Incident) equal(o Incident) bool {
	return slices.Equal(i.Causes, o.Causes) && i.ID == o.ID && i.Start == o.Start && i.End == o.End && i.Ongoing == o.Ongoing && i.Requests == o.Requests &&
		i.Failures == o.Failures && i.PeakRatio == o.PeakRatio && i.MergedInto == o.MergedInto
}

// begins and ends are the seconds that an incident has counted.
func (i *Incident) begins() int64 { return floorSecond(i.Start) }
func (i *Incident) ends() int64   { return floorSecond(i.End) }

func (i *Incident) overlaps(o *Incident) bool { return i.Start <= o.End && o.Start <= i.End }

// covers tells whether the second lies in the incident.
func (i *Incident) covers(at int64) bool { return i.begins() <= at && at <= i.ends() }
