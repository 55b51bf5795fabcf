package live

import (
	"context"
	"log/slog"
	"time"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// A Store is what a Core needs of the store.
type Store interface {
	Write(ctx context.Context, b *aggregate.Batch) error
	Settled(ctx context.Context) (parse.Time, error)
	Signals(ctx context.Context, from, to parse.Time) ([]aggregate.Signal, error)
	Seconds(ctx context.Context, from int64) ([]aggregate.SiteSecond, error)
	Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Failure, string, error)
	Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Incident, string, error)
	Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error)
	Records(ctx context.Context, uid string) (request []byte, version uint64, err error)
	Minute(ctx context.Context, source string, m traffic.Minute) (*aggregate.SourceMinute, error)
	Clients(ctx context.Context, q aggregate.Query) (int64, error)
}

// Metrics are told what happens; see package metrics.
type Metrics interface {
	Final(row *aggregate.Failure)
	Stored(final bool, after time.Duration)
	StoreWrite(took time.Duration, err error)
	Want()
	Answer(covered, cut bool, records int)
	Requests(site string, n int64)
	Ledger(l aggregate.Ledger)
	Open(n int)
	Opened()
}

// A Noticed is an incident of which something is new.
type Noticed struct {
	Kind     incident.ChangeKind
	Incident aggregate.Incident
}

// Config of a Core.
type Config struct {
	Store Store
	Rules *rules.Set
	// Env returns what is known beside the requests when there are logs of these
	// kinds.
	Env     func(rules.KindSet) *rules.Env
	HashKey []byte
	Routes  traffic.Patterns
	Redact  bool // what could say who a client is does not get into the store
	Join    correlate.Config
	// Stored are the sources as the store knows them, by name.
	Stored map[string]aggregate.SourceState

	// Ask and Tell put a question to all collectors and tell them of a clock. They
	// must not block.
	Ask  func(*wire.Want)
	Tell func(*wire.Clock)
	// Changed is called after something new was stored, Notice for each incident
	// of which something is new. Both must not block. What ended after settled may
	// still change.
	Changed func(settled parse.Time)
	Notice  func(Noticed)
	// Kept is told of the position up to which a source is stored, Placed
	// whether its requests are those of clients. Both must not block.
	Kept   func(source parse.SourceID, position []byte)
	Placed func(source parse.SourceID, front bool)

	Metrics Metrics
	Log     *slog.Logger
}
