package correlate

import (
	"encoding/binary"
	"errors"

	"why503/parse"
)

// errCodec says that bytes are no encoded Record. Rings only read what they
// wrote, so it means a damaged spill file.
var errCodec = errors.New("damaged record in the ring")

// AppendRecord appends r's encoding to b. The encoding lives as long as a Ring
// and is never stored: it has no version.
func AppendRecord(b []byte, r *parse.Record) []byte {
	var flags byte
	for i, f := range [...]bool{r.Incomplete, r.Cut, r.Background, r.Tx != nil} {
		if f {
			flags |= 1 << i
		}
	}
	b = append(b, byte(r.Kind), byte(r.Program), byte(r.Level), flags)
	for _, n := range [...]int64{
		int64(r.Source), r.Offset, r.Line, int64(r.Time), int64(r.Ended - r.Time), r.Precision,
		int64(r.Status), r.Bytes, int64(r.VXID), int64(r.ConnID), int64(r.PID),
	} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, r.Raw)
	for _, t := range r.Texts() {
		b = appendText(b, *t)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Upstreams)))
	for i := range r.Upstreams {
		u := &r.Upstreams[i]
		b = appendText(b, u.Addr)
		redirect := int64(0)
		if u.Redirect {
			redirect = 1
		}
		for _, n := range [...]int64{int64(u.Status), u.Connect, u.Header, u.Response, redirect} {
			b = binary.AppendVarint(b, n)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.Notes)))
	for i := range r.Notes {
		n := &r.Notes[i]
		b = append(b, byte(n.Field))
		b = binary.AppendUvarint(b, uint64(n.Event))
		b = appendText(b, n.Text)
		b = appendText(b, n.Line)
		b = binary.AppendVarint(b, n.Offset)
		b = binary.AppendVarint(b, n.LineNo)
		b = binary.AppendVarint(b, int64(n.Time))
	}
	if r.Tx != nil {
		b = appendTx(b, r.Tx)
	}
	return b
}

func appendTx(b []byte, t *parse.Tx) []byte {
	var flags byte
	for i, f := range [...]bool{t.Closed, t.Streamed} {
		if f {
			flags |= 1 << i
		}
	}
	b = append(b, byte(t.Type), byte(t.Reason), byte(t.Handling), flags)
	for _, n := range [...]int64{int64(t.ESILevel), int64(t.Parent), int64(t.HitVXID), int64(t.Calls), int64(t.Returns), t.BodySent} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range [...][]byte{t.ReasonText, t.Listen, t.Backend, t.BodyMode} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Links)))
	for _, l := range t.Links {
		b = append(b, byte(l.Type), byte(l.Reason))
		b = binary.AppendUvarint(b, l.VXID)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Stamps)))
	for _, s := range t.Stamps {
		b = append(b, byte(s.Name))
		b = binary.AppendVarint(b, int64(s.At))
		b = binary.AppendVarint(b, s.Since)
		b = binary.AppendVarint(b, s.Last)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Statuses)))
	for _, s := range t.Statuses {
		b = binary.AppendVarint(b, int64(s))
	}
	b = binary.AppendUvarint(b, uint64(len(t.Opens)))
	for i := range t.Opens {
		o := &t.Opens[i]
		for _, s := range [...][]byte{o.Name, o.RemoteAddr, o.RemotePort, o.LocalAddr, o.LocalPort} {
			b = appendText(b, s)
		}
		reused := byte(0)
		if o.Reused {
			reused = 1
		}
		b = append(b, reused)
		b = binary.AppendVarint(b, o.Age)
	}
	return b
}

// DecodeRecord fills r from b and returns how many bytes it took. Texts alias b.
func DecodeRecord(b []byte, r *parse.Record) (int, error) {
	d := decoder{b: b}
	r.Reset()
	r.Kind, r.Program, r.Level = parse.Kind(d.byte()), parse.Program(d.byte()), parse.Level(d.byte())
	flags := d.byte()
	r.Incomplete, r.Cut, r.Background = flags&1 != 0, flags&2 != 0, flags&4 != 0
	r.Source, r.Offset, r.Line = parse.SourceID(d.int()), d.int(), d.int()
	r.Time = parse.Time(d.int())
	r.Ended = r.Time + parse.Time(d.int())
	r.Precision, r.Status, r.Bytes = d.int(), int(d.int()), d.int()
	r.VXID, r.ConnID, r.PID = uint64(d.int()), uint64(d.int()), int(d.int())
	r.Raw = d.text()
	for _, t := range r.Texts() {
		*t = d.text()
	}
	for range d.count() {
		r.Upstreams = append(r.Upstreams, parse.Upstream{
			Addr: d.text(), Status: int(d.int()), Connect: d.int(), Header: d.int(), Response: d.int(), Redirect: d.int() == 1,
		})
	}
	for range d.count() {
		r.Notes = append(r.Notes, parse.Note{
			Field: parse.Field(d.byte()), Event: parse.EventID(d.uint()), Text: d.text(), Line: d.text(),
			Offset: d.int(), LineNo: d.int(), Time: parse.Time(d.int()),
		})
	}
	if flags&8 != 0 {
		r.Tx = d.tx()
	}
	if d.bad {
		return 0, errCodec
	}
	return d.i, nil
}

func (d *decoder) tx() *parse.Tx {
	t := &parse.Tx{Type: parse.TxType(d.byte()), Reason: parse.TxReason(d.byte()), Handling: parse.Handling(d.byte())}
	flags := d.byte()
	t.Closed, t.Streamed = flags&1 != 0, flags&2 != 0
	t.ESILevel, t.Parent, t.HitVXID = int(d.int()), uint64(d.int()), uint64(d.int())
	t.Calls, t.Returns, t.BodySent = parse.TxCalls(d.int()), parse.TxReturns(d.int()), d.int()
	t.ReasonText, t.Listen, t.Backend, t.BodyMode = d.text(), d.text(), d.text(), d.text()
	for range d.count() {
		t.Links = append(t.Links, parse.TxLink{Type: parse.TxType(d.byte()), Reason: parse.TxReason(d.byte()), VXID: d.uint()})
	}
	for range d.count() {
		t.Stamps = append(t.Stamps, parse.Stamp{Name: parse.StampName(d.byte()), At: parse.Time(d.int()), Since: d.int(), Last: d.int()})
	}
	for range d.count() {
		t.Statuses = append(t.Statuses, int(d.int()))
	}
	for range d.count() {
		t.Opens = append(t.Opens, parse.BackendConn{
			Name: d.text(), RemoteAddr: d.text(), RemotePort: d.text(), LocalAddr: d.text(), LocalPort: d.text(),
			Reused: d.byte() == 1, Age: d.int(),
		})
	}
	return t
}

func appendText(b, t []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t)))
	return append(b, t...)
}

// A decoder reads what append wrote; after damage it gives zeros and is bad.
type decoder struct {
	b   []byte
	i   int
	bad bool
}

func (d *decoder) byte() byte {
	if d.i >= len(d.b) {
		d.bad = true
		return 0
	}
	d.i++
	return d.b[d.i-1]
}

func (d *decoder) uint() uint64 {
	n, w := binary.Uvarint(d.b[min(d.i, len(d.b)):])
	if w <= 0 {
		d.bad = true
		return 0
	}
	d.i += w
	return n
}

func (d *decoder) int() int64 {
	n, w := binary.Varint(d.b[min(d.i, len(d.b)):])
	if w <= 0 {
		d.bad = true
		return 0
	}
	d.i += w
	return n
}

// count reads the length of a list; each element takes a byte at least.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)-min(d.i, len(d.b))) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) text() []byte {
	n := d.count()
	if n == 0 || d.bad {
		return nil
	}
	t := d.b[d.i : d.i+n : d.i+n]
	d.i += n
	return t
}
