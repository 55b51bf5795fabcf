package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"why503/aggregate"
	"why503/ingest/merge"
	"why503/parse"
	"why503/rules"
)

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
	if err := r.checkClocks(again); err != nil {
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
	front, inputs := make([]bool, len(r.inputs)), make([]*input, len(r.inputs))
	for _, in := range r.inputs {
		if in.join != nil {
			front[in.join.ID], inputs[in.join.ID] = in.join.Rank == 0, in
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
		r.paired.take(it.Record)
		if r.cfg.Record != nil {
			r.cfg.Record(it.Record)
		}
		if front[it.Record.Source] && r.counts(it.Record, it.Logged) {
			r.collect.Count(r.rows.Site(it.Record), it.Logged, 1)
		}
		if r.cfg.Into != nil && r.counts(it.Record, it.Logged) {
			r.cfg.Into.record(inputs[it.Record.Source], it.Record, r.rows.Site(it.Record), it.Logged)
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
	if r.cfg.Into != nil {
		r.cfg.Into.request(q, v)
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
