package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"why503/ingest/segment"
)

// A Replay says when what is still in the shared memory log is read too.
// Groups that are in the stream already are dropped where they are the same,
// byte for byte; others have the same record ids.
type Replay uint8

const (
	// ReplayMissed reads it where something was missed: after this process or
	// varnishlog was started again, and after an overrun. It is the default.
	ReplayMissed Replay = iota
	ReplayAlways        // the first time too, for a stream that is new
	ReplayNever
)

// VarnishlogConfig says which log is read, and how. The zero value reads that
// of the instance that is named like the host.
type VarnishlogConfig struct {
	Path     string // of the program; "varnishlog"
	Name     string // -n: working directory or name of the instance
	Grouping string // -g: request (the default), vxid, session or raw
	Query    string // -q
	Args     []string
	Replay   Replay
	Backoff  Backoff
}

// Validate says what of c cannot be.
func (c VarnishlogConfig) Validate() error {
	if g := []string{"", "request", "vxid", "session", "raw"}; !slices.Contains(g, c.Grouping) {
		return fmt.Errorf("varnishlog: no grouping is called %q. Give one of %s", c.Grouping, strings.Join(g[1:], ", "))
	}
	for _, a := range c.Args {
		for _, own := range []string{"-w", "-D", "-d", "-g", "-n", "-q", "-r", "-P", "-V", "-h", "-A", "-a"} {
			if strings.HasPrefix(a, own) {
				return fmt.Errorf("varnishlog: the argument %q is not for this place. Use the settings for instance, grouping and query, and leave the output to standard output", a)
			}
		}
	}
	return nil
}

// VarnishlogStats are counters since the start of this process.
type VarnishlogStats struct {
	Stats
	Overruns    int64 // times that it was too slow and missed records
	Abandoned   int64 // times that the log went away, as with a restart of varnishd's child
	Reacquired  int64 // times that it came back
	Replays     int64 // times that the log was read from its head
	Groups      int64 // transaction groups read
	Repeated    int64 // groups that were in the stream already
	WriteErrors int64
}

// A Varnishlog keeps varnishlog running and writes what it prints to a stream.
type Varnishlog struct {
	cfg    VarnishlogConfig
	out    *segment.Writer
	log    *slog.Logger
	sink   sink
	counts Counts
	pid    atomic.Int64  // of the one that follows the log; 0 while there is none
	missed chan struct{} // asks for a replay
	holds  func(pid int64) bool

	overruns, abandoned, reacquired, replays atomic.Int64
}

// NewVarnishlog makes one that writes to out, which the caller closes after Run.
func NewVarnishlog(c VarnishlogConfig, out *segment.Writer, log *slog.Logger) (*Varnishlog, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Path == "" {
		c.Path = "varnishlog"
	}
	if c.Grouping == "" {
		c.Grouping = "request"
	}
	v := &Varnishlog{cfg: c, out: out, log: log, missed: make(chan struct{}, 1), holds: holdsLog}
	v.sink.to, v.sink.lines = out, c.Grouping == "raw"
	v.sink.dedupe = c.Replay != ReplayNever && !v.sink.lines
	return v, nil
}

// Stats returns a copy.
func (v *Varnishlog) Stats() VarnishlogStats {
	v.sink.mu.Lock()
	defer v.sink.mu.Unlock()
	return VarnishlogStats{
		Stats: v.counts.Stats(), Overruns: v.overruns.Load(), Abandoned: v.abandoned.Load(), Reacquired: v.reacquired.Load(),
		Replays: v.replays.Load(), Groups: v.sink.groups, Repeated: v.sink.repeated, WriteErrors: v.sink.writeErrs,
	}
}

// Run returns when ctx ends and all processes are gone.
func (v *Varnishlog) Run(ctx context.Context) {
	if v.sink.dedupe && v.out.Existed() {
		v.remember()
	}
	if v.cfg.Replay == ReplayAlways || v.out.Existed() {
		v.miss()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var replays sync.WaitGroup
	defer replays.Wait()
	if v.cfg.Replay != ReplayNever {
		replays.Go(func() { v.replayMissed(ctx) })
	}
	Supervise(ctx, Program{Command: v.follow, Backoff: v.cfg.Backoff, Mend: v.mend}, &v.counts, v.log)
	cancel()
}

// remember fills in what the stream holds from before this process started.
func (v *Varnishlog) remember() {
	r := v.out.Reader(segment.Position{})
	defer r.Close()
	memory := sink{to: nowhere{}, dedupe: true}
	g := grouper{sink: &memory}
	for {
		line, err := r.Next()
		if gap := (*segment.GapError)(nil); errors.As(err, &gap) {
			continue
		}
		if err != nil {
			break
		}
		g.take(append(line.Text, '\n')) // stands there in the reader's buffer anyway
	}
	v.sink.seen = memory.seen
}

type nowhere struct{}

func (nowhere) Append([]byte) (segment.Position, error) { return segment.Position{}, nil }

func (v *Varnishlog) args(more ...string) []string {
	args := append(more, "-g", v.cfg.Grouping)
	if v.cfg.Name != "" {
		args = append(args, "-n", v.cfg.Name)
	}
	if v.cfg.Query != "" {
		args = append(args, "-q", v.cfg.Query)
	}
	return append(args, v.cfg.Args...)
}

func (v *Varnishlog) follow() Command {
	return Command{
		Path: v.cfg.Path, Args: v.args(), Stderr: v.says,
		Stdout: func(r io.Reader) error { defer v.pid.Store(0); return v.sink.read(r) },
		Started: func(pid int) {
			v.pid.Store(int64(pid))
			if v.counts.starts.Load() > 1 {
				v.miss()
			}
		},
	}
}

// says reads what varnishlog tells of the log on standard error
// (lib/libvarnishapi/vut.c).
func (v *Varnishlog) says(line []byte) {
	switch {
	case bytes.Contains(line, []byte("Log overrun")):
		v.overruns.Add(1)
		v.miss()
	case bytes.Contains(line, []byte("Log abandoned")):
		v.abandoned.Add(1)
	case bytes.Contains(line, []byte("Log reacquired")):
		v.reacquired.Add(1)
		v.miss()
	}
}

func (v *Varnishlog) mend(err error) string {
	text := err.Error()
	instance := "of this host's name"
	if v.cfg.Name != "" {
		instance = v.cfg.Name
	}
	switch {
	case strings.Contains(text, "hold of varnishd"), strings.Contains(text, "Cannot open"), strings.Contains(text, "No such file"):
		return "varnishd is not running, or not as the instance " + instance + ", or this user may not read its folder. Start it, name it as its -n does, or join the group varnish"
	case strings.Contains(text, "ermission denied"):
		return "This user may not read varnishd's log. Join the group varnish"
	case strings.Contains(text, "expression") || strings.Contains(text, "Query"):
		return "varnishlog does not take the query. Try it: varnishlog -q QUERY"
	}
	return ""
}

// miss asks for a replay. One that was asked for and has not begun is enough.
func (v *Varnishlog) miss() {
	select {
	case v.missed <- struct{}{}:
	default:
	}
}

const (
	attachWait  = 6 * time.Second  // varnishlog itself tries for five
	betweenTwo  = 10 * time.Second // replays, so that overruns do not cause more of them
	replayBound = 2 * time.Minute  // Varnish 4.0 follows the log with -d too
)

// replayMissed reads the log from its head, beside the process that follows it.
// It begins when that one has got hold of the log, so that nothing is between
// the two; what both read is dropped once.
func (v *Varnishlog) replayMissed(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.missed:
		}
		if !v.attached(ctx) {
			continue // it comes again when there is a log to follow
		}
		v.replays.Add(1)
		bounded, cancel := context.WithTimeout(ctx, replayBound)
		err := Command{Path: v.cfg.Path, Args: v.args("-d"), Stdout: v.sink.read}.Run(bounded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Err != nil {
			v.log.Warn("cannot read what is left in varnishd's log", "err", err)
		}
		sleep(ctx, betweenTwo)
	}
}
