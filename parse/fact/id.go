package fact

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"why503/parse"
)

// A Fingerprint tells one source from another: for a file a hash of its
// beginning, the same whether it is compressed or renamed.
type Fingerprint [16]byte

// LineID is the id of a Record that stands at offset (bytes, uncompressed) in
// the source with that fingerprint.
func LineID(source Fingerprint, offset int64) parse.RecordID {
	var b [24]byte
	copy(b[:], source[:])
	binary.LittleEndian.PutUint64(b[16:], uint64(offset))
	return sum(b[:])
}

// TxID is the id of a Varnish transaction. VXIDs begin again at 1 when the
// child process restarts; the transaction's own start time (microseconds, from
// the same record) stands for the child's, which the text form of the log does
// not print. So the grouped and the raw log of one instance give the same ids.
func TxID(host string, vxid uint64, side parse.TxType, start parse.Time) parse.RecordID {
	b := make([]byte, 0, 64)
	b = append(b, "varnish\x00"...)
	b = append(b, host...)
	b = append(b, 0, byte(side))
	b = binary.LittleEndian.AppendUint64(b, vxid)
	b = binary.LittleEndian.AppendUint64(b, uint64(start))
	return sum(b)
}

func sum(b []byte) parse.RecordID {
	h := xxh3.Hash128(b)
	return parse.RecordID(h.Bytes())
}
