package segment

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/zeebo/xxh3"

	"why503/parse/fact"
)

// A Position is a byte in a stream: the number of its segment, from 1, and the
// offset in that. The zero Position is before everything.
type Position struct {
	Seq    uint64 `json:"seq"`
	Offset int64  `json:"offset"`
}

// A Mark is a Position to be kept over a restart: with the identity of the
// stream, since the numbers of another one mean nothing in this.
type Mark struct {
	Epoch Epoch `json:"epoch"`
	Position
}

// Compare orders positions as cmp.Compare does.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Offset, q.Offset))
}

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Seq, p.Offset) }

// An Epoch is the identity of a stream, random when its folder is made.
type Epoch [16]byte

// Fingerprint is that of one segment, which with an offset in it names a line.
func (e Epoch) Fingerprint(seq uint64) (f fact.Fingerprint) {
	b := binary.LittleEndian.AppendUint64(e[:len(e):len(e)], seq)
	h := xxh3.Hash128(b)
	return fact.Fingerprint(h.Bytes())
}

// MarshalText writes e in hexadecimal.
func (e Epoch) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, e[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *Epoch) UnmarshalText(b []byte) error {
	if hex.DecodedLen(len(b)) != len(e) || len(b)%2 != 0 {
		return fmt.Errorf("reading the identity of a stream: %d digits, want %d", len(b), 2*len(e))
	}
	_, err := hex.Decode(e[:], b)
	return err
}
