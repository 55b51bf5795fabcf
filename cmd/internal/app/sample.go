package app

import (
	"bytes"
	"time"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/frame"
	"why503/parse/recognise"
)

// How much of a source the survey looks at.
const (
	sampleHead    = 512 << 10
	samplePiece   = 256 << 10
	sampleRecords = 6000
)

// sample parses pieces of in: its head, middle and tail (of a stream and of
// compressed files the head alone).
func (in *input) sample(zone *time.Location, base time.Time) ([]*parse.Record, error) {
	var records []*parse.Record
	head, err := in.source.Head(sampleHead)
	if err != nil {
		return nil, err
	}
	records = in.parsePiece(records, head, zone, base, sampleRecords)
	for _, get := range []func(int) ([]byte, error){in.source.Middle, in.source.Tail} {
		piece, err := get(samplePiece)
		if err != nil {
			return records, nil //nolint:nilerr // what cannot be sampled is told when it is read
		}
		if len(piece) > 0 {
			records = in.parsePiece(records, piece, zone, base, len(records)+sampleRecords/2)
		}
	}
	return records, nil
}

func (in *input) parsePiece(out []*parse.Record, piece []byte, zone *time.Location, base time.Time, most int) []*parse.Record {
	p := in.newParser(zone, base)
	set := recognise.Default()
	emit := func(r *parse.Record) {
		if len(out) < most {
			set.Annotate(r)
			r.Source = in.join.ID
			out = append(out, r.Clone())
		}
	}
	lines := frame.NewLines(bytes.NewReader(piece), 0)
	for {
		l, err := lines.Next()
		if err != nil {
			break
		}
		_ = p.Parse(l, emit) // lines that do not fit are counted when the source is read
	}
	p.Flush(emit)
	return out
}

// unordered reports whether the sample goes back in time by more than its
// stamps leave open: then the source must be sorted before it can be joined.
func unordered(records []*parse.Record) bool {
	var latest parse.Time
	for _, r := range records {
		if r.Ended == 0 {
			continue
		}
		if r.Ended < latest-parse.Time(disorder) {
			return true
		}
		latest = max(latest, r.Ended)
	}
	return false
}

// disorder is how far lines of a healthy log may be out of order: a raw
// varnishlog and buffered access logs are written in bursts.
const disorder = int64(20 * time.Second)

// latest returns the end of the last dated Record, for the year of sources
// that print none.
func latest(samples []correlate.Sample) time.Time {
	var last parse.Time
	for _, s := range samples {
		for _, r := range s.Records {
			last = max(last, r.Ended)
		}
	}
	if last == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(last))
}
