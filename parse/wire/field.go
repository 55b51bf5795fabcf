package wire

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Wire types, as they stand in the lower three bits of a tag. The constants of
// fields are whole tags, so a field that comes with another type than it has
// is one that is not known, and skipped.
//
// https://protobuf.dev/programming-guides/encoding/
const (
	varint = uint64(protowire.VarintType)
	fixed  = uint64(protowire.Fixed64Type)
	bytes  = uint64(protowire.BytesType)
)

// The append functions leave out what is zero.

func appendUint(b []byte, tag, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendVarint(b, tag), v)
}

func appendInt(b []byte, tag uint64, v int64) []byte { return appendUint(b, tag, uint64(v)) }

// appendSigned is for numbers that may be a little below zero.
func appendSigned(b []byte, tag uint64, v int64) []byte {
	return appendUint(b, tag, protowire.EncodeZigZag(v))
}

func appendBool(b []byte, tag uint64, v bool) []byte {
	if !v {
		return b
	}
	return append(protowire.AppendVarint(b, tag), 1)
}

func appendFixed(b []byte, tag, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendVarint(b, tag), v)
}

func appendFloat(b []byte, tag uint64, v float64) []byte {
	return appendFixed(b, tag, math.Float64bits(v))
}

func appendText[T string | []byte](b []byte, tag uint64, v T) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendVarint(protowire.AppendVarint(b, tag), uint64(len(v)))
	return append(b, v...)
}

func appendID(b []byte, tag uint64, id [16]byte) []byte {
	if id == [16]byte{} {
		return b
	}
	b = append(protowire.AppendVarint(b, tag), byte(len(id)))
	return append(b, id[:]...)
}

// open begins a message within a message. What is appended until shut is in it.
func open(b []byte, tag uint64) (out []byte, at int) {
	b = append(protowire.AppendVarint(b, tag), 0)
	return b, len(b)
}

// shut puts the length of what was appended since open in front of it.
func shut(b []byte, at int) []byte {
	n := len(b) - at
	if n < 1<<7 {
		b[at-1] = byte(n)
		return b
	}
	var length [10]byte
	l := protowire.AppendVarint(length[:0], uint64(n))
	b = append(b, l[1:]...)
	copy(b[at+len(l)-1:], b[at:at+n])
	copy(b[at-1:], l)
	return b
}

// fields goes through the fields of an encoded message:
//
//	f := fields{b: b}
//	for f.next() {
//		switch f.tag {
//		case noteText:
//			n.Text = f.text()
//		}
//	}
//	return f.err
type fields struct {
	b   []byte // what is left
	tag uint64
	n   uint64 // value of a varint or fixed field
	v   []byte // value of a bytes field, a piece of b
	err error  // why next said false, nil at the end
}

// next reads the next field, those of a group left out: version 3 has none.
func (f *fields) next() bool {
	for len(f.b) > 0 && f.err == nil {
		num, typ, n := protowire.ConsumeTag(f.b)
		if n < 0 {
			return f.bad(n)
		}
		f.b, f.tag = f.b[n:], protowire.EncodeTag(num, typ)
		switch typ {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(f.b)
		case protowire.Fixed64Type:
			f.n, n = protowire.ConsumeFixed64(f.b)
		case protowire.BytesType:
			f.v, n = protowire.ConsumeBytes(f.b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, f.b)
		}
		if n < 0 {
			return f.bad(n)
		}
		f.b = f.b[n:]
		if typ <= protowire.BytesType {
			return true
		}
	}
	return false
}

func (f *fields) bad(n int) bool {
	f.err = damaged(protowire.ParseError(n))
	return false
}

func (f *fields) int() int64    { return int64(f.n) }
func (f *fields) signed() int64 { return protowire.DecodeZigZag(f.n) }
func (f *fields) bool() bool    { return f.n != 0 }

// float refuses what is no number: nothing that is sent is none, and JSON
// cannot hold it.
func (f *fields) float() float64 {
	v := math.Float64frombits(f.n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		f.fail(errNumber)
		return 0
	}
	return v
}

// text is a piece of the input; appending to it copies it.
func (f *fields) text() []byte {
	if len(f.v) == 0 {
		return nil
	}
	return f.v[:len(f.v):len(f.v)]
}

// id reads 16 bytes; none at all are zeros.
func (f *fields) id() (id [16]byte) {
	if n := len(f.v); n != 0 && n != len(id) {
		f.fail(errID)
	}
	copy(id[:], f.v)
	return id
}

// fail ends the reading, if nothing did before.
func (f *fields) fail(err error) {
	if err != nil && f.err == nil {
		f.err = err
	}
}

// upTo is the value of an enumeration whose last known value is last. One that
// a newer writer knows is as good as none.
func upTo[T ~uint8](f *fields, last T) T {
	if f.n > uint64(last) {
		return 0
	}
	return T(f.n)
}

// count says how many fields of that tag a message has, so that a list is made
// in one piece. The message may be damaged.
func count(b []byte, tag uint64) (n int) {
	for f := (fields{b: b}); f.next(); {
		if f.tag == tag {
			n++
		}
	}
	return n
}
