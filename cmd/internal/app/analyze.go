package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/ingest"
	"why503/ingest/merge"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
	"why503/rules"
)

// AnalyzeConfig is what `why503 analyze` was told.
type AnalyzeConfig struct {
	Paths   []string
	Formats []string // NAME=GLOB
	Hosts   []string // NAME=GLOB
	Zone    *time.Location

	NginxConf, VCL, VarnishParams []string

	Since, Until         time.Time
	SinceLast, UntilLast time.Duration // before the newest line, in place of a time
	Site, Backend, Cause string        // only requests of these

	Rules *rules.Set
	// Started is handed what makes rows of this run's requests, before the first.
	// It is called again when reading begins anew, since a file turned out not to
	// be in order of time: what Request and Record were handed before is void.
	Started func(*aggregate.Describer)
	// Request is handed every listed request, in the order of its end.
	Request func(*parse.Request, *rules.Verdict)
	// Record is handed every Record that is joined; it may be nil.
	Record func(*parse.Record)
	// Progress is told how far reading is, some times a second; it may be nil.
	Progress Progress
	Log      *slog.Logger

	blockBytes int // how much of a file that is read without a join is parsed at a time; 0 means blockBytes
}

// A Progress shows how far a run is.
type Progress interface {
	Reading(file string, done, total, failed int64)
	Joining(failed int64)
}

// A Run is an analysis in the making.
type Run struct {
	cfg      AnalyzeConfig
	inputs   []*input
	settings settings
	joiner   *correlate.Joiner
	collect  *aggregate.Collector
	rows     *aggregate.Describer
	env      *rules.Env
	warnings []string
	problems []error // paths that could not be read
	spill    *os.File
	base     time.Time
	stopped  bool
	inLedger map[string]bool // warnings that the row of a source repeats
	failed   int64           // failures found
	upTo     parse.Time      // of the merge
	late     int64           // Records that came too late in a stream that is not in order

	unordered map[string]bool // inputs that an earlier try found not to be in order
	sortAll   bool            // so many were found that none is trusted
}

// Analyze reads everything, joins, diagnoses and sums up. Its error says why
// nothing could be analysed; what was wrong with single paths is in Problems.
func Analyze(ctx context.Context, cfg AnalyzeConfig) (*Run, *aggregate.Summary, error) {
	boundMemory()
	unordered := make(map[string]bool)
	for n := 0; ; n++ {
		r := &Run{cfg: cfg, unordered: unordered, sortAll: n == restarts}
		s, err := r.run(ctx)
		if !errors.Is(err, errDisorder) {
			return r, s, err
		}
		for _, in := range r.inputs {
			if in.sorted {
				unordered[in.path] = true
			}
		}
	}
}

func (r *Run) run(ctx context.Context) (*aggregate.Summary, error) {
	defer r.close()
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.survey(); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	s := r.summary()
	return &s, nil
}

// Problems returns what kept paths from being read, in words for a person.
func (r *Run) Problems() []error { return r.problems }

func (r *Run) close() {
	for _, in := range r.inputs {
		in.source.Close()
	}
	if r.spill != nil {
		r.spill.Close()
	}
}

// open finds the inputs, tells their formats and reads the configurations.
func (r *Run) open() error {
	if err := checkFormats(&r.cfg); err != nil {
		return err
	}
	var problems []error
	r.settings, problems = readSettings(r.cfg)
	r.problems = append(r.problems, problems...)
	found, problems := ingest.Expand(r.cfg.Paths)
	for _, p := range problems {
		r.problem(p)
	}
	files := ingest.NewFiles(0)
	for _, f := range found {
		src, err := files.Open(f)
		if err != nil {
			r.problem(err)
			continue
		}
		in := &input{path: f.Path, source: src}
		if err := r.detect(in); err != nil {
			return err
		}
		r.inputs = append(r.inputs, in)
	}
	if len(r.inputs) == 0 {
		return ErrNothing
	}
	sources := make([]*ingest.Source, len(r.inputs))
	for i, in := range r.inputs {
		sources[i] = in.source
	}
	ingest.Distinguish(sources)
	r.tellUnused()
	nameInputs(r.inputs)
	return nil
}

func (r *Run) problem(err error) {
	var skip *ingest.Skip
	if errors.As(err, &skip) {
		r.warnings = append(r.warnings, skip.Error())
		return
	}
	r.problems = append(r.problems, err)
}

// detect decides how in is parsed: what --format says, else a configuration
// that names the file, else its content.
func (r *Run) detect(in *input) error {
	for _, f := range r.cfg.Formats {
		name, glob, ok := cutLast(f)
		if !ok || !meets(glob, in.path) {
			continue
		}
		format, mk, err := detect.ByName(name)
		if err != nil {
			return &UsageError{fmt.Sprintf("--format %s: %v", f, err)}
		}
		in.format, in.make = format, mk
		return nil
	}
	sample, err := in.source.Head(ingest.SampleBytes)
	if err != nil {
		r.problem(err)
	}
	for _, get := range []func(int) ([]byte, error){in.source.Middle, in.source.Tail} {
		if piece, err := get(ingest.SampleBytes); err == nil {
			sample = append(sample[:len(sample):len(sample)], piece...)
		}
	}
	hints := detect.Hints{Name: filepath.Base(in.path)}
	if access, ok := r.settings.nginxFormat(in.path); ok {
		hints.Candidates = append(hints.Candidates, detect.Candidate{
			Format: detect.Format{Name: "nginx", Title: "nginx access log"},
			New:    func() parse.Parser { return access.Fork() },
		})
	}
	if n := bytes.LastIndexByte(sample, '\n'); n >= 0 { // a line that its writer has not ended tells of no format
		sample = sample[:n+1]
	}
	res := detect.Detect(sample, hints)
	in.format, in.make = res.Format, res.New
	if err := res.Err(in.path); err != nil {
		in.note = strings.TrimPrefix(err.Error(), in.path+": ")
		r.warnLedger(err.Error())
	}
	return nil
}

// survey looks at samples of all inputs: hosts, zones, clocks, and which hop
// is in front of which.
func (r *Run) survey() error {
	var err error
	if r.spill, err = temporary(); err != nil {
		return err
	}
	var ins []*input
	for _, in := range r.inputs {
		k, ok := kinds[in.format.Name]
		if in.make == nil || !ok {
			continue
		}
		in.kind, in.prog = k.kind, k.prog
		in.join = correlate.NewSource(parse.SourceID(len(ins)), in.kind, in.prog, "", in.source.Fingerprint)
		ins = append(ins, in)
	}
	samples := r.samples(ins)
	r.prepare(ins, samples)
	sources := correlate.Canonical(samples)
	slices.SortFunc(ins, func(a, b *input) int { return cmp.Compare(a.join.ID, b.join.ID) })
	slices.SortFunc(samples, func(a, b correlate.Sample) int { return cmp.Compare(a.Source.ID, b.Source.ID) })
	cfg := correlate.DefaultConfig()
	cfg.Spill = r.spill
	r.joiner = correlate.NewJoiner(cfg, sources, r.diagnose)
	for i, c := range correlate.Survey(samples, r.joiner) {
		ins[i].clock = c
		r.tellClock(ins[i])
	}
	promoteErrors(ins)
	if err := r.settle(ins, samples); err != nil {
		return err
	}
	r.rows = &aggregate.Describer{Names: namer{ins}, HashKey: []byte("why503 analyze")}
	r.collect = aggregate.NewCollector(r.rows)
	if r.cfg.Started != nil {
		r.cfg.Started(r.rows)
	}
	r.env = r.settings.env(ins)
	return nil
}

// calendar tells which stamps cannot be, from the samples that there are.
func (r *Run) calendar(ins []*input, samples []correlate.Sample) calendar {
	now := time.Now()
	if t := newest(ins); t.After(now) {
		now = t
	}
	return newCalendar(now, samples)
}

// prepare takes the stamps off the samples that cannot be, and decides which
// inputs are sorted.
func (r *Run) prepare(ins []*input, samples []correlate.Sample) {
	c := r.calendar(ins, samples)
	c.clean(samples)
	for i, in := range ins {
		in.calendar, in.dated = c, c.first(samples[i].Records)
		in.sorted = unordered(samples[i].Records) || r.unordered[in.path] || (r.sortAll && in.source.Size >= 0)
	}
}

// samples parses a piece of each input. Inputs whose stamps print no year are
// sampled last, when the others have told which year it is.
func (r *Run) samples(ins []*input) []correlate.Sample {
	samples := make([]correlate.Sample, len(ins))
	for _, undated := range []bool{false, true} {
		if undated {
			r.calendar(ins, samples).clean(samples)
			if r.base = latest(samples); r.base.IsZero() {
				r.base = newest(ins)
			}
		}
		for i, in := range ins {
			if undated != noYear(in) {
				continue
			}
			base := r.base
			if base.IsZero() {
				base = newest(ins)
			}
			sample, err := in.sample(r.cfg.Zone, base)
			if err != nil {
				r.problem(err)
			}
			records := sample.Records
			in.zoned = printsZone(in.format.Name)
			if len(records) > 0 && in.kind == parse.SourceNginxAccess && records[0].Program != parse.Nginx {
				in.prog = records[0].Program
			}
			sample.Zoned = in.zoned
			samples[i] = sample
			r.nameHost(in, records)
		}
	}
	hostsByFolder(ins)
	for _, in := range ins {
		in.join.Host = in.host
	}
	return samples
}

// nameHost finds the host of an input: --host, else the name in its lines.
func (r *Run) nameHost(in *input, records []*parse.Record) {
	for _, h := range r.cfg.Hosts {
		if name, glob, ok := cutLast(h); ok && meets(glob, in.path) {
			in.host = name
			return
		}
	}
	for _, rec := range records {
		if len(rec.Machine) > 0 {
			in.host = string(rec.Machine)
			return
		}
	}
}

func (r *Run) tellClock(in *input) {
	c := in.clock
	if c.Zone != 0 && r.cfg.Zone == nil {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: its stamps print no zone; they fit the other logs as %s, so they were read as that. To set it: --zone", in.name, zoneName(-c.Zone)))
	}
}

// read runs the merge and the join until all inputs are at their end or ctx is.
func (r *Run) read(ctx context.Context) error {
	if in := r.alone(); in != nil {
		if err := r.readAlone(ctx, in); err != nil {
			return err
		}
		return r.joiner.Flush()
	}
	inner, cancel := context.WithCancel(ctx)
	var streams []merge.Stream
	var running []*orderedStream
	defer func() {
		cancel()
		for _, s := range running {
			for range s.batches { // the reader has ended when this is closed
			}
			s.Close()
		}
	}()
	again := !slices.ContainsFunc(r.inputs, func(in *input) bool { return in.source.Size < 0 })
	for _, in := range r.inputs {
		if in.join == nil {
			continue
		}
		s := &orderedStream{stream: in.start(inner, r.cfg.Zone, r.base), in: in, again: again}
		running = append(running, s)
		if in.sorted {
			var err error
			if s.rest, err = sortStream(s.stream, nil); errors.Is(err, context.Canceled) {
				r.stopped = true
				continue
			} else if err != nil {
				return err
			}
		}
		streams = append(streams, s)
	}
	err := r.merge(ctx, streams)
	if errors.Is(err, context.Canceled) {
		r.stopped, err = true, nil
	}
	if err != nil {
		return err
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress.Joining(r.failed + int64(r.joiner.Waiting()))
	}
	return r.joiner.Flush()
}

// settled is how long after it ended a request may still be counted: the join
// holds it back, and its outermost hop may be told of late.
const settled = parse.Time(15 * time.Minute)

func (r *Run) merge(ctx context.Context, streams []merge.Stream) error {
	m, err := merge.New(streams)
	if err != nil {
		return err
	}
	front := make([]bool, len(r.inputs))
	for _, in := range r.inputs {
		if in.join != nil {
			front[in.join.ID] = in.join.Rank == 0
		}
	}
	for n := 0; ; n++ {
		it, ok, err := m.Next()
		if err != nil || !ok {
			return err
		}
		if n%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			r.progress()
			r.collect.Advance(it.Logged - settled)
		}
		if it.Logged < r.upTo-parse.Time(disorder) {
			r.late++
		}
		r.upTo = max(r.upTo, it.Logged)
		if err := r.joiner.Advance(it.Logged); err != nil {
			return err
		}
		if err := r.joiner.Add(it.Record); err != nil {
			return err
		}
		if r.cfg.Record != nil {
			r.cfg.Record(it.Record)
		}
		if front[it.Record.Source] && r.counts(it.Record, it.Logged) {
			r.collect.Count(aggregate.Site(it.Record.Host), it.Logged, 1)
		}
	}
}

// diagnose takes a finished Request from the join.
func (r *Run) diagnose(q *parse.Request) {
	v := r.cfg.Rules.Diagnose(q, r.env)
	r.take(q, &v)
}

// take counts and lists a diagnosed Request.
func (r *Run) take(q *parse.Request, v *rules.Verdict) {
	if v.Class == rules.ClassNone || !r.wanted(q, v) {
		return
	}
	if v.Class == rules.ClassFailure {
		r.failed++
	}
	r.collect.Add(q, v)
	if r.cfg.Request != nil {
		r.cfg.Request(q, v)
	}
}

// wanted applies --since, --until, --site, --backend and --cause.
func (r *Run) wanted(q *parse.Request, v *rules.Verdict) bool {
	root := q.Root()
	switch {
	case !r.inTime(root.Ended + parse.Time(q.Parts[0].Offset)),
		r.cfg.Cause != "" && v.Cause != r.cfg.Cause && v.Symptom != r.cfg.Cause,
		r.cfg.Site != "" && aggregate.Site(root.Host) != r.cfg.Site,
		r.cfg.Backend != "" && aggregate.Backend(q) != r.cfg.Backend:
		return false
	}
	return true
}

// A UsageError says that a command line cannot be understood.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// cutLast divides NAME=GLOB at its last equals sign: a format's definition may hold others.
func cutLast(s string) (name, glob string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '=' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// temporary returns an open file that is gone when it is closed.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "why503-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file for what exceeds memory: %w", err)
	}
	os.Remove(f.Name())
	return f, nil
}

func newest(ins []*input) time.Time {
	var last time.Time
	for _, in := range ins {
		for _, p := range in.source.Parts {
			if st, err := os.Stat(p); err == nil && st.ModTime().After(last) {
				last = st.ModTime()
			}
		}
	}
	if last.IsZero() {
		last = time.Now()
	}
	return last
}

func noYear(in *input) bool {
	return slices.Contains([]string{"systemd", "syslog", "deploy", "app"}, in.format.Name)
}

// printsZone reports whether the stamps of a format are absolute. Where a
// format leaves it to the program (plain application lines), they may not be.
func printsZone(format string) bool {
	switch format {
	case "nginx-error", "php-fpm", "php-fpm-slow", "app", "systemd", "syslog", "deploy":
		return false
	}
	return true
}

func zoneName(ns int64) string {
	sign := '+'
	if ns < 0 {
		sign, ns = '-', -ns
	}
	m := ns / 60e9
	return fmt.Sprintf("UTC%c%02d:%02d", sign, m/60, m%60)
}
