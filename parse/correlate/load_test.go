package correlate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// proxied is what a proxy logs of a request that it asked addr for.
func proxied(from, to float64, status int, url, addr string) *parse.Record {
	r := asked(status, url, "", addr, status)
	r.Program = parse.Nginx
	r.Time, r.Ended = epoch+parse.Time(from*1e9), epoch+parse.Time(to*1e9)
	r.Upstreams[0].Response = int64(r.Ended - r.Time)
	return &r
}

func around(t testing.TB, l *Load, of parse.Traffic, name string, at float64) parse.Neighbours {
	t.Helper()
	n, ok := l.Around([]parse.SourceID{0}, of, []byte(name), epoch+parse.Time(at*1e9))
	if !ok {
		t.Fatalf("nothing was counted of %q", name)
	}
	return n
}

func TestLoadTellsWhatWasInFlight(t *testing.T) {
	l := NewLoad()
	for i := range 6 { // six reports of 40 s, one after the other
		l.Add(proxied(float64(i), float64(40+i), 200, fmt.Sprintf("/report/%d", i), "a:1"), 0)
	}
	l.Add(proxied(10, 11, 200, "/cart", "b:1"), 0)
	l.Add(proxied(10, 50, 200, "/cart", "b:1"), 0)
	for _, tt := range []struct {
		of   parse.Traffic
		name string
		at   float64
		want int
	}{
		{parse.OfHop, "", 3.2, 3}, // what began in the second itself is not yet
		{parse.OfHop, "", 30, 7},
		{parse.OfHop, "", 43.5, 4},
		{parse.OfHop, "", 70, 0},
		{parse.OfBackend, "a:1", 30, 6},
		{parse.OfBackend, "b:1", 30, 1},
		{parse.OfRoute, "/report/:id", 30, 6},
	} {
		if got := around(t, l, tt.of, tt.name, tt.at).InFlight; got != tt.want {
			t.Errorf("%d in flight of %q at %v s, want %d", got, tt.name, tt.at, tt.want)
		}
	}
	want := []parse.Held{{Route: "/report/:id", InFlight: 6}, {Route: "/cart", InFlight: 1}}
	if d := cmp.Diff(want, around(t, l, parse.OfHop, "", 30).Held); d != "" {
		t.Error(d)
	}
}

// What is in flight at the start of a second, and what begins and ends in it,
// gives how long all together were busy.
func TestSecondsTellHowBusyAHopWas(t *testing.T) {
	l := NewLoad()
	l.Add(proxied(0.25, 3.5, 200, "/a", "a:1"), 0)
	l.Add(proxied(1.5, 1.75, 503, "/a", "a:1"), 0)
	busy, inFlight := []int64{}, int64(0)
	for _, s := range l.Changed() {
		for _, c := range s.Counts {
			if c.Of == parse.OfHop {
				busy = append(busy, inFlight*1e9+c.Busy)
				inFlight += int64(c.Began) - int64(c.Ended)
			}
		}
	}
	if d := cmp.Diff([]int64{750e6, 1250e6, 500e6}, busy); d != "" { // nothing changed in the second from 2 s on
		t.Error(d)
	}
}

func TestUsualIsWhatHeldInNineOfTenMinutes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		quick int // of the first minutes
		want  int64
	}{
		{"always slow", 0, 5},
		{"slow but for two minutes of forty", 2, 5},
		{"slow since twenty minutes ago", 20, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLoad()
			for m := range 42 {
				took := 5.1
				if m < tt.quick {
					took = 0.1
				}
				for i := range 3 {
					end := float64(60*m + 10*i + 10)
					l.Add(proxied(end-took, end, 200, "/report", "a:1"), 0)
				}
				l.Add(proxied(float64(60*m), float64(60*m)+30, 504, "/report", "a:1"), 0) // no good answer
			}
			n := around(t, l, parse.OfRoute, "/report", 60*42-1)
			if n.Usual/1e9 != tt.want || n.Minutes != 40 || n.Good != 120 || n.Since != 41*60e9 {
				t.Errorf("usual %d ns of %d answers in %d minutes since %d ns", n.Usual, n.Good, n.Minutes, n.Since)
			}
		})
	}
}

// traffic makes some requests of ten minutes.
func someTraffic(rnd *rand.Rand, n int) []*parse.Record {
	all := make([]*parse.Record, n)
	for i := range all {
		from, took := rnd.Float64()*600, rnd.ExpFloat64()*2
		if rnd.IntN(10) == 0 {
			took = 7 + rnd.Float64()/100
		}
		status := []int{200, 200, 200, 404, 499, 500, 502, 504}[rnd.IntN(8)]
		r := proxied(from, from+took, status, fmt.Sprintf("/r%c/%d", 'a'+rnd.IntN(5), i), fmt.Sprintf("10.0.0.%d:80", rnd.IntN(3)))
		if status == 502 || status == 504 {
			r.Upstreams[0].Header = -1
		}
		r.Source = parse.SourceID(rnd.IntN(2))
		all[i] = r
	}
	slices.SortFunc(all, func(a, b *parse.Record) int { return int(a.Ended - b.Ended) })
	return all
}

// everything asks for all that is known at some times.
func everything(l *Load) []parse.Neighbours {
	var all []parse.Neighbours
	for at := parse.Time(0); at < 660e9; at += 7e9 {
		for _, ids := range [][]parse.SourceID{{0}, {1}, {0, 1}} {
			for name, of := range map[string]parse.Traffic{
				"": parse.OfHop, "/ra/:id": parse.OfRoute, "/rb/:id": parse.OfRoute, "10.0.0.0:80": parse.OfBackend, "10.0.0.2:80": parse.OfBackend,
			} {
				n, _ := l.Around(ids, of, []byte(name), epoch+at)
				n.Source = parse.SourceID(len(all))
				all = append(all, n)
			}
		}
	}
	slices.SortFunc(all, func(a, b parse.Neighbours) int { return int(a.Source) - int(b.Source) })
	return all
}

func byName(all []parse.Neighbours) map[string][]parse.Neighbours {
	by := make(map[string][]parse.Neighbours)
	for _, n := range all {
		n.Source = 0
		by[n.Name] = append(by[n.Name], n)
	}
	return by
}

// Records come in any order within what a merge lets through.
func TestLoadDoesNotDependOnTheOrderOfRecords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 3))
	all := someTraffic(rnd, 6000)
	sorted := NewLoad()
	for _, r := range all {
		sorted.Add(r, 0)
	}
	want := byName(everything(sorted))
	if len(want["10.0.0.0:80"]) == 0 || !slices.ContainsFunc(want["10.0.0.0:80"], func(n parse.Neighbours) bool { return len(n.Walls) > 0 }) {
		t.Fatal("there is no wall: the test proves little")
	}
	for range 3 {
		late := make([]int64, len(all))
		order := make([]int, len(all))
		for i := range all {
			order[i], late[i] = i, int64(all[i].Ended)+rnd.Int64N(20e9)
		}
		slices.SortFunc(order, func(a, b int) int { return int(late[a] - late[b]) })
		l := NewLoad()
		for _, i := range order {
			l.Add(all[i], 0)
		}
		if d := cmp.Diff(want, byName(everything(l))); d != "" {
			t.Fatalf("%.2000s", d)
		}
	}
}

// A Load that is sent each second as it changed knows what the first one knows,
// however often it is sent.
func TestMergedSecondsAreTheSameAsCounting(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 3))
	here, there := NewLoad(), NewLoad()
	var sent []Second
	last := int64(0)
	for _, r := range someTraffic(rnd, 6000) {
		here.Add(r, 0)
		if at := int64(r.Ended) / 1e9; at != last {
			last = at
			changed := here.Changed()
			sent = append(sent, changed...)
			for i := range changed {
				if !there.Merge(&changed[i]) {
					t.Fatalf("the second at %d was not taken", changed[i].At)
				}
				if rnd.IntN(3) == 0 {
					there.Merge(&changed[i])
				}
			}
		}
	}
	for _, s := range here.Changed() {
		there.Merge(&s)
	}
	want := byName(everything(here))
	if d := cmp.Diff(want, byName(everything(there))); d != "" {
		t.Fatalf("%.2000s", d)
	}
	for i := range sent { // an old queue is read again: what is over stays as it is
		if s := &sent[i]; int64(s.At) < int64(epoch)+60e9 && there.Merge(s) {
			t.Fatalf("the second at %d was taken though its minute is over", s.At)
		}
	}
	if d := cmp.Diff(want, byName(everything(there))); d != "" {
		t.Fatalf("%.2000s", d)
	}
}

// A stranger who asks for a new path each time, or names a new host, does not
// make the Load grow, and is still counted.
func TestLoadIsBounded(t *testing.T) {
	l := NewLoad()
	for i := range 60000 {
		at := float64(i) / 50
		l.Add(proxied(at, at+0.3, 200, fmt.Sprintf("/x%c%c%c/y", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26), fmt.Sprintf("h%d:80", i)), 0)
		l.Add(proxied(at, at+0.3, 200, "/cart", "a:1"), 0)
	}
	c := l.sources[0]
	if r, b := len(c.named[parse.OfRoute]), len(c.named[parse.OfBackend]); r > 2*maxRoutes || b > 2*maxBackends {
		t.Errorf("%d routes and %d backends are kept", r, b)
	}
	if n := around(t, l, parse.OfRoute, "/cart", 1199); n.Good < 40000 {
		t.Errorf("%d of the real route were counted", n.Good)
	}
	sum := func(of parse.Traffic) uint64 {
		n := c.rest[of].total()
		for _, t := range c.named[of] {
			n += t.total()
		}
		return n
	}
	if r, b := sum(parse.OfRoute), sum(parse.OfBackend); r != 120000 || b != 120000 {
		t.Errorf("%d by route and %d by backend, of 120000", r, b)
	}
}

// total counts what ended in the minutes that are kept.
func (t *track) total() uint64 {
	n := uint64(0)
	for _, b := range t.blocks {
		if b == nil {
			continue
		}
		n += b.ended
		for _, s := range b.secs.all() {
			n += uint64(s.ended)
		}
	}
	return n
}

func TestLoadTakesAnyStamp(t *testing.T) {
	l := NewLoad()
	stamps := []parse.Time{0, 1, -1, math.MinInt64, math.MaxInt64, math.MaxInt64 - 1, epoch, epoch + 1, -epoch, 1e9, 6e12}
	for _, a := range stamps {
		for _, b := range stamps {
			for _, offset := range []int64{0, 3600e9, -3600e9, math.MinInt64 / 2} {
				r := proxied(0, 1, 502, "/a", "a:1")
				r.Time, r.Ended = a, b
				r.Upstreams[0].Response = int64(a)
				l.Add(r, offset)
				l.Around([]parse.SourceID{0}, parse.OfHop, nil, b)
				l.Merge(&Second{At: a, Counts: []Count{{Of: 9}, {Of: parse.OfRoute, Name: other, Ended: 1, Took: []Took{{End: 99, Bucket: 7, N: 1}, {End: 3, Bucket: math.MaxUint16, N: 1}}}}})
			}
		}
	}
	l.Changed()
}

func TestLoadAllocatesNothingInTheLongRun(t *testing.T) {
	l := NewLoad()
	rs := steady()
	for range 70 { // minutes, so that all that is kept was made
		for _, r := range rs {
			r.Time, r.Ended = r.Time+60e9, r.Ended+60e9
			l.Add(r, 0)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, r := range rs {
			l.Add(r, 0)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// steady is some traffic of a second.
func steady() []*parse.Record {
	rnd := rand.New(rand.NewPCG(1, 1))
	rs := someTraffic(rnd, 1000)
	for _, r := range rs {
		r.Source = 0
		took := r.Ended - r.Time
		r.Ended = epoch + parse.Time(rnd.Int64N(1e9))
		r.Time = r.Ended - min(took, 2e9)
		r.Upstreams[0].Response = int64(r.Ended - r.Time)
	}
	return rs
}

func BenchmarkLoad(b *testing.B) {
	for _, paths := range []string{"of few paths", "of many paths"} {
		b.Run(paths, func(b *testing.B) {
			l, rs := NewLoad(), steady()
			if paths == "of few paths" {
				for i, r := range rs {
					r.URL = rs[i%50].URL
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := rs[i%len(rs)]
				r.Time, r.Ended = r.Time+20e6, r.Ended+20e6 // 50,000 a second
				l.Add(r, 0)
			}
		})
	}
}

func BenchmarkAroundANewMinute(b *testing.B) {
	l := NewLoad()
	for _, r := range someTraffic(rand.New(rand.NewPCG(1, 1)), 50000) {
		l.Add(r, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(l.asked)
		l.Around([]parse.SourceID{0}, parse.OfBackend, []byte("10.0.0.0:80"), epoch+600e9)
	}
}
