package wire

import (
	"maps"
	"slices"
	"time"
	"unsafe"

	"why503/parse"
	"why503/parse/traffic"
)

// Tags of Progress, Loss, Minute, Row and Second.
const (
	progressSource   = 1<<3 | varint
	progressFrom     = 2<<3 | fixed
	progressTo       = 3<<3 | fixed
	progressAtEnd    = 4<<3 | varint
	progressLag      = 5<<3 | varint
	progressLossless = 6<<3 | varint
	progressLongest  = 7<<3 | varint
	progressPosition = 8<<3 | bytes
	progressBytes    = 9<<3 | varint
	progressLines    = 10<<3 | varint
	progressRecords  = 11<<3 | varint
	progressUnparsed = 12<<3 | varint
	progressLoss     = 13<<3 | bytes
	progressMinute   = 14<<3 | bytes
	progressSecond   = 15<<3 | bytes

	lossReason = 1<<3 | bytes
	lossCount  = 2<<3 | varint

	minuteMinute = 1<<3 | varint
	minuteFailed = 2<<3 | varint
	minuteRow    = 3<<3 | bytes

	rowSite        = 1<<3 | bytes
	rowAfter       = 2<<3 | varint
	rowSource      = 3<<3 | bytes
	rowProxy       = 4<<3 | bytes
	rowBackend     = 5<<3 | bytes
	rowRoute       = 6<<3 | bytes
	rowMethod      = 7<<3 | bytes
	rowStatusClass = 8<<3 | varint
	rowVersion     = 9<<3 | bytes
	rowReused      = 10<<3 | varint
	rowN           = 11<<3 | varint
	rowSaved       = 12<<3 | varint
	rowBytes       = 13<<3 | varint
	rowBusy        = 14<<3 | varint
	rowHist        = 15<<3 | bytes

	secondSite     = 1<<3 | bytes
	secondAt       = 2<<3 | varint
	secondRequests = 3<<3 | varint
)

func (p *Progress) append(b []byte) []byte {
	b = appendInt(b, progressSource, int64(p.Source))
	b = appendFixed(b, progressFrom, uint64(p.From))
	b = appendFixed(b, progressTo, uint64(p.To))
	b = appendBool(b, progressAtEnd, p.AtEnd)
	b = appendSigned(b, progressLag, p.Lag)
	b = appendBool(b, progressLossless, p.Lossless)
	b = appendSigned(b, progressLongest, p.Longest)
	b = appendText(b, progressPosition, p.Position)
	b = appendInt(b, progressBytes, p.Bytes)
	b = appendInt(b, progressLines, p.Lines)
	b = appendInt(b, progressRecords, p.Records)
	b = appendInt(b, progressUnparsed, p.Unparsed)
	b = appendLosses(b, p.Losses)
	for i := range p.Minutes {
		b = appendMinute(b, &p.Minutes[i])
	}
	for i := range p.Seconds {
		b = appendSecond(b, &p.Seconds[i])
	}
	return b
}

// appendLosses writes in the order of reasons: equal messages are equal bytes.
func appendLosses(b []byte, losses map[string]int64) []byte {
	for _, reason := range slices.Sorted(maps.Keys(losses)) {
		var at int
		b, at = open(b, progressLoss)
		b = appendText(b, lossReason, reason)
		b = appendInt(b, lossCount, losses[reason])
		b = shut(b, at)
	}
	return b
}

func appendMinute(b []byte, m *Minute) []byte {
	b, at := open(b, progressMinute)
	b = appendSigned(b, minuteMinute, int64(m.Minute))
	b = appendInt(b, minuteFailed, m.Failed)
	for i := range m.Rows {
		b = appendRow(b, &m.Rows[i], m.Minute)
	}
	return shut(b, at)
}

func appendRow(b []byte, r *traffic.Row[traffic.Key], in traffic.Minute) []byte {
	b, at := open(b, minuteRow)
	k := &r.Key
	b = appendText(b, rowSite, k.Site)
	b = appendSigned(b, rowAfter, int64(k.Minute-in))
	b = appendText(b, rowSource, k.Source)
	b = appendText(b, rowProxy, k.Proxy)
	b = appendText(b, rowBackend, k.Backend)
	b = appendText(b, rowRoute, k.Route)
	b = appendText(b, rowMethod, k.Method)
	b = appendUint(b, rowStatusClass, uint64(k.StatusClass))
	b = appendText(b, rowVersion, k.Version)
	b = appendBool(b, rowReused, k.Reused)
	if c := r.Cell; c != nil {
		b = appendInt(b, rowN, c.N)
		b = appendInt(b, rowSaved, c.Saved)
		b = appendInt(b, rowBytes, c.Bytes)
		b = appendInt(b, rowBusy, int64(c.Busy))
		if c.Hist.Count() > 0 {
			var in int
			b, in = open(b, rowHist)
			b, _ = c.Hist.AppendBinary(b) // its error is for the interface
			b = shut(b, in)
		}
	}
	return shut(b, at)
}

func appendSecond(b []byte, s *Second) []byte {
	b, at := open(b, progressSecond)
	b = appendText(b, secondSite, s.Site)
	b = appendSigned(b, secondAt, s.At)
	b = appendInt(b, secondRequests, s.Requests)
	return shut(b, at)
}

func (d *decoder) progress(b []byte, p *Progress) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case progressSource:
			p.Source = parse.SourceID(f.n)
		case progressFrom:
			p.From = parse.Time(f.n)
		case progressTo:
			p.To = parse.Time(f.n)
		case progressAtEnd:
			p.AtEnd = f.bool()
		case progressLag:
			p.Lag = f.signed()
		case progressLossless:
			p.Lossless = f.bool()
		case progressLongest:
			p.Longest = f.signed()
		case progressPosition:
			p.Position = f.text()
		case progressBytes:
			p.Bytes = f.int()
		case progressLines:
			p.Lines = f.int()
		case progressRecords:
			p.Records = f.int()
		case progressUnparsed:
			p.Unparsed = f.int()
		case progressLoss:
			f.fail(d.loss(f.v, p))
		case progressMinute:
			f.fail(d.minute(f.v, add(d, &f, &p.Minutes)))
		case progressSecond:
			f.fail(d.second(f.v, add(d, &f, &p.Seconds)))
		}
	}
	return f.err
}

// maxLosses bounds the reasons; there are a dozen.
const maxLosses = 1 << 10

func (d *decoder) loss(b []byte, p *Progress) error {
	var reason string
	var n int64
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case lossReason:
			reason = d.name(f.v)
		case lossCount:
			n = f.int()
		}
	}
	if p.Losses == nil {
		p.Losses = make(map[string]int64)
	}
	p.Losses[reason] = n
	if len(p.Losses) > maxLosses {
		f.fail(ErrTooLarge)
	}
	return f.err
}

func (d *decoder) minute(b []byte, m *Minute) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case minuteMinute:
			m.Minute = traffic.Minute(f.signed())
		case minuteFailed:
			m.Failed = f.int()
		case minuteRow:
			f.fail(d.row(f.v, add(d, &f, &m.Rows)))
		}
	}
	for i := range m.Rows { // only now is it known of what minute they are
		m.Rows[i].Key.Minute += m.Minute
	}
	return f.err
}

// statusClasses is one past the last status class, that of 5xx.
const statusClasses = 6

func (d *decoder) row(b []byte, r *traffic.Row[traffic.Key]) error {
	if err := d.take(1, int(unsafe.Sizeof(*r.Cell))); err != nil {
		return err
	}
	r.Cell = new(traffic.Cell)
	k := &r.Key
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case rowSite:
			k.Site = d.name(f.v)
		case rowAfter:
			k.Minute = traffic.Minute(f.signed())
		case rowSource:
			k.Source = d.name(f.v)
		case rowProxy:
			k.Proxy = d.name(f.v)
		case rowBackend:
			k.Backend = d.name(f.v)
		case rowRoute:
			k.Route = d.name(f.v)
		case rowMethod:
			k.Method = d.name(f.v)
		case rowStatusClass:
			k.StatusClass = 0
			if f.n < statusClasses {
				k.StatusClass = uint8(f.n)
			}
		case rowVersion:
			k.Version = d.name(f.v)
		case rowReused:
			k.Reused = f.bool()
		case rowN:
			r.N = f.int()
		case rowSaved:
			r.Saved = f.int()
		case rowBytes:
			r.Bytes = f.int()
		case rowBusy:
			r.Busy = time.Duration(f.n)
		case rowHist:
			if r.Hist.UnmarshalBinary(f.v) != nil {
				f.fail(errHist)
			}
		}
	}
	return f.err
}

func (d *decoder) second(b []byte, s *Second) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case secondSite:
			s.Site = d.name(f.v)
		case secondAt:
			s.At = f.signed()
		case secondRequests:
			s.Requests = f.int()
		}
	}
	return f.err
}
