package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"why503/ingest"
	"why503/ingest/child"
	"why503/ingest/collect"
	"why503/ingest/journal"
	"why503/ingest/segment"
	"why503/ingest/syslog"
	"why503/ingest/tail"
)

// sources are the inputs of a server: files that are looked for again and
// again, and streams that come to be while it runs.
type sources struct {
	s        *server
	find     *tail.Discovery
	mu       sync.Mutex
	opened   []collect.Input // streams that are new
	known    map[string]bool
	skipped  map[string]string
	fromEnd  bool // files that are there at the first start are read from their end
	lookedAt bool
}

// How often files are looked for, and how long news of them is waited for.
const lookEvery = 2 * time.Second

// sources opens what is no file, and finds the files.
func (s *server) sources(ctx context.Context, start func(func() error)) (*sources, error) {
	v := &sources{s: s, known: make(map[string]bool), skipped: make(map[string]string)}
	v.fromEnd = !s.cfg.FromStart
	var patterns []string
	for i := range s.cfg.Sources.Paths {
		patterns = append(patterns, string(s.cfg.Sources.Paths[i].Path))
	}
	patterns = append(patterns, containers(s.cfg)...)
	var err error
	if v.find, err = tail.Discover(patterns); err != nil {
		return nil, err
	}
	if err := v.streams(ctx, start); err != nil {
		return nil, err
	}
	return v, nil
}

// containers are the patterns of the logs of containers and pods.
func containers(cfg ServeConfig) []string {
	var out []string
	if d := cfg.Sources.Docker; len(d.Names) > 0 {
		out = append(out, filepath.Join(string(d.Root), "*", "*-json.log"))
	}
	if p := cfg.Sources.Pods; len(p.Names) > 0 {
		out = append(out, filepath.Join(string(p.Root), "*", "*", "*.log"))
	}
	return out
}

// streams starts what gives lines without a file.
func (v *sources) streams(ctx context.Context, start func(func() error)) error {
	s := v.s
	dir := string(s.cfg.Store) + ".streams"
	opened := func(w *segment.Writer, lost func() map[string]int64) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.opened = append(v.opened, collect.Input{Name: w.Name(), Stream: w, Lost: lost})
	}
	for _, c := range s.cfg.Sources.Varnishlog {
		name := "varnishlog"
		if c.Name != "" {
			name = segment.StreamName(name, c.Name)
		}
		w, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "varnishlog")}, name, s.log)
		if err != nil {
			return err
		}
		vl, err := child.NewVarnishlog(child.VarnishlogConfig{Name: c.Name, Grouping: c.Grouping, Query: c.Query, Args: c.Args}, w, s.log)
		if err != nil {
			return err
		}
		opened(w, func() map[string]int64 {
			st := vl.Stats()
			return map[string]int64{"overrun": st.Overruns, "log went away": st.Abandoned, "stream write": st.WriteErrors}
		})
		start(func() error { defer w.Close(); vl.Run(ctx); return nil })
	}
	if l := listens(s.cfg); len(l) > 0 {
		var srv *syslog.Server
		lost := func() map[string]int64 {
			st := srv.Stats().Lost
			return map[string]int64{
				"dropped by the kernel": st.Kernel, "connection refused": st.Refused, "idle connection closed": st.Idle,
				"framing": st.Framing, "half sent": st.HalfSent, "no stream": st.NoStream,
			}
		}
		var err error
		srv, err = syslog.Open(syslog.Config{Listen: l, Segments: segment.Config{Dir: filepath.Join(dir, "syslog")}}, func(w *segment.Writer) { opened(w, lost) }, s.log)
		if err != nil {
			return err
		}
		start(func() error { return srv.Run(ctx) })
	}
	if u := s.cfg.Sources.Journal.Units; len(u) > 0 {
		if slices.Contains(u, "*") {
			u = nil
		}
		var j *journal.Journal
		lost := func() map[string]int64 {
			return map[string]int64{"cursor not known": j.Stats().LostCursor, "journal damaged": j.Stats().Damaged}
		}
		var err error
		j, err = journal.Open(journal.Config{Units: u, Segments: segment.Config{Dir: filepath.Join(dir, "journal")}}, func(w *segment.Writer) { opened(w, lost) }, s.log)
		if err != nil {
			return err
		}
		start(func() error { return j.Run(ctx) })
	}
	if s.cfg.Sources.Stdin {
		return v.stdin(ctx, start, opened, dir)
	}
	return nil
}

func (v *sources) stdin(ctx context.Context, start func(func() error), opened func(*segment.Writer, func() map[string]int64), dir string) error {
	w, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "stdin")}, "stdin", v.s.log)
	if err != nil {
		return err
	}
	in := v.s.cfg.Stdin
	if in == nil {
		if in, err = segment.Stdin(); err != nil {
			return fmt.Errorf("opening standard input: %w", err)
		}
	}
	opened(w, nil)
	start(func() error { defer w.Close(); return segment.Feed(ctx, in, w, 0) })
	return nil
}

func listens(cfg ServeConfig) []syslog.Listen {
	var out []syslog.Listen
	for _, a := range cfg.Sources.Syslog.UDP {
		out = append(out, syslog.Listen{Network: "udp", Address: string(a)})
	}
	for _, a := range cfg.Sources.Syslog.TCP {
		out = append(out, syslog.Listen{Network: "tcp", Address: string(a)})
	}
	for _, p := range cfg.Sources.Syslog.Unix {
		out = append(out, syslog.Listen{Network: "unixgram", Address: string(p)})
	}
	return out
}

// follow hands new sources to the collector until ctx ends.
func (v *sources) follow(ctx context.Context) error {
	watch := tail.NewWatcher(v.s.log)
	defer watch.Close()
	var looked time.Time
	for ctx.Err() == nil {
		if time.Since(looked) >= lookEvery {
			v.look(ctx)
			watch.Watch(v.find.Folders())
			looked = time.Now()
		}
		v.takeStreams(ctx)
		watch.Wait(ctx, lookEvery/4)
		v.s.collect.Wake()
	}
	return nil
}

func (v *sources) takeStreams(ctx context.Context) {
	v.mu.Lock()
	opened := v.opened
	v.opened = nil
	v.mu.Unlock()
	for _, in := range opened {
		v.s.streams.Store(in.Stream, struct{}{})
		v.add(ctx, in)
	}
}

// look finds files that are new.
func (v *sources) look(ctx context.Context) {
	found := v.find.Look()
	for _, path := range found.New {
		in := collect.Input{Name: absolute(path), Path: path, FromEnd: v.fromEnd && !v.lookedAt}
		if !v.wanted(&in) {
			continue
		}
		v.add(ctx, in)
	}
	if !v.lookedAt {
		v.tellAbsent()
	}
	v.lookedAt = true
	for _, skip := range found.Skipped {
		if v.skipped[skip.Path] != skip.Why {
			v.skipped[skip.Path] = skip.Why
			v.s.log.Info("a file is not read", "path", skip.Path, "reason", skip.Why)
		}
	}
	for _, err := range found.Errs {
		if text := err.Error(); v.skipped[text] == "" {
			v.skipped[text] = "told"
			v.s.log.Warn("looking for logs", "err", err)
		}
	}
}

// tellAbsent says of what nothing is there yet: it may be a slip of the pen.
func (v *sources) tellAbsent() {
	for i := range v.s.cfg.Sources.Paths {
		path := string(v.s.cfg.Sources.Paths[i].Path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if list, err := filepath.Glob(path); err == nil && len(list) == 0 && !strings.Contains(path, "**") {
			v.s.log.Warn("nothing is there to be read; it is looked for again and again", "path", path)
		}
	}
}

// wanted fills what the configuration says of a file, and reports whether it is
// to be read.
func (v *sources) wanted(in *collect.Input) bool {
	cfg := v.s.cfg
	for i := range cfg.Sources.Paths {
		if p := &cfg.Sources.Paths[i]; covers(string(p.Path), in.Path) {
			in.Host = p.Host
			in.Zone = p.Zone.Location()
		}
	}
	c, ok := ingest.ContainerOf(in.Path)
	if !ok {
		return true
	}
	in.Host = c.Host()
	return v.chosen(c)
}

// chosen reports whether a container is one of those that were asked for. Those
// whose files were named are read whatever they are called.
func (v *sources) chosen(c ingest.Container) bool {
	names, name := v.s.cfg.Sources.Docker.Names, c.Name
	if c.Pod != "" {
		names, name = v.s.cfg.Sources.Pods.Names, c.Namespace+"/"+c.Pod
	}
	if len(names) == 0 {
		return true
	}
	return slices.ContainsFunc(names, func(glob string) bool {
		full := name
		if strings.Count(glob, "/") == 2 {
			full += "/" + c.Name
		}
		ok, _ := filepath.Match(glob, full)
		return ok
	})
}

func (v *sources) add(ctx context.Context, in collect.Input) {
	if v.known[in.Name] {
		return
	}
	v.known[in.Name] = true
	if st, ok := v.s.stored[in.Name]; ok {
		in.Position, in.Again = st.Position, v.s.again
	}
	_ = v.s.collect.Add(ctx, in)
}
