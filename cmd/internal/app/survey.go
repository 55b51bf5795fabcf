package app

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
)

// survey looks at samples of all inputs: hosts, zones, clocks, and which hop
// is in front of which.
func (r *Run) survey() error {
	var err error
	if r.spill, err = temporary(); err != nil {
		return err
	}
	var ins []*input
	for _, in := range r.inputs {
		kind, prog, ok := detect.Kind(in.format.Name)
		if in.make == nil || !ok {
			continue
		}
		in.kind, in.prog = kind, prog
		in.join = correlate.NewSource(parse.SourceID(len(ins)), in.kind, in.prog, "", in.source.Fingerprint)
		in.join.LineID = in.source.LineID
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
	if r.cfg.Into != nil {
		r.cfg.Into.begin(r.rows)
	}
	r.env = r.settings.env(ins)
	return nil
}

// calendar tells which stamps cannot be, from the samples that there are.
func (r *Run) calendar(ins []*input, samples []correlate.Sample) parse.Calendar {
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
	clean(c, samples)
	nameSites(ins, samples)
	for i, in := range ins {
		in.calendar, in.dated = c, firstTime(samples[i].Records)
		in.sorted = unordered(samples[i].Records) || r.unordered[in.path] || (r.sortAll && in.source.Size >= 0)
	}
}

// nameSites gives inputs whose lines name no host the one site that the others
// tell of; where they tell of several, it stays empty.
func nameSites(ins []*input, samples []correlate.Sample) {
	only := ""
	named := make([]bool, len(ins))
	for i := range samples {
		for _, rec := range samples[i].Records {
			if len(rec.Host) == 0 || rec.Kind == parse.KindLog {
				continue
			}
			named[i] = true
			site := aggregate.Site(rec.Host)
			if only != "" && site != only {
				return
			}
			only = site
		}
	}
	for i, in := range ins {
		if !named[i] {
			in.site = only
		}
	}
}

// samples parses a piece of each input. Inputs whose stamps print no year are
// sampled last, when the others have told which year it is.
func (r *Run) samples(ins []*input) []correlate.Sample {
	samples := make([]correlate.Sample, len(ins))
	for _, undated := range []bool{false, true} {
		if undated {
			clean(r.calendar(ins, samples), samples)
			if r.base = latest(samples); r.base.IsZero() {
				r.base = newest(ins)
			}
		}
		for i, in := range ins {
			if undated == detect.PrintsYear(in.format.Name) {
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
			in.zoned = detect.PrintsZone(in.format.Name)
			if len(records) > 0 && in.kind == parse.SourceNginxAccess && records[0].Program != parse.Nginx {
				in.prog = records[0].Program
			}
			sample.Zoned, sample.Late = in.zoned, r.earlier[in.path]
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
		r.warnings = append(r.warnings, fmt.Sprintf("%s: its stamps print no zone; they fit the other logs as %s, so they were read as that. To set it: --zone", in.name, zoneName(c.Zone)))
	}
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

func zoneName(ns int64) string {
	sign := '+'
	if ns < 0 {
		sign, ns = '-', -ns
	}
	m := ns / 60e9
	return fmt.Sprintf("UTC%c%02d:%02d", sign, m/60, m%60)
}
