package live

import (
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
	"why503/rules"
)

// remember is how long it is known which failures a second is made of: as long
// as facts may still change, and some time for those that come late.
const remember = 15 * time.Minute

// linger is how long it is known in any case what a fact counted as, however old
// the logs are that it is of: until it is final, it may be taken back.
const linger = 3 * time.Minute

// seconds are the failures and requests of the last while, by site and second,
// as the incident detector takes them. Facts change: each is counted where its
// last state says.
type seconds struct {
	of    map[siteSecond]*tally
	facts map[string]entry // by uid
	dirty map[siteSecond]struct{}
}

type siteSecond struct {
	site string
	at   int64
}

type tally struct {
	requests    map[string]int64 // by source
	failures    int64
	causes      map[string]int64
	first, last parse.Time
	since       time.Time // when it was last counted in
}

// An entry is what a fact counted as.
type entry struct {
	at    siteSecond
	cause string // "" where it is no failure
	ended parse.Time
	class string
	since time.Time // when it came to count so
}

func newSeconds() seconds {
	return seconds{of: make(map[siteSecond]*tally), facts: make(map[string]entry), dirty: make(map[siteSecond]struct{})}
}

func (s *seconds) tally(k siteSecond) *tally {
	t := s.of[k]
	if t == nil {
		t = &tally{requests: make(map[string]int64), causes: make(map[string]int64)}
		s.of[k] = t
	}
	return t
}

// base takes what is stored of the requests since a time.
func (s *seconds) base(stored []aggregate.SiteSecond, from int64) {
	for i := range stored {
		if x := &stored[i]; x.At >= from {
			s.tally(siteSecond{x.Site, x.At}).requests[""] = x.Requests
		}
	}
}

// known takes a stored fact.
func (s *seconds) known(row *aggregate.Failure) {
	s.set(row)
	clear(s.dirty)
}

// set counts a fact, in place of what it counted as before.
func (s *seconds) set(row *aggregate.Failure) {
	ended := rowTime(row.Ended)
	e := entry{at: siteSecond{row.Site, int64(ended) / 1e9}, ended: ended, class: row.Class}
	if row.Class == rules.ClassFailure.String() {
		e.cause = row.Cause
	}
	if old, ok := s.facts[row.UID]; ok {
		if e.since = old.since; old == e {
			return
		}
		s.count(old, -1)
	}
	e.since = time.Now()
	s.facts[row.UID] = e
	s.count(e, 1)
}

// drop takes a fact back.
func (s *seconds) drop(uid string) {
	if old, ok := s.facts[uid]; ok {
		s.count(old, -1)
		delete(s.facts, uid)
	}
}

func (s *seconds) count(e entry, n int64) {
	if e.cause == "" {
		return
	}
	t := s.tally(e.at)
	t.since = time.Now()
	t.failures += n
	t.causes[e.cause] += n
	if n > 0 {
		if t.first == 0 || e.ended < t.first {
			t.first = e.ended
		}
		t.last = max(t.last, e.ended)
	}
	s.dirty[e.at] = struct{}{}
}

// row returns what is known of a fact that was handed on: enough to take it back.
func (s *seconds) row(uid string) (aggregate.Failure, bool) {
	e, ok := s.facts[uid]
	if !ok {
		return aggregate.Failure{}, false
	}
	return aggregate.Failure{Schema: aggregate.SchemaVersion, UID: uid, Site: e.at.site, Class: e.class, Cause: e.cause, Time: rowStamp(e.ended), Ended: rowStamp(e.ended)}, true
}

// requests takes how many requests of a site a client-facing source answered in
// a second, and returns how many of them are new, and whether that is another
// number than before.
func (s *seconds) requests(source, site string, at, n int64) (more int64, changed bool) {
	k := siteSecond{site, at}
	t := s.tally(k)
	old := t.requests[source]
	if old == n {
		return 0, false
	}
	delete(t.requests, "") // what was stored is told again by those who counted it
	t.requests[source] = n
	s.dirty[k] = struct{}{}
	return max(0, n-old), true
}

// behind takes back the requests of a source that turned out not to be
// client-facing.
func (s *seconds) behind(source string) {
	for k, t := range s.of {
		if _, ok := t.requests[source]; ok {
			delete(t.requests, source)
			s.dirty[k] = struct{}{}
		}
	}
}

// tell tells the detector what changed, and forgets what is too old.
func (s *seconds) tell(d *incident.Live, now time.Time) {
	for k := range s.dirty {
		t := s.of[k]
		sec := incident.Second{At: k.at, Failures: t.failures, First: t.first, Last: t.last}
		for _, n := range t.requests {
			sec.Requests += n
		}
		sec.Requests = max(sec.Requests, sec.Failures)
		for cause, n := range t.causes {
			if n > 0 {
				sec.Causes = append(sec.Causes, incident.Count{Cause: cause, N: n})
			}
		}
		d.Set(k.site, sec)
	}
	clear(s.dirty)
	old, before := now.Add(-remember).Unix(), time.Now().Add(-linger)
	for k, t := range s.of {
		if k.at < old && t.since.Before(before) {
			delete(s.of, k)
		}
	}
	for uid, e := range s.facts {
		if e.at.at < old && e.since.Before(before) {
			delete(s.facts, uid)
		}
	}
}

// rowStamps of rows are RFC 3339 with microseconds.
func rowTime(stamp string) parse.Time {
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return 0
	}
	return parse.Time(t.UnixNano())
}

func rowStamp(t parse.Time) string {
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.000000Z")
}
