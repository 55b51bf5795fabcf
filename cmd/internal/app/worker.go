package app

import (
	"bytes"
	"errors"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/recognise"
	"why503/parse/traffic"
	"why503/rules"
)

// A worker parses blocks. Good requests it counts. Failed ones it counts in
// groups: a storm is few kinds of failures, routes and clients, so it diagnoses
// one of each kind and looks the rest up. Where each request is asked for it
// diagnoses each.
type worker struct {
	r     *Run
	in    *input
	p     parse.Parser
	set   *recognise.Set
	t     *tally
	line  parse.Line
	lists bool // each failed request is asked for

	dated  parse.Time // as in input
	latest parse.Time // end so far, on the reference clock

	shape    []byte
	kinds    map[string]*kind
	routes   names
	sites    names
	crawlers map[string]bool // by agent
	groups   map[groupKey]int
	route    []byte
	host     []byte // of the last request
	site     int32
}

// A kind is what Requests of one shape have in common.
type kind struct {
	v       rules.Verdict // without lines
	backend string
}

type groupKey struct {
	kind        *kind
	ended       parse.Time
	site, route int32
}

// maxMemo bounds each table of a worker; a full one begins anew.
const maxMemo = 8192

func newWorker(r *Run, in *input) *worker {
	w := &worker{
		r: r, in: in, p: in.newParser(r.cfg.Zone, r.base), set: recognise.Default(), lists: r.listsEach(),
		kinds: make(map[string]*kind), crawlers: make(map[string]bool), groups: make(map[groupKey]int),
	}
	w.site = w.sites.id(nil)
	return w
}

// listsEach reports whether single requests are asked for, or filtered out.
func (r *Run) listsEach() bool { return r.cfg.Request != nil || r.cfg.Into != nil || r.Filter() != "" }

// work reads a block of which the ones before are not known.
func (w *worker) work(t *tally) {
	w.dated, w.latest = 0, never
	w.read(t)
}

// read fills t from its block.
func (w *worker) read(t *tally) {
	w.t = t
	clear(w.groups)
	w.trim()
	emit := w.emit
	lines := t.block.Lines()
	for {
		l, ok := lines.Next()
		if !ok {
			break
		}
		t.lines++
		t.at, t.end = l.Offset, l.Offset+int64(len(l.Text))+1
		if l.Cut {
			t.cut++
		}
		w.line = l
		if errors.Is(w.p.Parse(l, emit), parse.ErrFormat) {
			t.bad = append(t.bad, badLine{l, t.lines})
		}
	}
	t.dated = w.dated
}

// trim empties tables that are full, between blocks: ids are good for one.
func (w *worker) trim() {
	if len(w.kinds) > maxMemo {
		clear(w.kinds)
	}
	if len(w.crawlers) > maxMemo {
		clear(w.crawlers)
	}
	if len(w.routes.list) > maxMemo || len(w.sites.list) > maxMemo {
		w.routes, w.sites, w.host = names{}, names{}, nil
		w.site = w.sites.id(nil)
	}
}

// emit takes one request.
func (w *worker) emit(rec *parse.Record) {
	t := w.t
	printed := rec.Ended
	if w.in.calendar.Date(rec, &w.dated) {
		t.impossible++
	}
	t.undated = t.undated || rec.Ended != printed || printed == 0
	t.records++
	if rec.Ended != 0 {
		if t.last == 0 || rec.Time < t.first {
			t.first = rec.Time
		}
		t.last = max(t.last, rec.Ended)
	}
	ended := rec.Ended + parse.Time(w.in.join.Offset)
	if ended < w.latest-parse.Time(disorder) && t.disorder == 0 {
		t.disorder = w.line.Number
	}
	w.latest = max(w.latest, ended)
	t.earliest, t.latest = min(t.earliest, ended), max(t.latest, ended)
	if rec.Kind != parse.KindRequest {
		return
	}
	if !bytes.Equal(rec.Host, w.host) {
		w.host = append(w.host[:0], rec.Host...)
		w.site = w.sites.id([]byte(aggregate.Site(rec.Host)))
	}
	if w.r.counts(rec, ended) {
		site := w.sites.list[w.site]
		if n := len(t.runs); n > 0 && t.runs[n-1].at == ended && t.runs[n-1].site == site {
			t.runs[n-1].n++
		} else {
			t.runs = append(t.runs, run{site, ended, 1})
		}
		if w.r.cfg.Into != nil {
			t.minute(w.in, rec, site, ended)
		}
	}
	if !correlate.Failed(rec) {
		return
	}
	rec.Source = w.in.join.ID
	if w.lists {
		w.set.Annotate(rec)
		q := w.in.join.Alone(rec.Clone())
		t.failed = append(t.failed, failure{q, w.r.cfg.Rules.Diagnose(q, w.r.env)})
		return
	}
	w.count(rec, ended)
}

// count puts a failed request into its group.
func (w *worker) count(rec *parse.Record, ended parse.Time) {
	t := w.t
	k := w.kindOf(rec)
	path, _, _ := bytes.Cut(rec.URL, query)
	w.route = traffic.AppendRoute(w.route[:0], path)
	key := groupKey{k, ended, w.site, w.routes.id(w.route)}
	i, ok := w.groups[key]
	if !ok {
		i = len(t.groups)
		w.groups[key] = i
		t.groups = append(t.groups, group{kind: k, line: w.line, raw: rec.Ended, Group: aggregate.Group{
			Ended: ended, Site: w.sites.list[key.site], Backend: k.backend, Route: w.routes.list[key.route],
		}})
	}
	g := &t.groups[i]
	g.N++
	if len(rec.Client) > 0 {
		g.Clients = append(g.Clients, aggregate.ClientOf(rec.Client))
	}
	if w.crawls(rec.Agent) {
		g.Crawlers++
	}
}

var query = []byte{'?'}

// kindOf returns what Requests like that of rec have in common.
func (w *worker) kindOf(rec *parse.Record) *kind {
	var ok bool
	w.shape, ok = rules.AppendShape(w.shape[:0], rec)
	if k := w.kinds[string(w.shape)]; k != nil && ok {
		return k
	}
	w.set.Annotate(rec)
	q := w.in.join.Alone(rec)
	k := &kind{v: w.r.cfg.Rules.Diagnose(q, w.r.env), backend: aggregate.Backend(q)}
	for i := range k.v.Chain {
		k.v.Chain[i].Line = nil // it lies in the block
	}
	if ok {
		w.kinds[string(w.shape)] = k
	}
	return k
}

func (w *worker) crawls(agent []byte) bool {
	is, ok := w.crawlers[string(agent)]
	if !ok {
		is = aggregate.ClientClass(agent) == "crawler"
		w.crawlers[string(agent)] = is
	}
	return is
}

// names numbers strings.
type names struct {
	ids  map[string]int32
	list []string
}

func (n *names) id(b []byte) int32 {
	if id, ok := n.ids[string(b)]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = make(map[string]int32)
	}
	s := string(b)
	id := int32(len(n.list))
	n.ids[s] = id
	n.list = append(n.list, s)
	return id
}
