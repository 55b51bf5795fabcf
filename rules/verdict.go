package rules

import "why503/parse"

// A Class says whether a request counts as a failure.
type Class uint8

const (
	ClassNone       Class = iota // nothing went wrong
	ClassFailure                 // counts: a client got an error or a cut answer
	ClassDeliberate              // maintenance, synthetic answer, limit by policy
	ClassClient                  // the client left or sent nonsense
	ClassPartial                 // an ESI child inside a good page
	ClassSaved                   // a retry or a stale object hid the failure
	NumClasses
)

func (c Class) String() string {
	return [...]string{"none", "failure", "deliberate", "client", "partial", "saved"}[c]
}

// Reached is the first split: how far the request came.
type Reached uint8

const (
	ReachedUnknown Reached = iota
	ReachedNotSent         // the proxy did not want the origin
	ReachedNever           // it wanted it and did not get there
	ReachedOrigin          // the origin answered with a 5xx
	ReachedLost            // the origin answered, and the answer was lost on the way
	ReachedLate            // the origin finished after the proxy had given up
	NumReached
)

func (r Reached) String() string {
	return [...]string{"unknown", "not_sent", "never", "origin_5xx", "lost", "late"}[r]
}

// A Verdict is what can be said about one failed request.
type Verdict struct {
	Class   Class
	Reached Reached
	// Symptom is what the innermost Varnish that saw the request fail saw, else
	// the outermost hop that did; Cause the deepest link that evidence supports.
	// Both are slugs of the taxonomy.
	Symptom, Cause string
	Layer          string // who can act: the owner of the cause
	Confidence     float64
	// Decidable is true when no log that this path implies could lead deeper.
	// When it is false, Missing is not empty.
	Decidable bool
	Missing   []Missing
	Chain     []Link // symptom first, cause last
	Trigger   *Trigger
	Words     string   // the cause in words, for the sentence: "nothing listened at 10.0.0.5:8080"
	Advice    []string // now, then lasting
}

// A Link is one step of a chain and the line that proves it.
type Link struct {
	Cause  string
	Level  string // symptom, root or info
	Rule   string
	Words  string
	Part   int // index into Request.Parts, or len(Parts)+index into Request.Signals
	Note   int // index into that Record's Notes; -1: the Record's own line
	Time   parse.Time
	Delay  int64 // ns after the symptom; negative when before it
	Source parse.SourceID
	Offset int64
	LineNo int64
	Line   []byte // verbatim
	// File is the configuration that Line stands in, where it is a setting that
	// proves the link; empty otherwise.
	File string
}

// Missing is a log that would have decided.
type Missing struct {
	Source      string // in words: "nginx error log on app-1"
	Kind        parse.SourceKind
	Why         Why
	WouldDecide string
	Snippet     string // what to paste, so that it is there next time
}

// Why says what kept a source from deciding.
type Why uint8

const (
	NotGiven Why = iota
	NotCovered
	Lossy
	Sampled
)

func (w Why) String() string { return [...]string{"not_given", "not_covered", "lossy", "sampled"}[w] }

// A Trigger is a change that came shortly before the first failure.
type Trigger struct {
	Kind   string // deploy, reload, restart
	What   string
	Before int64 // ns before the request failed
}
