package correlate

import (
	"math"
	"sync/atomic"

	"why503/parse"
	"why503/parse/fact"
)

// A Source is an input as the join sees it.
type Source struct {
	ID          parse.SourceID
	Kind        parse.SourceKind
	Program     parse.Program
	Host        string
	Fingerprint fact.Fingerprint

	// Offset is added to the source's stamps to bring them to the reference
	// clock (ns): the wrong zone and the skew together.
	Offset int64
	// Rank counts the hops in front of this one that are known: 0 is
	// client-facing. Two sources of equal rank are not in front of each other.
	Rank int
	// HasIDs says that its requests carry an id that hops in front of it also
	// log, so that a join without one would be a guess against evidence.
	HasIDs bool
	// Twin is set when another source tells of the same requests and says more.
	Twin *Twin

	// LineID names a line by its offset and number; nil where the Fingerprint
	// names all of them. Any number of goroutines may call it.
	LineID func(offset, number int64) parse.RecordID

	// From and To bound the event time that was read so far, on the reference
	// clock; Done says that To is the end of the source. From may be known
	// before it is read. Records without a time do not count.
	From, To parse.Time
	Done     bool
	lossy    atomic.Bool
	clients  bool // it holds Varnish's answers to clients, not its fetches alone
}

// Lose says that something of the source could not be read, so that absence in
// it proves nothing. The goroutine that reads the source may call it.
func (s *Source) Lose() { s.lossy.Store(true) }

// Lossless reports whether everything that was read so far could be read.
func (s *Source) Lossless() bool { return !s.lossy.Load() }

// NewSource returns a source that has not been read.
func NewSource(id parse.SourceID, kind parse.SourceKind, program parse.Program, host string, fp fact.Fingerprint) *Source {
	return &Source{
		ID: id, Kind: kind, Program: program, Host: host, Fingerprint: fp,
		From: math.MaxInt64, To: math.MinInt64,
	}
}

// coverage is what the source can vouch for when all sources have been read up
// to now: it has no line because nothing was written. A log of requests that
// ended long before now was not quiet but cut off.
func (s *Source) coverage(now parse.Time, front bool) parse.Coverage {
	c := parse.Coverage{Source: s.ID, Kind: s.Kind, Host: s.Host, From: s.From, To: max(s.To, now), Lossless: s.Lossless(), Front: front}
	if s.Done && Requests(s.Kind) {
		c.To = min(c.To, max(s.To, s.From)+quiet)
	}
	return c
}

// quiet is how long after its last line a log of requests is believed to have
// none because nobody asked: a server that is down may stay so, and a copy that
// was taken earlier looks the same.
const quiet = parse.Time(30 * 60e9)

// RecordID is the identity of a Record of this source.
func (s *Source) RecordID(r *parse.Record) parse.RecordID {
	if r.Tx != nil && r.VXID != 0 {
		return fact.TxID(s.Host, r.VXID, r.Tx.Type, r.Time)
	}
	if s.LineID != nil {
		return s.LineID(r.Offset, r.Line)
	}
	return fact.LineID(s.Fingerprint, r.Offset)
}

// Requests reports whether a kind of source tells of single requests, so that
// a failed one in it may be a root.
func Requests(k parse.SourceKind) bool {
	switch k {
	case parse.SourceVarnishlog, parse.SourceVarnishncsa, parse.SourceNginxAccess, parse.SourceHAProxy,
		parse.SourceApacheAccess, parse.SourceEnvoy, parse.SourceApp, parse.SourcePHPFPMAccess, parse.SourceCDN:
		return true
	}
	return false
}
