package report

import (
	"fmt"
	"time"

	"why503/aggregate"
)

// maxColumns keeps a plot narrow enough to be read at once; legend is the room
// that its right side needs.
const (
	maxColumns  = 60
	legend      = 18
	widerLegend = 38 // with slug and count
)

// A plotRow is the counts of one series, by column.
type plotRow struct {
	counts []int64
	max    int64
}

func (a axis) row(s aggregate.Series) plotRow {
	r := plotRow{counts: make([]int64, a.n)}
	if s.Step <= 0 {
		return r
	}
	first := max(int64(a.start.Sub(s.Start)/s.Step), 0)
	end := int64(a.start.Add(time.Duration(a.n)*a.column).Sub(s.Start)/s.Step) + 1
	for i := first; i < min(end, int64(len(s.Counts))); i++ {
		c := s.Counts[i]
		if c == 0 {
			continue
		}
		if k, ok := a.index(s.Start.Add(time.Duration(i) * s.Step)); ok {
			r.counts[k] += c
			r.max = max(r.max, r.counts[k])
		}
	}
	return r
}

// covered says for each column whether any log has something to say of it.
func covered(a axis, s *aggregate.Summary) []bool {
	out := make([]bool, a.n)
	mark := func(from, to time.Time) {
		if from.IsZero() || to.Before(a.start) {
			return
		}
		i := 0
		if from.After(a.start) {
			var ok bool
			if i, ok = a.index(from); !ok {
				return
			}
		}
		j, _ := a.index(to)
		for ; i <= j && i < a.n; i++ {
			out[i] = true
		}
	}
	known := false
	for i := range s.Sources {
		if src := &s.Sources[i]; !src.First.IsZero() && src.Records > 0 {
			mark(src.First, src.Last)
			known = true
		}
	}
	if !known {
		mark(s.Window.From, s.Window.To)
	}
	return out
}

// bars draws a row, scaled to its own maximum. In ASCII a bar is the count
// itself, or ninths of a maximum above 9.
func (p *page) bars(r plotRow, st style, cover []bool) line {
	var l line
	for i, c := range r.counts {
		switch {
		case c == 0 && !cover[i]:
			l = l.own(dim, p.uncovered)
		case c == 0:
			l = l.own(plain, " ")
		case p.ASCII && r.max <= 9:
			l = l.own(st, string(rune('0'+c)))
		default:
			n := int64(len(p.glyphs.bars))
			k := min((c*n+r.max-1)/r.max, n)
			l = append(l, newCell(p.glyphs.bars[k-1], st))
		}
	}
	return l
}

// plot draws requests, failures and what happened beside them over time.
func (p *page) plot(s *aggregate.Summary, v *view) {
	room := legend
	if p.Width >= widerLayout {
		room = widerLegend
	}
	limit := min(maxColumns, p.Width-gutter-room)
	a := newAxis(v.from, v.to, s.All.Step, limit, p.Zone)
	cover := covered(a, s)
	all, failed := a.row(s.All), a.row(s.Failed)
	edge := a.n + 2
	p.lane(" all", p.bars(all, plain, cover).pad(edge).own(dim, fmt.Sprintf("max %s in %s", count(all.max), step(a.column))))
	if p.Width < 100 || !p.stack(a, v, failed, edge) {
		p.lane(" failed", p.bars(failed, red, cover).pad(edge).own(red, "max "+count(failed.max)))
	}
	for _, e := range p.events(a, v) {
		p.lane(" "+e.name, e.marks.pad(edge).stranger(dim, e.what, p.ASCII))
	}
	p.at(gutter, a.labels())
}

func (p *page) lane(name string, l line) {
	p.write(p.stranger(plain, name).pad(gutter).head(gutter - 1).pad(gutter).append(l))
}

func (l line) append(m line) line { return append(l, m...) }

// stack draws the failures three rows high, one letter a family of causes,
// with its legend at the right. It reports whether it could: causes may come
// without counts over time.
func (p *page) stack(a axis, v *view, failed plotRow, edge int) bool {
	if failed.max == 0 {
		return false
	}
	const shown = 3
	var rows []plotRow
	var sum int64
	for i := range v.causes {
		var r plotRow
		for _, c := range v.causes[i].rows {
			x := a.row(c.Failed)
			if r.counts == nil {
				r = x
				continue
			}
			for k := range x.counts {
				r.counts[k] += x.counts[k]
			}
		}
		for _, n := range r.counts {
			sum += n
		}
		rows = append(rows, r)
	}
	if sum == 0 {
		return false
	}
	height := int64(3)
	if failed.max <= 4 {
		height = failed.max
	}
	for h := height; h >= 1; h-- {
		l := make(line, 0, edge)
		for k := range a.n {
			l = append(l, newCell(letter(v.causes, rows, k, h, height, failed.max), red))
		}
		l = l.pad(edge)
		if i := int(height - h); i < min(shown, len(v.causes)) && h > 1 || i == 0 {
			c := &v.causes[i]
			l = l.own(red, string(family(c.Cause.Cause))+" ")
			l = l.stranger(plain, c.Cause.Cause, p.ASCII)
			l = l.own(plain, "  ").own(red, count(c.Count))
			if len(c.Routes) > 0 {
				l = l.own(plain, "  ").stranger(plain, c.Routes[0].Name, p.ASCII)
			}
		}
		if h == 1 {
			if height > 1 {
				l = l.head(edge)
			} else {
				l = l.own(plain, "  ")
			}
			l = l.own(red, "max "+count(failed.max))
		}
		name := ""
		if h == height {
			name = " failed"
		}
		p.lane(name, l)
	}
	return true
}

// letter returns what stands in column k at height h: the families stacked,
// largest at the bottom.
func letter(causes []group, rows []plotRow, k int, h, height, highest int64) rune {
	var sum int64
	need := (h-1)*highest/height + 1 // the least count that reaches this height
	for i := range rows {
		if sum += rows[i].counts[k]; sum >= need {
			return family(causes[i].Cause.Cause)
		}
	}
	return ' '
}

// An eventLane is a link of a chain, or a deploy, on the time axis.
type eventLane struct {
	name, what string
	marks      line
}

const maxLanes = 3

// events returns the lanes below the plot: the links behind the symptom, at
// most three, then the trigger.
func (p *page) events(a axis, v *view) []eventLane {
	var out []eventLane
	marks := map[string][]bool{}
	var order []string
	whats := map[string]string{}
	for i := range v.causes {
		for _, r := range v.causes[i].rows {
			for j, k := range r.Chain {
				t, err := time.Parse(time.RFC3339Nano, k.Time)
				if j == 0 || err != nil {
					continue
				}
				c, ok := a.index(t)
				if !ok {
					continue
				}
				if marks[k.Cause] == nil {
					order, marks[k.Cause] = append(order, k.Cause), make([]bool, a.n)
					whats[k.Cause] = programName(k.Program)
					if k.Host != "" {
						whats[k.Cause] += " on " + k.Host
					}
				}
				marks[k.Cause][c] = true
			}
		}
	}
	for _, c := range order[:min(len(order), maxLanes)] {
		out = append(out, eventLane{causeLabel(c), whats[c], p.marks(marks[c])})
	}
	if t := v.trigger; t != nil && t.What != "" && len(out) < maxLanes {
		if c, ok := a.index(v.first.Add(-time.Duration(t.BeforeS * float64(time.Second)))); ok {
			m := make([]bool, a.n)
			m[c] = true
			out = append(out, eventLane{changeLabel(t.Kind), t.What, p.marks(m)})
		}
	}
	return out
}

func (p *page) marks(at []bool) line {
	var l line
	for _, on := range at {
		if on {
			l = l.own(plain, p.event)
		} else {
			l = l.own(plain, " ")
		}
	}
	return l
}
