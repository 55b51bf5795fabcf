package report

import (
	"fmt"
	"strings"

	"why503/aggregate"
)

// cause writes a row for each cause, and below it how its requests met it.
func (p *page) cause(s *aggregate.Summary, v *view, alone bool) {
	p.section("cause")
	shown := v.causes
	if len(shown) > maxCauses && !p.All {
		shown = shown[:maxCauses]
	}
	if len(shown) == 0 {
		p.put(p.own(dim, "none"))
	}
	nWidth, slugWidth, layerWidth := 2, 0, 0
	for i := range shown {
		c := &shown[i]
		nWidth = max(nWidth, len(count(c.Count)))
		slugWidth = max(slugWidth, p.stranger(plain, c.Cause.Cause).width())
		layerWidth = max(layerWidth, p.stranger(plain, c.Layer).width())
	}
	for i := range shown {
		c := &shown[i]
		slug := plain
		if i == 0 {
			slug = magenta
		}
		l := line(nil).pad(nWidth-len(count(c.Count))).own(red, count(c.Count)).own(plain, " ")
		l = l.pad(nWidth+6-len(share(c.Count, v.failures))).own(plain, share(c.Count, v.failures)).own(plain, "  ")
		l = l.stranger(slug, c.Cause.Cause, p.ASCII).pad(nWidth + 8 + slugWidth + 2)
		l = l.stranger(plain, c.Layer, p.ASCII).pad(nWidth + 8 + slugWidth + 2 + layerWidth + 2)
		head := l
		l = p.own(plain, p.times(c))
		if len(c.Backends) > 0 {
			l = l.own(plain, "  ").stranger(plain, c.Backends[0].Name, p.ASCII)
			if n := len(c.Backends) - 1; n > 0 {
				l = l.own(dim, fmt.Sprintf(" and %d more", n))
			}
		}
		if p.Width >= widerLayout && c.Crawlers > 0 {
			l = l.own(dim, "  people ").own(plain, count(c.Count-c.Crawlers)).own(dim, "  crawlers ").own(plain, count(c.Crawlers))
		}
		if n := c.Count - c.Decidable; n > 0 {
			l = l.own(plain, "  ").own(yellow, count(n)+" undecided")
		}
		if head.width()+l.width() <= p.Width-gutter {
			p.put(append(head, l...))
		} else {
			p.put(head)
			p.put(append(line(nil).pad(nWidth+8), l...))
		}
		p.met(c, nWidth)
	}
	if rest := v.causes[len(shown):]; len(rest) > 0 {
		var n int64
		for i := range rest {
			n += rest[i].Count
		}
		p.say(p.own(dim, fmt.Sprintf("and %d more, %s %s (--all)", len(rest), count(n), plural(n, "request", "requests"))))
	}
	if alone {
		p.apart(s)
	}
}

func (p *page) times(c *group) string {
	if c.First.IsZero() {
		return ""
	}
	cal := newCalendar(p.Zone, c.First, c.Last)
	if cal.at(c.First) == cal.at(c.Last) {
		return cal.at(c.First)
	}
	return cal.at(c.First) + " to " + cal.until(c.First, c.Last)
}

// met writes how the requests of a cause met it: what the proxy saw, and on
// which routes.
func (p *page) met(c *group, nWidth int) {
	var how []line
	width := 0
	for i := range c.rows {
		r := &c.rows[i]
		var l line
		switch {
		case p.Width >= widerLayout && r.Symptom != r.Cause || len(r.Chain) == 0 || r.Chain[0].Words == "":
			l = p.stranger(plain, r.Symptom)
		default:
			l = p.stranger(plain, r.Chain[0].Words)
		}
		l = l.fit(40, p.cut)
		how = append(how, l)
		width = max(width, l.width())
	}
	for i := range c.rows {
		if i == maxCauses && !p.All {
			p.put(p.own(dim, fmt.Sprintf("%sand %d more ways", strings.Repeat(" ", nWidth+8), len(c.rows)-i)))
			return
		}
		r := &c.rows[i]
		n := p.own(red, count(r.Count))
		if len(c.rows) == 1 {
			n = nil
		}
		l := line(nil).pad(nWidth - n.width())
		l = append(l, n...).pad(nWidth + 8)
		l = append(l, how[i]...).pad(nWidth + 8 + width)
		for j, route := range r.Routes {
			if j == 3 && !p.All {
				l = l.own(dim, fmt.Sprintf("  and %d more", len(r.Routes)-j))
				break
			}
			l = l.own(plain, "  ").stranger(plain, route.Name, p.ASCII).own(plain, " "+count(route.Count))
		}
		if len(c.rows) == 1 && r.Symptom == r.Cause && len(r.Routes) == 0 {
			continue
		}
		p.put(l)
	}
}

// apart writes what is counted apart from failures, on one dim line.
func (p *page) apart(s *aggregate.Summary) {
	var parts []string
	for _, c := range []struct{ key, one, many string }{
		{"deliberate", "answered on purpose", "answered on purpose"},
		{"client", "client left", "clients left"},
		{"partial", "part of a good page missing", "parts of good pages missing"},
		{"saved", "saved by a retry or a stored page", "saved by a retry or a stored page"},
	} {
		if n := s.Classes[c.key]; n > 0 {
			parts = append(parts, count(n)+" "+plural(n, c.one, c.many))
		}
	}
	if len(parts) > 0 {
		p.say(p.own(dim, "not counted: "+strings.Join(parts, ", ")))
	}
}
