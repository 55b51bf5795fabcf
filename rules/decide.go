package rules

import (
	"slices"
	"strings"
	"time"

	"why503/parse/recognise"
)

// A decision is a Verdict without the words, lines and times of one request.
type decision struct {
	class      Class
	reached    Reached
	steps      []step // symptom first
	confidence float64
	decidable  bool
	missing    []Missing
	trigger    int    // item, -1
	change     string // kind of the trigger
}

// A step is one link: a rule that found a cause, and the item that shows it
// (-1: the structure of the hop's own Record).
type step struct {
	rule  *rule
	cause *recognise.Cause
	item  int
	level string
	sure  float64
}

func (s *Set) decide(e *evidence) *decision {
	d := &decision{class: e.class, trigger: -1}
	first := s.symptom(e)
	d.steps = s.chain(e, first)
	d.reached = s.reachedOf(e, first)
	last := d.steps[len(d.steps)-1]
	// A chain is as sure as its weakest link: the links prove each other, they
	// are no independent throws.
	d.confidence = last.sure
	for _, st := range d.steps {
		if st.rule != unclassified || len(d.steps) == 1 { // a proxy that says nothing weakens no other link
			d.confidence = min(d.confidence, st.sure)
		}
	}
	d.class = classOf(e, first.cause.Slug, last.cause.Slug)
	d.missing = s.missing(e, d)
	d.decidable = last.level == "root" || len(d.missing) == 0
	d.trigger, d.change = s.trigger(e)
	return d
}

var unclassified = &rule{name: "unclassified", cause: "unknown.unclassified", confidence: 0.3}

// symptom is what the first rule says that holds, or one that beats it.
func (s *Set) symptom(e *evidence) step {
	var won step
	for _, u := range s.symptoms {
		if won.rule != nil && !slices.Contains(u.beats, won.rule.name) {
			continue
		}
		if st, ok := u.ask(e); ok {
			won = st
		}
	}
	if won.rule == nil {
		won = step{rule: unclassified, cause: recognise.CauseOf(unclassified.cause), item: -1, level: "symptom", sure: unclassified.confidence}
	}
	return won
}

// ask says whether a symptom rule holds, and of which item. Of several lines
// the last one decides.
func (u *rule) ask(e *evidence) (step, bool) {
	if u.programs != 0 && !u.of(e.facts.Program) {
		return step{}, false
	}
	if u.events == nil {
		if !holdAll(u.when, e, nil) {
			return step{}, false
		}
		return u.step(-1, u.cause), true
	}
	for i := len(e.items) - 1; i >= 0; i-- {
		it := &e.items[i]
		if it.in&u.in == 0 || !u.events.has(it.event) || !holdAll(u.when, e, it) {
			continue
		}
		cause := u.cause
		if cause == "" {
			cause = recognise.Default().Event(it.event).Cause
			if c := recognise.CauseOf(cause); c == nil || c.Level == "info" || c.Level == "parent" {
				continue
			}
		}
		return u.step(i, cause), true
	}
	return step{}, false
}

func (u *rule) of(program string) bool {
	i := slices.Index(programNames[:], program)
	return i > 0 && u.programs&(1<<i) != 0
}

func (u *rule) step(item int, slug string) step {
	c := recognise.CauseOf(slug)
	st := step{rule: u, cause: c, item: item, level: u.level, sure: u.confidence}
	if st.level == "" {
		st.level = c.Level
	}
	if st.sure == 0 {
		st.sure = 0.9
	}
	return st
}

// reachedOf is the first split: the rule of the symptom knows it, or what the
// next hop wrote of the same request tells.
func (s *Set) reachedOf(e *evidence, first step) Reached {
	f := &e.facts
	if first.rule.knows && first.rule.reached != ReachedUnknown {
		return first.rule.reached
	}
	if f.OriginSeen {
		// Clocks agree to some milliseconds, and the next hop ends its line when
		// it sees the connection close.
		late := f.OriginEnd > 0.05
		switch {
		case f.OriginAnswer == 499 || f.OriginAnswer == 0:
			// The next hop noticed that this one had gone: it was still at work.
			if strings.HasPrefix(first.cause.Slug, "origin_slow.") {
				return ReachedLate
			}
			return ReachedLost
		case late:
			return ReachedLate
		case f.OriginAnswer >= 500:
			return ReachedOrigin
		}
		return ReachedLost
	}
	if f.OriginStatus >= 500 {
		return ReachedOrigin
	}
	if f.OriginStatus > 0 {
		return ReachedLost
	}
	if f.Detailed && f.MadeError && f.Attempts > 0 && !f.Opened {
		return ReachedNever // it wanted to, and had no connection
	}
	// That a given log holds no line of it proves nothing here: the backend may
	// be a server whose log was not given.
	return ReachedUnknown
}

// policies are causes by which somebody meant the request to fail.
var policies = []string{"rate_queue.rate_limited", "rate_queue.conn_limited"}

func classOf(e *evidence, symptom, cause string) Class {
	if e.class != ClassFailure {
		return e.class
	}
	parent, _, _ := strings.Cut(cause, ".")
	from, _, _ := strings.Cut(symptom, ".")
	switch {
	case parent == "deliberate" || slices.Contains(policies, cause):
		return ClassDeliberate
	case parent == "client_abort" || from == "client_abort":
		return ClassClient
	}
	return ClassFailure
}

// trigger is the nearest change before the failure. Kinds that stand earlier
// in the rule files win: a deploy tool's line names what the restart was for.
func (s *Set) trigger(e *evidence) (item int, kind string) {
	for _, g := range s.signs {
		item = -1
		for i := range e.items {
			it := &e.items[i]
			if it.in&inSignal == 0 || it.later || it.ago < 0 || it.ago > triggerBefore || !g.events.has(it.event) {
				continue
			}
			if item < 0 || it.ago < e.items[item].ago {
				item = i
			}
		}
		if item >= 0 {
			return item, g.kind
		}
	}
	return -1, ""
}

// triggerBefore is how long before a failure a change may have been.
const triggerBefore = int64(30 * time.Minute)
