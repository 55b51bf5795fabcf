package aggregate

import (
	"encoding/json"
	"time"
)

// CheckPath is where a running why503 answers a Check. Its parameters are
// window (a duration like 5m), site and backend.
const CheckPath = "/api/v1/check"

// A Check is what monitoring systems ask of a running why503: the last minutes
// in a few numbers. Its JSON is the answer to CheckPath, read by `why503 check`
// and by the Zabbix template.
type Check struct {
	WindowS   float64 `json:"window_s"`
	Requests  int64   `json:"requests"` // at client-facing hops only
	Failures  int64   `json:"failures"` // class failure only
	Undecided int64   `json:"undecided"`
	// Ratio is Failures of Requests, 0 to 1. Marshalling sets it.
	Ratio float64 `json:"failure_ratio"`
	// LagS is how far reading is behind what stands in the logs, in seconds, of
	// the source that is furthest behind.
	LagS float64 `json:"lag_s"`
	// LastLine is when the newest line of a client-facing hop was read; null
	// while there is none.
	LastLine *time.Time `json:"last_line"`
	// SilentS is how long that is ago, or since the start where no line came.
	SilentS float64 `json:"silent_s"`
	// Front is the program that writes the lines of the client-facing hop.
	Front string `json:"front"`
	// Since is when the failures that go on began: the start of the oldest open
	// incident; null when none is open.
	Since    *time.Time     `json:"since"`
	Sources  int            `json:"sources"`
	Causes   []CheckCause   `json:"causes"`   // most failures first
	Backends []CheckBackend `json:"backends"` // most failures first
}

// A CheckCause is how many failures of the window had a cause.
type CheckCause struct {
	Cause string  `json:"cause"`
	Count int64   `json:"count"`
	Share float64 `json:"share"` // of the failures, 0 to 1
}

// A CheckBackend is how a backend did in the window.
type CheckBackend struct {
	Backend  string  `json:"backend"`
	Failures int64   `json:"failures"`
	Requests int64   `json:"requests"`
	Ratio    float64 `json:"failure_ratio"` // marshalling sets it
}

// MarshalJSON writes c with its ratios, and lists that are empty rather than
// null: the discovery of Zabbix takes null for an error.
func (c Check) MarshalJSON() ([]byte, error) {
	type plain Check
	p := plain(c)
	p.Ratio = CheckRatio(c.Failures, c.Requests)
	p.Causes = append([]CheckCause{}, c.Causes...)
	p.Backends = append([]CheckBackend{}, c.Backends...)
	for i := range p.Backends {
		b := &p.Backends[i]
		b.Ratio = CheckRatio(b.Failures, b.Requests)
	}
	return json.Marshal(p)
}

// CheckRatio is failures of requests, 0 to 1. A failed request whose own line
// is not read yet makes no ratio above 1.
func CheckRatio(failures, requests int64) float64 {
	if failures <= 0 {
		return 0
	}
	return float64(failures) / float64(max(failures, requests))
}
