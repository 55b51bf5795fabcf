package app

import (
	"errors"
	"strings"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/frame"
)

// ErrNothing says that there was nothing to analyse; Problems tell why.
var ErrNothing = errors.New("nothing to analyse")

// Stopped reports whether the run was ended before all was read.
func (r *Run) Stopped() bool { return r.stopped }

// InLedger reports whether what a warning of the Summary says stands in the row
// of a source, too.
func (r *Run) InLedger(warning string) bool { return r.inLedger[warning] }

func (r *Run) warnLedger(text string) {
	if r.inLedger == nil {
		r.inLedger = make(map[string]bool)
	}
	r.inLedger[text] = true
	r.warnings = append(r.warnings, text)
}

// NothingRead reports whether there was something to read and no format of it
// is known.
func (r *Run) NothingRead() bool {
	unknown := false
	for _, in := range r.inputs {
		if in.join != nil || in.note == "" {
			return false
		}
		unknown = true
	}
	return unknown
}

// Filter says in words what the run was narrowed to; "" when it was not.
func (r *Run) Filter() string {
	var words []string
	add := func(flag, value string) {
		if value != "" {
			words = append(words, "--"+flag+" "+value)
		}
	}
	for _, t := range []struct {
		flag string
		at   time.Time
	}{{"since", r.cfg.Since}, {"until", r.cfg.Until}} {
		if !t.at.IsZero() {
			add(t.flag, t.at.UTC().Format(time.RFC3339))
		}
	}
	add("site", r.cfg.Site)
	add("backend", r.cfg.Backend)
	add("cause", r.cfg.Cause)
	if len(words) == 0 {
		return ""
	}
	text := "filtered by " + strings.Join(words, ", ")
	if r.cfg.Backend != "" || r.cfg.Cause != "" {
		text += "; requests are counted whatever their backend or cause"
	}
	return text
}

// counts reports whether rec is a request that a client sent, of those that
// were asked for. Backend and cause are not known of requests that are well,
// so they narrow the failures alone.
func (r *Run) counts(rec *parse.Record, ended parse.Time) bool {
	if rec.Kind != parse.KindRequest || rec.Tx != nil && rec.Tx.Reason != parse.ReasonClient && rec.Tx.Reason != parse.ReasonNone {
		return false
	}
	return r.inTime(ended) && (r.cfg.Site == "" || aggregate.Site(rec.Host) == r.cfg.Site)
}

func (r *Run) inTime(t parse.Time) bool {
	at := time.Unix(0, int64(t))
	return (r.cfg.Since.IsZero() || !at.Before(r.cfg.Since)) && (r.cfg.Until.IsZero() || at.Before(r.cfg.Until))
}

// settle turns times before the newest line into times. The newest line is
// known of files whose end the survey saw, which streams and compressed files
// do not show before they are read.
func (r *Run) settle(ins []*input, samples []correlate.Sample) error {
	if r.cfg.SinceLast == 0 && r.cfg.UntilLast == 0 {
		return nil
	}
	var newest parse.Time
	for i, in := range ins {
		if in.source.Size < 0 || in.source.Compression != frame.Plain {
			continue
		}
		for _, rec := range samples[i].Records {
			if rec.Ended != 0 {
				newest = max(newest, rec.Ended+parse.Time(in.join.Offset))
			}
		}
	}
	if newest == 0 {
		return &UsageError{"--since and --until: the end of these logs is not known before they are read, since they are streams or compressed. Write a time, like 2026-11-22T21:36:00Z"}
	}
	last := time.Unix(0, int64(newest)).UTC()
	if d := r.cfg.SinceLast; d != 0 {
		r.cfg.Since = last.Add(-d)
	}
	if d := r.cfg.UntilLast; d != 0 {
		r.cfg.Until = last.Add(-d)
	}
	return nil
}
