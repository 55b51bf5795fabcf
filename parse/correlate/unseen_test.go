package correlate

import (
	"fmt"
	"slices"
	"testing"

	"why503/parse"
)

// Failed fetches that no line of the clients' side asked for.
func TestAFetchThatNoClientAskedForIsAPartOrARefresh(t *testing.T) {
	side := func(kind parse.TxType, status int, url string) parse.Record {
		return transaction(0, 0, kind, parse.ReasonNone, status, url)
	}
	part := func(w *world, s *Source) *parse.Record {
		return w.add(s, 10, 10.001, side(parse.TxFetch, 503, "/part"))
	}
	page := func(w *world, s *Source, from, to float64, h parse.Handling) {
		r := side(parse.TxRequest, 200, "/page")
		r.Tx.Handling = h
		w.add(s, from, to, r)
	}
	for _, c := range []struct {
		name string
		fill func(w *world, s *Source)
		want parse.TxReason
	}{
		{"a page was on its way all the while", func(w *world, s *Source) {
			part(w, s)
			page(w, s, 9.9, 10.1, parse.HandlingMiss)
		}, parse.ReasonESI},
		{"a page from the cache may have had it", func(w *world, s *Source) {
			part(w, s)
			page(w, s, 9.9, 10.1, parse.HandlingHit)
		}, parse.ReasonESI},
		{"pages before and after it", func(w *world, s *Source) {
			page(w, s, 9, 9.5, parse.HandlingMiss)
			part(w, s)
			page(w, s, 10.1, 11, parse.HandlingMiss)
		}, parse.ReasonBackground},
		{"a page that began while it ran", func(w *world, s *Source) {
			w.add(s, 10, 12, side(parse.TxFetch, 503, "/part"))
			page(w, s, 11, 13, parse.HandlingMiss)
		}, parse.ReasonBackground},
		{"what Varnish made itself has no parts", func(w *world, s *Source) {
			part(w, s)
			page(w, s, 9.9, 10.1, parse.HandlingSynth)
		}, parse.ReasonBackground},
		{"stamps of whole seconds cannot exclude it", func(w *world, s *Source) {
			page(w, s, 8, 8, parse.HandlingMiss)
			part(w, s).Precision = 1e9
		}, parse.ReasonESI},
		{"a page of another Varnish", func(w *world, s *Source) {
			page(w, s, 9, 9.1, parse.HandlingMiss)
			part(w, s)
			page(w, w.source(parse.SourceVarnishncsa, parse.Varnish, 0), 9.9, 10.1, parse.HandlingMiss)
		}, parse.ReasonBackground},
		{"a log without the clients' side", func(w *world, s *Source) {
			part(w, s)
			w.add(s, 9.9, 10.1, side(parse.TxFetch, 200, "/page"))
		}, parse.ReasonNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.fill(w, w.source(parse.SourceVarnishncsa, parse.Varnish, 0))
			qs := w.join()
			if len(qs) != 1 {
				t.Fatal(tellAll(qs))
			}
			r := qs[0].Root()
			if r.Kind != parse.KindFetch || r.Tx.Reason != c.want || r.Background != (c.want == parse.ReasonBackground) {
				t.Errorf("kind %d began for reason %d, background %v; want reason %d", r.Kind, r.Tx.Reason, r.Background, c.want)
			}
		})
	}
}

// The Records after a place are those that were added after it, across
// segments and from the spill.
func TestRingAfter(t *testing.T) {
	for _, spill := range []bool{false, true} {
		t.Run(fmt.Sprintf("spilled %v", spill), func(t *testing.T) {
			g := NewRing(1<<40, nil)
			if spill {
				g = NewRing(1<<20, new(memorySpill))
			}
			var all []Pos
			long := string(make([]byte, 3000))
			for i := range 1500 {
				r := request(200, fmt.Sprintf("/%d", i), long)
				at := epoch + parse.Time(i)
				pos, err := g.Add(&r, parse.RecordID{byte(i)}, at, at, at, []Key{Key(i) << 32})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, pos)
			}
			if g.Len() < 3 || spill != (g.Spilled() > 0) {
				t.Fatalf("%d segments, %d bytes spilled", g.Len(), g.Spilled())
			}
			for _, i := range []int{0, 7, 700, 1498, 1499} {
				var got []Pos
				if err := g.after(all[i], func(e Entry) bool { got = append(got, e.Pos); return true }); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, all[i+1:]) {
					t.Errorf("after %d: %d Records, want the %d that followed", i, len(got), len(all)-i-1)
				}
			}
			n := 0
			if err := g.after(all[3], func(Entry) bool { n++; return n < 5 }); err != nil || n != 5 {
				t.Errorf("went on to %d: %v", n, err)
			}
		})
	}
}
