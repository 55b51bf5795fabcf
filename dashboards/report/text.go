package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
)

const (
	maxInFull   = 3  // incidents with all their sections
	maxOneLine  = 20 // incidents of one line each
	maxCauses   = 5
	maxChains   = 3
	plotFrom    = 5 // failures below which a sentence stands for the plot
	maxListed   = 5 // missing logs, routes, backends
	maxSkipped  = 3 // lines that could not be read
	sideBySide  = 120
	widerLayout = 100
)

// Text writes the report that a person reads in a terminal.
func Text(w io.Writer, s *aggregate.Summary, o Options) error {
	p := newPage(w, o)
	p.section("why")
	sentence := Sentence(s, p.Zone)
	if p.ASCII {
		sentence = strings.ReplaceAll(sentence, unicodeGlyphs.cut, asciiGlyphs.cut)
	}
	p.say(p.marked(bold, sentence))
	if p.Quiet {
		return p.out.Flush()
	}
	full, rest := byUsers(s, p.All)
	if len(full) == 0 {
		v := whole(s)
		p.sections(s, &v, true)
	}
	for _, in := range full {
		v := of(s, in)
		p.sections(s, &v, false)
	}
	p.others(s, full, rest)
	p.read(s)
	return p.out.Flush()
}

// sections writes when to unsure for one view.
func (p *page) sections(s *aggregate.Summary, v *view, alone bool) {
	p.when(s, v)
	p.where(v)
	p.cause(s, v, alone)
	p.chain(v)
	if p.Width >= sideBySide {
		p.doBesideUnsure(v)
		return
	}
	p.section("do")
	for _, l := range p.do(v, p.prose()-gutter+2) {
		p.at(gutter-2, l)
	}
	p.section("unsure")
	for _, l := range p.unsure(v, p.prose()-gutter) {
		p.put(l)
	}
}

// byUsers divides incidents into those told in full and those of one line:
// most users first, then most failures. A single incident is the whole run.
func byUsers(s *aggregate.Summary, all bool) (full, rest []*aggregate.Incident) {
	for i := range s.Incidents {
		if s.Incidents[i].MergedInto == "" {
			full = append(full, &s.Incidents[i])
		}
	}
	if len(full) < 2 {
		return nil, nil
	}
	slices.SortStableFunc(full, func(a, b *aggregate.Incident) int {
		return cmp.Or(cmp.Compare(b.Clients, a.Clients), cmp.Compare(b.Failures, a.Failures), a.Start.Compare(b.Start))
	})
	if all || len(full) <= maxInFull {
		return full, nil
	}
	return full[:maxInFull], full[maxInFull:]
}

// others writes a line for each incident that is not told in full, and how
// many failures belong to none.
func (p *page) others(s *aggregate.Summary, full, rest []*aggregate.Incident) {
	var inside int64
	for _, in := range full {
		inside += in.Failures
	}
	for _, in := range rest {
		inside += in.Failures
	}
	alone := s.Failures - inside
	if len(full) == 0 || len(rest) == 0 && alone <= 0 {
		return
	}
	p.section("when")
	for i, in := range rest {
		if i == maxOneLine {
			p.say(p.own(dim, fmt.Sprintf("and %s more incidents (--all)", count(int64(len(rest)-i)))))
			break
		}
		lasted := span(in.End.Sub(in.Start))
		if in.Ongoing {
			lasted = "ongoing"
		}
		l := p.own(plain, in.Start.In(p.Zone).Format("Mon 2 Jan 15:04")).pad(16)
		l = l.right(p.own(plain, lasted), 26).right(p.own(red, count(in.Failures)), 34).own(dim, " failed  ")
		if len(in.Causes) > 0 {
			l = l.stranger(plain, groups(in.Causes)[0].Cause.Cause, p.ASCII)
		}
		if in.Site != "" {
			l = l.own(plain, "  ").stranger(plain, in.Site, p.ASCII)
		}
		p.put(l)
	}
	if alone > 0 {
		p.say(p.own(plain, fmt.Sprintf("%s %s outside of these times.", count(alone), plural(alone, "request failed", "requests failed"))))
	}
}

func (p *page) when(s *aggregate.Summary, v *view) {
	p.section("when")
	cal := newCalendar(p.Zone, v.from, v.to)
	if v.from.IsZero() {
		p.put(p.own(dim, "no times"))
		return
	}
	head := p.own(plain, cal.both(v.from, v.to))
	if v.from.After(s.Window.From) || v.to.Before(s.Window.To) {
		head = head.own(dim, ", of "+span(s.Window.To.Sub(s.Window.From))+" that were read")
	}
	if in := v.incident; in != nil {
		head = p.own(plain, cal.both(in.Start, in.End))
		if in.Site != "" {
			head = head.own(plain, "  ").stranger(plain, in.Site, p.ASCII)
		}
		head = head.own(plain, "  ").own(red, count(in.Failures)).own(plain, " of "+count(max(in.Requests, in.Failures))+" failed")
		if in.Clients > 0 {
			head = head.own(plain, fmt.Sprintf(", %s %s", count(in.Clients), plural(in.Clients, "client", "clients")))
		}
	}
	p.say(head)
	if v.incident != nil {
		p.say(p.marked(plain, upper(IncidentSentence(s, v.incident, p.Zone))))
	}
	switch {
	case v.failures == 0:
	case v.failures < plotFrom:
		p.say(p.own(plain, p.moments(s, v)))
	default:
		p.plot(s, v)
	}
}

// moments says when a few requests failed.
func (p *page) moments(s *aggregate.Summary, v *view) string {
	cal := newCalendar(p.Zone, v.first, v.last)
	var at []string
	for i, n := range s.Failed.Counts {
		t := s.Failed.Start.Add(time.Duration(i) * s.Failed.Step)
		if n > 0 && t.Add(s.Failed.Step).After(v.first) && !t.After(v.last) {
			text := cal.at(t)
			if n > 1 {
				text = fmt.Sprintf("%s (%d)", text, n)
			}
			at = append(at, text)
		}
	}
	if len(at) == 0 {
		at = append(at, cal.at(v.first))
		if last := cal.at(v.last); last != at[0] {
			at = append(at, last)
		}
	}
	if len(at) > 1 {
		at = append(at[:len(at)-2], at[len(at)-2]+" and "+at[len(at)-1])
	}
	return fmt.Sprintf("%s %s, at %s.", upper(number(int(v.failures))), plural(v.failures, "request failed", "requests failed"), strings.Join(at, ", "))
}
