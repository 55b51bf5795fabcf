package aggregate

// What stores do. There is no interface here: who calls a store declares the
// methods that it calls. localstore (SQLite) and chstore (ClickHouse) both have
//
//	Write(ctx, *Batch) error
//	Summary(ctx, Query) (*Summary, error)
//	Timeseries(ctx, Query, step time.Duration) ([]Point, error)
//	Failures(ctx, Query, cursor string, limit int) (rows []Failure, next string, err error)
//	Find(ctx, id string) ([]Failure, error)          // uid, request id, trace id, VXID; or an unambiguous part of a uid
//	Records(ctx, uid string) (request []byte, version uint64, err error)
//	Incidents(ctx, Query, cursor string, limit int) (list []Incident, next string, err error)
//	Incident(ctx, id string) (*Incident, error)      // id or an unambiguous part of it
//	Sources(ctx) ([]SourceState, error)
//	Signals(ctx, from, to parse.Time) ([]Signal, error)
//	Seconds(ctx, from int64) ([]SiteSecond, error)   // requests and failures by cause of each second, for the detector
//	Minute(ctx, source string, m traffic.Minute) (*SourceMinute, error)
//	Settled(ctx) (parse.Time, error)
//	Marks(ctx, Query) ([]Mark, error); Mark(ctx, Mark) error
//	Clients(ctx, Query) (int64, error)               // an estimate of how many different clients failed
//	Maintain(ctx) error                              // once a minute: hours and days are summed up, what is old goes
//
// and are held to them by package storetest. A row that does not exist is
// ErrNotFound; a damaged or newer store is told by the error's text.

import "errors"

// ErrNotFound says that a store has no such request or incident.
var ErrNotFound = errors.New("not found")

// A SiteSecond is a second of a site as the incident detector takes it.
type SiteSecond struct {
	Site        string
	At          int64 // seconds since the epoch
	Requests    int64
	Failures    int64
	First, Last int64            // ns since the epoch, of the failures
	Causes      map[string]int64 // of the failures
}
