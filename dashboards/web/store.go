package web

import (
	"context"
	"time"

	"why503/aggregate"
)

// A Store is what the page and the API ask. Lists are newest first. Every
// method ends when its context does.
type Store interface {
	Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error)
	Timeseries(ctx context.Context, q aggregate.Query, step time.Duration) ([]aggregate.Point, error)
	Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) (rows []aggregate.Failure, next string, err error)
	Find(ctx context.Context, id string) ([]aggregate.Failure, error)
	Records(ctx context.Context, uid string) (request []byte, version uint64, err error)
	Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) (list []aggregate.Incident, next string, err error)
	Incident(ctx context.Context, id string) (*aggregate.Incident, error)
	Sources(ctx context.Context) ([]aggregate.SourceState, error)
	Marks(ctx context.Context, q aggregate.Query) ([]aggregate.Mark, error)
	Mark(ctx context.Context, m aggregate.Mark) error
}

// A Live is the part of this process that reads logs.
type Live interface {
	// Subscribe returns a channel that gets a value when something changed.
	// Changes that come while one is waiting to be received are one. The caller
	// calls cancel when it has seen enough.
	Subscribe() (changed <-chan struct{}, cancel func())
	Status() Status
}

// A Status is how reading and storing are doing now.
type Status struct {
	Sources  []SourceStatus `json:"sources"`
	Lossless bool           `json:"lossless"` // no source has lost a line
	// OldestOpen is the oldest minute whose facts may still change.
	OldestOpen    time.Time `json:"oldest_open_minute"`
	IncidentsOpen int       `json:"incidents_open"`
	// StoreAnswers says that the last writes and queries of the store went well;
	// StoreError what it said otherwise.
	StoreAnswers bool      `json:"store_answers"`
	StoreError   string    `json:"store_error"`
	Started      time.Time `json:"started"`
	// Sites are those seen, most traffic first, bounded.
	Sites []string `json:"sites"`
}

// A SourceStatus is how far one source is read.
type SourceStatus struct {
	Path    string `json:"path"`
	Format  string `json:"format"`
	Program string `json:"program"`
	Host    string `json:"host"`
	// Front says that its requests are those of clients.
	Front    bool      `json:"front"`
	LastLine time.Time `json:"last_line"` // when its newest line was read; zero while none was
	LagS     float64   `json:"lag_s"`     // how far reading is behind what stands in it
	Lost     int64     `json:"lost"`      // lines
	Lossless bool      `json:"lossless"`
}
