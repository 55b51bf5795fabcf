package app

import (
	"context"
	"errors"
	"io"
	"time"

	"why503/ingest/merge"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/recognise"
)

// batchRecords is how many Records travel together between goroutines.
const batchRecords = 256

// A stream reads one input in a goroutine of its own, some batches ahead of
// the merge.
type stream struct {
	in      *input
	batches chan batch
	err     error // set before batches is closed
}

// A batch tells with its Items whether something before their end was lost, so
// that what the join makes of it does not hang on how far ahead the reader is.
type batch struct {
	items []merge.Item
	lossy bool
}

// Next implements merge.Stream.
func (s *stream) Next() ([]merge.Item, error) {
	for b := range s.batches {
		if b.lossy {
			s.in.join.Lose()
		}
		if len(b.items) > 0 {
			return b.items, nil
		}
	}
	return nil, s.err
}

// start begins to read in. The goroutine ends with ctx or with the input.
func (in *input) start(ctx context.Context, zone *time.Location, base time.Time) *stream {
	s := &stream{in: in, batches: make(chan batch, 8)}
	go func() {
		defer close(s.batches)
		send := func(items []merge.Item) bool {
			select {
			case s.batches <- batch{items, in.lossy}:
				return true
			case <-ctx.Done():
				return false
			}
		}
		s.err = in.readAll(ctx, zone, base, send)
	}()
	return s
}

// readAll parses the whole input and hands on its Records in batches.
func (in *input) readAll(ctx context.Context, zone *time.Location, base time.Time, send func([]merge.Item) bool) error {
	p := in.newParser(zone, base)
	set := recognise.Default()
	batch := make([]merge.Item, 0, batchRecords)
	emit := func(r *parse.Record) {
		set.Annotate(r)
		r.Source = in.join.ID
		if in.calendar.Date(r, &in.dated) {
			in.count(impossible, 1)
		}
		in.seen(r)
		recognise.MarkCut(r)
		if in.promotes {
			recognise.Promote(r)
		}
		if !in.keeps(r) {
			return
		}
		logged := r.Ended + parse.Time(in.join.Offset)
		batch = append(batch, merge.Item{Record: r.Clone(), ID: in.join.RecordID(r), Logged: logged})
	}
	lines := in.openLines(ctx)
	defer lines.Close()
	for {
		l, err := lines.Next()
		if errors.Is(err, io.EOF) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			break
		}
		if err != nil { // one part is damaged: told by Damage, the next goes on
			in.lose("damaged", 1)
			continue
		}
		in.lines++
		in.read.Store(l.Offset)
		in.bytes = l.Offset + int64(len(l.Text)) + 1
		if l.Cut {
			in.lose("oversized line", 1)
		}
		if errors.Is(p.Parse(l, emit), parse.ErrFormat) {
			in.skip(l)
		}
		if len(batch) >= batchRecords {
			if !send(batch) {
				return ctx.Err()
			}
			batch = make([]merge.Item, 0, batchRecords)
		}
	}
	p.Flush(emit)
	if (len(batch) > 0 || in.lossy) && !send(batch) {
		return ctx.Err()
	}
	if n, _ := lines.Skipped(); n > 0 {
		in.long = n
	}
	return nil
}

// keeps reports whether the join has a use for r: sessions and routine lines
// that name no request have none.
func (in *input) keeps(r *parse.Record) bool {
	if in.join.Twin.Retells(r) {
		return false
	}
	return correlate.Useful(r)
}

func (in *input) seen(r *parse.Record) {
	in.records++
	if r.Ended != 0 {
		if in.first == 0 || r.Time < in.first {
			in.first = r.Time
		}
		in.last = max(in.last, r.Ended)
	}
	if r.Incomplete && r.Tx != nil {
		in.lose("incomplete transaction", 1)
	}
}

func (in *input) skip(l parse.Line) {
	if len(l.Text) == 0 {
		return // an empty line says nothing in any format
	}
	if !l.Cut { // what is longer than the bound is counted by the reader
		in.skipped++
	}
	if in.skipped*tolerated > in.lines+tolerated {
		in.lossy = true
	}
	if len(in.samples) < 3 {
		in.samples = append(in.samples, string(l.Text[:min(len(l.Text), 160)]))
	}
}

// tolerated is one in how many lines may be unreadable before absence in the
// source stops to prove anything: a log has a torn line now and then.
const tolerated = 200

func (in *input) lose(why string, n int64) {
	in.count(why, n)
	in.lossy = true
}

func (in *input) count(why string, n int64) {
	if in.losses == nil {
		in.losses = make(map[string]int64)
	}
	in.losses[why] += n
}
