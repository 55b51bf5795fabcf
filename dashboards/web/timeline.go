package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// A timeline is the plot of failures by cause, as the numbers of its drawing.
type timeline struct {
	ID          string
	W, H        string
	Title, Desc string
	Base, Right string // y of zero, x of the right edge
	Left        string
	Grid        []gridLine
	Columns     []column
	NoData      []box
	NoDataText  []label
	Requests    []string // points of the line above, broken where nothing was read
	RequestsMax string
	Bars        []incidentBar
	Marks       []markLine
	Ticks       []label
	Letters     []label
}

type gridLine struct{ Y, Label string }

type box struct{ X, Y, W, H string }

type label struct{ X, Y, Text, Anchor string }

// A column is one step of time.
type column struct {
	X, W     string
	Partial  bool
	Segments []segment
	Told     string // what a reader is told of it
	From, To string // RFC 3339
}

type segment struct{ Y, H, Pattern, Hue string }

type incidentBar struct {
	X, W, Href, Told string
	Open             bool
}

type markLine struct {
	X, Text, TextX, Anchor, Y string
}

// The places of a timeline, in px of its own width.
const (
	requestsTop = 18
	requestsH   = 24
	plotTop     = 52
	plotH       = 160
	plotBase    = plotTop + plotH
	barTop      = plotBase + 4
	tickY       = plotBase + 24
	markY       = plotBase + 42
	plotLeft    = 44
	plotRight   = 20 // room for the letters
)

// draw makes the numbers of a drawing that is width wide.
func (p *plot) draw(id string, width float64, ticks int) *timeline {
	t := &timeline{ID: id, W: num(width), Base: num(plotBase), Left: num(plotLeft), Right: num(width - plotRight)}
	height := float64(tickY + 8)
	if len(p.Points) == 0 {
		t.H = num(height)
		t.Title, t.Desc = "No time to plot", ""
		return t
	}
	x := func(i int) float64 { return plotLeft + (width-plotLeft-plotRight)*float64(i)/float64(len(p.Points)) }
	begin, end := p.Points[0].At, p.Points[len(p.Points)-1].At.Add(p.Step)
	at := func(m time.Time) float64 {
		part := float64(m.Sub(begin)) / float64(end.Sub(begin))
		return plotLeft + (width-plotLeft-plotRight)*min(max(part, 0), 1)
	}
	var highest, busiest, failed, requests int64
	for i := range p.Points {
		var sum int64
		for _, n := range p.counts(&p.Points[i]) {
			sum += n
		}
		highest, busiest = max(highest, sum), max(busiest, p.Points[i].Requests)
		failed += p.Points[i].Failures
		requests += p.Points[i].Requests
	}
	scale := round(highest)
	for _, k := range []int64{0, 1, 2} {
		if n := scale * k / 2; k == 0 || n > 0 && scale%2 == 0 || k == 2 {
			t.Grid = append(t.Grid, gridLine{num(plotBase - plotH*float64(k)/2), report.Count(n)})
		}
	}
	p.columns(t, x, scale)
	p.line(t, x, busiest)
	p.letters(t, scale, width)
	for _, in := range p.Incidents {
		if in.MergedInto != "" || !in.Start.Before(end) || !in.Ongoing && in.End.Before(begin) {
			continue
		}
		a, b := at(in.Start), at(in.End)
		if in.Ongoing {
			b = at(end)
		}
		t.Bars = append(t.Bars, incidentBar{num(a), num(max(b-a, 3)), "/incidents/" + pathEscape(in.ID), in.Sentence, in.Ongoing})
	}
	labelled := 0
	for _, m := range p.Marks {
		if m.At.Before(begin) || !m.At.Before(end) || len(t.Marks) >= 40 {
			continue
		}
		l := markLine{X: num(at(m.At)), TextX: num(at(m.At) + 4), Anchor: "start"}
		if at(m.At) > width*0.6 {
			l.TextX, l.Anchor = num(at(m.At)-4), "end"
		}
		l.Text = m.At.In(p.Zone).Format("15:04:05 ") + cut(brief(m.What), 40)
		l.Y = num(markY + 14*float64(labelled%3))
		labelled++
		t.Marks = append(t.Marks, l)
	}
	if labelled > 0 {
		height = markY + 14*float64(min(labelled, 3)-1) + 8
	}
	t.H = num(height)
	p.ticks(t, begin, end, at, ticks)
	zone := begin.In(p.Zone).Format("MST")
	t.Title = fmt.Sprintf("Failures %s by cause, %s to %s %s", stepWords(p.Step), p.stamp(begin), p.stamp(end), zone)
	t.Desc = fmt.Sprintf("%s of %s requests failed; at most %s %s.", report.Count(failed), report.Count(requests), report.Count(highest), stepWords(p.Step))
	for _, l := range p.legend(func(string) string { return "" }) {
		t.Desc += fmt.Sprintf(" %s %s.", brief(l.Cause), report.Count(l.N))
	}
	return t
}

func (p *plot) columns(t *timeline, x func(int) float64, scale int64) {
	fills := swatches(p.Causes)
	for i := range p.Points {
		pt := &p.Points[i]
		gap := 1.0
		if x(1)-x(0) < 4 {
			gap = 0
		}
		c := column{
			X: num(x(i)), W: num(x(i+1) - x(i) - gap), Partial: pt.Partial, Told: p.tell(pt),
			From: pt.At.UTC().Format(time.RFC3339), To: pt.At.Add(p.Step).UTC().Format(time.RFC3339),
		}
		if pt.NoData {
			t.noData(x(i), x(i+1))
		}
		y := float64(plotBase)
		for k, n := range p.counts(pt) {
			if n <= 0 || scale <= 0 {
				continue
			}
			h := plotH * float64(n) / float64(scale)
			y -= h
			c.Segments = append(c.Segments, segment{num(y), num(h), fills[k].Pattern, fills[k].Hue})
		}
		t.Columns = append(t.Columns, c)
	}
}

// noData adds the ground of a step that no log covers to that before it.
func (t *timeline) noData(a, b float64) {
	if n := len(t.NoData); n > 0 {
		last := &t.NoData[n-1]
		from, _ := strconv.ParseFloat(last.X, 64)
		wide, _ := strconv.ParseFloat(last.W, 64)
		if a-from-wide < 0.2 {
			last.W = num(b - from)
			if b-from > 60 && (len(t.NoDataText) == 0 || t.NoDataText[len(t.NoDataText)-1].X != num(from+6)) {
				t.NoDataText = append(t.NoDataText, label{X: num(from + 6), Y: num(plotBase - 8), Text: "no data", Anchor: "start"})
			}
			return
		}
	}
	t.NoData = append(t.NoData, box{num(a), num(plotTop), num(b - a), num(plotH)})
}

// line draws the requests above, on a scale of their own.
func (p *plot) line(t *timeline, x func(int) float64, busiest int64) {
	if busiest <= 0 {
		return
	}
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			t.Requests = append(t.Requests, b.String())
			b.Reset()
		}
	}
	for i := range p.Points {
		if p.Points[i].NoData {
			end()
			continue
		}
		y := requestsTop + requestsH*(1-float64(p.Points[i].Requests)/float64(busiest))
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(num((x(i)+x(i+1))/2) + "," + num(y))
	}
	end()
	t.RequestsMax = report.Count(busiest)
}

// letters stand at the right end of each band, none upon another.
func (p *plot) letters(t *timeline, scale int64, width float64) {
	if scale <= 0 {
		return
	}
	type mark struct {
		y    float64
		text string
	}
	var marks []mark
	fills := swatches(p.Causes)
	for k := range p.Causes {
		for i := len(p.Points) - 1; i >= 0 && i >= len(p.Points)-3; i-- {
			counts := p.counts(&p.Points[i])
			if counts[k] == 0 {
				continue
			}
			var below int64
			for _, n := range counts[:k] {
				below += n
			}
			y := plotBase - plotH*(float64(below)+float64(counts[k])/2)/float64(scale)
			if fills[k].Letter != "" {
				marks = append(marks, mark{y + 4, fills[k].Letter})
			}
			break
		}
	}
	floor := float64(plotBase) + 1
	for _, m := range marks {
		m.y = min(m.y, floor)
		floor = m.y - 12
		t.Letters = append(t.Letters, label{X: num(width - plotRight + 4), Y: num(m.y), Text: m.text, Anchor: "start"})
	}
}

// tell says of a step what a reader of its column wants to know.
func (p *plot) tell(pt *aggregate.Point) string {
	at := p.stamp(pt.At)
	if pt.NoData {
		return at + ": no log covers this time"
	}
	s := fmt.Sprintf("%s: %s of %s failed (%s)", at, report.Count(pt.Failures), report.Count(max(pt.Requests, pt.Failures)), report.Share(pt.Failures, max(pt.Requests, pt.Failures)))
	sep := ": "
	for k, n := range p.counts(pt) {
		if n > 0 {
			s += fmt.Sprintf("%s%s %s", sep, brief(p.Causes[k]), report.Count(n))
			sep = ", "
		}
	}
	if pt.Partial {
		s += "; not complete yet"
	}
	return s
}
