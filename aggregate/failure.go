package aggregate

// SchemaVersion is written as "schema" into every row. Adding a field does not
// change it.
const SchemaVersion = 1

// A Failure is one request of the list: a line of NDJSON, a row of the table
// failures. Every field is always written, also when it is empty. Times are
// RFC 3339 with microseconds in UTC, durations milliseconds unless named
// otherwise; text that is not UTF-8 has its bytes as \xNN.
type Failure struct {
	Schema      int               `json:"schema"`
	UID         string            `json:"uid"`
	Revision    int               `json:"revision"`
	Final       bool              `json:"final"`
	Class       string            `json:"class"`
	Site        string            `json:"site"`
	Time        string            `json:"time"`
	Ended       string            `json:"ended"`
	DurationMS  float64           `json:"duration_ms"`
	Status      int               `json:"status"`
	Cut         bool              `json:"cut"`
	Method      string            `json:"method"`
	Host        string            `json:"host"`
	Path        string            `json:"path"`
	Route       string            `json:"route"`
	Bytes       int64             `json:"bytes"`
	Protocol    string            `json:"protocol"`
	RequestID   string            `json:"request_id"`
	TraceID     string            `json:"trace_id"`
	VXID        uint64            `json:"vxid"`
	Client      string            `json:"client"`
	ClientHash  string            `json:"client_hash"`
	ClientClass string            `json:"client_class"` // person, crawler, monitor, unknown
	Proxy       string            `json:"proxy"`        // program@host, or the program alone
	Handling    string            `json:"handling"`
	Backend     string            `json:"backend"`
	BackendAddr string            `json:"backend_addr"`
	ConnReused  bool              `json:"conn_reused"`
	OriginCode  int               `json:"origin_status"`
	Versions    map[string]string `json:"versions"`
	Attempts    []Attempt         `json:"attempts"`
	Reached     string            `json:"reached"`
	Symptom     string            `json:"symptom"`
	Cause       string            `json:"cause"`
	Layer       string            `json:"layer"`
	Confidence  float64           `json:"confidence"`
	Decidable   bool              `json:"decidable"`
	Missing     []Missing         `json:"missing"`
	Join        Join              `json:"join"`
	Evidence    string            `json:"evidence"` // complete, or incomplete when a Record is known to be cut
	Trigger     *Trigger          `json:"trigger"`
	Chain       []Link            `json:"chain"`
}

// An Attempt is one try to get an answer from a backend. Times are ms since
// the request began, null where the log does not say.
type Attempt struct {
	Backend     string   `json:"backend"`
	Addr        string   `json:"addr"`
	VXID        uint64   `json:"vxid"`
	SentMS      *float64 `json:"sent_ms"`
	FirstByteMS *float64 `json:"first_byte_ms"`
	ClosedMS    *float64 `json:"closed_ms"`
	Error       string   `json:"error"`
}

// Missing is a log that would have decided.
type Missing struct {
	Source      string `json:"source"`
	Kind        string `json:"source_kind"`
	Why         string `json:"why"` // not_given, not_covered, lossy, sampled
	WouldDecide string `json:"would_decide"`
	Snippet     string `json:"snippet"`
}

// Join says how the weakest link of the request's Records was made.
type Join struct {
	How      string   `json:"how"`
	Score    *float64 `json:"score"`
	RunnerUp *float64 `json:"runner_up"`
}

// Trigger is a change shortly before the failure.
type Trigger struct {
	Kind    string  `json:"kind"`
	What    string  `json:"what"`
	BeforeS float64 `json:"before_s"`
}

// Link is one step from the symptom to the cause.
type Link struct {
	Cause   string  `json:"cause"`
	Level   string  `json:"level"`
	Time    string  `json:"time"`
	DelayMS float64 `json:"delay_ms"`
	Host    string  `json:"host"`
	Program string  `json:"program"`
	File    string  `json:"file"`
	Offset  int64   `json:"offset"`
	Line    string  `json:"line"`
	Rule    string  `json:"rule"`
	Words   string  `json:"words"` // our own sentence about it
	LineNo  int64   `json:"line_no"`
}
