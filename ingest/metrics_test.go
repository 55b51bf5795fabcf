package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"why503/parse/wire"
)

func TestMetricsShowWhatSourcesSay(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := NewMetrics(reg)
	p := wire.Progress{
		To: 1767323105_500000000, Lag: 1_500_000_000, Bytes: 4096, Lines: 40, Records: 38, Unparsed: 2, Losses: map[string]int64{"overrun": 3},
	}
	m.Progress("/var/log/a\xff.log", &p)
	m.Progress("/var/log/gone.log", &p)
	m.Progress("idle.log", &wire.Progress{AtEnd: true, Lag: 3600_000_000_000})
	m.Gone("/var/log/gone.log")
	m.Gone("/var/log/never.log")
	const want = `
# HELP why503_ingest_lag_seconds How far reading is behind: the age of the last line that was read, 0 when everything was read.
# TYPE why503_ingest_lag_seconds gauge
why503_ingest_lag_seconds{source="/var/log/a�.log"} 1.5
why503_ingest_lag_seconds{source="idle.log"} 0
# HELP why503_ingest_lines_total Lines that were read.
# TYPE why503_ingest_lines_total counter
why503_ingest_lines_total{source="/var/log/a�.log"} 40
why503_ingest_lines_total{source="idle.log"} 0
# HELP why503_ingest_losses_total Lines or transactions that were lost or cut, by reason.
# TYPE why503_ingest_losses_total counter
why503_ingest_losses_total{reason="overrun",source="/var/log/a�.log"} 3
# HELP why503_ingest_read_bytes_total Bytes that were read, uncompressed.
# TYPE why503_ingest_read_bytes_total counter
why503_ingest_read_bytes_total{source="/var/log/a�.log"} 4096
why503_ingest_read_bytes_total{source="idle.log"} 0
# HELP why503_ingest_read_to_timestamp_seconds Event time up to which the source was read.
# TYPE why503_ingest_read_to_timestamp_seconds gauge
why503_ingest_read_to_timestamp_seconds{source="/var/log/a�.log"} 1.7673231055e+09
why503_ingest_read_to_timestamp_seconds{source="idle.log"} 0
# HELP why503_ingest_records_total Records that the lines made.
# TYPE why503_ingest_records_total counter
why503_ingest_records_total{source="/var/log/a�.log"} 38
why503_ingest_records_total{source="idle.log"} 0
# HELP why503_ingest_sources Inputs that are read.
# TYPE why503_ingest_sources gauge
why503_ingest_sources 2
# HELP why503_ingest_unparsed_lines_total Lines that do not fit the format of their source.
# TYPE why503_ingest_unparsed_lines_total counter
why503_ingest_unparsed_lines_total{source="/var/log/a�.log"} 2
why503_ingest_unparsed_lines_total{source="idle.log"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsOfManySourcesAreBounded(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := NewMetrics(reg)
	losses := make(map[string]int64)
	for i := range 5 * maxReasons {
		losses[fmt.Sprint("reason ", i)] = 1
	}
	const beyond = 500
	for i := range maxSources + beyond {
		p := wire.Progress{Lines: 10}
		if i == 0 {
			p.Losses = losses
		}
		m.Progress(fmt.Sprintf("%05d.log", i), &p)
	}
	other := func() float64 {
		t.Helper()
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			switch n := len(f.GetMetric()); f.GetName() {
			case "why503_ingest_losses_total":
				if n != maxReasons {
					t.Errorf("%d reasons, want %d", n, maxReasons)
				}
			case "why503_ingest_lines_total":
				if n != maxSources+1 {
					t.Errorf("%d sources, want %d", n, maxSources+1)
				}
				for _, s := range f.GetMetric() {
					if s.GetLabel()[0].GetValue() == "other" {
						return s.GetCounter().GetValue()
					}
				}
			}
		}
		t.Fatal("the sources beyond the bound are not counted")
		return 0
	}
	if got := other(); got != 10*beyond {
		t.Errorf("%v lines of other sources, want %d", got, 10*beyond)
	}
	for i := range 100 { // rotated away
		m.Gone(fmt.Sprintf("%05d.log", maxSources+i))
	}
	if got := other(); got != 10*beyond {
		t.Errorf("%v lines of other sources after some have gone: a counter never falls", got)
	}
}
