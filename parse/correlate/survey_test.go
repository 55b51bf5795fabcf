package correlate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// samples makes of a world what the survey looks at.
func (w *world) samples() []Sample {
	out := make([]Sample, len(w.sources))
	for i, s := range w.sources {
		out[i] = Sample{Source: s, Records: w.records[i], Zoned: true}
	}
	return out
}

// A fleet is a chain of proxies and an app behind it, with traffic.
type fleet struct {
	ids   bool
	stamp float64            // s between two stamps of the logs
	skew  map[string]float64 // s that a host's clock is ahead
	n     int                // requests
	hit   int                // one in how many goes on behind Varnish
	seed  uint64             // of the traffic
}

// run writes the traffic of edge nginx -> Varnish -> nginx -> app.
func (f fleet) run(w *world) (edge, v, web, app *Source) {
	edge, v = w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceVarnishlog, parse.Varnish, 0)
	web, app = w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 0)
	rng := rand.New(rand.NewPCG(9, f.seed))
	round := func(at float64) float64 {
		if f.stamp == 0 {
			return at
		}
		return float64(int(at/f.stamp)) * f.stamp
	}
	put := func(s *Source, host string, from, to float64, r parse.Record) {
		from, to = from+f.skew[host], to+f.skew[host]
		if f.stamp > 0 && r.Tx == nil { // a log that prints its end alone
			r.Precision = int64(f.stamp * 1e9)
			from, to = round(to), round(to)
		}
		w.add(s, from, to, r)
	}
	at := 1000.0
	for i := range f.n {
		at += 0.2 + rng.Float64()
		url, id := fmt.Sprintf("/p/%d", rng.IntN(max(2, f.n/3))), ""
		if f.ids {
			id = fmt.Sprintf("id-%d", i)
		}
		put(edge, "edge", at, at+0.1, asked(200, url, id, "10.0.0.1:6081", 200))
		req, fetch := uint64(10*i+2), uint64(10*i+3)
		r := transaction(req, 1, parse.TxRequest, parse.ReasonClient, 200, url)
		r.RequestID = []byte(id)
		put(v, "v", at+0.01, at+0.09, r)
		if f.hit > 0 && i%f.hit != 0 {
			continue
		}
		b := transaction(fetch, req, parse.TxFetch, parse.ReasonFetch, 200, url)
		b.RequestID = []byte(id)
		put(v, "v", at+0.02, at+0.08, b)
		o := asked(200, url, id, "10.0.0.3:9000", 200)
		if f.ids {
			o.VXID = fetch
		}
		put(web, "web", at+0.03, at+0.07, o)
		put(app, "app", at+0.04, at+0.06, request(200, url, id))
	}
	return edge, v, web, app
}

func TestRanksAndClocks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fleet fleet
		near  float64 // s that clocks may be off
	}{
		{"with ids", fleet{ids: true, n: 200}, 0.1},
		{"with ids and a cache", fleet{ids: true, n: 300, hit: 3}, 0.1},
		{"with ids and skew of seconds", fleet{ids: true, n: 200, skew: map[string]float64{"web": 7, "app": -3}}, 0.1},
		{"with ids, skew and stamps of a second", fleet{ids: true, n: 200, stamp: 1, skew: map[string]float64{"web": 7, "app": 7}}, 1.1},
		{"few lines with ids", fleet{ids: true, n: 4}, 0.1},
		{"without ids behind a cache", fleet{n: 400, hit: 2}, 0.2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			edge, v, web, app := tt.fleet.run(w)
			j := NewJoiner(w.cfg, w.sources, nil)
			Survey(w.samples(), j)
			if edge.Rank >= v.Rank || v.Rank >= web.Rank || web.Rank >= app.Rank {
				t.Errorf("ranks: edge %d, varnish %d, nginx %d, app %d", edge.Rank, v.Rank, web.Rank, app.Rank)
			}
			for host, s := range map[string]*Source{"web": web, "app": app} {
				off := float64(s.Offset-v.Offset)/1e9 + tt.fleet.skew[host]
				if off < -tt.near || off > tt.near {
					t.Errorf("%s is %.3f s off", host, off)
				}
				if tt.fleet.ids != s.HasIDs {
					t.Errorf("%s has ids: %v", host, s.HasIDs)
				}
			}
			for _, s := range w.sources {
				if want := w.records[s.ID][0].Time + parse.Time(s.Offset); s.From > want {
					t.Errorf("source %d begins at %d, its first Record at %d", s.ID, s.From, want)
				}
			}
		})
	}
}

// The order of the command line must not tell in the result.
func TestSurveyDoesNotDependOnOrder(t *testing.T) {
	type found struct {
		Rank   int
		Offset int64
		HasIDs bool
		Clock  Clock
	}
	for _, f := range []fleet{{ids: true, n: 80, skew: map[string]float64{"web": 7}}, {n: 80, hit: 2}, {n: 30, stamp: 1}} {
		var want map[string]found
		rng := rand.New(rand.NewPCG(4, 4))
		for range 12 {
			w := newWorld(t)
			f.run(w)
			names := []string{"edge", "varnish", "web", "app"}
			all := w.samples()
			order := rng.Perm(len(all))
			samples := make([]Sample, len(all))
			for i, k := range order {
				samples[i] = all[k]
			}
			clocks := Survey(samples, NewJoiner(w.cfg, w.sources, nil))
			got := make(map[string]found)
			for i, k := range order {
				s := samples[i].Source
				got[names[k]] = found{s.Rank, s.Offset, s.HasIDs, clocks[i]}
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
	}
}

func TestCanonicalNumbersSourcesAlike(t *testing.T) {
	w := newWorld(t)
	fleet{ids: true, n: 5}.run(w)
	samples := w.samples()
	var want []*Source
	for range 10 {
		rand.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		got := Canonical(samples)
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] || got[i].ID != parse.SourceID(i) {
				t.Fatalf("source %d is another one", i)
			}
		}
		for _, s := range samples {
			if s.Records[0].Source != s.Source.ID {
				t.Fatal("a Record is of another source")
			}
		}
	}
}

// Two sites whose Varnishes count alike and whose visitors ask for the same
// must not be taken for one.
func TestSitesThatHaveNothingToDoWithEachOther(t *testing.T) {
	w := newWorld(t)
	fleet{ids: false, n: 60}.run(w)
	site := len(w.sources)
	fleet{ids: false, n: 60, seed: 1}.run(w)
	for i := range w.records {
		for k, r := range w.records[i] {
			if i >= site { // a minute later
				r.Time, r.Ended = r.Time+60e9, r.Ended+60e9
			}
			r.RequestID = nil
			if i%site == 2 { // nginx logs the number of the fetch
				r.VXID = uint64(10*k + 3)
			}
		}
	}
	Survey(w.samples(), NewJoiner(w.cfg, w.sources, nil))
	for _, s := range w.sources {
		if s.Offset != 0 {
			t.Errorf("source %d was moved by %v", s.ID, time.Duration(s.Offset))
		}
	}
}

func TestZoneOfStampsThatPrintNone(t *testing.T) {
	for _, hours := range []float64{0, 2, -5.5, 5.75} {
		w := newWorld(t)
		_, v, _, _ := fleet{ids: true, n: 100}.run(w)
		errs := w.source(parse.SourceNginxError, parse.Nginx, 0)
		for i := range 20 {
			l := line("upstream timed out", "", 3)
			l.Precision = 1e9
			w.add(errs, 1000+float64(i)*3+hours*3600, 1000+float64(i)*3+hours*3600, l)
		}
		samples := w.samples()
		samples[errs.ID].Zoned = false
		clocks := Survey(samples, NewJoiner(w.cfg, w.sources, nil))
		if got := float64(errs.Offset-v.Offset) / 3600e9; got != -hours {
			t.Errorf("%v hours ahead are moved by %v", hours, got)
		}
		if got := float64(clocks[errs.ID].Zone) / 3600e9; got != hours {
			t.Errorf("%v hours ahead are told as %v", hours, got)
		}
	}
}

func BenchmarkSurvey(b *testing.B) {
	w := newWorld(b)
	fleet{n: 5000, hit: 3}.run(w)
	samples := w.samples()
	b.ReportAllocs()
	for b.Loop() {
		Survey(samples, NewJoiner(w.cfg, w.sources, nil))
	}
}
