package rules

import (
	"math"

	"why503/parse"
)

// Facts are the scalars that free conditions (expr) can use. Durations are
// seconds, rounded to two figures, so that a storm gives few signatures.
type Facts struct {
	Program      string  `expr:"program"`       // of the hop that saw the failure: varnish, nginx, ...
	Status       int     `expr:"status"`        // that this hop answered
	FirstStatus  int     `expr:"first_status"`  // that it was about to answer before its own rules changed it
	OriginStatus int     `expr:"origin_status"` // that came from the next hop in the deciding attempt
	Cut          bool    `expr:"cut"`           // the answer was cut after its head
	Handling     string  `expr:"handling"`      // hit, miss, pass, hitmiss, hitpass, pipe, synth
	Attempts     int     `expr:"attempts"`
	Restarts     int     `expr:"restarts"`
	FetchErrors  int     `expr:"fetch_errors"` // in the deciding attempt
	Detailed     bool    `expr:"detailed"`     // the hop's log is a transaction, not an access line
	Synth        bool    `expr:"synth"`        // the hop made the answer itself
	VCLFailed    bool    `expr:"vcl_failed"`
	VCLError     bool    `expr:"vcl_error"` // rules turned the fetch into an error
	Abandoned    bool    `expr:"abandoned"`
	MadeError    bool    `expr:"made_error"` // the deciding attempt ended in an error object
	Opened       bool    `expr:"opened"`     // a connection was there
	Sent         bool    `expr:"sent"`       // the request was sent
	Reused       bool    `expr:"reused"`
	Queued       bool    `expr:"queued"`    // it waited for the fetch of another request
	Unix         bool    `expr:"unix"`      // the next hop is a Unix socket
	TimedOut     bool    `expr:"timed_out"` // the proxy gave the deciding attempt up and made a 504 of it
	Idle         float64 `expr:"idle"`      // s that the connection had been idle, -1 not known
	Took         float64 `expr:"took"`      // s of the span that ended in the failure
	Duration     float64 `expr:"duration"`  // s of the whole request at this hop
	Reason       string  `expr:"reason"`    // reason phrase, lower case, 64 bytes at most

	// What the next hops say of the same request.
	OriginSeen   bool    `expr:"origin_seen"`    // a record of the next hop is joined
	OriginEnd    float64 `expr:"origin_end"`     // s after the hop gave up that it ended; negative before
	OriginAnswer int     `expr:"origin_answer"`  // status in that record
	OriginAbsent bool    `expr:"origin_absent"`  // no such record, although the log covers the time
	Unserved     bool    `expr:"unserved"`       // a 502, 503 or 504 of which no program behind the proxies is seen to be the author
	UsuallySlow  bool    `expr:"usually_slow"`   // good answers took about as long as the proxy waited, also before
	VersionMoved bool    `expr:"version_change"` // joined records are of different versions
}

// numbers are the facts that a condition may compare by name.
var numbers = map[string]func(*Facts) float64{
	"status":        func(f *Facts) float64 { return float64(f.Status) },
	"first_status":  func(f *Facts) float64 { return float64(f.FirstStatus) },
	"origin_status": func(f *Facts) float64 { return float64(f.OriginStatus) },
	"origin_answer": func(f *Facts) float64 { return float64(f.OriginAnswer) },
	"origin_end":    func(f *Facts) float64 { return f.OriginEnd },
	"attempts":      func(f *Facts) float64 { return float64(f.Attempts) },
	"restarts":      func(f *Facts) float64 { return float64(f.Restarts) },
	"fetch_errors":  func(f *Facts) float64 { return float64(f.FetchErrors) },
	"idle":          func(f *Facts) float64 { return f.Idle },
	"took":          func(f *Facts) float64 { return f.Took },
	"duration":      func(f *Facts) float64 { return f.Duration },
}

// flags are the facts that a condition may ask for by name.
var flags = map[string]func(*Facts) bool{
	"cut":            func(f *Facts) bool { return f.Cut },
	"detailed":       func(f *Facts) bool { return f.Detailed },
	"synth":          func(f *Facts) bool { return f.Synth },
	"vcl_failed":     func(f *Facts) bool { return f.VCLFailed },
	"vcl_error":      func(f *Facts) bool { return f.VCLError },
	"abandoned":      func(f *Facts) bool { return f.Abandoned },
	"made_error":     func(f *Facts) bool { return f.MadeError },
	"opened":         func(f *Facts) bool { return f.Opened },
	"sent":           func(f *Facts) bool { return f.Sent },
	"reused":         func(f *Facts) bool { return f.Reused },
	"queued":         func(f *Facts) bool { return f.Queued },
	"timed_out":      func(f *Facts) bool { return f.TimedOut },
	"unix":           func(f *Facts) bool { return f.Unix },
	"origin_seen":    func(f *Facts) bool { return f.OriginSeen },
	"origin_absent":  func(f *Facts) bool { return f.OriginAbsent },
	"unserved":       func(f *Facts) bool { return f.Unserved },
	"usually_slow":   func(f *Facts) bool { return f.UsuallySlow },
	"version_change": func(f *Facts) bool { return f.VersionMoved },
}

var handlingNames = [...]string{"", "hit", "miss", "pass", "hitmiss", "hitpass", "pipe", "synth"}

var programNames = [...]string{"", "varnish", "nginx", "haproxy", "apache", "envoy", "php_fpm", "app", "database", "kernel", "systemd", "deploy", "cdn"}

func programName(p parse.Program) string {
	if int(p) < len(programNames) {
		return programNames[p]
	}
	return ""
}

// seconds rounds to two figures: enough for every condition on a duration, and
// coarse enough for requests of one storm to look alike.
func seconds(ns int64) float64 {
	if ns == 0 {
		return 0
	}
	s := float64(ns) / 1e9
	a := math.Abs(s)
	if a < 0.001 {
		return math.Round(s*1e4) / 1e4
	}
	unit := math.Pow(10, math.Floor(math.Log10(a))-1)
	return math.Round(s/unit) * unit
}
