package incident

import (
	"math"
	"time"
)

// A site is the state of the test for one site.
//
// Between incidents, sum is the cumulative sum and suspect the seconds since it
// was last zero. In an incident, health is the sum in reverse and tail the
// seconds since that was last zero: they belong to the incident only if a
// failure brings health back to zero.
type site struct {
	name string

	pending Second // may still get another part
	waiting bool
	next    int64 // first second that may still come
	started bool

	firstAt, lastAt int64 // seconds seen
	requests        int64 // all requests seen

	learned learned
	sum     float64
	suspect run
	gap     run // since the last incident ended, while that could be reopened

	open   *found
	health float64
	tail   run

	ended []found
}

// found is an incident as the detector works on it.
type found struct {
	run
	id         string
	before     run // what lay between the incident before and this one
	mergedInto string
}

func (f *found) incident(site string) Incident {
	i := Incident{
		ID: f.id, Site: site, Start: f.first, End: f.last, Requests: f.requests, Failures: f.failures,
		Causes: mostFirst(f.causes), MergedInto: f.mergedInto,
	}
	i.PeakRatio = max(f.peak, i.Ratio())
	return i
}

// learned is what a site is known to fail when nothing is wrong.
type learned struct{ requests, failures float64 }

const (
	// priorRequests is how much traffic it takes to believe a site more than
	// the floor.
	priorRequests = 2000
	// maxLearned is how much traffic is remembered: beyond it, old halves.
	maxLearned = 1e6
	// maxBaseline keeps the test possible for a site that mostly fails.
	maxBaseline = 0.2
)

func (l *learned) add(requests, failures int64) {
	l.requests += float64(requests)
	l.failures += float64(failures)
	for l.requests > maxLearned {
		l.requests /= 2
		l.failures /= 2
	}
}

func (l *learned) ratio(floor float64) float64 {
	p := (l.failures + priorRequests*floor) / (l.requests + priorRequests)
	return min(max(p, floor), maxBaseline)
}

// oddsRatio is how many times the odds of failure are in the incident that the
// test looks for. Smaller changes take longer to be found, larger ones less.
const oddsRatio = 20

// recovered is the evidence that ends an incident: a hundred to one.
var recovered = math.Log(100)

// weights returns what a failed request adds to the sum and what a good one
// takes away, for a site that fails p of its requests.
func weights(p float64) (failed, good float64) {
	odds := oddsRatio * p / (1 - p)
	q := odds / (1 + odds)
	return math.Log(q / p), math.Log((1 - p) / (1 - q))
}

// threshold returns the sum that makes an incident. An excursion that begins
// with one failure reaches h by chance at most e^-(h-log(oddsRatio)) times, and
// the site begins as many a day as it has failures in good times.
func (d *Detector) threshold(st *site, p float64) float64 {
	seconds := float64(st.lastAt-st.firstAt) + 1
	daily := p * float64(st.requests) / seconds * (24 * time.Hour).Seconds()
	return math.Log(oddsRatio) + math.Log(max(daily, 1)/d.cfg.FalsePerDay)
}

// step takes a whole second.
func (d *Detector) step(st *site, s Second) {
	if st.requests == 0 {
		st.firstAt = s.At
	}
	st.lastAt, st.next, st.started = s.At, s.At+1, true
	st.requests += s.Requests
	d.endIfDue(st, s.At)
	if st.open != nil {
		d.follow(st, s)
	} else {
		d.watch(st, s)
	}
}

// watch looks for the begin of an incident.
func (d *Detector) watch(st *site, s Second) {
	if n := len(st.ended); n > 0 && (s.At-st.ended[n-1].lastAt <= seconds(d.cfg.MergeGap)+1 || !st.suspect.empty()) {
		st.gap.add(s)
	}
	if !st.suspect.empty() && s.At-st.suspect.lastAt > seconds(d.cfg.MaxQuiet) {
		st.acquit()
	}
	if s.Failures == 0 && st.sum == 0 {
		st.learned.add(s.Requests, 0)
		return
	}
	p := st.learned.ratio(d.cfg.Floor)
	failed, good := weights(p)
	st.sum = max(0, st.sum+float64(s.Failures)*failed-float64(s.Requests-s.Failures)*good)
	st.suspect.add(s)
	if st.sum == 0 {
		st.acquit()
		return
	}
	r := &st.suspect
	if r.failures >= d.cfg.MinFailures && st.sum >= d.threshold(st, p) &&
		float64(r.failures) >= d.cfg.MinRatio*float64(r.requests) && s.Failures > 0 {
		d.begin(st)
	}
}

// acquit ends an excursion that came to nothing.
func (st *site) acquit() {
	st.learned.add(st.suspect.requests, st.suspect.failures)
	st.suspect.reset()
	st.sum = 0
}

// begin makes an incident of what is suspect, or a part of the one before.
func (d *Detector) begin(st *site) {
	if n := len(st.ended); n > 0 && d.near(&st.ended[n-1], &st.suspect) {
		last := st.ended[n-1]
		st.ended, d.ended = st.ended[:n-1], d.ended-1
		last.absorb(&st.gap) // has the suspect seconds in it
		st.open = &last
	} else {
		f := &found{run: st.suspect, id: ID(st.name, st.suspect.first)}
		f.causes = addCounts(nil, st.suspect.causes)
		if n > 0 && d.close(&st.ended[n-1], &st.suspect) {
			f.before = st.gap.less(&st.suspect)
		}
		st.open = f
	}
	st.suspect.reset()
	st.tail.reset()
	st.gap.reset()
	st.sum, st.health = 0, 0
}

// near reports whether r is close to the incident before it and like it.
func (d *Detector) near(before *found, r *run) bool {
	return d.close(before, r) && before.mergedInto == "" && similar(before.causes, r.causes)
}

func (d *Detector) close(before *found, r *run) bool {
	return time.Duration(r.first-before.last) <= d.cfg.MergeGap
}

// less returns the begin of r, which ends with the run end.
func (r *run) less(end *run) run {
	out := run{requests: r.requests - end.requests, failures: r.failures - end.failures}
	if out.failures > 0 {
		out.first, out.last = r.first, r.first
		for _, c := range r.causes {
			for _, e := range end.causes {
				if e.Cause == c.Cause {
					c.N -= e.N
				}
			}
			out.causes = addCounts(out.causes, []Count{c})
		}
	}
	return out
}

// follow looks for the end of an incident.
func (d *Detector) follow(st *site, s Second) {
	failed, good := weights(st.learned.ratio(d.cfg.Floor))
	st.health = max(0, st.health+float64(s.Requests-s.Failures)*good-float64(s.Failures)*failed)
	st.tail.add(s)
	if s.Failures > 0 && st.health == 0 {
		st.open.absorb(&st.tail)
		st.tail.reset()
	}
}

// endIfDue ends the incident when, with the second at about to begin, it is
// known to be over. It only gets truer as time goes on without seconds, which
// is why it does not matter when it is asked.
func (d *Detector) endIfDue(st *site, at int64) {
	f := st.open
	if f == nil {
		return
	}
	if silent := at - f.lastAt; silent < seconds(d.cfg.MaxQuiet) {
		quiet := d.cfg.MinQuiet
		if f.failures > 1 {
			quiet = max(quiet, min(8*time.Duration(f.last-f.first)/time.Duration(f.failures-1), d.cfg.MaxQuiet))
		}
		// Either the traffic since is far likelier of a site that works, or
		// so many requests in a row would not have worked in the incident.
		ratio := float64(f.failures) / float64(f.requests)
		healthy := st.health >= recovered || st.tail.failures == 0 && float64(st.tail.requests)*ratio >= recovered
		if time.Duration(silent)*time.Second < quiet || !healthy {
			return
		}
	}
	st.learned.add(st.tail.requests, st.tail.failures)
	st.gap.reset()
	st.gap.absorb(&st.tail)
	st.tail.reset()
	st.open, st.health = nil, 0
	// What it is made of may only now be clear.
	if n := len(st.ended); n > 0 && f.mergedInto == "" && d.near(&st.ended[n-1], &f.run) {
		into := &st.ended[n-1]
		part := *f
		part.mergedInto = into.id
		into.absorb(&f.before)
		into.absorb(&f.run)
		whole := *into
		st.ended[n-1] = part
		d.keep(st, &whole)
		return
	}
	d.keep(st, f)
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
