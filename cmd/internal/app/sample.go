package app

import (
	"bytes"
	"time"

	"why503/ingest"
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
// compressed files the head alone). whole says that it reached the end.
func (in *input) sample(zone *time.Location, base time.Time) (records []*parse.Record, whole bool, err error) {
	head, err := in.source.Head(sampleHead)
	if err != nil {
		return nil, false, err
	}
	records = in.parsePiece(records, head, zone, base, sampleRecords)
	whole = in.path != ingest.Stdin && len(head) < sampleHead/2 && len(records) < sampleRecords
	for _, get := range []func(int) ([]byte, error){in.source.Middle, in.source.Tail} {
		piece, err := get(samplePiece)
		if err != nil {
			return records, false, nil //nolint:nilerr // what cannot be sampled is told when it is read
		}
		if len(piece) > 0 {
			most := len(records) + sampleRecords/2
			records = in.parsePiece(records, piece, zone, base, most)
			whole = len(records) < most
		}
	}
	return records, whole, nil
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
