package aggregate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"why503/aggregate/incident"
	"why503/parse"
	"why503/parse/traffic"
	"why503/rules"
)

// cells count failures by (time, site, cause, ...), so that an incident, which
// is only known at the end, can be told by what failed in its time. The bins
// of time become wider when there are too many cells.
type cells struct {
	width int64 // ns
	n     map[cellKey]*cell
}

type cellKey struct {
	bin                                  int64
	site, class, cause, symptom, reached string
	backend, route                       string
	decidable                            bool
}

type cell struct {
	n           int64
	first, last parse.Time
}

// maxCells bounds the memory of cells to some 20 MB.
const maxCells = 1 << 16

func newCells() cells { return cells{width: 1e9, n: make(map[cellKey]*cell)} }

func (c *cells) add(g *Group, v *rules.Verdict) {
	c.put(cellKey{
		bin: int64(g.Ended) / c.width, site: g.Site, class: v.Class.String(), cause: v.Cause, symptom: v.Symptom, reached: v.Reached.String(),
		backend: g.Backend, route: g.Route, decidable: v.Decidable,
	}, cell{g.N, g.Ended, g.Ended})
	for len(c.n) > maxCells {
		c.widen()
	}
}

func (c *cells) put(k cellKey, add cell) {
	at := c.n[k]
	if at == nil {
		c.n[k] = &add
		return
	}
	at.n += add.n
	at.first, at.last = min(at.first, add.first), max(at.last, add.last)
}

// widen makes bins ten times as wide; from an hour on it drops routes instead.
func (c *cells) widen() {
	old := c.n
	c.n = make(map[cellKey]*cell, len(old))
	hours := c.width >= 3600e9
	if !hours {
		c.width *= 10
	}
	for k, v := range old {
		if hours {
			k.route = traffic.Other
			k.bin /= 10
		} else {
			k.bin /= 10
		}
		c.put(k, *v)
	}
	if hours {
		c.width *= 10
	}
}

// incident tells an incident by the cells in its time.
func (c *Collector) incident(in incident.Incident) Incident {
	out := Incident{
		ID: in.ID, Site: in.Site, Start: at(in.Start), End: at(in.End), Ongoing: in.Ongoing && !c.recovered(in),
		DurationS: float64(in.End-in.Start) / 1e9, Failures: in.Failures, Requests: in.Requests, PeakRatio: in.PeakRatio,
		Clients: c.clients.count(in.Site, in.Start, in.End),
		Causes:  []Cause{}, Localisation: []Local{}, WhatIf: []struct{}{}, Reached: map[string]int64{}, Missing: []MissingCount{}, Chain: []ChainLink{},
	}
	for i := range rules.NumReached {
		out.Reached[i.String()] = 0
	}
	type group struct {
		n                int64
		first, last      parse.Time
		backends, routes map[string]int64
		decidable        int64
	}
	groups := make(map[causeKey]*group)
	undecided := make(map[causeKey]int64)
	for k, v := range c.cells.n {
		if k.site != in.Site || v.last < in.Start || v.first > in.End || k.class != rules.ClassFailure.String() {
			continue
		}
		out.Reached[k.reached] += v.n
		ck := causeKey{k.class, k.cause, k.symptom}
		if !k.decidable {
			out.Undecided += v.n
			undecided[ck] += v.n
		}
		g := groups[ck]
		if g == nil {
			g = &group{first: v.first, last: v.last, backends: map[string]int64{}, routes: map[string]int64{}}
			groups[ck] = g
		}
		g.n += v.n
		g.first, g.last = min(g.first, v.first), max(g.last, v.last)
		g.backends[k.backend] += v.n
		g.routes[k.route] += v.n
		if k.decidable {
			g.decidable += v.n
		}
	}
	keys := slices.Collect(maps.Keys(groups))
	slices.SortFunc(keys, func(a, b causeKey) int {
		return cmp.Or(cmp.Compare(groups[b].n, groups[a].n), cmp.Compare(a.cause, b.cause), cmp.Compare(a.symptom, b.symptom))
	})
	for _, k := range keys {
		g := groups[k]
		row := c.causes[k].cause(g.n, in.Failures, g.first, g.last)
		row.Backends, row.Routes, row.Decidable = topCounts(g.backends), topCounts(g.routes), g.decidable
		out.Causes = append(out.Causes, row)
	}
	if len(out.Causes) > 0 {
		out.Chain = out.Causes[0].Chain
		out.Missing = c.missingOf(in, undecided)
	}
	return out
}

// recovered reports whether what was read after the last failure of an
// incident would be too good a run of luck if it were still going on. The
// detector wants more quiet, since live it would have to take the word back.
func (c *Collector) recovered(in incident.Incident) bool {
	if in.Requests == 0 {
		return false
	}
	var after float64
	for t, n := range c.all.Bins() {
		if t > in.End {
			after += float64(n)
		}
	}
	ratio := float64(in.Failures) / float64(in.Requests)
	return after*math.Log1p(-min(ratio, 0.999)) < math.Log(luck)
}

// luck is how improbable a run of good requests must be to end an incident at
// the end of a log.
const luck = 0.01

// missingOf names the logs that would decide the incident's undecided
// requests, from the samples of its time, and how many of those each would.
func (c *Collector) missingOf(in incident.Incident, undecided map[causeKey]int64) []MissingCount {
	place := make(map[missingKey]int)
	out := []MissingCount{}
	for _, r := range c.ranked() {
		s, n := r.best(in.Start, in.End), undecided[r.key]
		if s == nil || s.at < in.Start || s.at > in.End || s.row.Decidable || n == 0 {
			continue
		}
		for _, m := range s.row.Missing {
			k := missingKey{m.Source, m.Kind, m.Why}
			i, ok := place[k]
			if !ok {
				i = len(out)
				place[k] = i
				out = append(out, MissingCount{Missing: m})
			}
			out[i].Count += n
		}
	}
	return out
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }
