// Bench-live runs why503 serve beside other programs that follow and parse the
// same logs, while these are written and rotated, and says what each takes of
// the machine.
//
//	bench-live [--for 10m] [--lines 50000] [one|timed|linked|storm]...
//
// The scenarios: "one" is an access log in nginx's combined format with 0.05 %
// failures; "timed" the same with what a good log_format has beside it; "linked"
// the four logs of one site (varnishlog, nginx access and error log, the
// application's) with 0.1 % failures; "storm" the same with a minute in which 5 %
// fail. Files are renamed every minute.
//
// The others do what their manuals say for such logs, and nothing with what they
// parsed: mtail counts lines by status, rsyslog normalizes and discards. One that
// is not installed is left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"why503/cmd/internal/loggen"
)

// A scenario is what is written.
type scenario struct {
	name, title string
	log         string
	failures    float64
	storm       bool
}

var scenarios = []scenario{
	{name: "one", title: "one nginx combined log, 0.05 % failures", log: "combined", failures: 0.0005},
	{name: "timed", title: "one nginx log with times and ids, 0.05 % failures", log: "combined-ext", failures: 0.0005},
	{name: "linked", title: "four linked logs, 0.1 % failures", log: "set", failures: 0.001},
	{name: "storm", title: "four linked logs, 0.1 % failures, 5 % for a minute", log: "set", failures: 0.001, storm: true},
}

// config is what the command line says.
type config struct {
	lines  float64
	length time.Duration
	rotate time.Duration
	why503 string
	peers  bool
	keep   string // folder for profiles
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-live:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var cfg config
	f := flag.NewFlagSet("bench-live", flag.ContinueOnError)
	f.Float64Var(&cfg.lines, "lines", 50_000, "lines a second, over all files")
	f.DurationVar(&cfg.length, "for", 10*time.Minute, "how long each scenario is")
	f.DurationVar(&cfg.rotate, "rotate", time.Minute, "how often files are renamed")
	f.StringVar(&cfg.why503, "why503", "bin/why503", "the program that is measured")
	f.BoolVar(&cfg.peers, "peers", true, "run others beside it")
	f.StringVar(&cfg.keep, "profiles", "", "folder to leave profiles of processor and memory in")
	if err := f.Parse(args); err != nil {
		return err
	}
	names := f.Args()
	if len(names) == 0 {
		names = []string{"one", "linked", "storm"}
	}
	for _, name := range names {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return fmt.Errorf("no scenario %q; there are one, timed, linked and storm", name)
		}
		if err := cfg.play(ctx, &scenarios[i]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// catchUp is how long programs get after the last line.
const catchUp = 10 * time.Second

// play runs one scenario and prints what it showed.
func (cfg *config) play(ctx context.Context, s *scenario) (err error) {
	dir, err := os.MkdirTemp("", "bench-live")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	logs := dir + "/log"
	if err := os.Mkdir(logs, 0o755); err != nil {
		return err
	}
	w := &loggen.Live{Config: loggen.Defaults(), Dir: logs, Log: s.log, Lines: cfg.lines, For: cfg.length, Rotate: cfg.rotate, Keep: 3}
	w.Failures = s.failures
	if s.storm {
		w.Storm = loggen.Storm{After: cfg.length / 4, For: min(time.Minute, cfg.length/4), Failures: 0.05}
	}
	for _, path := range w.Paths() { // so that all of them begin with the first line
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return err
		}
	}
	own := &serve{cfg: cfg, dir: dir}
	programs := []program{own}
	if cfg.peers {
		programs = append(programs, &mtail{dir: dir}, &rsyslog{dir: dir})
	}
	m := newMeter(cfg.length)
	for _, p := range programs {
		version, err := p.start(w.Paths())
		if errors.Is(err, errNotInstalled) {
			fmt.Fprintf(os.Stderr, "left out: %v\n", err)
			continue
		}
		if err != nil {
			return err
		}
		defer p.process().stop()
		m.follow(p, version)
	}
	time.Sleep(3 * time.Second) // beginnings are not measured

	measuring, end := context.WithCancel(ctx)
	defer end()
	measured := make(chan error, 1)
	profiled := make(chan error, 1)
	go func() { measured <- m.run(measuring) }()
	go func() { profiled <- own.profile(measuring, cfg.length) }()
	count, err := w.Run(ctx)
	late := time.Since(m.begin) - cfg.length
	end()
	if err := errors.Join(err, <-measured, <-profiled); err != nil || ctx.Err() != nil {
		return err
	}
	heap := own.heap()
	time.Sleep(catchUp)
	if heap != nil {
		return heap
	}
	m.print(os.Stdout, s, count, late, own)
	return nil
}

func share(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }
