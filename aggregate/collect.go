package aggregate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"why503/aggregate/incident"
	"why503/aggregate/rollup"
	"why503/parse"
	"why503/parse/traffic"
	"why503/rules"
)

// A Collector turns a stream of diagnosed requests and of counted traffic into
// a Summary. Its memory does not grow with the number of requests.
type Collector struct {
	rows      *Describer
	classes   [rules.NumClasses]int64
	reached   [rules.NumReached]int64
	causes    map[causeKey]*causeRow
	missing   map[missingKey]*missingRow
	undecided int64
	requests  int64
	all       *rollup.Series
	failed    *rollup.Series
	detector  *incident.Detector
	feed      *incident.Feed
	cells     cells
	clients   clients
	from, to  parse.Time
}

type causeKey struct{ class, cause, symptom string }

type missingKey struct{ source, kind, why string }

// A missingRow is a log that was missed, and how far in front a verdict named
// it: the log that decides most comes first.
type missingRow struct {
	MissingCount
	place int
}

// A causeRow gathers the requests of one cause and symptom.
type causeRow struct {
	key         causeKey
	n           int64
	first, last parse.Time
	backends    map[string]int64
	routes      map[string]int64
	links       map[string]int64 // requests that have a link of that cause
	decidable   int64
	confidence  int64 // sum, in units of 1/confidenceUnit: the same in every order
	crawlers    int64
	background  int64
	samples     []sample
	shapes      map[string]*shape
	scratch     []byte // scratch
}

// A sample is a request that stands for others of its row, so that a report
// can quote lines of the time that it tells of.
type sample struct {
	at  parse.Time
	of  *shape
	row Failure
	v   rules.Verdict
	inf []float64 // score of each link's Part where that was inferred
}

// Bounds on what a row remembers.
const (
	maxNames   = 512 // backends or routes
	maxSamples = 64
	maxShapes  = 32
	sampleGap  = parse.Time(5e9)

	confidenceUnit = 1e9
)

// NewCollector returns an empty Collector that describes requests by d.
func NewCollector(d *Describer) *Collector {
	detector := incident.New(incident.Defaults())
	return &Collector{
		rows: d, causes: make(map[causeKey]*causeRow), missing: make(map[missingKey]*missingRow),
		all: rollup.NewSeries(1 << 14), failed: rollup.NewSeries(1 << 14),
		detector: detector, feed: incident.NewFeed(detector), cells: newCells(), clients: newClients(),
		from: math.MaxInt64, to: math.MinInt64,
	}
}

// Count counts n requests of a site, failed or not, that ended at t, at a
// client-facing hop.
func (c *Collector) Count(site string, t parse.Time, n int64) {
	c.requests += n
	c.all.Add(t, n)
	c.from, c.to = min(c.from, t), max(c.to, t)
	c.feed.Site([]byte(site)).Requests(t, n)
}

// A Group is requests that failed alike and at one time, which are counted
// together.
type Group struct {
	N, Crawlers          int64
	Background           int64      // fetches that no client waited for
	Clients              []uint64   // ClientOf each, the same one as often as it failed
	Ended                parse.Time // on the reference clock
	Site, Backend, Route string     // as the functions of these names make them
}

// Add takes a diagnosed request. It keeps nothing of q.
func (c *Collector) Add(q *parse.Request, v *rules.Verdict) {
	root := q.Root()
	g := Group{
		N: 1, Ended: root.Ended + parse.Time(q.Parts[0].Offset),
		Site:    c.rows.Site(root), // as the request was counted, not as a joined line may name it
		Backend: Backend(q), Route: traffic.Route(string(pathOf(root.URL))),
	}
	if len(root.Client) > 0 {
		g.Clients = []uint64{ClientOf(root.Client)}
	}
	if ClientClass(root.Agent) == crawler {
		g.Crawlers = 1
	}
	if slices.ContainsFunc(q.Parts, func(p parse.Part) bool { return p.Record.Background }) {
		g.Background = 1
	}
	c.AddGroup(&g, v, func() (*parse.Request, *rules.Verdict) { return q, v })
}

// AddGroup takes requests whose Verdicts differ in words, lines and times at
// most. Where the Collector wants to show one of them it calls first, which
// returns the one that stands first in its log, and its own Verdict.
func (c *Collector) AddGroup(g *Group, v *rules.Verdict, first func() (*parse.Request, *rules.Verdict)) {
	if v.Class == rules.ClassNone {
		return
	}
	c.classes[v.Class] += g.N
	c.from, c.to = min(c.from, g.Ended), max(c.to, g.Ended)
	if v.Class == rules.ClassFailure {
		c.failure(g, v)
	}
	c.row(g, v, first)
	c.cells.add(g, v)
}

func (c *Collector) failure(g *Group, v *rules.Verdict) {
	c.reached[v.Reached] += g.N
	c.failed.Add(g.Ended, g.N)
	c.feed.Site([]byte(g.Site)).Failures(g.Ended, v.Cause, g.N)
	for _, client := range g.Clients {
		c.clients.add(g.Site, g.Ended, client)
	}
	if v.Decidable {
		return
	}
	c.undecided += g.N
	for i := range v.Missing {
		m := &v.Missing[i]
		k := missingKey{m.Source, m.Kind.String(), m.Why.String()}
		if c.missing[k] == nil {
			row := MissingCount{Missing: Missing{m.Source, m.Kind.String(), m.Why.String(), m.WouldDecide, m.Snippet}}
			c.missing[k] = &missingRow{MissingCount: row, place: i}
		}
		c.missing[k].Count += g.N
		c.missing[k].place = min(c.missing[k].place, i)
	}
}

func (c *Collector) row(g *Group, v *rules.Verdict, first func() (*parse.Request, *rules.Verdict)) {
	k := causeKey{v.Class.String(), v.Cause, v.Symptom}
	r := c.causes[k]
	if r == nil {
		r = &causeRow{key: k, first: g.Ended, backends: map[string]int64{}, routes: map[string]int64{}, links: map[string]int64{}, shapes: map[string]*shape{}}
		c.causes[k] = r
	}
	r.n += g.N
	r.first, r.last = min(r.first, g.Ended), max(r.last, g.Ended)
	bump(r.backends, g.Backend, g.N)
	bump(r.routes, g.Route, g.N)
	if v.Decidable {
		r.decidable += g.N
	}
	r.confidence += g.N * int64(math.Round(v.Confidence*confidenceUnit))
	r.crawlers += g.Crawlers
	r.background += g.Background
	for i := range v.Chain {
		if !slices.ContainsFunc(v.Chain[:i], func(l rules.Link) bool { return l.Cause == v.Chain[i].Cause }) {
			r.links[v.Chain[i].Cause] += g.N
		}
	}
	shape := r.shape(v)
	shape.n += g.N
	if len(r.samples) < maxSamples && (shape.sampled == 0 || g.Ended-shape.sampled >= sampleGap) {
		shape.sampled = g.Ended
		q, v := first()
		r.samples = append(r.samples, c.sample(q, v, g.Ended, shape))
	}
}

// A shape is the causes that a chain runs through. A row has few of them, and
// what most of its requests have is what a report should show.
type shape struct {
	n       int64
	sampled parse.Time // when its last sample ended. It never goes back, so that of a Group none but the first is sampled
}

// shape returns the shape of v's chain; what exceeds the bound shares one.
func (r *causeRow) shape(v *rules.Verdict) *shape {
	r.scratch = r.scratch[:0]
	for i := range v.Chain {
		r.scratch = append(append(r.scratch, v.Chain[i].Cause...), '>')
	}
	s := r.shapes[string(r.scratch)]
	if s == nil {
		if len(r.shapes) >= maxShapes {
			r.scratch = r.scratch[:0]
			if s = r.shapes[""]; s != nil {
				return s
			}
		}
		s = &shape{}
		r.shapes[string(r.scratch)] = s
	}
	return s
}

func (c *Collector) sample(q *parse.Request, v *rules.Verdict, ended parse.Time, of *shape) sample {
	s := sample{at: ended, of: of, row: c.rows.Row(q, v), v: *v}
	for i := range v.Chain {
		score := 0.0
		if j := PartOf(q, v.Chain[i].Part).Join; j.How == parse.JoinInferred {
			score = j.Score
		}
		s.inf = append(s.inf, score)
	}
	s.v.Chain = nil // its lines would keep q alive; the row has them as text
	return s
}

func bump(m map[string]int64, k string, n int64) {
	if _, ok := m[k]; !ok && len(m) >= maxNames {
		k = traffic.Other
	}
	m[k] += n
}

// Backend names the backend that q's answer came from, or was asked of last.
func Backend(q *parse.Request) string {
	name := ""
	for i := range q.Parts {
		r := q.Parts[i].Record
		if r.Tx != nil && len(r.Tx.Backend) > 0 {
			name = string(r.Tx.Backend)
		} else if name == "" && len(r.Upstreams) > 0 {
			name = string(r.Upstreams[len(r.Upstreams)-1].Addr)
		}
	}
	return name
}

func pathOf(url []byte) []byte {
	if i := slices.Index(url, '?'); i >= 0 {
		return url[:i]
	}
	return url
}

// Advance says that nothing that ended before t will come any more.
func (c *Collector) Advance(t parse.Time) { c.feed.Release(t) }

// Summary returns what was collected. The sources, the ledger and the warnings
// are the caller's to fill.
func (c *Collector) Summary() Summary {
	c.feed.Flush()
	s := Summary{
		Requests: max(c.requests, c.classes[rules.ClassFailure]), Failures: c.classes[rules.ClassFailure],
		Classes: map[string]int64{}, Reached: map[string]int64{},
		Causes: []Cause{}, Incidents: []Incident{}, Others: []Cause{}, Missing: []MissingCount{}, Warnings: []string{}, Joined: []Joined{},
		Undecided: c.undecided,
	}
	if s.Requests > 0 {
		s.Ratio = float64(s.Failures) / float64(s.Requests)
	}
	for i := rules.ClassFailure; i < rules.NumClasses; i++ {
		s.Classes[i.String()] = c.classes[i]
	}
	for i := range rules.NumReached {
		s.Reached[i.String()] = c.reached[i]
	}
	if c.from <= c.to {
		s.Window = Window{at(c.from), at(c.to)}
	}
	for _, r := range c.ranked() {
		row := r.cause(r.n, s.Failures, r.first, r.last)
		if r.key.class == rules.ClassFailure.String() {
			s.Causes = append(s.Causes, row)
		} else {
			s.Others = append(s.Others, row)
		}
	}
	s.Missing = c.missingRows()
	s.All, s.Failed = series(c.all, c.from, c.to), series(c.failed, c.from, c.to)
	for _, in := range c.detector.Incidents() {
		if in.MergedInto == "" {
			s.Incidents = append(s.Incidents, c.incident(in))
		}
	}
	return s
}

func (c *Collector) ranked() []*causeRow {
	rows := slices.Collect(maps.Values(c.causes))
	slices.SortFunc(rows, func(a, b *causeRow) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.key.cause, b.key.cause), cmp.Compare(a.key.symptom, b.key.symptom), cmp.Compare(a.key.class, b.key.class))
	})
	return rows
}

func (c *Collector) missingRows() []MissingCount {
	rows := slices.Collect(maps.Values(c.missing))
	slices.SortFunc(rows, func(a, b *missingRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.place, b.place), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Source, b.Source))
	})
	out := make([]MissingCount, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.MissingCount)
	}
	return out
}

// cause makes the row of n requests from first to last, with the sample that
// lies in that time and has the chain of most.
func (r *causeRow) cause(n, of int64, first, last parse.Time) Cause {
	row := Cause{
		Cause: r.key.cause, Symptom: r.key.symptom, Class: r.key.class, Count: n, First: at(first), Last: at(last),
		Backends: topCounts(r.backends), Routes: topCounts(r.routes), Advice: []string{}, Chain: []ChainLink{},
		Confidence: float64(r.confidence) / confidenceUnit / float64(r.n), Decidable: r.decidable, Crawlers: r.crawlers, Background: r.background,
	}
	if of > 0 {
		row.Share = float64(n) / float64(of)
	}
	s := r.best(first, last)
	if s == nil {
		return row
	}
	row.Layer, row.Words, row.Advice = s.v.Layer, s.v.Words, append(row.Advice, s.v.Advice...)
	row.UID, row.ID = s.row.UID, explainID(&s.row)
	for i, l := range s.row.Chain {
		row.Chain = append(row.Chain, ChainLink{Link: l, N: min(n, r.links[l.Cause]), Inferred: s.inf[i]})
	}
	return row
}

func (r *causeRow) best(first, last parse.Time) *sample {
	var best *sample
	for i := range r.samples {
		s := &r.samples[i]
		if s.at < first || s.at > last {
			continue
		}
		if best == nil || s.of.n > best.of.n || s.of.n == best.of.n && len(s.row.Chain) > len(best.row.Chain) {
			best = s
		}
	}
	if best == nil && len(r.samples) > 0 {
		best = &r.samples[0]
	}
	return best
}

// explainID is what a person types after `why503 explain`: the shortest id
// that the request has.
func explainID(f *Failure) string {
	switch {
	case f.VXID != 0:
		return decimal(f.VXID)
	case f.RequestID != "":
		return f.RequestID
	}
	return f.UID
}

func at(t parse.Time) time.Time { return time.Unix(0, int64(t)).UTC() }

// maxSteps bounds the steps of a Series: two logs may lie years apart.
const maxSteps = 1 << 16

// series copies a rollup.Series into equal steps of its own width, or where
// those would be too many of a multiple of it.
func series(s *rollup.Series, from, to parse.Time) Series {
	w := s.Width()
	if from > to {
		return Series{Step: w}
	}
	for int64(to-from)/int64(w) >= maxSteps {
		w *= 2
	}
	start := parse.Time(int64(from) / int64(w) * int64(w))
	out := Series{Start: at(start), Step: w, Counts: make([]int64, int64(to-start)/int64(w)+1)}
	s.Rebin(out.Counts, start, w)
	return out
}
