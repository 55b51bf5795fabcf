package tail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"why503/parse/fact"
)

// evidenceBytes is how much of a file's beginning, and how much before an
// offset, has to be the same for a file to be taken for the one that was read.
const evidenceBytes = 1024

// A Position is where reading goes on: which file (by identity, not by path)
// and the offset in its uncompressed content.
type Position struct {
	Fingerprint    fact.Fingerprint // of the first FingerprintLen bytes
	FingerprintLen int
	Inode, Device  uint64
	Path           string // where the file was last seen
	Offset         int64  // of the next line
	Line           int64  // lines before it, since the start of the file or since FromEnd

	Skipping       bool             // Offset is in a line that was handed out cut
	Tail           fact.Fingerprint // of the TailLen bytes before Offset
	TailLen        int
	Modified       int64            // Unix nanoseconds; the file's, when it was last looked at
	Incarnation    int              // number of the file, counting up with each rotation
	Identity       fact.Fingerprint // instead of the content's own, where two files in a row begin alike; else zero
	Before         fact.Fingerprint // of the file before, where FingerprintLen is less than 1,024
	BeforeIdentity fact.Fingerprint // and its Identity, or Before
	Breaks         []int            // ends of lines in the first 1,024 bytes that were flushed without a line end
	Salt           string
}

// positionJSON has the hashes as text.
type positionJSON struct {
	Fingerprint    string `json:"fingerprint"`
	FingerprintLen int    `json:"fingerprint_len"`
	Inode          uint64 `json:"inode"`
	Device         uint64 `json:"device"`
	Path           string `json:"path"`
	Offset         int64  `json:"offset"`
	Line           int64  `json:"line"`
	Skipping       bool   `json:"skipping,omitempty"`
	Tail           string `json:"tail"`
	TailLen        int    `json:"tail_len"`
	Modified       int64  `json:"modified"`
	Incarnation    int    `json:"incarnation"`
	Identity       string `json:"identity,omitempty"`
	Before         string `json:"before,omitempty"`
	BeforeIdentity string `json:"before_identity,omitempty"`
	Breaks         []int  `json:"breaks,omitempty"`
	Salt           string `json:"salt,omitempty"`
}

// MarshalJSON writes hashes as hexadecimal text.
func (p Position) MarshalJSON() ([]byte, error) {
	j := positionJSON{
		hex.EncodeToString(p.Fingerprint[:]), p.FingerprintLen, p.Inode, p.Device, p.Path, p.Offset, p.Line, p.Skipping,
		hex.EncodeToString(p.Tail[:]), p.TailLen, p.Modified, p.Incarnation,
		optional(p.Identity), optional(p.Before), optional(p.BeforeIdentity), p.Breaks, p.Salt,
	}
	return json.Marshal(j)
}

func optional(f fact.Fingerprint) string {
	if f == (fact.Fingerprint{}) {
		return ""
	}
	return hex.EncodeToString(f[:])
}

// UnmarshalJSON reads what MarshalJSON wrote. A Position that cannot be one is
// an error, not a place to read from.
func (p *Position) UnmarshalJSON(b []byte) error {
	var j positionJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Position{
		FingerprintLen: j.FingerprintLen, Inode: j.Inode, Device: j.Device, Path: j.Path, Offset: j.Offset, Line: j.Line,
		Skipping: j.Skipping, TailLen: j.TailLen, Modified: j.Modified, Incarnation: j.Incarnation, Breaks: j.Breaks, Salt: j.Salt,
	}
	for _, h := range []struct {
		text string
		to   *fact.Fingerprint
	}{{j.Fingerprint, &p.Fingerprint}, {j.Tail, &p.Tail}, {j.Identity, &p.Identity}, {j.Before, &p.Before}, {j.BeforeIdentity, &p.BeforeIdentity}} {
		if h.text == "" {
			continue
		}
		if n, err := hex.Decode(h.to[:], []byte(h.text[:min(len(h.text), 2*len(h.to))])); err != nil || n != len(h.to) {
			return fmt.Errorf("position in %s: %q is no fingerprint", j.Path, h.text)
		}
	}
	return p.check()
}

// check refuses what no File has ever given.
func (p *Position) check() error {
	if p.Offset < 0 || p.Line < 0 || p.Incarnation < 0 || p.FingerprintLen < 0 || p.FingerprintLen > evidenceBytes ||
		p.TailLen < 0 || p.TailLen > evidenceBytes || int64(p.TailLen) > p.Offset {
		return fmt.Errorf("position in %s: damaged; remove it to begin anew", p.Path)
	}
	return nil
}

func (p *Position) id() fileID { return fileID{p.Device, p.Inode} }

// sum is how package ingest makes fingerprints.
func sum(b []byte) (f fact.Fingerprint) {
	s := sha256.Sum256(b)
	copy(f[:], s[:])
	return f
}

// sumOf is sum, zero of nothing.
func sumOf(b []byte) fact.Fingerprint {
	if len(b) == 0 {
		return fact.Fingerprint{}
	}
	return sum(b)
}

// mix makes a fingerprint another one.
func mix(f fact.Fingerprint, with []byte) fact.Fingerprint {
	var room [256]byte
	return sum(append(append(room[:0], f[:]...), with...))
}
