package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"why503/parse"
)

const (
	minRows = 7  // of a ladder's time besides its first
	maxRows = 20 // beyond which the longest waits fold into a row
	maxWrit = 12 // lines of logs on a ladder; the rest is under `saw`
	maxLane = 9
	maxTry  = 8 // ladders
)

// A ladderLane is a program that took part; x is the column of its bar.
type ladderLane struct {
	name string
	x    int
}

// A span of a lane is the time in which its program had the request.
type busy struct {
	part     int // in Request.Parts; len(Parts)+i for Signals
	lane, by int // by is the lane that handed the request on; -1 for none
	from, to parse.Time
	status   int
	request  bool // it has an answer, so an arrow back
	rough    bool // its stamp has seconds only
	cause    bool
	left     bool // it gave up: what it asked was still at work when it ended
	deaf     bool // who asked had left when it answered
}

// A wrote is a line of a log on its lane.
type wrote struct {
	lane  int
	at    parse.Time
	rough bool // the stamp has seconds only
	apart bool // it is of no request alone, and may tell of the time before
	text  string
}

// silent is the lane of a text that is said without a sign on a lane.
const silent = -1

// A ladder is one try: hops as lanes, time downwards.
type ladder struct {
	title   string
	lanes   []ladderLane
	spans   []busy
	before  []wrote // from before the request
	lines   []wrote
	from    parse.Time
	to      parse.Time
	dropped int
}

// ladders draws the request's ladder, and further ones for each retry, restart
// and included page.
func (e *explainer) ladders() {
	tries, more := e.tryLadders()
	for i, l := range tries {
		indent := 0
		if i > 0 {
			indent = 8
		}
		e.draw(l, indent)
	}
	if more > 0 {
		e.write(e.own(dim, fmt.Sprintf("and %d more tries (--all)", more)))
	}
}

// tryLadders returns a ladder for each try, and how many are beyond the bound.
func (e *explainer) tryLadders() (out []*ladder, more int) {
	owner, heads := e.tries()
	retries := 1
	for _, h := range heads {
		if h > 0 && again(e.q.Parts[h].Record) {
			retries++
		}
	}
	n := 1
	for i, h := range heads {
		if i == maxTry && !e.All {
			return out, len(heads) - i
		}
		title := ""
		r := e.q.Parts[h].Record
		switch {
		case i == 0 && retries > 1:
			title = fmt.Sprintf("try 1 of %d", retries)
		case i == 0:
		case again(r):
			n++
			title = fmt.Sprintf("try %d of %d", n, retries)
			if r.Tx.Reason == parse.ReasonRestart {
				title += ", a restart"
			}
		default:
			title = "included page " + string(r.URL)
		}
		l := e.collect(owner, h, i == 0)
		l.title = title
		out = append(out, l)
	}
	return out, 0
}

func (e *explainer) part(i int) *parse.Part {
	if i < len(e.q.Parts) {
		return &e.q.Parts[i]
	}
	return &e.q.Signals[i-len(e.q.Parts)]
}

func (e *explainer) start(i int) parse.Time {
	p := e.part(i)
	if p.Record == nil || p.Record.Time == 0 {
		return 0
	}
	return p.Record.Time + parse.Time(p.Offset) + e.later(i)
}

func (e *explainer) later(i int) parse.Time {
	if i < len(e.moved) {
		return e.moved[i]
	}
	return 0
}

func (e *explainer) end(i int) parse.Time {
	p := e.part(i)
	if p.Record == nil || p.Record.Ended == 0 {
		return e.start(i)
	}
	return max(p.Record.Ended+parse.Time(p.Offset)+e.later(i), e.start(i))
}

// programOf names a lane or a row.
func (e *explainer) programOf(r *parse.Record) string {
	names := [...]string{"log", "Varnish", "nginx", "HAProxy", "Apache", "Envoy", "PHP-FPM", "app", "database", "kernel", "systemd", "deploy", "CDN"}
	if int(r.Program) < len(names) {
		return names[r.Program]
	}
	return names[0]
}

// collect finds the lanes, spans and lines of the try that begins at head.
func (e *explainer) collect(owner []int, head int, first bool) *ladder {
	l := &ladder{lanes: []ladderLane{{name: "client"}}}
	if !first {
		l.lanes = nil // the request's own ladder shows the client
	}
	at := map[int]int{} // part -> lane
	lane := func(r *parse.Record) int {
		l.lanes = append(l.lanes, ladderLane{name: e.programOf(r)})
		return len(l.lanes) - 1
	}
	near := func(i int, r *parse.Record) (int, bool) { // the lane of the nearest ancestor of the same program
		for p, n := e.q.Parts[i].Parent, 0; p >= 0 && p < len(e.q.Parts) && n < len(e.q.Parts); p, n = e.q.Parts[p].Parent, n+1 {
			if k, ok := at[p]; ok && e.q.Parts[p].Record.Program == r.Program {
				return k, true
			}
		}
		return 0, false
	}
	named := func(r *parse.Record) (int, bool) {
		for i := range l.lanes {
			if l.lanes[i].name == e.programOf(r) {
				return i, true
			}
		}
		return 0, false
	}
	// Hops first, from the outside in, then what only wrote lines.
	for _, hops := range []bool{true, false} {
		for i := range e.q.Parts {
			r := e.q.Parts[i].Record
			if r == nil || owner[i] != head || r.Kind == parse.KindSession || (r.Kind == parse.KindRequest || r.Kind == parse.KindFetch) != hops {
				continue
			}
			parent := e.q.Parts[i].Parent
			by, known := at[parent]
			if !known {
				by = -1
				if first {
					by = 0
				}
			}
			k, ok := near(i, r)
			switch {
			case r.Kind == parse.KindFetch && ok:
			case r.Kind == parse.KindRequest && again(r):
				k, ok = 0, false
			case r.Kind == parse.KindRequest:
				ok = false
			}
			if !ok && !hops {
				k, ok = named(r)
			}
			if !ok {
				if len(l.lanes) >= maxLane {
					continue
				}
				k = lane(r)
			}
			at[i] = k
			e.occupy(l, i, k, by, hops)
		}
	}
	if first {
		for i := range e.q.Signals {
			r := e.q.Signals[i].Record
			n := len(e.q.Parts) + i
			if r == nil || !e.inChain(n) {
				continue
			}
			k, ok := named(r)
			if !ok {
				if len(l.lanes) >= maxLane {
					continue
				}
				k = lane(r)
			}
			e.occupy(l, n, k, len(l.lanes)-2, false)
		}
	}
	l.from, l.to = e.start(head), e.end(head)
	if first {
		l.spans = append(l.spans, busy{part: head, lane: 0, by: -1, from: l.from, to: l.to, status: -1})
	}
	for _, s := range l.spans {
		l.to = max(l.to, s.to)
		if s.from > 0 && s.part < len(e.q.Parts) {
			l.from = min(l.from, s.from)
		}
	}
	l.settle(e.zero(l))
	return l
}

// occupy puts a record on its lane: as a span if it took time, as a line
// otherwise.
func (e *explainer) occupy(l *ladder, i, lane, by int, hop bool) {
	part := e.part(i)
	r := part.Record
	from, to := e.start(i), e.end(i)
	if from == 0 {
		return
	}
	rough := r.Precision >= int64(time.Second)
	cause := len(e.v.Chain) > 1 && e.v.Chain[len(e.v.Chain)-1].Part == i
	switch {
	case hop:
		if lane == by { // a fetch stands on the lane of its request
			if r.Kind == parse.KindFetch {
				if t := fault(r); t != "" {
					l.lines = append(l.lines, wrote{lane: silent, at: to, text: firstLine(t)})
				}
				return
			}
		}
		l.spans = append(l.spans, busy{part: i, lane: lane, by: by, from: from, to: to, status: r.Status, request: true, cause: cause, rough: rough})
		if t := fault(r); t != "" && r.Kind == parse.KindFetch {
			l.lines = append(l.lines, wrote{lane: silent, at: to, text: firstLine(t)})
		}
	case to > from && i < len(e.q.Parts):
		l.spans = append(l.spans, busy{part: i, lane: lane, by: min(by, lane-1), from: from, to: to, cause: cause, rough: rough})
		lane = silent // the corner that begins the span is its sign
		fallthrough
	default:
		if len(l.lines) >= maxWrit {
			l.dropped++
			return
		}
		t := fault(r)
		if t == "" {
			t = string(r.Raw)
		}
		l.lines = append(l.lines, wrote{lane: lane, at: from, rough: rough, apart: i >= len(e.q.Parts), text: firstLine(t)})
	}
}

// settle finds who gave up, takes out what was before the request at zero, and
// puts the rough stamps where the order allows.
func (l *ladder) settle(zero parse.Time) {
	const (
		slack        = stampSlack
		clientClosed = 499 // nginx: who asked closed the connection
	)
	for i := range l.spans {
		for j := range l.spans {
			a, b := &l.spans[i], &l.spans[j]
			if i != j && a.request && b.by == a.lane && b.from >= a.from-slack && b.from <= a.to && b.to > a.to+slack {
				a.left, b.deaf = true, true
			}
			if i != j && a.request && b.by == a.lane && b.status == clientClosed && b.to >= a.to-slack && b.to <= a.to+slack {
				a.left = true
			}
		}
	}
	slices.SortStableFunc(l.lines, func(a, b wrote) int { return cmp.Compare(a.at, b.at) })
	l.lines = slices.DeleteFunc(l.lines, func(w wrote) bool {
		early := w.apart && w.at < l.from && zero-w.at >= parse.Time(time.Millisecond)
		if early {
			l.before = append(l.before, w)
		}
		return early
	})
	// A line far outside is not drawn: moving it into the ladder would lie, and
	// stretching the ladder would hide the request.
	whole := l.to - l.from
	within := func(w wrote) bool {
		near := parse.Time(0)
		if w.rough {
			near = parse.Time(time.Second)
		}
		return w.at >= l.from-near && w.at <= l.to+max(whole, near)
	}
	n := len(l.lines)
	l.lines = slices.DeleteFunc(l.lines, func(w wrote) bool { return !within(w) })
	l.dropped += n - len(l.lines)
	end := l.to
	for i := range l.lines {
		w := &l.lines[i]
		if w.rough {
			w.at = min(max(w.at, l.from), end)
		}
		l.to = max(l.to, w.at)
	}
	slices.SortStableFunc(l.lines, func(a, b wrote) int { return cmp.Compare(a.at, b.at) })
	names := map[string]int{}
	for i := range l.lanes {
		name := l.lanes[i].name
		if names[name]++; names[name] > 1 {
			l.lanes[i].name = fmt.Sprintf("%s %d", name, names[name])
		}
		if i == 0 {
			l.lanes[i].x = 10
			continue
		}
		a, b := len(l.lanes[i-1].name), len(l.lanes[i].name)
		l.lanes[i].x = l.lanes[i-1].x + max(8, (a+b)/2+2)
	}
}
