package slo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const begin = 29_455_384 // 2026-01-02T03:04Z in minutes

// watch feeds a minute after the other, with ratio telling the share that is
// bad, and returns what was told, as minute and text.
func watch(m *Monitor, n, perMinute int64, ratio func(i int64) float64) (told []string) {
	for i := range n {
		bad := int64(float64(perMinute) * ratio(i))
		m.Set("shop", begin+i, perMinute-bad, bad)
		for _, a := range m.Advance(begin + i + 1) {
			what := "fires"
			if a.Resolved != 0 {
				what = "is over"
			}
			told = append(told, fmt.Sprintf("%d %s %s %v", i, a.Severity, what, a.Burn.Factor))
		}
	}
	return told
}

func TestMonitor(t *testing.T) {
	flat := func(r float64) func(int64) float64 { return func(int64) float64 { return r } }
	from := func(begin, end int64, r float64) func(int64) float64 {
		return func(i int64) float64 {
			if i >= begin && i < end {
				return r
			}
			return 0
		}
	}
	day := int64(24 * 60)
	for _, c := range []struct {
		name      string
		minutes   int64
		perMinute int64
		ratio     func(int64) float64
		want      []string
	}{
		{"nothing bad", 4 * day, 1000, flat(0), nil},
		{"half the budget", 4 * day, 10_000, flat(0.0005), nil},
		{"exactly the budget is a ticket", 4 * day, 10_000, flat(0.0010001), []string{"0 ticket fires 1"}},
		{
			// 1.44 % of an hour are 864 requests: two minutes. The 30 minutes
			// end at 1529, the page five minutes later. What is left is 42 % of
			// a day's share in three, until the six hours of a ticket are over.
			"an outage of an hour pages within two minutes, and is a ticket afterwards",
			3 * day, 1000, from(day, day+60, 0.5),
			[]string{"1441 page fires 14.4", "1533 page is over 14.4", "1533 ticket fires 3", "1863 ticket is over 1"},
		},
		{
			// 864 of 20 a minute: 44 minutes. Over in 5 minutes of which the
			// last has less than 1.44 %, and five more.
			"two percent of an hour pages before the hour is over",
			2 * day, 1000, from(day, day+60, 0.02),
			[]string{"1483 page fires 14.4", "1505 page is over 14.4"},
		},
		{"a few percent of a day make a ticket", 3 * day, 1000, from(day, 3*day, 0.004), []string{"1919 ticket fires 1"}},
		{"too little traffic", 60, 10, flat(0.5), nil},
		{"a thousand requests are enough", 60, 20, flat(0.5), []string{"49 page fires 14.4"}},
		{"four failures are too few", 4 * day, 1, func(i int64) float64 {
			if i%day == 0 {
				return 1
			}
			return 0
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, watch(NewMonitor(Config{}), c.minutes, c.perMinute, c.ratio)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASiteWithoutTrafficIsOver(t *testing.T) {
	m := NewMonitor(Config{})
	if got := watch(m, 10, 1000, func(int64) float64 { return 1 }); len(got) != 1 {
		t.Fatalf("%q", got)
	}
	if got := m.Firing(); len(got) != 1 || got[0].Severity != Page || got[0].Burn.Ratio() != 1 || got[0].Burn.Lasts() > 44*time.Minute {
		t.Errorf("%+v", got)
	}
	var over []string
	for i := range int64(7 * 60) {
		for _, a := range m.Advance(begin + 11 + i) {
			over = append(over, fmt.Sprintf("%s %v", a.Severity, a.Resolved != 0))
		}
	}
	if diff := cmp.Diff([]string{"page true", "ticket false", "ticket true"}, over); diff != "" {
		t.Error(diff)
	}
}

func TestARestartTellsNothingTwice(t *testing.T) {
	m := NewMonitor(Config{})
	watch(m, 10, 1000, func(int64) float64 { return 1 })
	again := NewMonitor(Config{})
	again.Restore(m.Firing())
	for i := range int64(10) {
		again.Set("shop", begin+i, 0, 1000)
	}
	if got := again.Advance(begin + 10); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(m.Firing(), again.Firing()); diff != "" {
		t.Error(diff)
	}
}

// Whatever the order, and however often a minute is corrected: the last word
// decides.
func TestSeriesSumsTheLastWord(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := NewSeries(500)
	truth := map[int64]counts{}
	newest := int64(begin)
	for range 20_000 {
		at := newest - rng.Int64N(600)
		if rng.IntN(20) == 0 {
			at = newest + rng.Int64N(90)
		}
		c := counts{rng.Int64N(100), rng.Int64N(5)}
		newest = max(newest, at)
		if s.Set(at, c.good, c.bad) {
			truth[at] = c
		} else if at > newest-500 {
			t.Fatalf("%d was refused at %d", at, newest)
		}
		n := rng.Int64N(440)
		var want counts
		for i := newest + 1 - n; i <= newest; i++ {
			want.good, want.bad = want.good+truth[i].good, want.bad+truth[i].bad
		}
		if good, bad := s.Sum(newest+1, n); good != want.good || bad != want.bad {
			t.Fatalf("%d minutes are %d and %d, want %v", n, good, bad, want)
		}
	}
	if len(s.hours) > 500/60+3 {
		t.Errorf("%d hours are kept", len(s.hours))
	}
}

func TestSitesAreBounded(t *testing.T) {
	m := NewMonitor(Config{MaxSites: 3})
	for i := range 10 {
		m.Set(fmt.Sprint("stranger-", i), begin, 1, 0)
	}
	if len(m.sites) != 3 || m.Dropped() != 7 {
		t.Errorf("%d sites, %d dropped", len(m.sites), m.Dropped())
	}
	m.Advance(begin + 6*24*60)
	m.Set("later", begin+6*24*60, 1, 0)
	if m.sites["later"] == nil {
		t.Error("sites of which nothing is kept are in the way of others")
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Objective: 1}, "slo.objective 1"},
		{Config{Objective: -3}, "slo.objective -3"},
		{Config{MinRequests: -1}, "slo.min_requests"},
		{Config{Objective: 0.9}, "slo.windows[0]: no share of failures burns 14.4 times"},
		{Config{Windows: []Window{{"loud", 1, time.Hour, time.Minute}}}, `slo.windows[0]: severity "loud"`},
		{Config{Windows: []Window{{Page, 1, time.Minute, time.Hour}}}, "slo.windows[0]: 1m0s and 1h0m0s"},
		{Config{Windows: []Window{{Page, 0, time.Hour, time.Minute}}}, "slo.windows[0]: factor 0"},
	} {
		if err := c.cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

func BenchmarkAdvance(b *testing.B) {
	m := NewMonitor(Config{})
	for i := range int64(3 * 24 * 60) {
		m.Set("shop", begin+i, 1000, 1)
	}
	minute := int64(begin + 3*24*60)
	b.ReportAllocs()
	for b.Loop() {
		minute++
		m.Set("shop", minute-1, 1000, 1)
		m.Advance(minute)
	}
}
