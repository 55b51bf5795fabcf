// Package storetest is the suite that every store passes: what aggregate's doc
// of stores promises, as tests. A store's own tests call Run with what opens an
// empty one.
//
// It holds a store against a model that counts in plain maps, over facts and
// traffic that are cut into batches at random, repeated and put out of order.
// It leaves out what only one kind of store can do: files, crashes, retention.
package storetest

import (
	"context"
	"testing"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// A Store is what stores have in common.
type Store interface {
	Write(context.Context, *aggregate.Batch) error
	Summary(context.Context, aggregate.Query) (*aggregate.Summary, error)
	Timeseries(context.Context, aggregate.Query, time.Duration) ([]aggregate.Point, error)
	Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) (rows []aggregate.Failure, next string, err error)
	Find(ctx context.Context, id string) ([]aggregate.Failure, error)
	Records(ctx context.Context, uid string) (request []byte, version uint64, err error)
	Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) (list []aggregate.Incident, next string, err error)
	Incident(ctx context.Context, id string) (*aggregate.Incident, error)
	Sources(context.Context) ([]aggregate.SourceState, error)
	Signals(ctx context.Context, from, to parse.Time) ([]aggregate.Signal, error)
	Seconds(ctx context.Context, from int64) ([]aggregate.SiteSecond, error)
	Minute(ctx context.Context, source string, m traffic.Minute) (*aggregate.SourceMinute, error)
	Settled(context.Context) (parse.Time, error)
	Marks(context.Context, aggregate.Query) ([]aggregate.Mark, error)
	Mark(context.Context, aggregate.Mark) error
	// Maintain does what is done from time to time, here as often as possible.
	Maintain(context.Context) error
}

// Run holds stores to the suite. open returns an empty one, and a function that
// closes it and opens it again as it is; both are closed by the test's end.
func Run(t *testing.T, open func(testing.TB) (s Store, reopen func() Store)) {
	t.Run("an empty store answers", func(t *testing.T) { testEmpty(t, first(open(t))) })
	t.Run("any order, pieces and repetition give the same", func(t *testing.T) { testOrder(t, open) })
	t.Run("a state is replaced by a more complete one only", func(t *testing.T) { testVersions(t, first(open(t))) })
	t.Run("what is gone stays gone", func(t *testing.T) { testGone(t, first(open(t))) })
	t.Run("a late fact lands in its minute", func(t *testing.T) { testLate(t, first(open(t))) })
	t.Run("keys that nothing has any more are gone", func(t *testing.T) { testZero(t, first(open(t))) })
	t.Run("traffic is replaced whole", func(t *testing.T) { testTraffic(t, open) })
	t.Run("seconds join requests and failures", func(t *testing.T) { testSeconds(t, first(open(t))) })
	t.Run("pages go on where they ended while rows arrive", func(t *testing.T) { testPages(t, first(open(t))) })
	t.Run("lists are narrowed by each part of a query", func(t *testing.T) { testFilters(t, first(open(t))) })
	t.Run("requests are found by their ids", func(t *testing.T) { testFind(t, first(open(t))) })
	t.Run("incidents are kept, updated and listed", func(t *testing.T) { testIncidents(t, first(open(t))) })
	t.Run("sources, signals, marks and positions come back", func(t *testing.T) { testRest(t, open) })
	t.Run("text of strangers comes back as it went in", func(t *testing.T) { testHostile(t, open) })
	t.Run("text of strangers is data in queries", func(t *testing.T) { testHostileQueries(t, first(open(t))) })
	t.Run("a cancelled context ends every call", func(t *testing.T) { testCancelled(t, first(open(t))) })
	t.Run("a batch that is refused can be written again", func(t *testing.T) { testInterrupted(t, first(open(t))) })
	t.Run("reads and writes go on side by side", func(t *testing.T) { testConcurrent(t, first(open(t))) })
}

func first(s Store, _ func() Store) Store { return s }
