package wire

import (
	"math"

	"why503/parse"
	"why503/parse/correlate"
)

// Tags of Clock, Counts, Counted, Count and Took.
const (
	clockSource   = 1<<3 | varint
	clockOffset   = 2<<3 | varint
	clockPromotes = 3<<3 | varint

	countsSecond = 1<<3 | bytes

	countedSource = 1<<3 | varint
	countedAt     = 2<<3 | fixed
	countedCount  = 3<<3 | bytes

	countOf     = 1<<3 | varint
	countName   = 2<<3 | bytes
	countBegan  = 3<<3 | varint
	countEnded  = 4<<3 | varint
	countSlow   = 5<<3 | varint
	countFailed = 6<<3 | varint
	countBusy   = 7<<3 | varint
	countTook   = 8<<3 | bytes

	tookEnd    = 1<<3 | varint
	tookBucket = 2<<3 | varint
	tookN      = 3<<3 | varint
	tookSum    = 4<<3 | varint
	tookWhole  = 5<<3 | varint
)

func (m *Clock) append(b []byte) []byte {
	b = appendInt(b, clockSource, int64(m.Source))
	b = appendSigned(b, clockOffset, m.Offset)
	return appendBool(b, clockPromotes, m.Promotes)
}

func (d *decoder) clock(b []byte, m *Clock) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case clockSource:
			m.Source = parse.SourceID(f.n)
		case clockOffset:
			m.Offset = f.signed()
		case clockPromotes:
			m.Promotes = f.bool()
		}
	}
	return f.err
}

func (m *Counts) append(b []byte) []byte {
	for i := range m.Seconds {
		s := &m.Seconds[i]
		var at int
		b, at = open(b, countsSecond)
		b = appendInt(b, countedSource, int64(s.Source))
		b = appendFixed(b, countedAt, uint64(s.At))
		for k := range s.Counts {
			b = appendCount(b, &s.Counts[k])
		}
		b = shut(b, at)
	}
	return b
}

func appendCount(b []byte, c *correlate.Count) []byte {
	b, at := open(b, countedCount)
	b = appendUint(b, countOf, uint64(c.Of))
	b = appendText(b, countName, c.Name)
	b = appendUint(b, countBegan, uint64(c.Began))
	b = appendUint(b, countEnded, uint64(c.Ended))
	b = appendUint(b, countSlow, uint64(c.Slow))
	b = appendUint(b, countFailed, uint64(c.Failed))
	b = appendSigned(b, countBusy, c.Busy)
	for i := range c.Took {
		t := &c.Took[i]
		var in int
		b, in = open(b, countTook)
		b = appendUint(b, tookEnd, uint64(t.End))
		b = appendUint(b, tookBucket, uint64(t.Bucket))
		b = appendUint(b, tookN, uint64(t.N))
		b = appendSigned(b, tookSum, t.Sum)
		b = appendUint(b, tookWhole, uint64(t.Whole))
		b = shut(b, in)
	}
	return shut(b, at)
}

func (d *decoder) counts(b []byte, m *Counts) error {
	f := fields{b: b}
	for f.next() {
		if f.tag == countsSecond {
			f.fail(d.countedSecond(f.v, add(d, &f, &m.Seconds)))
		}
	}
	return f.err
}

func (d *decoder) countedSecond(b []byte, s *correlate.Second) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case countedSource:
			s.Source = parse.SourceID(f.n)
		case countedAt:
			s.At = parse.Time(f.n)
		case countedCount:
			known, err := d.count(f.v, add(d, &f, &s.Counts))
			if !known { // as with neighbours: it would pass for the whole hop
				s.Counts = s.Counts[:max(0, len(s.Counts)-1)]
			}
			f.fail(err)
		}
	}
	return f.err
}

func (d *decoder) count(b []byte, c *correlate.Count) (known bool, err error) {
	known = true
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case countOf:
			known = f.n < uint64(parse.NumTraffic)
			c.Of = upTo(&f, parse.NumTraffic-1)
		case countName:
			c.Name = d.name(f.v)
		case countBegan:
			c.Began = uint32(f.n)
		case countEnded:
			c.Ended = uint32(f.n)
		case countSlow:
			c.Slow = uint32(f.n)
		case countFailed:
			c.Failed = uint32(f.n)
		case countBusy:
			c.Busy = f.signed()
		case countTook:
			f.fail(d.took(f.v, add(d, &f, &c.Took)))
		}
	}
	return known, f.err
}

func (d *decoder) took(b []byte, t *correlate.Took) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case tookEnd:
			t.End = upTo(&f, parse.NumEnds-1)
		case tookBucket:
			t.Bucket = uint16(min(f.n, math.MaxUint16)) // beyond all buckets there are, not one of them
		case tookN:
			t.N = uint32(f.n)
		case tookSum:
			t.Sum = f.signed()
		case tookWhole:
			t.Whole = uint32(f.n)
		}
	}
	return f.err
}
