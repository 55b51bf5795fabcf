package metrics

import (
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"why503/aggregate"
)

// exemplar names a request, by as many of its ids as there is room for: the
// uid that `why503 explain` takes, then the trace, then the request id, which
// clients send and may have made up.
//
// https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars
func exemplar(row *aggregate.Failure) prometheus.Labels {
	labels := make(prometheus.Labels, 3)
	room := prometheus.ExemplarMaxRunes
	for _, l := range [...]struct{ name, value string }{
		{"uid", row.UID}, {"trace_id", row.TraceID}, {"request_id", row.RequestID},
	} {
		n := len(l.name) + utf8.RuneCountInString(l.value)
		if l.value == "" || n > room || !utf8.ValidString(l.value) {
			continue
		}
		labels[l.name] = l.value
		room -= n
	}
	return labels
}
