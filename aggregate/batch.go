package aggregate

import (
	"time"

	"why503/parse"
	"why503/parse/traffic"
)

// A Batch is what a store writes in one transaction: facts and what was counted,
// together with the positions in the sources up to which both are complete.
// Every part of it may be written again without harm.
type Batch struct {
	Facts     []Fact
	Traffic   []SourceMinute
	Seconds   []SourceSecond
	Signals   []Signal
	Incidents []Incident
	Withdrawn []string // incidents that were none after all
	Sources   []SourceState
	// Ledger is what joining lost so far, in all; nil leaves the stored one. What
	// sources lost stands in their rows.
	Ledger *Ledger
	// Settled is the event time up to which every fact is final; 0 leaves the
	// stored one. After a restart no failed Record before it asks again.
	Settled parse.Time
}

// A Fact is a diagnosed request as a store keeps it, under Row.UID.
type Fact struct {
	Row Failure
	// Version orders the states of one fact by completeness (fact.Version.Uint64).
	// A store replaces a state by one of at least its version, a final one of
	// the same version only by a final one.
	Version uint64
	// Gone says that a hop further in front turned out to be the root: the fact
	// counts nowhere any more. It stays gone.
	Gone bool
	// Background says that no client waited for the fetch.
	Background bool
	Words      string   // the cause in words
	Advice     []string // what to do, the first now, the others lasting
	// Records is the encoded Request, from which it is diagnosed again when a
	// late Record comes; nil where it is not kept.
	Records []byte
}

// A SourceMinute is all traffic of a source in a minute of event time. The
// source counts it anew from its beginning, so a later one replaces an earlier.
type SourceMinute struct {
	Source string
	Minute traffic.Minute
	Rows   []traffic.Row[traffic.Key]
	// Front says that the source is a client-facing hop: its rows are the
	// requests that failures are a share of.
	Front bool
	// Failed is the source's own count of answers with 5xx, against which the
	// facts rooted there are audited.
	Failed int64
}

// A SourceSecond is how many requests of a site ended in a second, at a
// client-facing source. A later one replaces an earlier.
type SourceSecond struct {
	Source, Site string
	At           int64 // seconds since the epoch
	Requests     int64
}

// A Signal is a line that belongs to no request, kept for requests that fail
// after a restart.
type Signal struct {
	ID     parse.RecordID
	Source string
	Time   parse.Time // on the reference clock
	Event  string     // name of the first event in it
	Record []byte     // encoded (correlate.AppendRecord)
}

// A SourceState is where reading a source goes on after a restart, and its part
// of the ledger.
type SourceState struct {
	Source          // Path is the name that all other tables use
	Position []byte // opaque: where what was counted and stored ends
	Settings []byte // opaque: format, clock, place among the hops
	LagS     float64
	ReadTo   time.Time // event time
	Updated  time.Time
}

// A Query is what page, API and reports ask a store for. Zero values do not
// limit.
type Query struct {
	From, To time.Time // by `ended`: From <= ended < To
	Site     string    // NoSite means that of requests which name none
	Cause    string    // cause or symptom
	Backend  string
	Class    string // default "failure" in lists of failures; "all" for every class
	Text     string // part of path, id, client, line or words
	Incident string // only failures in this incident's time and site
}

// NoSite stands in a Query for the site of requests that name none, since an
// empty Site means all of them.
const NoSite = "-"

// OfSite is what stands in a Query for a site.
func OfSite(name string) string {
	if name == "" {
		return NoSite
	}
	return name
}

// SiteName is the name of the site that is asked for.
func (q *Query) SiteName() string {
	if q.Site == NoSite {
		return ""
	}
	return q.Site
}

// Meets reports whether a site is asked for.
func (q *Query) Meets(site string) bool { return q.Site == "" || q.SiteName() == site }

// A Point is what happened in one step of a time series.
type Point struct {
	At       time.Time        `json:"at"`
	Requests int64            `json:"requests"`
	Failures int64            `json:"failures"`
	Causes   map[string]int64 `json:"causes"`
	Partial  bool             `json:"partial"` // facts in it may still change
	NoData   bool             `json:"no_data"` // no source covers it
}

// A Mark is a moment that a person or a deploy tool noted: a release, a fix.
type Mark struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // deploy, config, mark
	Site string    `json:"site"` // empty: all
	What string    `json:"what"`
}
