package ingest

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"why503/parse/traffic"
	"why503/parse/wire"
)

// Bounds of what is shown of sources.
const (
	maxSources = 1000 // that have series of their own; the others are one
	maxReasons = 32   // of losses, for each
	maxLabel   = 512  // bytes of a path
)

// Metrics shows Prometheus how far each source was read and what of it was
// lost. Its methods may be called from several goroutines.
type Metrics struct {
	mu      sync.Mutex
	sources map[string]*counts
	gone    counts // of the sources beyond maxSources that are gone: a counter never falls
	own     int    // sources that have series of their own
}

// counts are the newest of a source.
type counts struct {
	own                             bool
	bytes, lines, records, unparsed int64
	losses                          map[string]int64
	lag, to                         time.Duration
}

// NewMetrics registers the metrics of sources with reg.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{sources: make(map[string]*counts)}
	reg.MustRegister(m)
	return m
}

// Progress takes what a source says of itself, under its name. Its counts are
// since its beginning.
func (m *Metrics) Progress(name string, p *wire.Progress) {
	name = strings.ToValidUTF8(name[:min(len(name), maxLabel)], "\uFFFD")
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.sources[name]
	if c == nil {
		c = &counts{own: m.own < maxSources, losses: make(map[string]int64)}
		if c.own {
			m.own++
		}
		m.sources[name] = c
	}
	c.bytes, c.lines, c.records, c.unparsed = p.Bytes, p.Lines, p.Records, p.Unparsed
	c.lag, c.to = time.Duration(p.Lag), time.Duration(p.To)
	if p.AtEnd {
		c.lag = 0 // the last line is old because none came since
	}
	clear(c.losses)
	for reason, n := range p.Losses {
		c.lose(strings.ToValidUTF8(reason[:min(len(reason), maxLabel)], "\uFFFD"), n)
	}
}

// Gone ends the series of a source that is no more.
func (m *Metrics) Gone(name string) {
	name = strings.ToValidUTF8(name[:min(len(name), maxLabel)], "\uFFFD")
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.sources[name]
	if c == nil {
		return
	}
	delete(m.sources, name)
	if c.own {
		m.own--
	} else {
		m.gone.add(c)
	}
}

func (c *counts) lose(reason string, n int64) {
	if _, ok := c.losses[reason]; !ok && len(c.losses) >= maxReasons-1 {
		reason = traffic.Other
	}
	c.losses[reason] += n
}

func (c *counts) add(o *counts) {
	c.bytes, c.lines, c.records, c.unparsed = c.bytes+o.bytes, c.lines+o.lines, c.records+o.records, c.unparsed+o.unparsed
	if c.losses == nil {
		c.losses = make(map[string]int64)
	}
	for reason, n := range o.losses {
		c.lose(reason, n)
	}
	c.lag = max(c.lag, o.lag)
	if c.to == 0 || o.to > 0 && o.to < c.to {
		c.to = o.to
	}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("why503_ingest_"+name, help, labels, nil)
}

var (
	descSources  = desc("sources", "Inputs that are read.")
	descBytes    = desc("read_bytes_total", "Bytes that were read, uncompressed.", "source")
	descLines    = desc("lines_total", "Lines that were read.", "source")
	descRecords  = desc("records_total", "Records that the lines made.", "source")
	descUnparsed = desc("unparsed_lines_total", "Lines that do not fit the format of their source.", "source")
	descLosses   = desc("losses_total", "Lines or transactions that were lost or cut, by reason.", "source", "reason")
	descLag      = desc("lag_seconds", "How far reading is behind: the age of the last line that was read, 0 when everything was read.", "source")
	descTo       = desc("read_to_timestamp_seconds", "Event time up to which the source was read.", "source")
)

// Describe is for the Registry.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSources, descBytes, descLines, descRecords, descUnparsed, descLosses, descLag, descTo} {
		out <- d
	}
}

// Collect is for the Registry.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	rest := counts{losses: maps.Clone(m.gone.losses)}
	rest.add(&m.gone)
	n := len(m.sources)
	all := make(map[string]counts, min(n, maxSources)+1)
	shared := m.gone.lines > 0 || m.gone.bytes > 0
	for name, c := range m.sources {
		if c.own {
			own := *c
			own.losses = maps.Clone(c.losses)
			all[name] = own
		} else {
			rest.add(c)
			shared = true
		}
	}
	m.mu.Unlock()
	if shared {
		all[traffic.Other] = rest
	}
	out <- prometheus.MustNewConstMetric(descSources, prometheus.GaugeValue, float64(n))
	for name, c := range all {
		c.collect(name, out)
	}
}

func (c *counts) collect(name string, out chan<- prometheus.Metric) {
	for _, m := range []struct {
		desc  *prometheus.Desc
		typ   prometheus.ValueType
		value float64
	}{
		{descBytes, prometheus.CounterValue, float64(c.bytes)},
		{descLines, prometheus.CounterValue, float64(c.lines)},
		{descRecords, prometheus.CounterValue, float64(c.records)},
		{descUnparsed, prometheus.CounterValue, float64(c.unparsed)},
		{descLag, prometheus.GaugeValue, c.lag.Seconds()},
		{descTo, prometheus.GaugeValue, c.to.Seconds()},
	} {
		out <- prometheus.MustNewConstMetric(m.desc, m.typ, m.value, name)
	}
	for reason, n := range c.losses {
		out <- prometheus.MustNewConstMetric(descLosses, prometheus.CounterValue, float64(n), name, reason)
	}
}
