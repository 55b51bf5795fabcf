package wire

import (
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
	"why503/parse/traffic"
)

// A Message is one of *Source, *Records, *Answer, *Counts and *Progress, which a
// collector sends, or *Want and *Clock, which are sent to collectors. What a source sends
// is received in the order in which it was sent.
type Message interface{ message() }

// A Source introduces an input of a collector, before anything else of it is
// sent, and again when something of it changed.
type Source struct {
	ID          parse.SourceID
	Name        string // path or name of the stream, as reports show it
	Format      string // empty until lines of it told it
	Kind        parse.SourceKind
	Program     parse.Program
	Host, Site  string
	Fingerprint fact.Fingerprint
	Zoned       bool // its stamps print their zone
}

// Records are failed Records and signals, sent unasked, and Records that a Want
// asked for. A Record that was sent before may be sent again.
type Records struct {
	Source parse.SourceID
	// Again says that the Items stand before the position at which the source
	// was taken up again after a restart: they were sent and counted before.
	Again bool
	// Sample says that the Items only show what the source looks like, so that
	// clocks can be compared and hops put in order. They may be sent again.
	Sample bool
	Items  []Item
}

// An Item is a Record and its identity.
type Item struct {
	ID     parse.RecordID
	Record *parse.Record
}

// A Want asks every collector for Records, those it has and, until Until, those
// that it will read.
type Want struct {
	Number uint64 // of the asker, for Answer
	correlate.Want
}

// An Answer says that the Records which a source had for a Want were sent.
type Answer struct {
	Source  parse.SourceID
	Number  uint64 // of the Want
	Count   int    // how many were sent
	Covered bool   // the Want's interval was read without loss: nothing means nothing
	Cut     bool   // there were more than may be sent
}

// Progress is what a source has read and counted, sent each second. Positions
// and counts belong together: all Records before Position were sent, and
// counted in the snapshots, none behind it.
type Progress struct {
	Source   parse.SourceID
	From, To parse.Time // event time that was read without loss, on the source's own clock
	AtEnd    bool       // everything that was written so far has been read
	Lag      int64      // ns from the last line that was read to now
	Lossless bool       // nothing was lost since the source was first read
	Longest  int64      // ns, of the requests of the last minutes: how far back a failed one may reach
	Position []byte     // opaque to all but the collector

	Bytes, Lines, Records, Unparsed int64
	Losses                          map[string]int64 // by reason

	Minutes []Minute // those that changed, whole
	Seconds []Second // those that changed, whole
}

// A Minute is all traffic of the source in a minute.
type Minute struct {
	Minute traffic.Minute
	Failed int64 // answers with 5xx
	Rows   []traffic.Row[traffic.Key]
}

// A Second is how many requests of a site the source answered in a second.
type Second struct {
	Site     string
	At       int64 // seconds since the epoch, on the source's own clock
	Requests int64
}

// A Clock tells a collector what was found out about the clock of a source, in
// whose time a Want has to be looked up.
type Clock struct {
	Source parse.SourceID
	Offset int64 // ns to add to its stamps to bring them to the reference clock
	// Promotes says that the source's error lines stand for their requests, since
	// no log of requests was given.
	Promotes bool
}

// Counts are what sources counted of their own traffic, in the seconds that
// changed: what failed requests are told of their neighbours.
type Counts struct {
	Seconds []correlate.Second
}

func (*Clock) message()    {}
func (*Counts) message()   {}
func (*Source) message()   {}
func (*Records) message()  {}
func (*Answer) message()   {}
func (*Progress) message() {}
func (*Want) message()     {}
