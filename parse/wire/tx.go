package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"why503/parse"
)

// Tags of Tx, TxLink, Stamp and BackendConn.
const (
	txType       = 1<<3 | varint
	txReason     = 2<<3 | varint
	txESILevel   = 3<<3 | varint
	txParent     = 4<<3 | varint
	txLink       = 5<<3 | bytes
	txHandling   = 6<<3 | varint
	txHitVXID    = 7<<3 | varint
	txCalls      = 8<<3 | varint
	txReturns    = 9<<3 | varint
	txStamp      = 10<<3 | bytes
	txStatus     = 11<<3 | varint
	txStatuses   = 11<<3 | bytes // packed
	txReasonText = 12<<3 | bytes
	txListen     = 13<<3 | bytes
	txBackend    = 14<<3 | bytes
	txOpen       = 15<<3 | bytes
	txClosed     = 16<<3 | varint
	txBodyMode   = 17<<3 | bytes
	txStreamed   = 18<<3 | varint
	txBodySent   = 19<<3 | varint

	linkType   = 1<<3 | varint
	linkReason = 2<<3 | varint
	linkVXID   = 3<<3 | varint

	stampName  = 1<<3 | varint
	stampAt    = 2<<3 | fixed
	stampSince = 3<<3 | varint
	stampLast  = 4<<3 | varint

	openName       = 1<<3 | bytes
	openRemoteAddr = 2<<3 | bytes
	openRemotePort = 3<<3 | bytes
	openLocalAddr  = 4<<3 | bytes
	openLocalPort  = 5<<3 | bytes
	openReused     = 6<<3 | varint
	openAge        = 7<<3 | varint
)

func appendTx(b []byte, t *parse.Tx) []byte {
	b, at := open(b, recordTx)
	b = appendUint(b, txType, uint64(t.Type))
	b = appendUint(b, txReason, uint64(t.Reason))
	b = appendInt(b, txESILevel, int64(t.ESILevel))
	b = appendUint(b, txParent, t.Parent)
	for _, l := range t.Links {
		b = appendLink(b, l)
	}
	b = appendUint(b, txHandling, uint64(t.Handling))
	b = appendUint(b, txHitVXID, t.HitVXID)
	b = appendUint(b, txCalls, uint64(t.Calls))
	b = appendUint(b, txReturns, uint64(t.Returns))
	for i := range t.Stamps {
		b = appendStamp(b, &t.Stamps[i])
	}
	b = appendStatuses(b, t.Statuses)
	b = appendText(b, txReasonText, t.ReasonText)
	b = appendText(b, txListen, t.Listen)
	b = appendText(b, txBackend, t.Backend)
	for i := range t.Opens {
		b = appendOpen(b, &t.Opens[i])
	}
	b = appendBool(b, txClosed, t.Closed)
	b = appendText(b, txBodyMode, t.BodyMode)
	b = appendBool(b, txStreamed, t.Streamed)
	b = appendSigned(b, txBodySent, t.BodySent)
	return shut(b, at)
}

func appendLink(b []byte, l parse.TxLink) []byte {
	b, at := open(b, txLink)
	b = appendUint(b, linkType, uint64(l.Type))
	b = appendUint(b, linkReason, uint64(l.Reason))
	b = appendUint(b, linkVXID, l.VXID)
	return shut(b, at)
}

func appendStamp(b []byte, s *parse.Stamp) []byte {
	b, at := open(b, txStamp)
	b = appendUint(b, stampName, uint64(s.Name))
	b = appendFixed(b, stampAt, uint64(s.At))
	b = appendSigned(b, stampSince, s.Since)
	b = appendSigned(b, stampLast, s.Last)
	return shut(b, at)
}

func appendStatuses(b []byte, list []int) []byte {
	if len(list) == 0 {
		return b
	}
	b, at := open(b, txStatuses)
	for _, s := range list {
		b = protowire.AppendVarint(b, uint64(s))
	}
	return shut(b, at)
}

func appendOpen(b []byte, o *parse.BackendConn) []byte {
	b, at := open(b, txOpen)
	b = appendText(b, openName, o.Name)
	b = appendText(b, openRemoteAddr, o.RemoteAddr)
	b = appendText(b, openRemotePort, o.RemotePort)
	b = appendText(b, openLocalAddr, o.LocalAddr)
	b = appendText(b, openLocalPort, o.LocalPort)
	b = appendBool(b, openReused, o.Reused)
	b = appendSigned(b, openAge, o.Age)
	return shut(b, at)
}

func (d *decoder) tx(b []byte, t *parse.Tx) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case txType:
			t.Type = upTo(&f, parse.TxOther)
		case txReason:
			t.Reason = upTo(&f, parse.ReasonOther)
		case txESILevel:
			t.ESILevel = int(f.n)
		case txParent:
			t.Parent = f.n
		case txLink:
			f.fail(d.link(f.v, add(d, &f, &t.Links)))
		case txHandling:
			t.Handling = upTo(&f, parse.HandlingSynth)
		case txHitVXID:
			t.HitVXID = f.n
		case txCalls:
			t.Calls = parse.TxCalls(f.n)
		case txReturns:
			t.Returns = parse.TxReturns(f.n)
		case txStamp:
			f.fail(d.stamp(f.v, add(d, &f, &t.Stamps)))
		case txStatus:
			t.Statuses = append(t.Statuses, status(f.n))
		case txStatuses:
			f.fail(statuses(f.v, &t.Statuses))
		case txReasonText:
			t.ReasonText = f.text()
		case txListen:
			t.Listen = f.text()
		case txBackend:
			t.Backend = f.text()
		case txOpen:
			f.fail(d.open(f.v, add(d, &f, &t.Opens)))
		case txClosed:
			t.Closed = f.bool()
		case txBodyMode:
			t.BodyMode = f.text()
		case txStreamed:
			t.Streamed = f.bool()
		case txBodySent:
			t.BodySent = f.signed()
		}
	}
	return f.err
}

// statuses reads a packed list.
func statuses(b []byte, list *[]int) error {
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return damaged(protowire.ParseError(n))
		}
		*list = append(*list, status(v))
		b = b[n:]
	}
	return nil
}

func (d *decoder) link(b []byte, l *parse.TxLink) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case linkType:
			l.Type = upTo(&f, parse.TxOther)
		case linkReason:
			l.Reason = upTo(&f, parse.ReasonOther)
		case linkVXID:
			l.VXID = f.n
		}
	}
	return f.err
}

func (d *decoder) stamp(b []byte, s *parse.Stamp) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case stampName:
			s.Name = upTo(&f, parse.StampReset)
		case stampAt:
			s.At = parse.Time(f.n)
		case stampSince:
			s.Since = f.signed()
		case stampLast:
			s.Last = f.signed()
		}
	}
	return f.err
}

func (d *decoder) open(b []byte, o *parse.BackendConn) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case openName:
			o.Name = f.text()
		case openRemoteAddr:
			o.RemoteAddr = f.text()
		case openRemotePort:
			o.RemotePort = f.text()
		case openLocalAddr:
			o.LocalAddr = f.text()
		case openLocalPort:
			o.LocalPort = f.text()
		case openReused:
			o.Reused = f.bool()
		case openAge:
			o.Age = f.signed()
		}
	}
	return f.err
}
