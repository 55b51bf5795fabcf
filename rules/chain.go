package rules

import (
	"slices"
	"time"

	"why503/parse/recognise"
)

const (
	maxSteps      = 6
	maxFindings   = 24
	maxVisits     = 4000
	signalBefore  = int64(30 * time.Second) // default window of a signal without a state
	signalAfter   = int64(2 * time.Second)
	joinedAfter   = int64(10 * time.Minute) // a line by an id may come long after the proxy gave up
	strong, fair  = 0.75, 0.5
	sureKnown     = 0.98 // a signal of the failing backend itself
	sureUnknown   = 0.88 // a signal that may be of another
	sureGuess     = 0.6
	doubtful      = 0.45 // what is less sure is not said
	noCauseFamily = "client_abort"
)

// tellsLittle are symptoms of a last attempt that only say that nothing more
// was tried; the attempts before it may hold the reason.
var tellsLittle = []string{"cache_config.retry_limit", "health.backend_down", "health.all_down", "dns_routing.no_backend"}

// findingsOf asks the rules of every item, and drops what other findings beat or
// contradict.
func (s *Set) findingsOf(e *evidence, first step) []step {
	var all []step
	for i := range e.items {
		it := &e.items[i]
		if i == first.item || it.in&(inDeciding|inRequest) != 0 && it.in&inDeeper == 0 {
			continue
		}
		if it.in == 0 || it.in&inEarlier != 0 && !slices.Contains(tellsLittle, first.cause.Slug) {
			continue
		}
		if st, ok := s.finding(e, i); ok {
			all = append(all, st)
		}
	}
	all = slices.DeleteFunc(all, func(st step) bool {
		return slices.ContainsFunc(all, func(o step) bool {
			if slices.Contains(o.rule.beats, st.rule.name) {
				return true
			}
			// A program's own guess does not stand against what another line
			// says of the same service.
			a, b := &e.items[st.item], &e.items[o.item]
			return st.rule.hypothesis && !o.rule.hypothesis && o.cause != st.cause && o.level == "root" && a.service == b.service && a.host == b.host
		})
	})
	return bestOfEach(e, all)
}

// finding is what the first rule says whose conditions hold for the item.
func (s *Set) finding(e *evidence, i int) (step, bool) {
	it := &e.items[i]
	for _, u := range s.findings[it.event] {
		if u.programs != 0 && !u.of(e.facts.Program) || it.in&u.in == 0 || !u.inTime(it) || !holdAll(u.when, e, it) {
			continue
		}
		if u.ignore {
			return step{}, false
		}
		slug := u.cause
		if slug == "" {
			slug = recognise.Default().Event(it.event).Cause
		}
		c := recognise.CauseOf(slug)
		if c == nil || c.Level == "parent" || u.level == "info" || u.level == "" && c.Level == "info" {
			return step{}, false
		}
		st := u.step(i, slug)
		switch {
		case it.in&inKnown != 0:
			st.sure *= sureKnown
		case it.in&inSignal != 0:
			st.sure *= sureUnknown
		}
		if u.hypothesis {
			st.sure *= sureGuess
		}
		return st, st.sure >= doubtful
	}
	return step{}, false
}

// inTime says whether a line may explain a failure by when it was written: a
// cause stands before the end of what it explains.
func (u *rule) inTime(it *item) bool {
	if it.in&inSignal == 0 {
		return it.ago >= -joinedAfter
	}
	if u.joined || it.over {
		return false
	}
	before, after := u.before, u.after
	if before < 0 {
		before = signalBefore
	}
	if after < 0 {
		after = signalAfter
	}
	return it.ago <= before && it.ago >= -after
}

// bestOfEach keeps one finding for each cause and hop, and bounds their count.
func bestOfEach(e *evidence, all []step) []step {
	slices.SortStableFunc(all, func(a, b step) int { return -compareSteps(e, a, b) })
	var kept []step
	for _, st := range all {
		same := func(o step) bool {
			return o.cause == st.cause && (e.items[o.item].program == e.items[st.item].program || len(kept) > maxFindings/2)
		}
		if len(kept) < maxFindings && !slices.ContainsFunc(kept, same) {
			kept = append(kept, st)
		}
	}
	return kept
}

// compareSteps orders evidence for the same thing: a joined line before a
// signal, the specific before the generic, the surer, the nearer.
func compareSteps(e *evidence, a, b step) int {
	x, y := &e.items[a.item], &e.items[b.item]
	if c := compareBool(x.in&inSignal == 0, y.in&inSignal == 0); c != 0 {
		return c
	}
	if c := compareBool(!a.rule.generic, !b.rule.generic); c != 0 {
		return c
	}
	if a.sure != b.sure {
		return compareBool(a.sure > b.sure, false)*2 - 1
	}
	if c := compareBool(x.ago >= 0, y.ago >= 0); c != 0 {
		return c
	}
	if p, q := max(x.ago, -x.ago), max(y.ago, -y.ago); p != q {
		return compareBool(p < q, false)*2 - 1
	}
	return 0
}

func compareBool(a, b bool) int { return int(flag(a)) - int(flag(b)) }

// chain is the best supported path from the symptom to the deepest finding.
func (s *Set) chain(e *evidence, first step) []step {
	w := walk{set: s, e: e, all: s.findingsOf(e, first), path: []step{first}}
	w.best = append(w.best, first)
	w.visit()
	return w.best
}

// A walk is a depth-first search over a few findings.
type walk struct {
	set        *Set
	e          *evidence
	all        []step
	path, best []step
	visits     int
}

func (w *walk) visit() {
	w.visits++
	if better(w.e, w.path, w.best) {
		w.best = append(w.best[:0], w.path...)
	}
	if len(w.path) >= maxSteps || w.visits > maxVisits {
		return
	}
	for _, st := range w.all {
		if w.leads(st) {
			w.path = append(w.path, st)
			w.visit()
			w.path = w.path[:len(w.path)-1]
		}
	}
}

// leads says that an edge leads from the end of the path to the finding, and
// that the finding does not lie in front of it.
func (w *walk) leads(to step) bool {
	from := w.path[len(w.path)-1]
	if to.cause == from.cause || to.cause.Parent == noCauseFamily {
		return false
	}
	it := &w.e.items[to.item]
	for _, st := range w.path {
		if st.cause == to.cause || st.item == to.item {
			return false
		}
	}
	depth := int8(-1)
	if from.item >= 0 {
		f := &w.e.items[from.item]
		if f.in&inSignal == 0 {
			depth = f.depth
		}
		if it.in&inSignal == 0 && it.depth < depth {
			return false
		}
		// A later event of the same kind of line does not stand behind an
		// earlier one.
		if f.in&inSignal != 0 && it.in&inSignal == 0 && it.in&inDeeper == 0 {
			return false
		}
	}
	for _, g := range w.set.next[from.cause.Slug] {
		if !meets(g.to, to.cause.Slug) || g.joined && it.in&inSignal != 0 {
			continue
		}
		if g.deeper && it.in&(inDeeper|inSignal|inHop) == 0 || !holdAll(g.when, w.e, it) {
			continue
		}
		return true
	}
	return false
}

// better says that path a is a better account than b: it ends in a root cause,
// its weakest link is stronger, it begins with a line of this very request, its
// end is specific, it goes deeper, it is surer; in this order.
func better(e *evidence, a, b []step) bool {
	x, y := a[len(a)-1], b[len(b)-1]
	if c := compareBool(isRoot(a), isRoot(b)); c != 0 {
		return c > 0
	}
	if c := weakest(a) - weakest(b); c != 0 && isRoot(a) {
		return c > 0
	}
	if len(a) > 1 && len(b) > 1 {
		// A line of this very request leads on better than one of no request.
		if c := compareBool(e.items[a[1].item].in&inSignal == 0, e.items[b[1].item].in&inSignal == 0); c != 0 {
			return c > 0
		}
		if c := compareBool(!x.rule.generic, !y.rule.generic); c != 0 {
			return c > 0
		}
	}
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return product(a) > product(b)+1e-9
}

func isRoot(path []step) bool { return path[len(path)-1].level == "root" }

func weakest(path []step) int {
	least := 2
	for _, st := range path[1:] {
		switch {
		case st.sure < fair:
			least = 0
		case st.sure < strong:
			least = min(least, 1)
		}
	}
	return least
}

func product(path []step) float64 {
	p := 1.0
	for _, st := range path {
		p *= st.sure
	}
	return p
}
