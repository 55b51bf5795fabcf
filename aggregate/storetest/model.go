package storetest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// A model is a store in plain maps: what each method should say, counted anew
// from all facts each time.
type model struct {
	facts   map[string]aggregate.Fact
	traffic map[sourceMinute]aggregate.SourceMinute
	seconds map[sourceSecond]int64
}

type sourceMinute struct {
	source string
	minute traffic.Minute
}

type sourceSecond struct {
	source, site string
	at           int64
}

func newModel() *model {
	return &model{map[string]aggregate.Fact{}, map[sourceMinute]aggregate.SourceMinute{}, map[sourceSecond]int64{}}
}

func (m *model) write(b *aggregate.Batch) {
	for _, f := range b.Facts {
		old, known := m.facts[f.Row.UID]
		switch {
		case old.Gone:
		case f.Gone, !known, f.Version > old.Version,
			f.Version == old.Version && (f.Row.Final && !old.Row.Final || f.Row.Final == old.Row.Final && f.Row.Revision >= old.Row.Revision):
			m.facts[f.Row.UID] = f
		}
	}
	for _, t := range b.Traffic {
		m.traffic[sourceMinute{t.Source, t.Minute}] = t
	}
	for _, s := range b.Seconds {
		m.seconds[sourceSecond{s.Source, s.Site, s.At}] = s.Requests
	}
}

func ended(f *aggregate.Failure) time.Time {
	t, err := time.Parse(time.RFC3339Nano, f.Ended)
	if err != nil {
		panic(err)
	}
	return t
}

// rows lists facts as Failures does.
func (m *model) rows(q aggregate.Query) []aggregate.Failure {
	out := []aggregate.Failure{}
	for _, f := range m.facts {
		if !f.Gone && q.Class != "all" && f.Row.Class != cmp.Or(q.Class, "failure") {
			continue
		}
		if !f.Gone && in(&f.Row, q) {
			out = append(out, f.Row)
		}
	}
	slices.SortFunc(out, func(a, b aggregate.Failure) int {
		return cmp.Or(ended(&b).Compare(ended(&a)), strings.Compare(b.UID, a.UID))
	})
	return out
}

func in(f *aggregate.Failure, q aggregate.Query) bool {
	at := ended(f)
	return (q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To)) && q.Meets(f.Site) &&
		(q.Cause == "" || f.Cause == q.Cause || f.Symptom == q.Cause) && (q.Backend == "" || f.Backend == q.Backend)
}

// A brief is of a Summary what is counted.
type brief struct {
	Requests, Failures, Undecided int64
	Classes, Reached              map[string]int64
	Causes                        []briefCause
	Missing                       map[string]int64
}

type briefCause struct {
	Class, Cause, Symptom                  string
	Count, Decidable, Crawlers, Background int64
	First, Last                            time.Time
	Backends, Routes                       map[string]int64
	Confidence                             float64
	Chain                                  map[string]int64
	HasWords, HasAdvice, HasUID            bool
}

func briefOf(s *aggregate.Summary) brief {
	b := brief{Requests: s.Requests, Failures: s.Failures, Undecided: s.Undecided, Classes: map[string]int64{}, Reached: map[string]int64{}, Missing: map[string]int64{}}
	nonzero(b.Classes, s.Classes)
	nonzero(b.Reached, s.Reached)
	for _, m := range s.Missing {
		b.Missing[m.Source+"|"+m.Kind+"|"+m.Why] += m.Count
	}
	for _, c := range slices.Concat(s.Causes, s.Others) {
		x := briefCause{
			Class: c.Class, Cause: c.Cause, Symptom: c.Symptom, Count: c.Count, Decidable: c.Decidable, Crawlers: c.Crawlers, Background: c.Background,
			First: c.First, Last: c.Last, Backends: map[string]int64{}, Routes: map[string]int64{}, Confidence: c.Confidence, Chain: map[string]int64{},
			HasWords: c.Words != "", HasAdvice: len(c.Advice) > 0, HasUID: c.UID != "",
		}
		for _, n := range c.Backends {
			x.Backends[n.Name] = n.Count
		}
		for _, n := range c.Routes {
			x.Routes[n.Name] = n.Count
		}
		for _, l := range c.Chain {
			x.Chain[l.Cause] = l.N
		}
		b.Causes = append(b.Causes, x)
	}
	slices.SortFunc(b.Causes, orderCauses)
	return b
}

func orderCauses(a, b briefCause) int {
	return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Cause, b.Cause), strings.Compare(a.Symptom, b.Symptom))
}

func nonzero(to, from map[string]int64) {
	for k, n := range from {
		if n != 0 {
			to[k] = n
		}
	}
}

// brief counts what Summary should say of whole minutes.
func (m *model) brief(q aggregate.Query) brief {
	b := brief{Classes: map[string]int64{}, Reached: map[string]int64{}, Missing: map[string]int64{}}
	q.From, q.To = wholeMinutes(q)
	b.Requests = m.requests(q)
	causes := make(map[[3]string]*briefCause)
	confidence := make(map[[3]string]float64)
	chains := make(map[[3]string]map[string]int64)
	for _, f := range m.facts {
		r := &f.Row
		if f.Gone || !in(r, q) {
			continue
		}
		b.Classes[r.Class]++
		if r.Class == "failure" {
			b.Failures++
			b.Reached[r.Reached]++
			if !r.Decidable {
				b.Undecided++
				for _, x := range r.Missing {
					b.Missing[x.Source+"|"+x.Kind+"|"+x.Why]++
				}
			}
		}
		k := [3]string{r.Class, r.Cause, r.Symptom}
		c := causes[k]
		if c == nil {
			c = &briefCause{Class: k[0], Cause: k[1], Symptom: k[2], First: ended(r), Last: ended(r), Backends: map[string]int64{}, Routes: map[string]int64{}, HasWords: true, HasAdvice: true, HasUID: true}
			causes[k], chains[k] = c, map[string]int64{}
		}
		c.Count++
		if r.Decidable {
			c.Decidable++
		}
		if r.ClientClass == "crawler" {
			c.Crawlers++
		}
		if f.Background {
			c.Background++
		}
		if at := ended(r); at.Before(c.First) {
			c.First = at
		} else if at.After(c.Last) {
			c.Last = at
		}
		c.Backends[r.Backend]++
		c.Routes[r.Route]++
		confidence[k] += r.Confidence
		chains[k][chain(r)]++
	}
	for k, c := range causes {
		c.Confidence = confidence[k] / float64(c.Count)
		c.Chain = links(chains[k])
		b.Causes = append(b.Causes, *c)
	}
	slices.SortFunc(b.Causes, orderCauses)
	b.Requests = max(b.Requests, b.Failures)
	return b
}

func chain(r *aggregate.Failure) string {
	var causes []string
	for _, l := range r.Chain {
		causes = append(causes, l.Cause)
	}
	return strings.Join(causes, "\n")
}

// links are those of the chain that most have, and how many have each.
func links(chains map[string]int64) map[string]int64 {
	most := ""
	for c, n := range chains {
		if o := chains[most]; n > o || n == o && (strings.Count(c, "\n") > strings.Count(most, "\n") || strings.Count(c, "\n") == strings.Count(most, "\n") && c < most) {
			most = c
		}
	}
	out := make(map[string]int64)
	if most == "" {
		return out
	}
	for _, l := range strings.Split(most, "\n") {
		for c, n := range chains {
			if slices.Contains(strings.Split(c, "\n"), l) {
				out[l] += n
			}
		}
	}
	return out
}

func wholeMinutes(q aggregate.Query) (from, to time.Time) {
	from, to = q.From, q.To
	if !from.IsZero() {
		from = from.Truncate(time.Minute)
	}
	if !to.IsZero() {
		to = to.Add(time.Minute - 1).Truncate(time.Minute)
	}
	return from, to
}

func (m *model) requests(q aggregate.Query) (n int64) {
	for _, t := range m.traffic {
		at := time.Unix(0, int64(t.Minute.Start()))
		if !t.Front || !q.From.IsZero() && at.Before(q.From) || !q.To.IsZero() && !at.Before(q.To) {
			continue
		}
		for _, r := range t.Rows {
			if q.Meets(r.Key.Site) {
				n += r.N
			}
		}
	}
	return n
}

// floor rounds down to a multiple of step since the epoch.
func floor(t time.Time, step time.Duration) time.Time {
	return time.Unix(0, t.UnixNano()/int64(step)*int64(step))
}

// points counts what Timeseries should say.
func (m *model) points(q aggregate.Query, step time.Duration) []aggregate.Point {
	from, to := wholeMinutes(q)
	from, to = floor(from, step), floor(to.Add(step-1), step)
	var out []aggregate.Point
	for at := from; at.Before(to); at = at.Add(step) {
		p := aggregate.Point{At: at.UTC(), Causes: map[string]int64{}, NoData: true}
		here := q
		here.From, here.To = at, at.Add(step)
		p.Requests = m.requests(here)
		for _, f := range m.rows(here) {
			p.Failures++
			p.Causes[f.Cause]++
		}
		p.Requests = max(p.Requests, p.Failures)
		for _, t := range m.traffic {
			if s := time.Unix(0, int64(t.Minute.Start())); t.Front && !s.Before(at) && s.Before(at.Add(step)) {
				p.NoData = false
			}
		}
		p.NoData = p.NoData && p.Requests == 0
		out = append(out, p)
	}
	return out
}

// secondsFrom counts what Seconds should say.
func (m *model) secondsFrom(from int64) []aggregate.SiteSecond {
	type key struct {
		at   int64
		site string
	}
	sums := make(map[key]*aggregate.SiteSecond)
	get := func(at int64, site string) *aggregate.SiteSecond {
		k := key{at, site}
		if sums[k] == nil {
			sums[k] = &aggregate.SiteSecond{Site: site, At: at, Causes: map[string]int64{}}
		}
		return sums[k]
	}
	for k, n := range m.seconds {
		if k.at >= from {
			get(k.at, k.site).Requests += n
		}
	}
	for _, f := range m.rows(aggregate.Query{}) {
		at := ended(&f).UnixNano()
		if at < from*1e9 {
			continue
		}
		s := get(int64(parse.Time(at))/1e9, f.Site)
		if s.Failures == 0 {
			s.First, s.Last = at, at
		}
		s.Failures++
		s.First, s.Last = min(s.First, at), max(s.Last, at)
		s.Causes[f.Cause]++
	}
	out := []aggregate.SiteSecond{}
	for _, s := range sums {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b aggregate.SiteSecond) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Site, b.Site))
	})
	return out
}
