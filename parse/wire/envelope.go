package wire

import (
	"errors"
	"fmt"

	"why503/parse"
)

// Version is that of all that is written. A reader takes every version up to
// its own.
const Version = 1

// MaxBytes bounds one encoded Message, Request or Record.
const MaxBytes = 16 << 20

// Errors that callers tell apart, by errors.Is.
var (
	// ErrKind is a message of a type that is not known, or not wanted here.
	// One that a newer writer sends: count it and go on.
	ErrKind = errors.New("message of a type that is not known here")
	// ErrVersion is a message that only a newer release can read.
	ErrVersion = errors.New("message of a newer version: bring this side to the sender's release first")
	// ErrTooLarge is a message beyond MaxBytes, or one that would take far
	// more memory than its length warrants.
	ErrTooLarge = errors.New("message too large")
	// ErrDamaged is what is no message.
	ErrDamaged = errors.New("damaged message")
)

var (
	errID      = fmt.Errorf("%w: an id has 16 bytes", ErrDamaged)
	errNumber  = fmt.Errorf("%w: a score is a number", ErrDamaged)
	errHist    = fmt.Errorf("%w: a histogram", ErrDamaged)
	errVersion = fmt.Errorf("%w: it has no version", ErrDamaged)
	errRecord  = fmt.Errorf("%w: an item has no record", ErrDamaged)
	errTree    = fmt.Errorf("%w: the parts of a request are no tree", ErrDamaged)
)

func damaged(err error) error { return fmt.Errorf("%w: %w", ErrDamaged, err) }

// Tags of Envelope.
const (
	envelopeVersion = 1<<3 | varint
	envelopeKind    = 2<<3 | varint
	envelopeBody    = 3<<3 | bytes
)

// Values of Envelope.Body.
const (
	kindSource = iota + 1
	kindRecords
	kindWant
	kindAnswer
	kindProgress
	kindRequest
	kindRecord
	kindClock
	kindCounts
)

// Append appends the encoding of m to b. It keeps nothing of m. With an error,
// b comes back as it was.
func Append(b []byte, m Message) ([]byte, error) {
	switch m := m.(type) {
	case *Source:
		return seal(b, kindSource, m.append)
	case *Records:
		for i := range m.Items {
			if m.Items[i].Record == nil {
				return b, fmt.Errorf("encoding item %d of records: it has no record", i)
			}
		}
		return seal(b, kindRecords, m.append)
	case *Want:
		return seal(b, kindWant, m.append)
	case *Answer:
		return seal(b, kindAnswer, m.append)
	case *Progress:
		return seal(b, kindProgress, m.append)
	case *Clock:
		return seal(b, kindClock, m.append)
	case *Counts:
		return seal(b, kindCounts, m.append)
	}
	return b, fmt.Errorf("encoding a %T: %w", m, ErrKind)
}

// Decode reads what Append wrote. The byte slices in the Message are pieces of
// b: it is good as long as b is left alone. Its Records lie in one array, so
// each of them keeps the whole Message and b in memory; Clone what is to live
// longer. Strings are copies.
//
// It takes any bytes: what it returns has enumerations in their range, lists
// bounded by the length of b, and Records that are not nil. Numbers and texts
// are as they were sent.
func Decode(b []byte) (Message, error) {
	kind, body, err := unseal(b)
	if err != nil {
		return nil, err
	}
	d := newDecoder(len(b))
	switch kind {
	case kindSource:
		return decoded(&Source{}, body, d.source)
	case kindRecords:
		return decoded(&Records{}, body, d.records)
	case kindWant:
		return decoded(&Want{}, body, d.want)
	case kindAnswer:
		return decoded(&Answer{}, body, d.answer)
	case kindProgress:
		return decoded(&Progress{}, body, d.progress)
	case kindClock:
		return decoded(&Clock{}, body, d.clock)
	case kindCounts:
		return decoded(&Counts{}, body, d.counts)
	}
	return nil, fmt.Errorf("%w: number %d", ErrKind, kind)
}

// decoded keeps a half-read value, and a nil pointer in an interface, from the
// caller.
func decoded[M Message](m M, body []byte, read func([]byte, M) error) (Message, error) {
	if err := read(body, m); err != nil {
		return nil, fmt.Errorf("decoding a %T: %w", m, err)
	}
	return m, nil
}

// AppendRequest appends the encoding of a whole fact to b, as a store keeps it.
func AppendRequest(b []byte, q *parse.Request) ([]byte, error) {
	if err := checkTree(q); err != nil {
		return b, fmt.Errorf("encoding request %s: %w", q.UID, err)
	}
	return seal(b, kindRequest, func(b []byte) []byte { return appendRequest(b, q) })
}

// DecodeRequest reads what AppendRequest wrote; b lives on in it as in a
// Message. A Request that it returns has a root, and its Parts are a tree.
func DecodeRequest(b []byte) (*parse.Request, error) {
	body, err := unsealAs(b, kindRequest)
	if err != nil {
		return nil, fmt.Errorf("decoding a request: %w", err)
	}
	q := new(parse.Request)
	if err := newDecoder(len(b)).request(body, q); err != nil {
		return nil, fmt.Errorf("decoding a request: %w", err)
	}
	return q, nil
}

// AppendRecord appends the encoding of one Record to b, as a store keeps it.
func AppendRecord(b []byte, r *parse.Record) ([]byte, error) {
	return seal(b, kindRecord, func(b []byte) []byte { return appendRecord(b, r) })
}

// DecodeRecord reads what AppendRecord wrote; b lives on in it as in a Message.
func DecodeRecord(b []byte) (*parse.Record, error) {
	body, err := unsealAs(b, kindRecord)
	if err != nil {
		return nil, fmt.Errorf("decoding a record: %w", err)
	}
	r := new(parse.Record)
	if err := newDecoder(len(b)).record(body, r); err != nil {
		return nil, fmt.Errorf("decoding a record: %w", err)
	}
	return r, nil
}

func seal(b []byte, kind uint64, body func([]byte) []byte) ([]byte, error) {
	out := appendUint(b, envelopeVersion, Version)
	out = appendUint(out, envelopeKind, kind)
	out, at := open(out, envelopeBody)
	out = shut(body(out), at)
	if n := len(out) - len(b); n > MaxBytes {
		return b, fmt.Errorf("encoding %d bytes: %w: %d bytes are the bound", n, ErrTooLarge, MaxBytes)
	}
	return out, nil
}

func unseal(b []byte) (kind uint64, body []byte, err error) {
	if len(b) > MaxBytes {
		return 0, nil, fmt.Errorf("%w: it has %d bytes, and %d are the bound", ErrTooLarge, len(b), MaxBytes)
	}
	var version uint64
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case envelopeVersion:
			version = f.n
		case envelopeKind:
			kind = f.n
		case envelopeBody:
			body = f.v
		}
	}
	switch {
	case f.err != nil:
		return 0, nil, f.err
	case version == 0:
		return 0, nil, errVersion
	case version > Version:
		return 0, nil, fmt.Errorf("%w: it has version %d, this reads %d", ErrVersion, version, Version)
	}
	return kind, body, nil
}

func unsealAs(b []byte, want uint64) ([]byte, error) {
	kind, body, err := unseal(b)
	if err == nil && kind != want {
		err = fmt.Errorf("%w: number %d", ErrKind, kind)
	}
	return body, err
}

// A decoder is for one value.
type decoder struct {
	room  int // bytes that lists may still take
	names map[string]string
	slab  []parse.Record
}

// What lists of n bytes may take: a Record of a short line takes thirty times
// its encoding, most take five.
const (
	minMemory     = 16 << 10
	memoryPerByte = 64
	maxMemory     = 256 << 20
)

func newDecoder(n int) *decoder {
	return &decoder{room: min(minMemory+memoryPerByte*n, maxMemory)}
}

// take makes room for n values of size bytes.
func (d *decoder) take(n, size int) error {
	if n > d.room/size {
		return fmt.Errorf("%w: its lists are far longer than its text", ErrTooLarge)
	}
	d.room -= n * size
	return nil
}

// name copies a name. Messages repeat a few names in many rows.
func (d *decoder) name(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	s, ok := d.names[string(b)]
	if !ok {
		if d.names == nil {
			d.names = make(map[string]string)
		}
		s = string(b)
		d.names[s] = s
	}
	return s
}
