package correlate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// closing makes a proxy whose backend b closes after 7 s again and again, and
// beside it an application or nothing.
func closing(t *testing.T, app bool) *world {
	w := newWorld(t)
	proxy := w.source(parse.SourceNginxAccess, parse.Nginx, 0)
	for i := range 200 {
		at := float64(i) * 3
		w.add(proxy, at, at+0.05, asked(200, fmt.Sprintf("/product/%d", i), fmt.Sprintf("g%d", i), "a:80", 200))
	}
	for i := range 20 {
		at := float64(i)*20 + 1
		r := asked(502, fmt.Sprintf("/report/%d", i), fmt.Sprintf("b%d", i), "b:80", 502)
		r.Upstreams[0].Header, r.Upstreams[0].Response = -1, 7001e6+int64(i%3)*1e6
		w.add(proxy, at, at+7.003, r)
	}
	if app {
		s := w.source(parse.SourceApp, parse.App, 1)
		for i := range 200 {
			at := float64(i) * 3
			w.add(s, at+0.01, at+0.04, request(200, fmt.Sprintf("/product/%d", i), fmt.Sprintf("g%d", i)))
		}
	}
	slices.SortFunc(w.records[0], func(a, b *parse.Record) int { return int(a.Ended - b.Ended) })
	return w
}

func TestRequestsAreToldWhatTheirHopsCounted(t *testing.T) {
	out := closing(t, true).join()
	if len(out) != 20 {
		t.Fatalf("%d requests", len(out))
	}
	got := out[19].Neighbours
	for i := range got {
		if len(got[i].Walls) != 1 || got[i].Walls[0].Value/1e7 != 700 || got[i].Walls[0].N != 20 {
			t.Errorf("%q: %+v", got[i].Name, got[i].Walls)
		}
		got[i].Walls, got[i].Usual = nil, (got[i].Usual+5e5)/1e6*1e6
	}
	want := []parse.Neighbours{
		{Of: parse.OfHop, InFlight: 1, Held: []parse.Held{{Route: "/report/:id", InFlight: 1}}, Usual: 50e6, Minutes: 5, Good: 100, Since: 6 * 60e9},
		{Of: parse.OfBackend, Name: "b:80", InFlight: 1},
		{Of: parse.OfRoute, Name: "/report/:id", InFlight: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if w := out[0].Neighbours[0].Walls; w != nil {
		t.Errorf("in the first minute: %v", w)
	}
}

// A log that is read without a join gives a Request the same as with one, so
// that neither has neighbours.
func TestALogAloneHasNoNeighbours(t *testing.T) {
	for _, q := range closing(t, false).join() {
		if q.Neighbours != nil {
			t.Fatalf("%+v", q.Neighbours)
		}
	}
}

// What others counted stands in the place of what is counted here.
func TestNeighboursAreCountedByOthers(t *testing.T) {
	w := closing(t, true)
	l := NewLoad()
	var out []*parse.Request
	w.joiner = NewJoiner(w.cfg, w.sources, func(q *parse.Request) { out = append(out, q) })
	w.joiner.CountedBy(l)
	w.feed()
	if len(out) != 20 || out[19].Neighbours != nil {
		t.Fatalf("%d requests, the last with %+v", len(out), out[19].Neighbours)
	}
	for _, r := range w.records[0] {
		l.Add(r, 0)
	}
	out = nil
	w.joiner = NewJoiner(w.cfg, w.sources, func(q *parse.Request) { out = append(out, q) })
	w.joiner.CountedBy(l)
	w.feed()
	if n := len(out[19].Neighbours); n != 3 || w.joiner.Load() != l {
		t.Errorf("%d counts", n)
	}
}
