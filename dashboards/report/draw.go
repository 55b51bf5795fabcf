package report

import (
	"fmt"
	"strings"
	"time"

	"why503/parse"
)

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
	for _, w := range l.before {
		row := line(nil).pad(l.lanes[len(l.lanes)-1].x + 2)
		if w.lane >= 0 {
			row[l.lanes[w.lane].x] = newCell(e.wrote, plain)
		}
		e.stampRow(row, lead(e.zero(l)-w.at), w.rough, []line{e.quoted(w.text, max(e.Width-notes, 20))}, notes)
	}
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
		return newCell([]rune(e.glyphs.wait)[0], magenta)
	}
	return newCell(e.idle(), plain)
}

func (e *explainer) idle() rune { return e.glyphs.lane }

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
	rough, exact := false, false
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
	for i := range l.spans { // an exact stamp in the row is the row's
		if s := &l.spans[i]; in(s.from) || in(s.to) {
			rough, exact = rough || s.rough, exact || !s.rough
		}
	}
	rough = rough && !exact
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
	e.stampRow(row, clock(t-e.zero(l), l.to-l.from), rough, append(says, answers...), notes)
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

func (e *explainer) done() rune { return e.glyphs.end }

// stampRow writes a row with its time at the left and what it says at the
// right, the rest of which goes on below.
func (e *explainer) stampRow(row line, text string, rough bool, says []line, notes int) {
	text = strings.TrimLeft(text, " ")
	if rough {
		text = "~" + text
	}
	text = fmt.Sprintf("%6s", text)
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
