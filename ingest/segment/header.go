package segment

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// headerName is the file beside the segments. Its lock is on another file,
// since it is replaced whenever it changes.
const (
	headerName = "stream"
	lockName   = "lock"
	suffix     = ".log"
)

// A header is what of a stream must outlive its segments.
type header struct {
	epoch   Epoch
	next    uint64   // number of the next segment
	dropped Position // the end of the last segment that was dropped
}

const headerFormat = "why503 stream 1\nepoch %s\nnext %d\ndropped %d %d\n"

// readHeader reports false where there is none or where it is damaged.
func readHeader(dir string) (h header, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, headerName))
	if errors.Is(err, fs.ErrNotExist) {
		return h, false, nil
	}
	if err != nil {
		return h, false, err
	}
	h, ok = parseHeader(b)
	return h, ok, nil
}

func parseHeader(b []byte) (h header, ok bool) {
	var epoch string
	n, _ := fmt.Sscanf(string(b), headerFormat, &epoch, &h.next, &h.dropped.Seq, &h.dropped.Offset)
	raw, err := hex.DecodeString(epoch)
	if n != 4 || err != nil || len(raw) != len(h.epoch) || h.next == 0 {
		return header{}, false
	}
	copy(h.epoch[:], raw)
	return h, true
}

func newHeader(next uint64) (h header) {
	_, _ = rand.Read(h.epoch[:]) // never fails, see crypto/rand
	h.next = next
	return h
}

// writeHeader replaces the file, so that a crash leaves the old or the new one.
func writeHeader(dir string, h header) error {
	name := filepath.Join(dir, headerName)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, headerFormat, hex.EncodeToString(h.epoch[:]), h.next, h.dropped.Seq, h.dropped.Offset)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes names in dir safe against a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func segmentName(seq uint64) string { return fmt.Sprintf("%08d"+suffix, seq) }

// segmentSeq reads a segment's number; 0 where name is none.
func segmentSeq(name string) uint64 {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) < 8 {
		return 0
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || segmentName(seq) != name {
		return 0
	}
	return seq
}
