package parse

import "encoding/hex"

// A RecordID names a Record by where it stands in its source, so that a
// re-send or a second reading carries the same id. See package fact.
type RecordID [16]byte

// String returns the id as 32 hex digits.
func (id RecordID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id names nothing.
func (id RecordID) IsZero() bool { return id == RecordID{} }

// A Request is a failed request as a fact: the root Record (client-facing, of
// the outermost hop known) and every Record that was joined to it. It only
// grows; everything else about it is computed from what it holds.
type Request struct {
	UID   RecordID
	Parts []Part // Parts[0] is the root; the others in order of (depth, time, id)

	// Signals belong to no request: what other lines said about the backends
	// and programs of this one, in a fixed event-time window around it.
	Signals []Part

	// Coverage says for each kind of source whether it was given and read over
	// the Request's time without loss. Absence proves something only there.
	Coverage []Coverage

	// Neighbours is what the hops counted of their own traffic around the Request;
	// nil where nothing was counted. A healthy neighbour itself is never in it.
	Neighbours []Neighbours

	Revision int
	Final    bool
}

// Root returns the Record that gives the Request its name.
func (q *Request) Root() *Record { return q.Parts[0].Record }

// A Part is a Record inside a Request and how it came there.
type Part struct {
	ID     RecordID
	Record *Record
	// Depth counts hops from the root: 0 the root itself, 1 what it asked
	// (a Varnish fetch, an nginx upstream's request line), and so on. A log
	// line has the depth of the hop that wrote it.
	Depth int
	// Parent is the index in Parts of the Record that this one hangs under; -1
	// for the root and for Signals.
	Parent int
	Join   Join
	// Offset is what must be added to the Record's times to bring them to the
	// root's clock, in nanoseconds.
	Offset int64
	// Host is the machine the Record's source is of; empty when not known.
	Host string
	// Kind is the kind of source that it stands in.
	Kind SourceKind
	// File names the source, in a Request that left those who know its number;
	// else empty.
	File string
}

// A Join says how a Record was recognised as belonging to a Request.
type Join struct {
	How      JoinHow
	Score    float64 // of an inferred join, 0 to 1
	RunnerUp float64 // score of the next best candidate
}

// A JoinHow is the evidence that two Records are of one request.
type JoinHow uint8

const (
	JoinRoot       JoinHow = iota
	JoinLink               // Varnish Begin and Link
	JoinVXID               // X-Varnish header
	JoinRequestID          // X-Request-ID or the program's own id handed on
	JoinTraceID            // traceparent
	JoinConnection         // connection number and request line (nginx error log)
	JoinInferred           // client, method, path, upstream, status, time: scored
	JoinSignal             // not of this request; near in time and of its backend
)

func (h JoinHow) String() string {
	return [...]string{"root", "link", "x-varnish", "request-id", "trace-id", "connection", "inferred", "signal"}[h]
}

// A SourceKind is what sort of log an input is, as `missing` names it.
type SourceKind uint8

const (
	SourceOther SourceKind = iota
	SourceVarnishlog
	SourceVarnishncsa
	SourceNginxAccess
	SourceNginxError
	SourceHAProxy
	SourceApacheAccess
	SourceApacheError
	SourceEnvoy
	SourceApp
	SourcePHPFPM
	SourcePHPFPMSlow
	SourceDatabase
	SourceDatabaseSlow
	SourceKernel
	SourceJournal
	SourceKubernetes
	SourceChanges
	SourceCDN
	// SourcePHPFPMAccess is PHP-FPM's access log: it tells of requests as the
	// pool's own log does not, and nothing of the pool. It is never missed.
	SourcePHPFPMAccess
	NumSourceKinds
)

var sourceKindNames = [NumSourceKinds]string{
	"other", "varnishlog", "varnishncsa", "nginx_access", "nginx_error", "haproxy", "apache_access", "apache_error", "envoy",
	"app", "php_fpm", "php_fpm_slow", "database", "database_slow", "kernel", "journal", "kubernetes", "changes", "cdn", "php_fpm_access",
}

func (k SourceKind) String() string { return sourceKindNames[k] }

// SourceKindOf returns the kind of that name.
func SourceKindOf(name string) (SourceKind, bool) {
	for i, n := range sourceKindNames {
		if n == name {
			return SourceKind(i), true
		}
	}
	return SourceOther, false
}

// A Coverage is what a source can vouch for.
type Coverage struct {
	Source   SourceID
	Kind     SourceKind
	Host     string
	From, To Time // event time that was read, on the reference clock
	Lossless bool // nothing in it was skipped, cut or overrun
	// Asked says that it is the log of what the Request was sent to, as far as
	// other requests to the same address showed: a line of the Request would
	// stand there.
	Asked bool
	// Elsewhere says that it is the log of something that is known to answer at
	// other addresses than those that the Request was sent to.
	Elsewhere bool
	// Front says that the source is of a hop in front of (or the same as) the
	// root's, so that it cannot say what happened behind it.
	Front bool
}

// Covers reports whether the source was read without loss from a to b.
func (c Coverage) Covers(a, b Time) bool { return c.Lossless && c.From <= a && b <= c.To }

// Neighbours is what the sources of one hop counted of their own traffic around
// a Request: of all of it, of one backend, or of one route. It is measured over
// whole minutes and the second of the failure, so that it does not depend on
// which other requests failed.
type Neighbours struct {
	Source SourceID // one that counted; a Part of the Request stands in it
	Of     Traffic
	Name   string // the backend or the route; empty for the whole hop

	InFlight int    // begun and not ended when the Part ended
	Held     []Held // of a whole hop: the routes with most of them, most first

	// Usual is how long good answers usually took before: in nine of ten of the
	// Minutes with good answers the middle one took at least so long (ns). The
	// last of these minutes ended a minute before that of the failure, the first
	// began Since before it (ns). Good counts the answers.
	Usual   int64
	Minutes int
	Good    int
	Since   int64

	Walls []Wall // by End, then Value
}

// Traffic says what was counted.
type Traffic uint8

const (
	OfHop     Traffic = iota // all that a program was asked for, or asked for itself (Varnish's fetches)
	OfBackend                // what it asked of one backend: Varnish's name of it, or an address
	OfRoute                  // what was asked for by one route
	NumTraffic
)

// A Held is how many of the requests in flight were of a route.
type Held struct {
	Route    string
	InFlight int
}

// A Wall is a duration at which far more attempts or requests ended in one way
// than just before and after, so that a limit must stand there.
type Wall struct {
	End   End
	Value int64 // ns
	N     int   // how many ended there
	Of    int   // of how many that ended so, half as long to twice as long
}
