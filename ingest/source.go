package ingest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"why503/parse/fact"
	"why503/parse/frame"
)

// fingerprintBytes is how much of a file's uncompressed beginning its
// fingerprint is made of. Logs begin with a time, so this tells files apart,
// and it stays when the file grows on.
const fingerprintBytes = 1024

// A Source is an Input whose parts were looked at: how they are compressed,
// which files they are, how they begin. It holds no file open; a stream is
// only ever read forward.
type Source struct {
	Input
	// Size is the number of bytes on disk, of all parts; -1 for a stream.
	Size        int64
	Compression frame.Compression // of the newest part
	Fingerprint fact.Fingerprint  // of the oldest part
	parts       []part
	mu          sync.RWMutex // of where the parts begin
	files       *Files
	damage      []error
	taken       atomic.Int64 // bytes on disk that Lines or Blocks have read
}

// A part is one file of a Source, or a stream.
type part struct {
	path        string
	info        fs.FileInfo
	size        int64
	compression frame.Compression
	fingerprint fact.Fingerprint
	head        []byte // what the fingerprint was made of

	stream io.Reader // of what is no regular file: what was read ahead, then the rest
	closer io.Closer // of stream; nil for standard input
	ahead  []byte    // uncompressed beginning of stream

	// Where the part begins in the Source. Known when reading gets there.
	offset, number int64
}

// Open looks at in. See Files.Open.
func Open(in Input) (*Source, error) { return NewFiles(0).Open(in) }

// Open looks at the parts of in. A part that cannot be read is left out and
// told by Damage; an error is returned when no part is left.
func (s *Files) Open(in Input) (*Source, error) {
	src := &Source{Input: in, files: s}
	for _, path := range in.Parts {
		p, err := s.part(path)
		if err != nil {
			src.damage = append(src.damage, err)
			continue
		}
		p.number = -1 // reading has not got there
		if len(src.parts) == 0 {
			p.number = 0
		}
		src.parts = append(src.parts, p)
		if p.size < 0 {
			src.Size = -1
		} else {
			src.Size += p.size
		}
	}
	if len(src.parts) == 0 {
		if len(src.damage) == 0 {
			return nil, &PathError{Path: in.Path, Problem: "an input without files"}
		}
		return nil, errors.Join(src.damage...)
	}
	src.Fingerprint = src.parts[0].fingerprint
	src.Compression = src.parts[len(src.parts)-1].compression
	return src, nil
}

// Taken returns how many bytes on disk Lines or Blocks have read so far, of
// Size. It may be asked from another goroutine than the one that reads. Of a
// stream it is 0.
func (s *Source) Taken() int64 { return s.taken.Load() }

// Damage returns what of the source could not be read so far: parts that could
// not be opened, and damage met while reading. Each is a *PathError.
func (s *Source) Damage() []error { return s.damage }

// Close closes streams. What reads a Source is closed by its own Close.
func (s *Source) Close() error {
	var errs []error
	for _, p := range s.parts {
		if p.closer != nil {
			errs = append(errs, p.closer.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Files) part(path string) (part, error) {
	if path == Stdin {
		return streamPart(path, os.Stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		return part{}, pathError(path, err)
	}
	if !info.Mode().IsRegular() {
		f, err := os.Open(path)
		if err != nil {
			return part{}, pathError(path, err)
		}
		p, err := streamPart(path, f)
		p.closer = f
		if err != nil {
			f.Close()
		}
		return p, err
	}
	p := part{path: path, info: info, size: info.Size()}
	head, err := s.head(&p, fingerprintBytes)
	if err != nil {
		return part{}, err
	}
	p.head = head
	p.fingerprint = fingerprint(head)
	return p, nil
}

// streamPart reads ahead what samples and fingerprint need, since a stream
// cannot be read twice.
func streamPart(path string, r io.Reader) (part, error) {
	p := part{path: path, size: -1}
	in, c, err := frame.Open(r, -1)
	if err != nil {
		return part{}, pathError(path, err)
	}
	p.compression = c
	var ahead bytes.Buffer
	// An error comes again when the rest is read.
	_, err = io.CopyN(&ahead, in, streamBytes)
	p.ahead = ahead.Bytes()
	p.stream = io.MultiReader(bytes.NewReader(p.ahead), in)
	if err != nil && !errors.Is(err, io.EOF) {
		p.stream = io.MultiReader(bytes.NewReader(p.ahead), failing{err})
	}
	p.head = p.ahead[:min(len(p.ahead), fingerprintBytes)]
	p.fingerprint = fingerprint(p.head)
	return p, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// head returns up to n bytes of the part's uncompressed beginning.
func (s *Files) head(p *part, n int64) ([]byte, error) {
	h := s.handle(p)
	defer h.Close()
	r, c, err := frame.Open(h, p.size)
	if err != nil {
		return nil, pathError(p.path, err)
	}
	defer closeReader(r)
	p.compression = c
	head, err := io.ReadAll(io.LimitReader(r, n))
	var damage *frame.DamageError
	if err != nil && !errors.As(err, &damage) {
		return nil, pathError(p.path, err)
	}
	return head, nil // damage is told when reading gets there
}

func (s *Files) handle(p *part) *handle { return &handle{files: s, path: p.path, info: p.info} }

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		_ = c.Close() // frees a decoder's memory; there is nothing to lose
	}
}

func fingerprint(head []byte) (f fact.Fingerprint) {
	sum := sha256.Sum256(head)
	copy(f[:], sum[:])
	return f
}

// sameBeginning compares two files as far as a fingerprint does.
func sameBeginning(a, b string) bool {
	files := NewFiles(0)
	x, err := files.part(a)
	if err != nil {
		return false
	}
	y, err := files.part(b)
	return err == nil && x.fingerprint == y.fingerprint
}
