package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// A Mode is how logs are rotated.
type Mode string

// The modes: by rename, by copytruncate, now this and now that.
const (
	Rename       Mode = "rename"
	CopyTruncate Mode = "copytruncate"
	Mixed        Mode = "mixed"
)

// Config says what is done.
type Config struct {
	Serve    []string // command that runs why503, without `serve`
	Dir      string   // empty folder for logs and stores
	Seed     uint64
	Duration time.Duration // of writing
	Rate     float64       // lines a second, of all logs together
	Mode     Mode
	Kills    int // as long as there is time: until a minute after the last line
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case len(c.Serve) == 0:
		return errors.New("no command is given that runs why503")
	case c.Duration < 10*time.Second || c.Duration > 24*time.Hour:
		return fmt.Errorf("%s: give it 10 seconds to a day", c.Duration)
	case !(c.Rate >= 100 && c.Rate <= 1e6):
		return fmt.Errorf("rate %v: give 100 to 1000000 lines a second", c.Rate)
	case c.Mode != Rename && c.Mode != CopyTruncate && c.Mode != Mixed:
		return fmt.Errorf("mode %q: known are %s, %s and %s", c.Mode, Rename, CopyTruncate, Mixed)
	case c.Kills < 0:
		return fmt.Errorf("%d kills: give 0 or more", c.Kills)
	}
	return nil
}

// Counts are what was done, and what came of it.
type Counts struct {
	Lines, Bytes, Halves, Late int64
	Requests, Failures         int64
	Renames, Copies, Deleted   int64
	LostBytes                  int64 // between copies and truncations
	Kills, Starts              int64
	KilledYoung                int64 // within 100 ms
	Facts, Final, Gone         int64
	Revisions                  int64 // of the facts that are stored, together
	Incidents                  int64
	Across                     int64 // incidents that went on across a kill
	Withdrawn                  int64 // incidents that a kill found, and that were none

	touched map[int64]bool // requests of which something was lost by copytruncate
}

// A Report is what a run came to. It is exact when nothing differs.
type Report struct {
	Counts  Counts
	Differs []string
}

// Run writes, rotates, kills and compares. Its error says what kept it from
// finding out.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	live, copies := filepath.Join(cfg.Dir, "log"), filepath.Join(cfg.Dir, "copies")
	for _, dir := range []string{live, copies} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making a folder for logs: %w", err)
		}
	}
	rep := &Report{Counts: Counts{touched: make(map[int64]bool)}}
	t := newTruth()
	w, err := newWriter(cfg, live, copies, t, &rep.Counts)
	if err != nil {
		return nil, err
	}
	k := newKiller(cfg, live, &rep.Counts)
	w.ready = k.ready.Load
	defer k.end()
	if err := both(ctx, w.run, func(ctx context.Context) error { return k.run(ctx, time.Now().Add(cfg.Duration+killsAfter)) }); err != nil {
		return nil, err
	}
	rep.Counts.Requests, rep.Counts.Failures = t.requests, int64(len(t.fates))
	if err := k.settle(ctx, t.last); err != nil {
		return nil, err
	}
	reference, err := analyze(ctx, cfg.Dir, live, copies)
	if err != nil {
		return nil, err
	}
	rep.Differs, err = compare(ctx, &comparison{store: k.store, reference: reference, truth: t, counts: &rep.Counts, seen: k.seen, live: live})
	return rep, err
}

// clip cuts what differs for a terminal.
func clip(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if len(s) > 400 {
		return s[:400] + "..."
	}
	return s
}

// both runs two functions; the first error ends the other one.
func both(ctx context.Context, a, b func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{}, 2)
	for _, f := range []func(context.Context) error{a, b} {
		go func() {
			if err := f(ctx); err != nil {
				stop(err)
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	return context.Cause(ctx)
}

// Write prints the counts, what differs, and as the last line whether it is
// exact.
func (r *Report) Write(w io.Writer) error {
	c := &r.Counts
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"lines written", c.Lines}, {"bytes", c.Bytes}, {"in two halves", c.Halves}, {"late by up to a second", c.Late},
		{"rotations by rename", c.Renames}, {"by copytruncate", c.Copies}, {"bytes lost by that", c.LostBytes},
		{"requests touched by that", int64(len(c.touched))}, {"old files deleted", c.Deleted},
		{"kills", c.Kills}, {"of them within 100 ms", c.KilledYoung}, {"starts", c.Starts},
		{"requests", c.Requests}, {"failed", c.Failures}, {"facts", c.Facts}, {"final", c.Final}, {"gone", c.Gone}, {"revisions", c.Revisions},
		{"incidents", c.Incidents}, {"across a kill", c.Across}, {"withdrawn", c.Withdrawn},
	} {
		fmt.Fprintf(t, "%d\t  %s\n", row.n, row.name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range r.Differs {
		fmt.Fprintln(w, "differs:", clip(d))
	}
	last := "exact"
	if n := len(r.Differs); n > 0 {
		last = fmt.Sprintf("not exact: %d differences, the first: %s", n, clip(r.Differs[0]))
	}
	_, err := fmt.Fprintln(w, last)
	return err
}
