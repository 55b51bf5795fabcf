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
// compressed files the head alone).
func (in *input) sample(zone *time.Location, base time.Time) (correlate.Sample, error) {
	s := correlate.Sample{Source: in.join}
	head, err := in.source.Head(sampleHead)
	if err != nil {
		return s, err
	}
	s.Records = in.parsePiece(nil, head, zone, base, sampleRecords)
	s.Whole = in.path != ingest.Stdin && len(head) < sampleHead/2 && len(s.Records) < sampleRecords
	rest := int(min(in.source.Size-int64(len(head)), samplePiece)) // no line is to be in two pieces
	var pieces []func(int) ([]byte, error)
	if in.source.Size/2 >= int64(len(head)) {
		pieces = append(pieces, in.source.Middle)
	}
	if rest > 0 {
		pieces = append(pieces, in.source.Tail)
	}
	for _, get := range pieces {
		piece, err := get(rest)
		if err != nil {
			s.Whole = false
			return s, nil //nolint:nilerr // what cannot be sampled is told when it is read
		}
		if len(piece) > 0 {
			most := len(s.Records) + sampleRecords/2
			s.Pieces = append(s.Pieces, len(s.Records))
			s.Records = in.parsePiece(s.Records, piece, zone, base, most)
			s.Whole = len(s.Records) < most
		}
	}
	return s, nil
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
