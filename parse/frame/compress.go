package frame

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A Compression is how a stream is compressed.
type Compression uint8

const (
	Plain Compression = iota
	Gzip
	Zstd
	Bzip2
	XZ  // recognised, not read
	LZ4 // recognised, not read
	Zip // recognised, not read
)

var compressionNames = [...]string{"none", "gzip", "zstd", "bzip2", "xz", "lz4", "zip"}

func (c Compression) String() string { return compressionNames[c] }

// magics are how compressed streams begin: RFC 1952 2.3.1, RFC 8878 3.1.1 (and
// its skippable frames, handled apart), bzip2's "BZh" with the first block's
// or the empty stream's mark, xz 2.1.1.1, lz4 frames, zip local headers.
var magics = [...]struct {
	magic string
	as    Compression
}{
	{"\x1f\x8b\x08", Gzip},
	{"\x28\xb5\x2f\xfd", Zstd},
	{"\xfd7zXZ\x00", XZ},
	{"\x04\x22\x4d\x18", LZ4},
	{"PK\x03\x04", Zip},
}

const (
	magicBytes = 10
	ioBuffer   = 64 << 10
	// maxWindow is the largest window that the zstd tool itself accepts without
	// being asked to (zstd --long, RFC 8878 3.1.1.1.2).
	maxWindow = 128 << 20
)

// Sniff tells the compression from how a stream begins (10 bytes are enough).
func Sniff(head []byte) Compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.as
		}
	}
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18 {
		return Zstd
	}
	if len(head) >= magicBytes && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' {
		if mark := string(head[4:magicBytes]); mark == "1AY&SY" || mark == "\x17\x72\x45\x38\x50\x90" {
			return Bzip2
		}
	}
	return Plain
}

// A DamageError says that a compressed stream ends early or does not hold
// together. All that could be read before was delivered.
type DamageError struct {
	Compression Compression
	At          int64 // compressed bytes taken in until the damage was seen
	Of          int64 // all compressed bytes; -1 when not known
	Err         error // what the decoder said; io.ErrUnexpectedEOF when the stream just ends
}

func (e *DamageError) Error() string {
	switch {
	case errors.Is(e.Err, io.ErrUnexpectedEOF) && (e.Of < 0 || e.At >= e.Of):
		return fmt.Sprintf("cut off at byte %s, where the file ends", thousands(e.At))
	case e.Of <= 0:
		return fmt.Sprintf("corrupt at byte %s", thousands(e.At))
	}
	return fmt.Sprintf("corrupt at byte %s of %s (%d %% of the file unread)",
		thousands(e.At), thousands(e.Of), max(0, e.Of-e.At)*100/e.Of)
}

func (e *DamageError) Unwrap() error { return e.Err }

// An UnreadableError names a compression that is recognised and not read.
type UnreadableError struct{ Compression Compression }

func (e *UnreadableError) Error() string {
	return e.Compression.String() + "-compressed, which is not read directly"
}

// Hint says how to get at the content all the same.
func (e *UnreadableError) Hint() string {
	tool := map[Compression]string{XZ: "xz -dc", LZ4: "lz4 -dc", Zip: "unzip -p"}[e.Compression]
	return "Unpack it: " + tool + " FILE | why503 analyze -"
}

// Open returns the uncompressed content of r. The compression is recognised by
// how r begins, not by a name. Members and frames that follow each other are
// one stream. size is the number of compressed bytes, -1 when not known; it is
// only told in a DamageError.
//
// The reader that is returned may be an io.Closer that frees the decoder's
// memory; r itself is never closed.
func Open(r io.Reader, size int64) (io.Reader, Compression, error) {
	// The small buffer costs a plain stream nothing: large reads pass it by.
	peek := bufio.NewReaderSize(r, 16)
	head, err := peek.Peek(magicBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, Plain, err
	}
	c := Sniff(head)
	if c == Plain {
		return peek, Plain, nil
	}
	in := &input{r: bufio.NewReaderSize(peek, ioBuffer)}
	d := &decoder{in: in, compression: c, size: size}
	switch c {
	case Gzip:
		d.r = &members{in: in}
	case Bzip2:
		d.r = bzip2.NewReader(in)
	case Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, c, d.damage(err)
		}
		d.r, d.close = z, z.Close
	default:
		return nil, c, &UnreadableError{c}
	}
	return d, c, nil
}

// A decoder turns a decompressor's errors into a DamageError.
type decoder struct {
	in          *input
	r           io.Reader
	compression Compression
	size        int64
	close       func()
	err         error
}

func (d *decoder) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = d.damage(err)
	}
	d.err = err
	return n, err
}

func (d *decoder) damage(err error) error {
	if d.in.err != nil { // the file could not be read; nothing is wrong with its content
		return d.in.err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &DamageError{Compression: d.compression, At: d.in.taken, Of: d.size, Err: err}
}

// Close frees the decoder's memory.
func (d *decoder) Close() error {
	if d.close != nil {
		d.close()
		d.close = nil
	}
	if d.err == nil {
		d.err = io.ErrClosedPipe
	}
	return nil
}

// input counts the compressed bytes that a decompressor took. Being an
// io.ByteReader it keeps the decompressors from reading ahead.
type input struct {
	r     *bufio.Reader
	taken int64
	err   error // of the file, other than its end
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	return n, i.note(n, err)
}

func (i *input) ReadByte() (byte, error) {
	c, err := i.r.ReadByte()
	if err != nil {
		return 0, i.note(0, err)
	}
	i.taken++
	return c, nil
}

func (i *input) note(n int, err error) error {
	i.taken += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		i.err = err
	}
	return err
}

// members reads gzip members one after the other (RFC 1952 2.2). Zero bytes
// behind the last one are padding, as tapes and block devices leave it.
type members struct {
	in *input
	z  *gzip.Reader
}

func (m *members) Read(p []byte) (int, error) {
	if m.z == nil {
		z, err := gzip.NewReader(m.in)
		if err != nil {
			return 0, err
		}
		m.z = z
		m.z.Multistream(false)
	}
	n, err := m.z.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	return n, m.next()
}

// next begins the next member. It returns io.EOF when there is none.
func (m *members) next() error {
	head, err := m.in.r.Peek(1)
	if err != nil {
		return m.in.note(0, err)
	}
	if head[0] == 0 {
		return m.padding()
	}
	if err := m.z.Reset(m.in); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	m.z.Multistream(false)
	return nil
}

func (m *members) padding() error {
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return gzip.ErrHeader
		}
	}
}

// thousands writes n with commas, as figures are shown everywhere.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
