package metrics

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"why503/aggregate"
	"why503/parse/recognise"
)

// used returns metrics of which each was counted.
func used(t *testing.T) (*prometheus.Registry, *Metrics) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m := New(reg)
	m.Requests("shop.example", 20)
	m.Final(failure())
	m.Stored(false, 2*time.Second)
	m.Stored(true, 95*time.Second)
	m.StoreWrite(4*time.Millisecond, errors.New("disk full"))
	m.Opened()
	m.Open(1)
	m.Want()
	m.Answer(true, false, 2)
	m.Answer(true, true, 512)
	m.Answer(false, false, 0)
	m.Ledger(aggregate.Ledger{Evicted: 1, Late: 2})
	m.Ledger(aggregate.Ledger{Evicted: 3, Late: 2, Unjoined: 4})
	return reg, m
}

func failure() *aggregate.Failure {
	return &aggregate.Failure{
		UID: "6f1c", Class: "failure", Cause: "overload.workers_exhausted", Layer: "origin app", Backend: "app1", Reached: "late",
		Site: "shop.example", RequestID: "7b2e", TraceID: strings.Repeat("ab", 16),
	}
}

func TestNamesAndHelpAreAsPrometheusWantsThem(t *testing.T) {
	reg, _ := used(t)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestWhatIsCountedIsShown(t *testing.T) {
	reg, _ := used(t)
	const want = `
# HELP why503_aggregate_answers_total Answers to them, by what they prove: covered (nothing else was there), uncovered, cut (there was more).
# TYPE why503_aggregate_answers_total counter
why503_aggregate_answers_total{result="covered"} 1
why503_aggregate_answers_total{result="cut"} 1
why503_aggregate_answers_total{result="uncovered"} 1
# HELP why503_aggregate_facts_total Requests in the list, of every class, counted once they are final.
# TYPE why503_aggregate_facts_total counter
why503_aggregate_facts_total{backend="app1",cause="overload.workers_exhausted",class="failure",layer="origin app",reached="late"} 1
# HELP why503_aggregate_failures_total Requests that ended in an error or a cut answer for a client, counted once they are final.
# TYPE why503_aggregate_failures_total counter
why503_aggregate_failures_total{site="shop.example"} 1
# HELP why503_aggregate_incidents_open Incidents that go on.
# TYPE why503_aggregate_incidents_open gauge
why503_aggregate_incidents_open 1
# HELP why503_aggregate_losses_total What joining lost: evicted (out of memory), unjoined, ambiguous, late (for a fact that was final).
# TYPE why503_aggregate_losses_total counter
why503_aggregate_losses_total{reason="ambiguous"} 0
why503_aggregate_losses_total{reason="evicted"} 3
why503_aggregate_losses_total{reason="late"} 2
why503_aggregate_losses_total{reason="unjoined"} 4
# HELP why503_aggregate_requests_total Requests at client-facing hops, failed or not.
# TYPE why503_aggregate_requests_total counter
why503_aggregate_requests_total{site="shop.example"} 20
# HELP why503_aggregate_store_write_errors_total Transactions of the store that failed. They are tried again.
# TYPE why503_aggregate_store_write_errors_total counter
why503_aggregate_store_write_errors_total 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want),
		"why503_aggregate_answers_total", "why503_aggregate_facts_total", "why503_aggregate_failures_total", "why503_aggregate_incidents_open",
		"why503_aggregate_losses_total", "why503_aggregate_requests_total", "why503_aggregate_store_write_errors_total"); err != nil {
		t.Error(err)
	}
}

func TestAFailureIsNamedByAnExemplar(t *testing.T) {
	reg, m := used(t)
	long := failure()
	long.Cause, long.RequestID = "overload.memory_killed", strings.Repeat("x", 1000)
	m.Final(long)
	bad := failure()
	bad.Cause, bad.RequestID, bad.TraceID = "unknown.unclassified", "\xff", ""
	m.Final(bad)
	got := make(map[string]map[string]string)
	for _, s := range family(t, reg, "why503_aggregate_facts_total").GetMetric() {
		ids := make(map[string]string)
		for _, l := range s.GetCounter().GetExemplar().GetLabel() {
			ids[l.GetName()] = l.GetValue()
		}
		got[label(s, "cause")] = ids
	}
	trace := strings.Repeat("ab", 16)
	want := map[string]map[string]string{
		"overload.workers_exhausted": {"uid": "6f1c", "trace_id": trace, "request_id": "7b2e"},
		known(recognise.CauseOf("overload.memory_killed") != nil, "overload.memory_killed"): {"uid": "6f1c", "trace_id": trace},
		"unknown.unclassified": {"uid": "6f1c"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogsCannotMakeSeriesWithoutEnd(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := New(reg)
	causes := recognise.Causes()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		f := failure()
		f.Backend, f.Site = fmt.Sprintf("b%d\xff%s", rng.IntN(1000), strings.Repeat("y", i%300)), fmt.Sprintf("host%d.example", i)
		f.Cause = causes[rng.IntN(len(causes))].Slug
		f.Class = []string{"failure", "client", "saved", "of a stranger"}[rng.IntN(4)]
		f.Reached = []string{"never", "late", "lost", "of a stranger"}[rng.IntN(4)]
		if i%7 == 0 {
			f.Cause, f.Layer = fmt.Sprint("made up ", i), fmt.Sprint("made up ", i)
		}
		m.Final(f)
		m.Requests(f.Site, 1)
	}
	for name, most := range map[string]int{
		"why503_aggregate_facts_total":    maxSeries + 4*4*len(causes)*2,
		"why503_aggregate_failures_total": maxNames + 1,
		"why503_aggregate_requests_total": maxNames + 1,
	} {
		if n := len(family(t, reg, name).GetMetric()); n > most || n < maxNames {
			t.Errorf("%s has %d series, the bound is %d", name, n, most)
		}
	}
}

func TestTheMostSeenHaveNamesOfTheirOwn(t *testing.T) {
	n := newNames()
	for i := range 10_000 { // names made up, before any real one
		n.label(fmt.Sprintf("made-up-%d", i))
	}
	var lost int
	for i := range 20_000 {
		label, gone := n.label(fmt.Sprintf("app%d", i%8))
		if gone != "" {
			lost++
		}
		if i > 10_000 && label == "other" {
			t.Fatalf("app%d has no name of its own after it came %d times", i%8, i/8)
		}
		if label, _ := n.label(fmt.Sprintf("later-%d", i)); i > 1000 && label != "other" {
			t.Fatalf("%s came once and has a name of its own", label)
		}
	}
	if lost != 8 {
		t.Errorf("%d names lost theirs, want 8", lost)
	}
	if len(n.own) > maxNames || len(n.tried) > maxTried {
		t.Errorf("%d and %d names are remembered", len(n.own), len(n.tried))
	}
}

func TestABackendThatLostItsNameTakesItsSeries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := New(reg)
	for i := range maxNames {
		f := failure()
		f.Backend = fmt.Sprintf("old%02d", i)
		m.Final(f)
	}
	f := failure()
	f.Backend = "busy"
	for range 10 {
		m.Final(f)
	}
	backends := make(map[string]float64)
	for _, s := range family(t, reg, "why503_aggregate_facts_total").GetMetric() {
		backends[label(s, "backend")] = s.GetCounter().GetValue()
	}
	if _, ok := backends["old49"]; ok || backends["busy"] == 0 || len(backends) != maxNames+1 {
		t.Errorf("series of %v", backends)
	}
	if got := backends["busy"] + backends["other"]; got != 10 {
		t.Errorf("%v failures of busy, want 10", got)
	}
}

func family(t *testing.T, reg prometheus.Gatherer, name string) *dto.MetricFamily {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func BenchmarkFinal(b *testing.B) {
	m := New(prometheus.NewRegistry())
	f := failure()
	b.ReportAllocs()
	for b.Loop() {
		m.Final(f)
	}
}
