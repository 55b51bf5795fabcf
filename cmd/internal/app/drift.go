package app

import (
	"errors"
	"fmt"
	"time"

	"why503/parse"
	"why503/parse/correlate"
)

// errDrift says that a clock turned out to be another than the survey took it
// for, and that everything can be read again.
var errDrift = errors.New("a clock is off")

const (
	// drifted is by how much a clock has to be off before it is worth to begin
	// anew: the join allows for less than that.
	drifted = int64(2 * time.Second)
	// driftPairs is how many pairs have to say so.
	driftPairs = 5
	// maxPaired bounds the Records that are kept of a run, to some 20 MB.
	maxPaired = 8000
)

// A pairing keeps Records with ids from all over a run: the same ids of every
// source, so that they pair. The survey sees the heads of streams and of
// compressed files alone, which may tell of different times.
type pairing struct {
	mask uint64 // ids with one of these bits are not kept
	kept []*parse.Record
}

// take keeps a copy of rec where it is one of those to keep.
func (p *pairing) take(rec *parse.Record) {
	if !correlate.Chosen(rec, p.mask) {
		return
	}
	p.kept = append(p.kept, rec.Clone())
	for len(p.kept) > maxPaired {
		p.mask = p.mask<<1 | 1
		kept := p.kept[:0]
		for _, r := range p.kept {
			if correlate.Chosen(r, p.mask) {
				kept = append(kept, r)
			}
		}
		clear(p.kept[len(kept):])
		p.kept = kept
	}
}

// checkClocks measures the clocks once more, by pairs from the whole run. Where
// one is far from what the survey took it for, reading begins anew with what is
// known now; what cannot be read again is told.
func (r *Run) checkClocks(again bool) error {
	if len(r.earlier) > 0 || r.stopped {
		return nil
	}
	ins := r.numbered()
	samples := make([]correlate.Sample, len(ins))
	for i, in := range ins {
		src := correlate.NewSource(in.join.ID, in.kind, in.prog, in.host, in.source.Fingerprint)
		samples[i] = correlate.Sample{Source: src, Zoned: in.zoned}
	}
	for _, rec := range r.paired.kept {
		s := &samples[rec.Source]
		s.Records = append(s.Records, rec)
	}
	clocks := correlate.Survey(samples, correlate.NewJoiner(correlate.DefaultConfig(), nil, nil))
	ref := -1
	for i := range clocks {
		if clocks[i].Reference {
			ref = i
		}
	}
	if ref < 0 {
		return nil
	}
	off := false
	for i, in := range ins {
		now := samples[i].Source.Offset - samples[ref].Source.Offset
		was := in.join.Offset - ins[ref].join.Offset
		if d := now - was; !clocks[i].Measured || clocks[i].Pairs < driftPairs || (-drifted < d && d < drifted) {
			continue
		}
		off = true
		if !again {
			r.warnings = append(r.warnings, fmt.Sprintf("%s: its clock is %.1f s off from what its beginning told, and a stream cannot be read again. Give it as a file", in.name, float64(now-was)/1e9))
		}
	}
	if off && again {
		return errDrift
	}
	return nil
}

// numbered returns the inputs that are joined, by the number of their source.
func (r *Run) numbered() []*input {
	var ins []*input
	for _, in := range r.inputs {
		if in.join != nil {
			ins = append(ins, in)
		}
	}
	out := make([]*input, len(ins))
	for _, in := range ins {
		out[in.join.ID] = in
	}
	return out
}

// pairedByPath are the kept Records of an input, for the survey of the next run.
func (r *Run) pairedByPath() map[string][]*parse.Record {
	ins := r.numbered()
	late := make(map[string][]*parse.Record)
	for _, rec := range r.paired.kept {
		path := ins[rec.Source].path
		late[path] = append(late[path], rec)
	}
	return late
}
