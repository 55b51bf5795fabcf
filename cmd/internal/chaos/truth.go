package chaos

import (
	"time"

	"why503/cmd/internal/loggen"
	"why503/parse/traffic"
)

// truth is what the daemons know.
type truth struct {
	fates    map[string]loggen.Fate // of requests that failed, by request id
	numbers  map[string]int64       // of all requests
	minutes  map[minuteOf]int64     // requests
	byNumber map[int64][]minuteOf   // where a request was counted
	last     time.Time              // end of the last failure
	requests int64
}

// A minuteOf is what requests are counted under, as far as a daemon knows.
type minuteOf struct {
	file   string
	minute traffic.Minute
	class  int // of the status
}

func newTruth() *truth {
	return &truth{fates: make(map[string]loggen.Fate), numbers: make(map[string]int64), minutes: make(map[minuteOf]int64), byNumber: make(map[int64][]minuteOf)}
}

func (t *truth) take(e *loggen.Entry) {
	name := loggen.Files()[e.File]
	if e.Status != 0 {
		m := minuteOf{name, traffic.Minute(printed(name, e.At) / 60e9), e.Status / 100}
		t.minutes[m]++
		t.byNumber[e.Of.Number] = append(t.byNumber[e.Of.Number], m)
	}
	if name != "varnishlog.log" {
		return
	}
	t.requests++
	t.numbers[e.Of.ID] = e.Of.Number
	if e.Of.Failed() {
		t.fates[e.Of.ID] = e.Of
		if at := time.Unix(0, e.Of.Ended); at.After(t.last) {
			t.last = at
		}
	}
}

// printed is the end of a request as its line tells it.
func printed(file string, at int64) int64 {
	switch file {
	case "varnishlog.log":
		return at / 1000 * 1000
	}
	return at / 1e6 * 1e6
}
