package incident

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

const epoch = 1_767_323_040 // 2026-01-02T03:04:00Z

// at returns a time in seconds after epoch.
func at(s float64) parse.Time {
	return parse.Time(epoch)*nsPerSecond + parse.Time(math.Round(s*1000))*1_000_000
}

// A fault is failures of a cause at times after epoch.
type fault struct {
	cause string
	times []float64
}

// log makes seconds of a steady number of requests a second, with faults.
func log(seconds int, perSecond int64, faults ...fault) []Second {
	out := make([]Second, seconds)
	for i := range out {
		out[i] = Second{At: epoch + int64(i), Requests: perSecond}
	}
	for _, f := range faults {
		for _, t := range f.times {
			out[int(t)].merge(Second{Requests: 0, Failures: 1, First: at(t), Last: at(t), Causes: []Count{{f.cause, 1}}})
		}
	}
	return out
}

// span returns times from begin to end, so many a second.
func span(begin, end float64, perSecond int) (out []float64) {
	for i := 0; ; i++ {
		t := begin + float64(i)/float64(perSecond)
		if t >= end {
			return out
		}
		out = append(out, t)
	}
}

func detect(seconds []Second) []Incident {
	d := New(Config{})
	for _, s := range seconds {
		d.Add("shop", s)
	}
	if n := len(seconds); n > 0 {
		d.Advance(seconds[n-1].At + 1)
	}
	return d.Incidents()
}

type brief struct {
	start, end         float64 // seconds after epoch
	requests, failures int64
	ongoing            bool
	causes             string
}

func briefs(list []Incident) (out []brief) {
	after := func(t parse.Time) float64 { return float64(t-at(0)) / nsPerSecond }
	for _, i := range list {
		if i.MergedInto == "" {
			out = append(out, brief{after(i.Start), after(i.End), i.Requests, i.Failures, i.Ongoing, fmt.Sprint(i.Causes)})
		}
	}
	return out
}

func TestDetector(t *testing.T) {
	for _, c := range []struct {
		name    string
		seconds []Second
		want    []brief
	}{
		{"nothing", nil, nil},
		{"a healthy quarter of an hour", log(900, 10), nil},
		{
			"a fault of seven seconds in a log of fourteen",
			log(14, 9, fault{"lock", []float64{4.8, 5.1, 5.1, 5.7, 6.1, 6.2, 6.3, 6.6, 6.7, 7.4, 7.6, 8.6, 8.9, 8.9, 9.1}}),
			[]brief{{4.8, 9.1, 54, 15, false, "[{lock 15}]"}},
		},
		{
			"the same, before it is seen to be over",
			log(12, 9, fault{"lock", []float64{4.8, 5.1, 5.1, 5.7, 6.1, 6.2, 6.3, 6.6, 6.7, 7.4, 7.6, 8.6, 8.9, 8.9, 9.1}}),
			[]brief{{4.8, 9.1, 54, 15, true, "[{lock 15}]"}},
		},
		{
			"bursts of less than a second every four seconds are one",
			log(60, 10, fault{"refused", slices.Concat(span(15.4, 16, 8), span(19.3, 20.1, 6), span(23.5, 24, 8), span(27.4, 28, 8), span(31.4, 32, 8))}),
			[]brief{{15.4, 31.9, 170, 24, false, "[{refused 24}]"}},
		},
		{
			"different causes with pauses of some seconds are different",
			log(90, 8,
				fault{"refused", []float64{4.7, 5.8, 5.8, 6.1, 6.8, 7.3, 8.8, 9.1}},
				fault{"timeout", []float64{17.9, 19.3, 19.6, 19.7, 19.9, 19.9, 22.1, 22.4}},
				fault{"refused", span(38.6, 41.8, 4)}),
			[]brief{
				{4.7, 9.1, 48, 8, false, "[{refused 8}]"},
				{17.9, 22.4, 48, 8, false, "[{timeout 8}]"},
				{38.6, 41.6, 32, 13, false, "[{refused 13}]"},
			},
		},
		{
			"the same cause after half a minute goes on",
			log(120, 20, fault{"refused", slices.Concat(span(10, 14, 5), span(44, 48, 5))}),
			[]brief{{10, 47.8, 760, 40, false, "[{refused 40}]"}},
		},
		{
			"the same cause after ten minutes is another",
			log(900, 20, fault{"refused", slices.Concat(span(10, 14, 5), span(614, 618, 5))}),
			[]brief{{10, 13.8, 80, 20, false, "[{refused 20}]"}, {614, 617.8, 80, 20, false, "[{refused 20}]"}},
		},
		{
			"two faults at once are one, with both causes",
			log(60, 15, fault{"refused", span(10, 20, 3)}, fault{"timeout", span(12, 22, 2)}),
			[]brief{{10, 21.5, 180, 50, false, "[{refused 30} {timeout 20}]"}},
		},
		{
			"low traffic: three failures of four requests are too few",
			log(100, 0, fault{"x", []float64{3, 40, 80}}),
			nil,
		},
		{
			"a site with a request a minute that fails throughout",
			sparse(30, 60, true),
			[]brief{{0, 1740, 30, 30, true, "[{x 30}]"}},
		},
		{
			"an isolated failure before is not the start",
			log(600, 50, fault{"x", append([]float64{100}, span(400, 410, 10)...)}),
			[]brief{{400, 409.9, 500, 100, false, "[{x 100}]"}},
		},
		{
			"isolated failures afterwards are not the end",
			log(600, 200, fault{"x", append(span(100, 110, 50), 200, 300, 400)}),
			[]brief{{100, 109.98, 2000, 500, false, "[{x 500}]"}},
		},
		{
			"the whole log fails a third",
			log(60, 30, fault{"x", span(0, 60, 10)}),
			[]brief{{0, 59.9, 1800, 600, true, "[{x 600}]"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := briefs(detect(c.seconds))
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(brief{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sparse makes n seconds with one request each, so far apart.
func sparse(n, every int, fails bool) (out []Second) {
	for i := range n {
		s := Second{At: epoch + int64(i*every), Requests: 1}
		if fails {
			s.Failures, s.Causes = 1, []Count{{"x", 1}}
		}
		out = append(out, s)
	}
	return out
}

func TestPeakRatio(t *testing.T) {
	got := detect(log(120, 10, fault{"x", slices.Concat(span(20, 40, 2), span(40, 50, 8), span(50, 60, 1))}))
	if len(got) != 1 || got[0].PeakRatio != 0.8 {
		t.Errorf("%+v", got)
	}
}

// Two faults of which the second looks like another cause at first.
func TestIncidentsThatTurnOutToBeOneAreMerged(t *testing.T) {
	got := detect(log(300, 20,
		fault{"refused", span(10, 20, 5)},
		fault{"timeout", span(40, 42, 5)},
		fault{"refused", span(42, 60, 5)}))
	if len(got) != 2 || got[1].MergedInto != got[0].ID || got[0].MergedInto != "" {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff([]brief{{10, 59.8, 1000, 150, false, "[{refused 140} {timeout 10}]"}}, briefs(got), cmp.AllowUnexported(brief{})); diff != "" {
		t.Error(diff)
	}
}

func TestNoIncidentInIsolatedFailures(t *testing.T) {
	for _, c := range []struct {
		perSecond float64
		ratio     float64
		days      float64
	}{
		{0.05, 0.001, 20}, {1, 0.001, 5}, {50, 0.001, 2}, {1000, 0.001, 2}, {1000, 0.0001, 1}, {20, 0.0003, 2},
	} {
		t.Run(fmt.Sprintf("%v a second, %v fail", c.perSecond, c.ratio), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(c.perSecond*1000)))
			d := New(Config{})
			for s := range int64(c.days * 86400) {
				n := poisson(rng, c.perSecond)
				if n == 0 {
					continue
				}
				d.Add("shop", Second{At: epoch + s, Requests: n, Failures: min(n, poisson(rng, float64(n)*c.ratio))})
			}
			if got := d.Incidents(); len(got) > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func poisson(rng *rand.Rand, mean float64) int64 {
	if mean > 30 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	limit, p := math.Exp(-mean), rng.Float64()
	n := int64(0)
	for ; p > limit; n++ {
		p *= rng.Float64()
	}
	return n
}

// A site that always failed a few percent is not in an incident for ever once
// that is known of it, and a worse time still is one.
func TestBaselineIsLearned(t *testing.T) {
	d := New(Config{})
	rng := rand.New(rand.NewPCG(1, 1))
	add := func(from, to int64, ratio float64) {
		for s := from; s < to; s++ {
			d.Add("shop", Second{At: epoch + s, Requests: 100, Failures: poisson(rng, 100*ratio)})
		}
	}
	for i := range int64(10) { // rises slowly enough to be learned
		add(i*1000, (i+1)*1000, 0.001*float64(i+1))
	}
	if got := d.Incidents(); len(got) > 0 {
		t.Fatalf("%+v", got)
	}
	add(10_000, 20_000, 0.01)
	add(20_000, 20_060, 0.2)
	add(20_060, 21_000, 0.01)
	got := d.Incidents()
	if len(got) != 1 || got[0].Start < at(19_999) || got[0].Start > at(20_001) || got[0].End < at(20_058) || got[0].End > at(20_062) {
		t.Errorf("%+v", briefs(got))
	}
}

// story makes seconds at random, with faults of every kind in them.
func story(rng *rand.Rand, n int) (out []Second) {
	now, causes := int64(epoch), []string{"a", "b", "c"}
	ratio, rate, cause := 0.0, 10.0, "a"
	for range n {
		switch x := rng.IntN(100); {
		case x < 3:
			ratio, cause = rng.Float64(), causes[rng.IntN(len(causes))]
		case x < 12:
			ratio = 0.0005
		case x < 14:
			rate = math.Exp(rng.Float64() * 6)
		case x < 15:
			now += int64(rng.IntN(700))
		}
		now += 1 + int64(rng.IntN(2))
		s := Second{At: now, Requests: poisson(rng, rate)}
		s.Failures = min(s.Requests, poisson(rng, rate*ratio))
		if s.Failures > 0 {
			s.First = parse.Time(now)*nsPerSecond + parse.Time(rng.IntN(nsPerSecond/2))
			s.Last = s.First + parse.Time(rng.IntN(nsPerSecond/2))
			s.Causes = []Count{{cause, s.Failures}}
		}
		out = append(out, s)
	}
	return out
}

// replay adds seconds, each in parts, with Advance in between at random.
func replay(rng *rand.Rand, seconds []Second) []Incident {
	d := New(Config{})
	for i, s := range seconds {
		for s.Requests > 1 && rng.IntN(3) == 0 {
			part := Second{At: s.At, Requests: 1}
			if s.Failures > 1 {
				part.Failures, part.First, part.Last, part.Causes = 1, s.First, s.Last, []Count{{s.Causes[0].Cause, 1}}
				s.Causes = []Count{{s.Causes[0].Cause, s.Failures - 1}}
				s.Failures--
			}
			s.Requests--
			d.Add("shop", part)
		}
		d.Add("shop", s)
		if i+1 < len(seconds) && rng.IntN(4) == 0 {
			d.Advance(s.At + 1 + rng.Int64N(seconds[i+1].At-s.At))
		}
	}
	d.Advance(seconds[len(seconds)-1].At + 1)
	return d.Incidents()
}

func TestReplayInAnyPiecesGivesTheSameIncidents(t *testing.T) {
	found, merged := 0, 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		seconds := story(rng, 2000)
		want := detect(seconds)
		found += len(want)
		for range 3 {
			if diff := cmp.Diff(want, replay(rng, seconds)); diff != "" {
				t.Fatalf("seed %d: %s", seed, diff)
			}
		}
		merged += check(t, seconds, want)
	}
	if found < 300 || merged == 0 {
		t.Errorf("only %d incidents, %d merged: the story is too quiet to prove anything", found, merged)
	}
}

// check holds what is true of any list of incidents: they are in order, do not
// overlap, and their counts are those of the seconds between their ends.
func check(t *testing.T, seconds []Second, list []Incident) (merged int) {
	t.Helper()
	var end parse.Time
	ids := map[string]bool{}
	for _, i := range list {
		if ids[i.ID] {
			t.Fatalf("%s twice", i.ID)
		}
		ids[i.ID] = true
		if i.MergedInto != "" {
			merged++
			if !ids[i.MergedInto] {
				t.Fatalf("%s is merged into %s, which is not before it", i.ID, i.MergedInto)
			}
			continue
		}
		if i.Start > i.End || i.Start <= end && end != 0 {
			t.Fatalf("%+v overlaps what ended at %d", i, end)
		}
		end = i.End
		var n, k, causes int64
		for _, s := range seconds {
			s = s.normal()
			if s.At >= floorSecond(i.Start) && s.At <= floorSecond(i.End) {
				n, k = n+s.Requests, k+s.Failures
			}
		}
		for _, c := range i.Causes {
			causes += c.N
		}
		if n != i.Requests || k != i.Failures || causes != k && causes != 0 {
			t.Fatalf("%+v: between its ends are %d requests and %d failures; causes sum up to %d", i, n, k, causes)
		}
		if i.Failures < 5 || i.PeakRatio > 1 || i.PeakRatio < i.Ratio() {
			t.Fatalf("%+v", i)
		}
	}
	return merged
}

func TestSitesAreApartAndBounded(t *testing.T) {
	d := New(Config{MaxSites: 10})
	for i, s := range log(60, 10, fault{"x", span(10, 20, 5)}) {
		d.Add("good", Second{At: s.At, Requests: 1000})
		d.Add("bad", s)
		d.Add(fmt.Sprint("stranger-", i), Second{At: s.At, Requests: 1})
	}
	if len(d.sites) > 10 {
		t.Errorf("%d sites", len(d.sites))
	}
	got := d.Incidents()
	if len(got) != 1 || got[0].Site != "bad" {
		t.Errorf("%+v", got)
	}
}

func TestLateSecondsAreCountedNotUsed(t *testing.T) {
	d := New(Config{})
	d.Add("shop", Second{At: epoch + 10, Requests: 10})
	if d.Add("shop", Second{At: epoch + 9, Requests: 10, Failures: 10}) || d.Late() != 1 {
		t.Errorf("%d late", d.Late())
	}
	d.Advance(epoch + 20)
	if d.Add("shop", Second{At: epoch + 19, Requests: 10}) || d.Late() != 2 {
		t.Errorf("%d late", d.Late())
	}
	if !d.Add("shop", Second{At: epoch + 20, Requests: 10}) {
		t.Error("the next second was refused")
	}
}

func TestKeptIncidentsAreBounded(t *testing.T) {
	d := New(Config{MaxIncidents: 5})
	for i := range 20 {
		for k := range int64(10) {
			d.Add("shop", Second{At: epoch + int64(i)*1000 + k, Requests: 10, Failures: 5})
		}
	}
	if got := d.Incidents(); len(got) != 6 || !got[5].Ongoing || got[5].Start < at(19_000) { // 5 and the open one
		t.Errorf("%d: %+v", len(got), briefs(got))
	}
}

func TestID(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 3, 59, 5, time.UTC).UnixNano()
	a, b := ID("shop", parse.Time(start)), ID("shop", parse.Time(start+1))
	if a[:15] != "20260102T0303Z-" || len(a) != 23 || a == b || a != ID("shop", parse.Time(start)) || a == ID("other", parse.Time(start)) {
		t.Errorf("%s, %s", a, b)
	}
}

func TestIndexFindsTheIncidentOfARequest(t *testing.T) {
	list := detect(log(900, 20, fault{"refused", slices.Concat(span(10, 14, 5), span(614, 618, 5))}))
	x := NewIndex(list)
	for _, c := range []struct {
		site string
		t    float64
		want int
	}{{"shop", 9.9, -1}, {"shop", 10, 0}, {"shop", 12.2, 0}, {"shop", 13.8, 0}, {"shop", 13.9, -1}, {"shop", 615, 1}, {"shop", 700, -1}, {"x", 12, -1}} {
		got, ok := x.Find(c.site, at(c.t))
		if ok != (c.want >= 0) || ok && got.ID != list[c.want].ID {
			t.Errorf("%s at %v: %v %v", c.site, c.t, ok, got.ID)
		}
	}
}

func FuzzDetector(f *testing.F) {
	f.Add([]byte{1, 10, 0, 1, 10, 5, 1, 10, 9, 30, 10, 0}, uint64(1))
	f.Add([]byte{0, 255, 255, 255, 1, 1}, uint64(9))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		now := int64(epoch)
		var seconds []Second
		for i := 0; i+2 < len(data) && i < 3*500; i += 3 {
			now += 1 + int64(data[i])
			s := Second{At: now, Requests: int64(data[i+1]), Failures: int64(data[i+2])}
			if s.Failures > 0 {
				s.Causes = []Count{{string('a' + rune(data[i+2]%3)), s.Failures}}
			}
			seconds = append(seconds, s.normal())
		}
		if len(seconds) == 0 {
			return
		}
		want := detect(seconds)
		if diff := cmp.Diff(want, replay(rand.New(rand.NewPCG(seed, 1)), seconds)); diff != "" {
			t.Fatal(diff)
		}
		check(t, seconds, want)
	})
}

func BenchmarkAdd(b *testing.B) {
	d := New(Config{})
	causes := []Count{{"a", 1}, {"b", 1}}
	now := int64(epoch)
	b.ReportAllocs()
	for b.Loop() {
		now++
		s := Second{At: now, Requests: 1000, Failures: 1}
		if now%1000 < 100 {
			s.Failures, s.Causes = 200, causes
		}
		d.Add("shop", s)
	}
}
