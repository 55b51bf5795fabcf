package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"why503/parse"
	"why503/parse/correlate"
)

// Tags of Source, Records, Item, Want and Answer.
const (
	sourceID          = 1<<3 | varint
	sourceName        = 2<<3 | bytes
	sourceFormat      = 3<<3 | bytes
	sourceKind        = 4<<3 | varint
	sourceProgram     = 5<<3 | varint
	sourceHost        = 6<<3 | bytes
	sourceSite        = 7<<3 | bytes
	sourceFingerprint = 8<<3 | bytes
	sourceZoned       = 9<<3 | varint

	recordsSource = 1<<3 | varint
	recordsItem   = 2<<3 | bytes
	recordsAgain  = 3<<3 | varint
	recordsSample = 4<<3 | varint

	itemID     = 1<<3 | bytes
	itemRecord = 2<<3 | bytes

	wantNumber = 1<<3 | varint
	wantUID    = 2<<3 | bytes
	wantKey    = 3<<3 | fixed
	wantKeys   = 3<<3 | bytes // packed
	wantFrom   = 4<<3 | fixed
	wantTo     = 5<<3 | fixed
	wantUntil  = 6<<3 | fixed
	wantNear   = 7<<3 | fixed

	answerSource  = 1<<3 | varint
	answerNumber  = 2<<3 | varint
	answerCount   = 3<<3 | varint
	answerCovered = 4<<3 | varint
	answerCut     = 5<<3 | varint
)

func (s *Source) append(b []byte) []byte {
	b = appendInt(b, sourceID, int64(s.ID))
	b = appendText(b, sourceName, s.Name)
	b = appendText(b, sourceFormat, s.Format)
	b = appendUint(b, sourceKind, uint64(s.Kind))
	b = appendUint(b, sourceProgram, uint64(s.Program))
	b = appendText(b, sourceHost, s.Host)
	b = appendText(b, sourceSite, s.Site)
	b = appendID(b, sourceFingerprint, s.Fingerprint)
	return appendBool(b, sourceZoned, s.Zoned)
}

func (d *decoder) source(b []byte, s *Source) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case sourceID:
			s.ID = parse.SourceID(f.n)
		case sourceName:
			s.Name = string(f.v)
		case sourceFormat:
			s.Format = string(f.v)
		case sourceKind:
			s.Kind = upTo(&f, parse.NumSourceKinds-1)
		case sourceProgram:
			s.Program = upTo(&f, parse.CDN)
		case sourceHost:
			s.Host = string(f.v)
		case sourceSite:
			s.Site = string(f.v)
		case sourceFingerprint:
			s.Fingerprint = f.id()
		case sourceZoned:
			s.Zoned = f.bool()
		}
	}
	return f.err
}

func (m *Records) append(b []byte) []byte {
	b = appendInt(b, recordsSource, int64(m.Source))
	b = appendBool(b, recordsAgain, m.Again)
	b = appendBool(b, recordsSample, m.Sample)
	for i := range m.Items {
		var at, in int
		b, at = open(b, recordsItem)
		b = appendID(b, itemID, m.Items[i].ID)
		b, in = open(b, itemRecord)
		b = shut(appendRecord(b, m.Items[i].Record), in)
		b = shut(b, at)
	}
	return b
}

func (d *decoder) records(b []byte, m *Records) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case recordsSource:
			m.Source = parse.SourceID(f.n)
		case recordsItem:
			d.reserve(&f)
			f.fail(d.item(f.v, add(d, &f, &m.Items)))
		case recordsAgain:
			m.Again = f.bool()
		case recordsSample:
			m.Sample = f.bool()
		}
	}
	return f.err
}

func (d *decoder) item(b []byte, it *Item) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case itemID:
			it.ID = f.id()
		case itemRecord:
			if it.Record == nil {
				it.Record = d.newRecord()
			}
			f.fail(d.record(f.v, it.Record))
		}
	}
	if it.Record == nil {
		f.fail(errRecord)
	}
	return f.err
}

func (w *Want) append(b []byte) []byte {
	b = appendUint(b, wantNumber, w.Number)
	b = appendID(b, wantUID, w.UID)
	if len(w.Keys) > 0 {
		var at int
		b, at = open(b, wantKeys)
		for _, k := range w.Keys {
			b = protowire.AppendFixed64(b, uint64(k))
		}
		b = shut(b, at)
	}
	b = appendFixed(b, wantFrom, uint64(w.From))
	b = appendFixed(b, wantTo, uint64(w.To))
	b = appendFixed(b, wantUntil, uint64(w.Until))
	return appendFixed(b, wantNear, uint64(w.Near))
}

func (d *decoder) want(b []byte, w *Want) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case wantNumber:
			w.Number = f.n
		case wantUID:
			w.UID = f.id()
		case wantKey:
			w.Keys = append(w.Keys, correlate.Key(f.n))
		case wantKeys:
			f.fail(keys(f.v, &w.Keys))
		case wantFrom:
			w.From = parse.Time(f.n)
		case wantTo:
			w.To = parse.Time(f.n)
		case wantUntil:
			w.Until = parse.Time(f.n)
		case wantNear:
			w.Near = parse.Time(f.n)
		}
	}
	return f.err
}

// keys reads a packed list.
func keys(b []byte, list *[]correlate.Key) error {
	for len(b) > 0 {
		v, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return damaged(protowire.ParseError(n))
		}
		*list = append(*list, correlate.Key(v))
		b = b[n:]
	}
	return nil
}

func (a *Answer) append(b []byte) []byte {
	b = appendInt(b, answerSource, int64(a.Source))
	b = appendUint(b, answerNumber, a.Number)
	b = appendInt(b, answerCount, int64(a.Count))
	b = appendBool(b, answerCovered, a.Covered)
	return appendBool(b, answerCut, a.Cut)
}

func (d *decoder) answer(b []byte, a *Answer) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case answerSource:
			a.Source = parse.SourceID(f.n)
		case answerNumber:
			a.Number = f.n
		case answerCount:
			a.Count = int(f.n)
		case answerCovered:
			a.Covered = f.bool()
		case answerCut:
			a.Cut = f.bool()
		}
	}
	return f.err
}
