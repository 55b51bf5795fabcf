package rules

import (
	"encoding/binary"

	"why503/parse"
)

// AppendShape appends to b all that a decision may look at in a Request that is
// the one Record r: two of them from one source that have the same shape get
// Verdicts that differ only in words, lines and times. So a storm of them can
// be counted without diagnosing each. It returns false for a Record whose shape
// would be as large as itself (a transaction).
//
// The Notes need no Event yet: it follows from field and text.
func AppendShape(b []byte, r *parse.Record) ([]byte, bool) {
	if r.Tx != nil {
		return b, false
	}
	bits := flag(r.Cut) | flag(r.Background)<<1 | flag(r.Incomplete)<<2 | flag(r.Ended == 0)<<3 | flag(len(r.Service) > 0)<<4 |
		flag(len(r.Logger) > 0)<<5 | flag(r.PID != 0)<<6 | flag(len(r.Version) > 0)<<7
	b = append(b, byte(r.Kind), byte(r.Program), bits)
	b = binary.AppendVarint(b, int64(r.Status))
	b = binary.AppendVarint(b, int64(r.Ended-r.Time))
	b = binary.AppendVarint(b, r.Precision)
	b = binary.AppendUvarint(b, uint64(len(r.Upstreams)))
	for i := range r.Upstreams {
		u := &r.Upstreams[i]
		b = appendText(b, u.Addr)
		b = append(b, flag(u.Redirect))
		for _, n := range [...]int64{int64(u.Status), u.Connect, u.Header, u.Response} {
			b = binary.AppendVarint(b, n)
		}
	}
	for i := range r.Notes {
		n := &r.Notes[i]
		at := int64(0)
		if n.Time != 0 {
			at = int64(n.Time - r.Time)
		}
		b = append(b, byte(n.Field), flag(n.Time != 0))
		b = binary.AppendVarint(b, at)
		b = appendText(b, n.Text)
	}
	return b, true
}

func appendText(b, t []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(t))), t...)
}
