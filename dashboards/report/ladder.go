package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	cause    bool
	left     bool // it gave up: what it asked was still at work when it ended
	deaf     bool // who asked had left when it answered
}

// A wrote is a line of a log on its lane.
type wrote struct {
	lane  int
	at    parse.Time
	rough bool // the stamp has seconds only
	text  string
}

// silent is the lane of a text that is said without a sign on a lane.
const silent = -1

// A ladder is one try: hops as lanes, time downwards.
type ladder struct {
	title   string
	lanes   []ladderLane
	spans   []busy
	lines   []wrote
	from    parse.Time
	to      parse.Time
	dropped int
}

// ladders draws the request's ladder, and further ones for each retry, restart
// and included page.
func (e *explainer) ladders() {
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
			e.write(e.own(dim, fmt.Sprintf("and %d more tries (--all)", len(heads)-i)))
			break
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
		indent := 0
		if i > 0 {
			indent = 8
		}
		e.draw(l, indent)
	}
}

// again reports whether a record is a further attempt at the same.
func again(r *parse.Record) bool {
	return r != nil && r.Tx != nil && (r.Tx.Reason == parse.ReasonRetry || r.Tx.Reason == parse.ReasonRestart)
}

// tries divides the parts: each belongs to the nearest of its ancestors that
// began a try. heads are the beginnings, in order of time.
func (e *explainer) tries() (owner, heads []int) {
	parts := e.q.Parts
	owner = make([]int, len(parts))
	heads = []int{0}
	for i := range parts {
		owner[i] = -1
	}
	var find func(i, depth int) int
	find = func(i, depth int) int {
		if owner[i] >= 0 {
			return owner[i]
		}
		r := parts[i].Record
		parent := parts[i].Parent
		switch {
		case i == 0 || depth > len(parts):
			owner[i] = 0
		case again(r) || r != nil && r.Tx != nil && r.Tx.Reason == parse.ReasonESI:
			owner[i] = i
		case parent < 0 || parent >= len(parts) || parent == i:
			owner[i] = 0
		default:
			owner[i] = find(parent, depth+1)
		}
		return owner[i]
	}
	for i := range parts {
		if find(i, 0) == i && i > 0 {
			heads = append(heads, i)
		}
	}
	slices.SortStableFunc(heads[1:], func(a, b int) int {
		return cmp.Compare(e.start(a), e.start(b))
	})
	return owner, heads
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
	return p.Record.Time + parse.Time(p.Offset)
}

func (e *explainer) end(i int) parse.Time {
	p := e.part(i)
	if p.Record == nil || p.Record.Ended == 0 {
		return e.start(i)
	}
	return max(p.Record.Ended+parse.Time(p.Offset), e.start(i))
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
	l.settle()
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
		l.spans = append(l.spans, busy{part: i, lane: lane, by: by, from: from, to: to, status: r.Status, request: true, cause: cause})
		if t := fault(r); t != "" && r.Kind == parse.KindFetch {
			l.lines = append(l.lines, wrote{lane: silent, at: to, text: firstLine(t)})
		}
	case to > from && i < len(e.q.Parts):
		l.spans = append(l.spans, busy{part: i, lane: lane, by: min(by, lane-1), from: from, to: to, cause: cause})
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
		l.lines = append(l.lines, wrote{lane: lane, at: from, rough: r.Precision >= int64(time.Second), text: firstLine(t)})
	}
}

// settle finds who gave up, and puts the rough stamps where the order allows.
func (l *ladder) settle() {
	const (
		slack        = parse.Time(5 * time.Millisecond)
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

// unit returns the time of a row: the largest that still gives enough rows.
func (l *ladder) unit() parse.Time {
	d := time.Duration(l.to - l.from)
	u := columns[0]
	for _, c := range columns {
		if (d+c/2)/c < minRows {
			break
		}
		u = c
	}
	return parse.Time(u)
}

// moments returns the times at which something happened, those that one row
// can show taken together.
func (l *ladder) moments(unit parse.Time) []parse.Time {
	at := []parse.Time{l.from}
	for i := range l.spans {
		at = append(at, l.spans[i].from, l.spans[i].to)
	}
	for _, w := range l.lines {
		at = append(at, w.at)
	}
	slices.Sort(at)
	together := max(unit/50, parse.Time(time.Microsecond))
	out := at[:1]
	for _, t := range at[1:] {
		if t-out[len(out)-1] > together {
			out = append(out, t)
		}
	}
	return out
}

// draw writes a ladder: for each moment a row, and between them rows of waiting.
func (e *explainer) draw(l *ladder, indent int) {
	unit := l.unit()
	for i := range l.lanes {
		l.lanes[i].x += indent
	}
	notes := l.lanes[len(l.lanes)-1].x + 6
	if l.title != "" {
		e.write(e.own(plain, strings.Repeat(" ", 2+indent)).stranger(bold, l.title, e.ASCII))
	}
	head := e.own(dim, "     s")
	for _, n := range l.lanes {
		head = head.pad(n.x-(len(n.name)-1)/2).own(plain, n.name)
	}
	e.write(head)
	at := l.moments(unit)
	rows := l.waits(at, unit)
	for i, t := range at {
		next := l.to + 1
		if i+1 < len(at) {
			next = at[i+1]
		}
		if i > 0 {
			e.wait(l, at[i-1], t, rows[i])
		}
		e.moment(l, t, next, notes)
	}
	if l.dropped > 0 {
		e.at(notes, e.own(dim, fmt.Sprintf("and %d more lines, below", l.dropped)))
	}
}

// waits returns how many rows stand before each moment; folded, that is one
// row which says how long, is -1. The longest are folded until all rows are
// few enough to be seen at once.
func (l *ladder) waits(at []parse.Time, unit parse.Time) []int64 {
	round := func(t parse.Time) int64 { return int64((t - l.from + unit/2) / unit) }
	rows := make([]int64, len(at))
	sum := int64(len(at))
	for i := 1; i < len(at); i++ {
		rows[i] = max(round(at[i])-round(at[i-1])-1, 0)
		sum += rows[i]
	}
	for sum > maxRows {
		longest := 0
		for i, n := range rows {
			if n > 1 && n > rows[longest] {
				longest = i
			}
		}
		if rows[longest] < 2 {
			break
		}
		sum -= rows[longest] - 1
		rows[longest] = -1
	}
	return rows
}

// wait writes the rows between two moments, or one row that says how long.
func (e *explainer) wait(l *ladder, a, b parse.Time, n int64) {
	if n < 0 {
		row := e.grid(l, a, b, l.lanes[len(l.lanes)-1].x+6)
		e.write(append(row, e.own(dim, string(e.fold)+" "+span(time.Duration(b-a)))...))
		return
	}
	for range n {
		e.write(e.grid(l, a, b, 0))
	}
}

// grid is a row in which all who have the request at time a and still at b
// stand as bars.
func (e *explainer) grid(l *ladder, a, b parse.Time, width int) line {
	row := line(nil).pad(max(width, l.lanes[len(l.lanes)-1].x+1))
	for i := range l.spans {
		s := &l.spans[i]
		if s.from <= a && s.to >= b {
			row[l.lanes[s.lane].x] = e.standing(s)
		}
	}
	return row
}

func (e *explainer) standing(s *busy) cell {
	if s.cause {
		return newCell([]rune(e.page.glyphs.wait)[0], magenta)
	}
	return newCell(e.idle(), plain)
}

func (e *explainer) idle() rune { return e.page.glyphs.lane }

// moment writes what happened from t up to the next moment.
func (e *explainer) moment(l *ladder, t, next parse.Time, notes int) {
	row := line(nil).pad(l.lanes[len(l.lanes)-1].x + 2)
	in := func(x parse.Time) bool { return x >= t && x < next }
	set := func(x int, r rune, st style) {
		if x >= 0 && x < len(row) {
			row[x] = newCell(r, st)
		}
	}
	flow := func(a, b int) { // between two bars
		for x := a + 1; x < b; x++ {
			set(x, e.flow, plain)
		}
	}
	var says, answers []line
	rough := false
	for i := range l.spans {
		s := &l.spans[i]
		if s.from < t && s.to >= next {
			row[l.lanes[s.lane].x] = e.standing(s)
		}
	}
	for i := range l.spans { // taken over and handed on, from the outside in
		s := &l.spans[i]
		if !in(s.from) {
			continue
		}
		x := l.lanes[s.lane].x
		if s.by >= 0 && s.by < s.lane {
			a := l.lanes[s.by].x
			flow(a, x)
			set(a, e.take, plain)
			if s.request {
				set(x-1, e.hand, plain)
			}
		}
		switch {
		case s.request || s.status < 0:
			if row[x].r == ' ' { // else it hands on in this very row
				row[x] = newCell(e.idle(), plain)
			}
		default:
			set(x, e.top, plain)
		}
	}
	for i := len(l.spans) - 1; i >= 0; i-- { // answers, from the inside out
		s := &l.spans[i]
		if !in(s.to) {
			continue
		}
		answers = append(answers, e.answer(l, s, set, flow, in)...)
	}
	for _, w := range l.lines {
		if !in(w.at) {
			continue
		}
		if w.lane >= 0 {
			set(l.lanes[w.lane].x, e.wrote, plain)
		}
		says = append(says, e.quoted(w.text, max(e.Width-notes, 20)))
		rough = rough || w.rough
	}
	e.stampRow(l, row, t, rough, append(says, answers...), notes)
}

// answer draws the end of a span and returns what to say of it.
func (e *explainer) answer(l *ladder, s *busy, set func(int, rune, style), flow func(int, int), in func(parse.Time) bool) []line {
	var says []line
	x := l.lanes[s.lane].x
	if s.status < 0 { // the client only waits
		return nil
	}
	end := e.done()
	st := plain
	if s.left {
		end, st = e.gaveUp, red
	}
	set(x, end, st)
	if s.by < 0 || s.by >= s.lane {
		return nil
	}
	a := l.lanes[s.by].x
	status := ""
	if s.status != 0 {
		status = fmt.Sprint(s.status)
	}
	left := false // who asked gave up just now, or long ago
	for i := range l.spans {
		b := &l.spans[i]
		left = left || b.lane == s.by && b.left && b.request && b != s && b.to <= s.to
	}
	switch {
	case left && e.together(l, s, in):
		flow(a, x)
		set(x-1, e.hand, plain)
		set(x, e.gaveUp, red)
		if status != "" {
			says = append(says, e.own(plain, l.lanes[s.lane].name+": "+status))
		}
		return says
	case s.deaf && left:
		set(a, e.gaveUp, red)
		says = append(says, e.own(plain, "answered to nobody"))
	case !s.request:
		set(x, e.turn, plain)
	}
	if s.by > 0 || !s.request {
		a++ // the bar of who asked stays; the client has none after its answer
	}
	flow(a, x)
	set(a, e.back, plain)
	for i, c := range status {
		st := plain
		if s.by == 0 && s.status >= 500 {
			st = red
		}
		set(a+2+i, c, st)
	}
	return says
}

// together reports whether who asked s ends in the same row.
func (e *explainer) together(l *ladder, s *busy, in func(parse.Time) bool) bool {
	for i := range l.spans {
		if b := &l.spans[i]; b != s && b.lane == s.by && b.request && in(b.to) {
			return true
		}
	}
	return false
}

func (e *explainer) done() rune { return e.page.glyphs.end }

// stampRow writes a row with its time at the left and what it says at the
// right, the rest of which goes on below.
func (e *explainer) stampRow(l *ladder, row line, t parse.Time, rough bool, says []line, notes int) {
	seconds := float64(t-l.from) / float64(time.Second)
	if t > l.from {
		seconds = float64(t-e.start(0)) / float64(time.Second)
	}
	text := fmt.Sprintf("%6.3f", seconds)
	if l.to-l.from < parse.Time(10*time.Millisecond) {
		text = fmt.Sprintf("%6.4f", seconds)
	}
	if seconds >= 100 {
		text = fmt.Sprintf("%6.1f", seconds)
	}
	if rough {
		text = "~" + strings.TrimLeft(text, " ")
		text = fmt.Sprintf("%6s", text)
	}
	for i, c := range text {
		if i < len(row) {
			row[i] = newCell(c, dim)
		}
	}
	var note line
	for i, s := range says {
		if i > 0 {
			note = note.own(plain, "; ")
		}
		note = append(note, s...)
	}
	room := e.Width - notes
	switch {
	case len(note) == 0:
		e.write(row)
	case room < 20: // no place beside so many lanes
		e.write(row)
		e.at(10, note.fit(e.Width-10, e.cut))
	case e.Terminal:
		e.write(append(row.pad(notes), note.fit(room, e.cut)...))
	default:
		e.write(append(row.pad(notes), note...))
	}
}
