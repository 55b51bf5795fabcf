package parse

// A Time is nanoseconds since the Unix epoch, on the clock of the host that
// wrote the line, with the zone already applied. Zero is "not known".
type Time int64

// A Kind says what sort of thing a Record tells of.
type Kind uint8

const (
	KindNone    Kind = iota
	KindRequest      // a hop's view of a request that it received
	KindFetch        // a hop's attempt to get something from the next hop
	KindLog          // a line or a stack trace of a program
	KindSignal       // belongs to no request: probe state, pool full, exit, deploy
	KindSession      // a client connection of Varnish; only joins its requests
)

// A Program is the software that wrote a Record.
type Program uint8

const (
	ProgramNone Program = iota
	Varnish
	Nginx
	HAProxy
	Apache
	Envoy
	PHPFPM
	App
	Database
	Kernel
	Systemd // service managers: systemd, supervisord, runit and their like
	Deploy  // tools that change what runs: releases, configuration, migrations
	CDN
)

// A Level is the severity that a program gave its own line.
type Level uint8

const (
	LevelNone Level = iota
	LevelDebug
	LevelInfo
	LevelNotice
	LevelWarn
	LevelError
	LevelFatal // critical, alert, emergency, panic and fatal
)

// A Record is one parsed line, one stack trace or one Varnish transaction.
//
// A parser fills a Record that its caller owns. Every byte slice in it may
// alias the parser's input or its scratch space, so a Record is valid only
// until the function that was handed it returns; Clone it to keep it longer.
type Record struct {
	Kind    Kind
	Program Program
	Level   Level

	// Incomplete says that parts of the Record are known to be missing (a
	// transaction cut by overflow, a line cut by its writer), so that the
	// absence of a field proves nothing.
	Incomplete bool
	// Cut says that the response was cut after its head had been sent.
	Cut bool
	// Background marks a fetch that no client waited for.
	Background bool

	Source SourceID // which input it stands in; set by the reader of the input
	Offset int64    // first byte of its first physical line, in the uncompressed stream
	Line   int64    // number of that line, from 1
	Raw    []byte   // that first physical line as it stands, without its line end

	Time      Time  // start of what the Record tells of
	Ended     Time  // end of it; equal to Time for a Log or Signal
	Precision int64 // nanoseconds between two stamps that the format can tell apart

	Method   []byte
	URL      []byte // path and query as the hop saw it; scheme and host are cut off into Host
	Host     []byte // Host header, or the host of an absolute URL
	Protocol []byte
	Client   []byte // address of the peer, without its port
	Agent    []byte
	Status   int   // answer given to the client of this hop; 0 when none was given or known
	Bytes    int64 // body bytes sent; -1 when not known

	RequestID []byte // X-Request-ID or the program's own request id
	TraceID   []byte // 32 hex digits of traceparent
	// OwnID is the id that this hop made itself and may have handed on (nginx
	// $request_id), when it also carries the one it was given.
	OwnID []byte
	// VXID is the Varnish transaction that the Record is (Varnish's own) or
	// that sent the request it tells of (the X-Varnish header, at the origin).
	VXID uint64
	// ConnID is the program's own number for the client connection (nginx
	// $connection, the *N of its error log); 0 when not given.
	ConnID uint64
	PID    int

	// Upstreams are the attempts towards the next hop, in order. The reader may
	// reuse the backing array.
	Upstreams []Upstream

	// Message, Logger, Service, Version, Machine, Exception and Frame are what
	// program lines say of themselves. Machine is the host name in a syslog
	// header; Frame the top frame of a stack trace.
	Message, Logger, Service, Version, Machine, Exception, Frame []byte

	Notes []Note // texts that may name a cause, in the order of the file
	Tx    *Tx    // what only a Varnish transaction has; nil elsewhere
}

// A SourceID is the place of an input in the list of inputs of this run.
type SourceID int32

// An Upstream is one attempt of a proxy to get an answer from the next hop.
// Times are nanoseconds, -1 where the log has none.
type Upstream struct {
	Addr     []byte // host:port, unix:path, or a bare name when no server could be picked
	Status   int    // 0 when no status came; a proxy's own 502 or 504 is repeated here by nginx
	Connect  int64
	Header   int64
	Response int64
	Redirect bool // begins a new group after an internal redirect (nginx's colon)
}

// Reset empties r and keeps its arrays for reuse.
func (r *Record) Reset() {
	ups, notes := r.Upstreams[:0], r.Notes[:0]
	*r = Record{Upstreams: ups, Notes: notes, Bytes: -1}
}
