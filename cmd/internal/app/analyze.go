package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"why503/aggregate"
	"why503/ingest"
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
	// Into gathers what is found for a store; it may be nil.
	Into *History
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
	paired   pairing                    // Records with ids from all over this run
	earlier  map[string][]*parse.Record // those of the run before, by path
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
	var earlier map[string][]*parse.Record
	for n := 0; ; n++ {
		r := &Run{cfg: cfg, unordered: unordered, sortAll: n >= restarts, earlier: earlier}
		s, err := r.run(ctx)
		switch {
		case errors.Is(err, errDrift):
			earlier = r.pairedByPath()
			continue
		case !errors.Is(err, errDisorder):
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
