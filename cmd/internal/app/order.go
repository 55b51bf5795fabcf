package app

import (
	"errors"
	"fmt"
	"time"

	"why503/ingest/merge"
	"why503/parse"
	"why503/parse/correlate"
)

// disorder is how far lines of a healthy log may be out of order: a raw
// varnishlog and buffered access logs are written in bursts.
const disorder = int64(20 * time.Second)

// unordered reports whether the sample goes back in time by more than that:
// then the source must be sorted before it can be joined.
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

// errDisorder says that inputs turned out not to be in order of time while they
// were read, and can be read again.
var errDisorder = errors.New("lines are not in order of time")

// restarts is how often reading may begin anew for inputs that turn out not to
// be in order, before all are sorted.
const restarts = 3

// An orderedStream watches that a stream is in order. Where it is not, a file
// is noted and reading ends, to begin anew with that file sorted. What cannot
// be read again is sorted from there on: what comes too late then is counted.
type orderedStream struct {
	*stream
	in     *input
	again  bool // all of the run can be read again
	latest parse.Time
	rest   *sortedStream
}

// Next implements merge.Stream.
func (s *orderedStream) Next() ([]merge.Item, error) {
	items, err := s.next()
	if len(items) == 0 && err == nil {
		s.in.join.Done = true
	}
	return items, err
}

func (s *orderedStream) next() ([]merge.Item, error) {
	if s.rest != nil {
		return s.rest.Next()
	}
	items, err := s.stream.Next()
	for i := range items {
		if items[i].Logged >= s.latest-parse.Time(disorder) {
			s.latest = max(s.latest, items[i].Logged)
			continue
		}
		s.in.sorted = true
		if s.again {
			return nil, errDisorder
		}
		s.in.sortedFrom = items[i].Record.Line
		if s.rest, err = sortStream(s.stream, items[i:]); err != nil {
			return nil, err
		}
		if i == 0 {
			return s.rest.Next()
		}
		return items[:i], nil
	}
	return items, err
}

// Close frees the temporary file.
func (s *orderedStream) Close() {
	if s.rest != nil {
		s.rest.Close()
	}
}

// tellOrder says in words what is wrong with the times of in.
func (in *input) tellOrder() []string {
	var words []string
	switch {
	case in.sortedFrom > 0:
		words = append(words, fmt.Sprintf("%s: its lines are not in order of time from line %d on. A stream cannot be read again, so joins and incidents may be missing. Give it as a file", in.name, in.sortedFrom))
	case in.sorted:
		words = append(words, in.name+": its lines are not in order of time; it was sorted in a temporary file")
	}
	if n := in.losses[impossible]; n > 0 {
		words = append(words, fmt.Sprintf("%s: %d of its lines have a time that cannot be (before 2000, or in the future); they were placed by the lines before them", in.name, n))
	}
	return words
}

// impossible is the reason under which stamps are counted that no clock can
// have shown.
const impossible = "impossible time"

const year = 366 * parse.Day

// newCalendar takes nothing to be written a day after now. Where most of what a
// source says is later, it is now that is wrong, not the source.
func newCalendar(now time.Time, samples []correlate.Sample) parse.Calendar {
	c := parse.NewCalendar(parse.Time(now.UnixNano()))
	limit := c.To
	for _, s := range samples {
		late := 0
		var last parse.Time
		for _, r := range s.Records {
			if r.Ended > limit {
				late++
				last = max(last, r.Ended)
			}
		}
		if late > 2 && 2*late > len(s.Records) {
			c.To = max(c.To, last+year)
		}
	}
	return c
}

// firstTime returns the first time in a sample, for lines before it.
func firstTime(records []*parse.Record) parse.Time {
	for _, r := range records {
		if r.Ended != 0 {
			return r.Ended
		}
	}
	return 0
}

// clean takes the stamps off samples that cannot be.
func clean(c parse.Calendar, samples []correlate.Sample) {
	for _, s := range samples {
		for _, r := range s.Records {
			if !c.Possible(r) {
				r.Time, r.Ended = 0, 0
			}
		}
	}
}
