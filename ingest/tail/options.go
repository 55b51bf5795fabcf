package tail

import (
	"time"

	"why503/parse/frame"
)

// Options of a File. The zero value is good for a few files.
type Options struct {
	// FromEnd begins behind the last line that is there, where there is no
	// Position yet. Files that appear later are read from their start.
	FromEnd bool
	// MaxLine bounds a line without its end; 0 means frame.DefaultMaxLine. What
	// is longer is handed out as its beginning.
	MaxLine int
	// Drain is how long a file that was renamed has to be quiet before its last
	// line is flushed and the next file begins; 0 means a second. As long as
	// the next file is empty its writer was not told yet, and it takes ten
	// times as long. After thirty times as long it ends in any case.
	Drain time.Duration
	// Poll and MaxPoll bound how often a file without news is looked at: at
	// first after Poll, later after MaxPoll; 0 means 100 ms and 2 s. Wake makes
	// the next call look.
	Poll, MaxPoll time.Duration
	// Keep is how many files before the current one ReadAt reaches; 0 means 8.
	Keep int
	// Hold is how long files before the current one are kept open, which keeps
	// the space of a deleted one on disk; 0 means 10 minutes. ReadAt opens them
	// again after that, and finds them in their .gz.
	Hold time.Duration
	// Earlier are Positions in files before the current one, as Incarnation
	// gave them before a restart, so that ReadAt reaches them again.
	Earlier []Position
	// Salt is mixed into all fingerprints of lines. It tells sources apart that
	// begin with the same 1,024 bytes, at the price that their ids are not those
	// of a copy that is read without it. A Position keeps its own.
	Salt string
	// Handles bounds open files; nil means a bound for this File alone.
	Handles *Handles
}

const (
	defaultDrain   = time.Second
	defaultPoll    = 100 * time.Millisecond
	defaultMaxPoll = 2 * time.Second
	defaultKeep    = 8
	defaultHold    = 10 * time.Minute

	emptyDrain = 10 // times Drain, for a next file that is still empty
	maxDrain   = 30 // times Drain, for a writer that never lets go
)

func (o *Options) setDefaults() {
	if o.MaxLine <= 0 {
		o.MaxLine = frame.DefaultMaxLine
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	if o.MaxPoll <= 0 {
		o.MaxPoll = max(defaultMaxPoll, o.Poll)
	}
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	if o.Hold <= 0 {
		o.Hold = defaultHold
	}
	if o.Handles == nil {
		o.Handles = NewHandles(0)
	}
}

// Stats counts what a File did. Losses are lower bounds.
type Stats struct {
	Bytes       int64 // read, uncompressed
	Lines       int64 // handed out
	Rotations   int64 // followed to the next file
	Truncations int64 // a file began anew in place
	Recovered   int64 // truncations whose rest was read from the copy
	Lost        int64 // bytes that are known to have been there and were not read
	Missing     int64 // saved positions whose file was not found again
	Oversized   int64 // lines longer than the bound
	OversizedBy int64 // bytes of them that were skipped
	NULs        int64 // bytes of NUL runs before lines, left by a crash or a truncation
	Reopened    int64 // files opened again after they were parked
	Polls       int64 // times that a path was looked at
}

// Add adds t to s.
func (s *Stats) Add(t Stats) {
	s.Bytes += t.Bytes
	s.Lines += t.Lines
	s.Rotations += t.Rotations
	s.Truncations += t.Truncations
	s.Recovered += t.Recovered
	s.Lost += t.Lost
	s.Missing += t.Missing
	s.Oversized += t.Oversized
	s.OversizedBy += t.OversizedBy
	s.NULs += t.NULs
	s.Reopened += t.Reopened
	s.Polls += t.Polls
}
