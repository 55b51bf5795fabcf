package aggregate

import "time"

// A Summary is what one run, or one panel, says of all requests together. Its
// JSON is the contract of `--output json`; fields with json:"-" are what the
// terminal report needs beside it.
type Summary struct {
	Window    Window           `json:"window"`
	Requests  int64            `json:"requests"` // at client-facing hops only
	Failures  int64            `json:"failures"` // class failure only
	Classes   map[string]int64 `json:"classes"`
	Ratio     float64          `json:"failure_ratio"`
	Reached   map[string]int64 `json:"reached"` // of class failure
	Causes    []Cause          `json:"causes"`
	Incidents []Incident       `json:"incidents"`
	Sources   []Source         `json:"sources"`
	Ledger    Ledger           `json:"ledger"`

	// Undecided counts failures whose cause these logs cannot decide, and what
	// is missing for how many of them, most first.
	Undecided int64          `json:"undecided"`
	Missing   []MissingCount `json:"missing"`

	// Others are the cause rows of the classes that are no failures, for the
	// one line below `cause`.
	Others []Cause `json:"others"`

	All    Series `json:"-"` // requests at client-facing hops by ended
	Failed Series `json:"-"` // failures by ended
	// Partial is set when the run was stopped before everything was read.
	Partial *Partial `json:"partial,omitempty"`
	// Warnings are sentences for stderr and the foot of the report: a zone that
	// was corrected, a file that had to be sorted.
	Warnings []string `json:"warnings"`
	Joined   []Joined `json:"joined"`
}

// Window is the time that the logs cover, of client-facing hops.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Partial says how far a run came that was stopped.
type Partial struct {
	Share float64   `json:"share"` // of the bytes
	UpTo  time.Time `json:"up_to"`
}

// A Cause is one row: the requests with this cause and symptom.
type Cause struct {
	Cause      string    `json:"cause"`
	Symptom    string    `json:"symptom"`
	Count      int64     `json:"count"`
	Share      float64   `json:"share"` // of the failures
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Backends   []Count   `json:"backends"`
	Routes     []Count   `json:"routes"`
	Advice     []string  `json:"advice"`
	Layer      string    `json:"layer"`
	Class      string    `json:"class"`
	Words      string    `json:"words"`      // the cause in words, of its most typical request
	Confidence float64   `json:"confidence"` // mean
	Decidable  int64     `json:"decidable"`  // how many of Count
	Crawlers   int64     `json:"crawlers"`
	// Background is how many were fetches that no client waited for.
	Background int64 `json:"background"`
	// Chain is the chain that most of these requests have, of a typical one.
	Chain []ChainLink `json:"chain"`
	// UID and ID name that typical request, for `why503 explain`.
	UID string `json:"uid"`
	ID  string `json:"explain"`

	Failed Series `json:"-"` // this row's requests by ended, in the bins of Summary.Failed
}

// A ChainLink is a Link of a typical request and how many share it.
type ChainLink struct {
	Link
	N        int64   `json:"n"`        // requests of the row that have a link of this cause
	Inferred float64 `json:"inferred"` // score of an inferred join, 0 when by id
}

// Count is a name and how many.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
	Of    int64  `json:"of"` // requests of that name, failed or not; 0 when not known
}

// An Incident is a time of abnormally many failures at one site.
type Incident struct {
	ID           string           `json:"id"`
	Site         string           `json:"site"`
	Start        time.Time        `json:"start"`
	End          time.Time        `json:"end"`
	Ongoing      bool             `json:"ongoing"`
	DurationS    float64          `json:"duration_s"`
	Failures     int64            `json:"failures"`
	Requests     int64            `json:"requests"`
	Clients      int64            `json:"clients"`
	PeakRatio    float64          `json:"peak_ratio"`
	Causes       []Cause          `json:"causes"`
	Trigger      *Trigger         `json:"trigger"`
	Localisation []Local          `json:"localisation"`
	Chain        []ChainLink      `json:"chain"`
	WhatIf       []struct{}       `json:"whatif"`
	Recurrence   *struct{}        `json:"recurrence"`
	MergedInto   string           `json:"merged_into,omitempty"`
	Reached      map[string]int64 `json:"reached"`
	Undecided    int64            `json:"undecided"`
	Missing      []MissingCount   `json:"missing"`
	Sentence     string           `json:"sentence"`
}

// Local is a part of the traffic that an incident keeps to.
type Local struct {
	Where        map[string]string `json:"where"`
	Share        float64           `json:"share"`
	Baseline     float64           `json:"baseline"`
	OutsideRatio float64           `json:"outside_ratio"`
}

// A MissingCount is a missing log and how many requests it would decide.
type MissingCount struct {
	Missing
	Count int64 `json:"count"`
}

// A Source is one input and what became of its lines.
type Source struct {
	Path     string    `json:"path"`
	Format   string    `json:"format"`
	Host     string    `json:"host"`
	Lines    int64     `json:"lines"`
	Records  int64     `json:"records"`
	Skipped  int64     `json:"skipped"`
	SkewMS   float64   `json:"skew_ms"`
	Zone     string    `json:"zone"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Lossless bool      `json:"lossless"`

	Program string   `json:"program"`
	Bytes   int64    `json:"bytes"`
	Clock   string   `json:"clock"`           // reference, within 1 ms, 1 s stamps, 7.0 s ahead
	Sorted  bool     `json:"sorted"`          // its lines were not in order
	Losses  []Loss   `json:"losses"`          // why Lossless is false
	Samples []string `json:"skipped_samples"` // the first lines that could not be read, shortened
	Note    string   `json:"note"`            // "no known log format. Tried 31 ...", else empty
}

// A Loss is a counted reason.
type Loss struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// Ledger counts what was lost on the way from line to verdict.
type Ledger struct {
	Unparsed  int64 `json:"unparsed"`
	Evicted   int64 `json:"evicted"`
	Unjoined  int64 `json:"unjoined"`
	Ambiguous int64 `json:"ambiguous"`
	Overruns  int64 `json:"overruns"`
	Late      int64 `json:"late"`
}

// Joined says for how many of the requests that could be joined a kind of key did it.
type Joined struct {
	By string `json:"by"`
	N  int64  `json:"n"`
	Of int64  `json:"of"`
}

// A Series is counts in equal steps of time.
type Series struct {
	Start  time.Time
	Step   time.Duration
	Counts []int64
}
