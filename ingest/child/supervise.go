package child

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Counts are of one supervised program; read them with Stats.
type Counts struct {
	starts, exits, failures, stderr atomic.Int64
	running                         atomic.Bool
}

// Stats are counters since the start of this process.
type Stats struct {
	Starts      int64 // times that the program ran
	Exits       int64 // times that it ended without being asked to
	Failures    int64 // times that it could not be started
	StderrLines int64
	Running     bool // now
}

// Stats returns a copy.
func (c *Counts) Stats() Stats {
	return Stats{c.starts.Load(), c.exits.Load(), c.failures.Load(), c.stderr.Load(), c.running.Load()}
}

// A Program is a Command to be kept running.
type Program struct {
	Command func() Command // what to run next
	Backoff Backoff
	// Mend says what a person can do about an end; it may be nil, and return "".
	Mend func(error) string
}

// sayAgain is how often the same reason is logged.
const sayAgain = 10 * time.Minute

// Supervise keeps p running until ctx ends, and returns when it is gone.
func Supervise(ctx context.Context, p Program, counts *Counts, log *slog.Logger) {
	b := p.Backoff.withDefaults()
	var said string
	var saidAt time.Time
	for n := 1; ctx.Err() == nil; n++ {
		c := p.Command()
		started := c.Started
		c.Started = func(pid int) {
			counts.starts.Add(1)
			counts.running.Store(true)
			if started != nil {
				started(pid)
			}
		}
		stderr := c.Stderr
		c.Stderr = func(line []byte) {
			counts.stderr.Add(1)
			if stderr != nil {
				stderr(line)
			}
		}
		began := time.Now()
		err := c.Run(ctx)
		if ran := counts.running.Swap(false); ctx.Err() != nil {
			return
		} else if ran {
			counts.exits.Add(1)
		} else {
			counts.failures.Add(1)
		}
		if time.Since(began) >= b.Good {
			n, said = 1, ""
		}
		wait := b.after(n)
		if reason := err.Error(); reason != said || time.Since(saidAt) >= sayAgain {
			said, saidAt = reason, time.Now()
			args := []any{"program", c.Path, "err", err, "again_in", wait.Round(time.Millisecond).String()}
			if p.Mend != nil {
				if mend := p.Mend(err); mend != "" {
					args = append(args, "hint", mend)
				}
			}
			log.Warn("a program that is read from ended", args...)
		}
		sleep(ctx, wait)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
