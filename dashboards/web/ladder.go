package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"why503/dashboards/report"
)

// A ladder is one try of a request, as the numbers of its drawing and as a
// list for narrow pages.
type ladder struct {
	Title   string
	W, H    string
	Lanes   []label
	LaneTop string
	Lines   []vline // lanes from head to foot
	Spans   []spanBox
	Arrows  []arrow
	Marks   []label // signs on lanes
	Stamps  []label
	Notes   []label
	Folds   []label
	Desc    string
	List    []step
	Dropped int
	hue     string // of what holds it up
	whole   time.Duration
}

type vline struct{ X, Y1, Y2 string }

// A spanBox is the time in which a lane had the request.
type spanBox struct {
	X, Y, H, Class string
}

type arrow struct {
	X1, X2, Y string
	Head      string // points of its head
	Text      string
	TextX     string
	TextY     string
	Class     string
}

// A step is a row of the list: when, who, what, and a bar to scale.
type step struct {
	At, Who, What string
	X, W          string // of the bar, in percent of the ladder
	Class         string
}

const (
	ladderLeft = 84
	laneWidth  = 116
	rowHeight  = 20
	headHeight = 30
	foldHeight = 26
	notesWidth = 480
)

// drawLadder makes the numbers: gaps to scale by rows of at least 20 px.
func drawLadder(m *report.LadderModel, cause string) ladder {
	l := ladder{Title: m.Title, Dropped: m.Dropped, hue: "c-" + familyOf(cause).Hue}
	if n := len(m.Rows); n > 0 {
		l.whole = m.Rows[n-1].At - m.Rows[0].At
	}
	before := 0
	for _, w := range m.Notes {
		if w.Row < 0 {
			before++
		}
	}
	y := float64(headHeight + before*rowHeight + rowHeight/2)
	ys := make([]float64, len(m.Rows))
	for i, r := range m.Rows {
		switch {
		case i == 0:
		case r.Gap < 0:
			y += foldHeight
			l.Folds = append(l.Folds, label{X: num(laneX(len(m.Lanes)-1) + 24), Y: num(y - 4), Text: "⋮ " + report.Span(r.Wait), Anchor: "start"})
			y += rowHeight
		default:
			y += rowHeight * float64(r.Gap+1)
		}
		ys[i] = y
	}
	bottom := y + rowHeight/2
	notes := laneX(len(m.Lanes)-1) + 28
	l.W, l.H, l.LaneTop = num(notes+notesWidth), num(bottom+6), num(headHeight-6)
	for i, name := range m.Lanes {
		l.Lanes = append(l.Lanes, label{X: num(laneX(i)), Y: "16", Text: name, Anchor: "middle"})
		l.Lines = append(l.Lines, vline{num(laneX(i)), num(headHeight - 6), num(bottom)})
	}
	for i, r := range m.Rows {
		l.Stamps = append(l.Stamps, label{X: num(ladderLeft - 12), Y: num(ys[i] + 4), Text: rough(r.Rough) + l.stamp(r.At), Anchor: "end"})
	}
	l.spans(m, ys)
	used := map[int]int{}
	row := 0
	for _, w := range m.Notes {
		yy := float64(headHeight + row*rowHeight + rowHeight/2)
		if w.Row < 0 {
			row++
			l.Stamps = append(l.Stamps, label{X: num(ladderLeft - 12), Y: num(yy + 4), Text: rough(w.Rough) + l.stamp(w.At), Anchor: "end"})
		} else {
			yy = ys[w.Row]
		}
		if w.Lane >= 0 {
			l.Marks = append(l.Marks, label{X: num(laneX(w.Lane)), Y: num(yy + 4), Text: "◆", Anchor: "middle"})
		}
		text := cut(brief(w.Text), 64)
		if w.Row >= 0 {
			used[w.Row]++
			if used[w.Row] > 1 {
				l.Notes[len(l.Notes)-1].Text = cut(l.Notes[len(l.Notes)-1].Text+"; "+text, 96)
				continue
			}
		}
		l.Notes = append(l.Notes, label{X: num(notes), Y: num(yy + 4), Text: text, Anchor: "start"})
	}
	l.list(m)
	l.Desc = describe(m)
	return l
}

func laneX(i int) float64 { return ladderLeft + 30 + float64(i)*laneWidth }

func rough(r bool) string {
	if r {
		return "~"
	}
	return ""
}

// stamp writes a time since the request began, with as many digits as tell the
// rows of a short ladder apart.
func (l *ladder) stamp(d time.Duration) string {
	if l.whole < 100*time.Millisecond && d > -time.Second {
		s := strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
		if d < 0 {
			return s + " ms"
		}
		return "+" + s + " ms"
	}
	s := strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
	if d < 0 {
		return s + " s"
	}
	return "+" + s + " s"
}

// spans draws who had the request when, and the arrows between them.
func (l *ladder) spans(m *report.LadderModel, ys []float64) {
	for _, s := range m.Spans {
		a, b := ys[s.From], ys[s.To]
		class := "works"
		switch {
		case s.Cause:
			class = l.hue
		case s.Status < 0:
			class = "waits"
		}
		l.Spans = append(l.Spans, spanBox{X: num(laneX(s.Lane) - 4), Y: num(a), H: num(max(b-a, 3)), Class: class})
		if s.Left {
			l.Marks = append(l.Marks, label{X: num(laneX(s.Lane)), Y: num(b + 5), Text: "✕", Anchor: "middle"})
		}
		if s.By < 0 || s.By >= s.Lane {
			continue
		}
		x1, x2 := laneX(s.By), laneX(s.Lane)
		l.Arrows = append(l.Arrows, arrow{X1: num(x1 + 5), X2: num(x2 - 5), Y: num(a), Head: head(x2-5, a, 1), Class: "asks"})
		if s.Status < 0 || !s.Request && !s.Cause {
			continue
		}
		back := arrow{X1: num(x2 - 5), X2: num(x1 + 5), Y: num(b), Head: head(x1+5, b, -1), Class: "answers"}
		if s.Status > 0 {
			back.Text, back.TextX, back.TextY = strconv.Itoa(s.Status), num((x1+x2)/2), num(b-4)
			if s.By == 0 && s.Status >= 500 {
				back.Class = "fails"
			}
		}
		if s.Deaf {
			back.Class = "deaf"
			back.Text += " to nobody"
			back.TextX, back.TextY = num((x1+x2)/2), num(b-4)
		}
		l.Arrows = append(l.Arrows, back)
	}
}

// head is an arrow's head at x, y; to is 1 to the right and -1 to the left.
func head(x, y, to float64) string {
	return fmt.Sprintf("%s,%s %s,%s %s,%s", num(x), num(y), num(x-6*to), num(y-3.5), num(x-6*to), num(y+3.5))
}

// list is the ladder for a narrow page: `+s · who · what`.
func (l *ladder) list(m *report.LadderModel) {
	if len(m.Rows) == 0 {
		return
	}
	from, to := m.Rows[0].At, m.Rows[len(m.Rows)-1].At
	whole := max(float64(to-from), 1)
	part := func(d time.Duration) float64 { return min(max(100*float64(d)/whole, 0), 100) }
	who := func(i int) string {
		if i >= 0 && i < len(m.Lanes) {
			return m.Lanes[i]
		}
		return ""
	}
	for _, w := range m.Notes {
		if w.Row < 0 {
			l.List = append(l.List, step{At: rough(w.Rough) + l.stamp(w.At), Who: who(w.Lane), What: cut(w.Text, 200), X: "0", W: "0", Class: "note"})
		}
	}
	spans := slices.SortedStableFunc(slices.Values(m.Spans), func(a, b report.LadderSpan) int { return cmp.Compare(a.Lane, b.Lane) })
	for i, r := range m.Rows {
		for _, s := range spans {
			if s.From != i {
				continue
			}
			end := m.Rows[s.To].At
			what := "takes it over"
			switch {
			case s.Status < 0:
				what = "asks"
			case s.Left:
				what = "takes it over, gives up after " + report.Span(end-r.At)
			case s.Status > 0:
				what = fmt.Sprintf("takes it over, answers %d after %s", s.Status, report.Span(end-r.At))
			case s.Cause:
				what = "holds it up for " + report.Span(end-r.At)
			}
			if s.Deaf {
				what += ", to nobody"
			}
			class := "works"
			if s.Cause {
				class = l.hue
			}
			if s.Status < 0 {
				class = "waits"
			}
			l.List = append(l.List, step{At: rough(r.Rough) + l.stamp(r.At), Who: who(s.Lane), What: what, X: num(part(r.At - from)), W: num(max(part(end-r.At), 1)), Class: class})
		}
		for _, w := range m.Notes {
			if w.Row == i {
				l.List = append(l.List, step{At: rough(w.Rough) + l.stamp(w.At), Who: who(w.Lane), What: cut(w.Text, 200), X: num(part(r.At - from)), W: "1", Class: "note"})
			}
		}
	}
}

// describe is what a reader who cannot see the drawing is told.
func describe(m *report.LadderModel) string {
	if len(m.Rows) == 0 {
		return ""
	}
	d := m.Rows[len(m.Rows)-1].At - m.Rows[0].At
	return fmt.Sprintf("%d programs over %s; the list below says the same.", len(m.Lanes), report.Span(d))
}
