package report

import (
	"fmt"
	"math"
	"strings"

	"why503/aggregate"
)

// chain writes the links from what the proxy saw down to the cause, each with
// the line that proves it. Several causes have a chain each.
func (p *page) chain(v *view) {
	p.section("chain")
	n := 0
	for i := range v.causes {
		c := &v.causes[i]
		if len(c.Chain) == 0 {
			continue
		}
		if n == maxChains && !p.All {
			break
		}
		for j := range c.Chain {
			p.link(c, j)
		}
		n++
	}
	if n == 0 {
		p.put(p.own(dim, "none"))
	}
}

// stampWidth is the width of a time of day with milliseconds.
const stampWidth = 12

func (p *page) link(c *group, j int) {
	k := &c.Chain[j]
	last := j == len(c.Chain)-1
	var head line
	if j > 0 {
		head = head.own(plain, p.because+" ")
	}
	words := k.Words
	if words == "" {
		words = c.rows[0].Words
	}
	head = head.stranger(plain, strings.TrimRight(words, "."), p.ASCII)
	tail := p.stranger(plain, k.Cause)
	if last && k.Level == "root" {
		tail = tail.own(plain, fmt.Sprintf("  root %.2f", c.Confidence))
	}
	n := p.own(plain, count(k.N)+" of "+count(c.Count))
	if k.N == 0 {
		n = nil
	}
	const column = 26 // of the words, so that slugs stand below each other
	room := p.prose() - gutter
	if p.Width < widerLayout || head.width() > room-tail.width()-n.width()-4 {
		room = p.Width - gutter
	}
	l := append(head.pad(column).own(plain, "  "), tail...)
	if len(n) > 0 {
		l = l.right(n, room)
	}
	if l.width() <= p.Width-gutter {
		p.put(l)
	} else {
		p.sayAt(gutter, gutter+2, head)
		l := append(line(nil).pad(2), tail...)
		if len(n) > 0 {
			l = l.right(n, room)
		}
		p.put(l)
	}
	p.place(c, k, j)
	p.quote(k)
}

// place writes where the line stands, how to see more of the request, and when
// the line was written.
func (p *page) place(c *group, k *aggregate.ChainLink, j int) {
	if k.File == "" {
		return
	}
	l := p.stranger(dim, k.File)
	if k.LineNo > 0 {
		l = l.own(dim, fmt.Sprintf(":%d", k.LineNo))
	} else {
		l = l.own(dim, fmt.Sprintf(", byte %d", k.Offset))
	}
	if k.Host != "" && p.Width < widerLayout {
		l = l.own(dim, " on ").stranger(dim, k.Host, p.ASCII)
	}
	if j == 0 {
		id := c.ID
		if id == "" {
			id = c.UID
		}
		if id != "" {
			l = l.own(plain, "   ").own(cyan, "why503 explain ").stranger(cyan, id, p.ASCII)
		}
	}
	if k.Inferred > 0 {
		l = l.own(plain, "  ").own(yellow, fmt.Sprintf("(inferred %.1f)", math.Floor(k.Inferred*10)/10))
	}
	if p.Width < widerLayout && k.Time != "" {
		stamp := newCalendar(p.Zone, v0, v0).stamp(k.Time)
		l = l.right(p.stranger(plain, stamp).pad(stampWidth), p.Width-gutter-2)
	}
	p.at(gutter+2, l)
}

// quote writes the evidence behind a bar: verbatim but for escapes, cut where
// it tells least on a terminal, in full in a pipe.
func (p *page) quote(k *aggregate.ChainLink) {
	if k.Line == "" {
		return
	}
	var lead line
	if p.Width >= widerLayout {
		lead = lead.stranger(dim, newCalendar(p.Zone, v0, v0).stamp(k.Time), p.ASCII).head(stampWidth).pad(stampWidth)
		if k.Host != "" {
			lead = lead.own(plain, " ").stranger(dim, k.Host, p.ASCII).head(stampWidth + 13)
		}
		lead = lead.own(plain, " ")
	}
	lead = lead.own(dim, p.bar).own(plain, " ")
	text := strings.TrimRight(k.Line, "\r\n")
	rows := strings.Split(text, "\n")
	more := 0
	if p.Terminal && len(rows) > maxQuoted {
		more = len(rows) - maxQuoted
		rows = rows[:maxQuoted]
	}
	for i, row := range rows {
		q := p.quoted(strings.TrimRight(row, "\r"), p.Width-gutter-2-lead.width())
		if more > 0 && i == len(rows)-1 {
			q = q.own(plain, " ").own(dim, fmt.Sprintf("%s %d more lines", p.cut, more))
		}
		p.at(gutter+2, append(lead[:len(lead):len(lead)], q...))
		if i == 0 && len(rows) > 1 && p.Width >= widerLayout {
			lead = line(nil).pad(lead.width()-2).own(dim, p.bar).own(plain, " ")
		}
	}
}
