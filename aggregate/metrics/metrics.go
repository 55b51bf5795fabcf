package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"why503/aggregate"
	"why503/parse/recognise"
	"why503/parse/traffic"
	"why503/rules"
)

// maxSeries bounds the series of facts with a backend of their own.
const maxSeries = 5000

// Metrics are the counters of one process. They are made by New.
type Metrics struct {
	requests, failures *prometheus.CounterVec
	facts              *prometheus.CounterVec
	age                *prometheus.HistogramVec
	write              prometheus.Histogram
	writeErrors        prometheus.Counter
	opened             prometheus.Counter
	open               prometheus.Gauge
	losses             *prometheus.CounterVec
	wants, answered    prometheus.Counter
	answers            *prometheus.CounterVec
	classes, reached   map[string]bool
	layers             map[string]bool

	mu       sync.Mutex
	sites    *names
	backends *names
	series   map[labels]*facts
	ledger   aggregate.Ledger
}

type labels struct{ class, cause, layer, backend, reached string }

// facts are those with the same labels.
type facts struct {
	prometheus.Counter
	n int
}

// In a storm one of so many facts becomes an exemplar: a scrape takes the last.
const exemplarEvery = 16

// New registers all metrics with reg.
func New(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		sites: newNames(), backends: newNames(), series: make(map[labels]*facts),
		classes: make(map[string]bool), reached: make(map[string]bool), layers: make(map[string]bool),
	}
	for c := range rules.NumClasses {
		m.classes[c.String()] = true
	}
	for r := range rules.NumReached {
		m.reached[r.String()] = true
	}
	for _, c := range recognise.Causes() {
		m.layers[c.Owner] = true
	}
	auto := promauto.With(reg)
	m.requests = auto.NewCounterVec(counter("requests_total",
		"Requests at client-facing hops, failed or not."), []string{"site"})
	m.failures = auto.NewCounterVec(counter("failures_total",
		"Requests that ended in an error or a cut answer for a client, counted once they are final."), []string{"site"})
	m.facts = auto.NewCounterVec(counter("facts_total",
		"Requests in the list, of every class, counted once they are final."),
		[]string{"class", "cause", "layer", "backend", "reached"})
	m.age = auto.NewHistogramVec(histogram("fact_age_seconds",
		"Time from the end of a request in the list until it was stored.",
		1, 2, 3, 5, 10, 30, 60, 95, 120, 300, 900), []string{"state"})
	m.write = auto.NewHistogram(histogram("store_write_duration_seconds",
		"Time that a transaction of the store took.",
		.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	m.writeErrors = auto.NewCounter(counter("store_write_errors_total",
		"Transactions of the store that failed. They are tried again."))
	m.opened = auto.NewCounter(counter("incidents_opened_total", "Incidents that were opened."))
	m.open = auto.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "incidents_open", Help: "Incidents that go on.",
	})
	m.losses = auto.NewCounterVec(counter("losses_total",
		"What joining lost: evicted (out of memory), unjoined, ambiguous, late (for a fact that was final)."), []string{"reason"})
	m.wants = auto.NewCounter(counter("wants_total", "Questions for Records of a failed request."))
	m.answers = auto.NewCounterVec(counter("answers_total",
		"Answers to them, by what they prove: covered (nothing else was there), uncovered, cut (there was more)."), []string{"result"})
	m.answered = auto.NewCounter(counter("answered_records_total", "Records that came in answers."))
	for _, reason := range []string{lossEvicted, lossUnjoined, lossAmbiguous, lossLate} {
		m.losses.WithLabelValues(reason)
	}
	for _, result := range []string{resultCovered, resultUncovered, resultCut} {
		m.answers.WithLabelValues(result)
	}
	for _, state := range []string{stateProvisional, stateFinal} {
		m.age.WithLabelValues(state)
	}
	return m
}

const (
	namespace = "why503"
	subsystem = "aggregate"
)

func counter(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}
}

// histogram has buckets of both kinds: a server that asks for native ones gets
// a resolution of 10 %.
func histogram(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}
}

// Values of labels.
const (
	lossEvicted   = "evicted"
	lossUnjoined  = "unjoined"
	lossAmbiguous = "ambiguous"
	lossLate      = "late"

	resultCovered   = "covered"
	resultUncovered = "uncovered"
	resultCut       = "cut"

	stateProvisional = "provisional"
	stateFinal       = "final"
)

// Requests counts n requests of a site, failed or not, at a client-facing hop.
func (m *Metrics) Requests(site string, n int64) {
	if n <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	label := m.site(site)
	m.requests.WithLabelValues(label).Add(float64(n))
	m.failures.WithLabelValues(label) // a series that begins at 0 shows its first failure
}

// Final counts a row of the list, once, when it has become final.
func (m *Metrics) Final(row *aggregate.Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if row.Class == rules.ClassFailure.String() {
		label := m.site(row.Site)
		m.requests.WithLabelValues(label)
		m.failures.WithLabelValues(label).Inc()
	}
	c := m.fact(row)
	if c.n < exemplarEvery || c.n%exemplarEvery == 0 {
		c.Counter.(prometheus.ExemplarAdder).AddWithExemplar(1, exemplar(row))
	} else {
		c.Inc()
	}
	c.n++
}

// site returns the label of a site. One that lost its label takes its series
// with it.
func (m *Metrics) site(name string) string {
	label, lost := m.sites.label(name)
	if lost != "" {
		m.requests.DeleteLabelValues(lost)
		m.failures.DeleteLabelValues(lost)
	}
	return label
}

// fact returns the series that a row counts in.
func (m *Metrics) fact(row *aggregate.Failure) *facts {
	backend, lost := m.backends.label(row.Backend)
	if lost != "" {
		m.facts.DeletePartialMatch(prometheus.Labels{"backend": lost})
		for l := range m.series {
			if l.backend == lost {
				delete(m.series, l)
			}
		}
	}
	l := labels{
		class: known(m.classes[row.Class], row.Class), cause: known(row.Cause == "" || recognise.CauseOf(row.Cause) != nil, row.Cause),
		layer: known(row.Layer == "" || m.layers[row.Layer], row.Layer), backend: backend, reached: known(m.reached[row.Reached], row.Reached),
	}
	if _, ok := m.series[l]; !ok && len(m.series) >= maxSeries {
		l.backend = traffic.Other
	}
	c, ok := m.series[l]
	if !ok {
		c = &facts{Counter: m.facts.WithLabelValues(l.class, l.cause, l.layer, l.backend, l.reached)}
		m.series[l] = c
	}
	return c
}

func known(is bool, value string) string {
	if is {
		return value
	}
	return traffic.Other
}

// Stored says how long after the end of a request its row was in the store,
// once for its first, provisional state and once for its final one.
func (m *Metrics) Stored(final bool, after time.Duration) {
	state := stateProvisional
	if final {
		state = stateFinal
	}
	m.age.WithLabelValues(state).Observe(max(0, after.Seconds()))
}

// StoreWrite tells of a transaction of the store.
func (m *Metrics) StoreWrite(took time.Duration, err error) {
	m.write.Observe(took.Seconds())
	if err != nil {
		m.writeErrors.Inc()
	}
}

// Opened counts an incident that began.
func (m *Metrics) Opened() { m.opened.Inc() }

// Open says how many incidents go on.
func (m *Metrics) Open(n int) { m.open.Set(float64(n)) }

// Want counts a question for Records.
func (m *Metrics) Want() { m.wants.Inc() }

// Answer counts an answer and the Records in it.
func (m *Metrics) Answer(covered, cut bool, records int) {
	result := resultUncovered
	switch {
	case cut:
		result = resultCut
	case covered:
		result = resultCovered
	}
	m.answers.WithLabelValues(result).Inc()
	m.answered.Add(float64(max(0, records)))
}

// Ledger takes what joining lost since the process began, as often as it is
// counted. What sources lost is counted with them.
func (m *Metrics) Ledger(l aggregate.Ledger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range []struct {
		reason   string
		old, now int64
	}{
		{lossEvicted, m.ledger.Evicted, l.Evicted},
		{lossUnjoined, m.ledger.Unjoined, l.Unjoined},
		{lossAmbiguous, m.ledger.Ambiguous, l.Ambiguous},
		{lossLate, m.ledger.Late, l.Late},
	} {
		m.losses.WithLabelValues(e.reason).Add(float64(max(0, e.now-e.old)))
	}
	m.ledger = l
}
