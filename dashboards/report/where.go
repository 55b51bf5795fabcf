package report

import (
	"fmt"

	"why503/aggregate"
)

// places are the answers of the first split in their fixed order.
var places = []struct{ key, words string }{
	{"not_sent", "not sent"}, {"never", "never reached"}, {"origin_5xx", "origin 5xx"}, {"lost", "lost"}, {"late", "late"}, {"unknown", "no origin log"},
}

func (p *page) where(v *view) {
	p.section("where")
	var l line
	for _, place := range places {
		n := v.reached[place.key]
		if place.key == "not_sent" && n == 0 {
			continue
		}
		if len(l) > 0 {
			l = l.own(plain, p.dot)
		}
		st := plain
		switch {
		case n == 0:
			st = dim
		case place.key == "unknown":
			st = yellow
		}
		l = l.own(st, place.words+" "+count(n))
	}
	p.say(l)
	var backends, routes []aggregate.Count
	var crawlers int64
	for i := range v.causes {
		backends, routes = addCounts(backends, v.causes[i].Backends), addCounts(routes, v.causes[i].Routes)
		crawlers += v.causes[i].Crawlers
	}
	p.parts("route", routes, v)
	p.parts("backend", backends, v)
	for _, loc := range v.local {
		p.local(loc)
	}
	if crawlers = min(crawlers, v.failures); crawlers > 0 {
		p.say(p.own(plain, fmt.Sprintf("%s of the %s %s a crawler or a monitor.", count(crawlers), count(v.failures), plural(crawlers, "says it is", "say they are"))))
	}
}

// parts says how the failures divide, and of how many requests.
func (p *page) parts(what string, counts []aggregate.Count, v *view) {
	if len(counts) == 0 || v.failures == 0 {
		return
	}
	l := p.own(plain, plural(int64(len(counts)), what, what+"s")).pad(9).own(plain, " ")
	for i, c := range counts {
		if i == maxListed && !p.All {
			l = l.own(dim, fmt.Sprintf(", %d more", len(counts)-i))
			break
		}
		if i > 0 {
			l = l.own(plain, ", ")
		}
		l = l.stranger(plain, c.Name, p.ASCII).own(plain, " "+count(c.Count))
		if c.Of >= c.Count && c.Of > 0 {
			l = l.own(plain, " of "+count(c.Of))
		}
	}
	p.sayAt(gutter, gutter+10, l)
}

func (p *page) local(loc aggregate.Local) {
	for _, key := range []string{"backend", "route"} {
		name, ok := loc.Where[key]
		if !ok || len(loc.Where) != 1 {
			continue
		}
		l := p.own(plain, key+" ").stranger(plain, name, p.ASCII)
		l = l.own(plain, fmt.Sprintf(" has %s of the failures and %s of the traffic; elsewhere %s fail", ratio(loc.Share), ratio(loc.Baseline), ratio(loc.OutsideRatio)))
		p.say(l)
	}
}

// ratio writes a share that comes without its counts.
func ratio(x float64) string {
	const parts = 1 << 40
	if !(x > 0) {
		return "0 %"
	}
	return share(max(int64(min(x, 1)*parts), 1), parts)
}
