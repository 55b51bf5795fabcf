package tail

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"why503/parse/frame"
)

// DefaultMaxOpen is how many files Handles keep open at a time. The usual limit
// of a process is 1,024 descriptors.
const DefaultMaxOpen = 512

// Handles bounds how many files are open at a time: the one that was not read
// for longest is closed, and opened again when it is read. They may be shared
// by Files that are pulled from several goroutines.
type Handles struct {
	mu   sync.Mutex
	max  int
	open map[*handle]uint64 // when it was last read
	tick uint64
}

// NewHandles bounds open files to maxOpen; 0 means DefaultMaxOpen.
func NewHandles(maxOpen int) *Handles {
	if maxOpen <= 0 {
		maxOpen = DefaultMaxOpen
	}
	return &Handles{max: maxOpen, open: make(map[*handle]uint64)}
}

// Open returns how many files are open now.
func (s *Handles) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// errMoved says that a path does not lead to the file any more.
var errMoved = errors.New("the path means another file now")

// A handle reads one file at any place, whether it is open or not. It may be
// used by several goroutines.
type handle struct {
	pool *Handles
	path string // where it is opened again
	id   fileID

	mu     sync.Mutex // held while the file is in use
	f      *os.File
	closed bool
	times  atomic.Int64 // opened

	compressed bool
	content    io.Reader // of a compressed file
	at         int64     // of content
}

// ReadAt reads the uncompressed content, as io.ReaderAt does. In a compressed
// file a step back reads anew from its beginning.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.acquire(); err != nil {
		return 0, err
	}
	if !h.compressed {
		return h.f.ReadAt(p, off)
	}
	if h.content == nil || h.at > off {
		if err := h.rewind(); err != nil {
			return 0, err
		}
	}
	skipped, err := io.CopyN(io.Discard, h.content, off-h.at)
	h.at += skipped
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(h.content, p)
	h.at += int64(n)
	if n > 0 && err != nil {
		err = io.EOF // the next call tells what is wrong, if anything is
	}
	return n, err
}

func isDamage(err error) bool {
	var d *frame.DamageError
	return errors.As(err, &d)
}

// stat looks at the file itself, wherever it is now.
func (h *handle) stat() (fs.FileInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.acquire(); err != nil {
		return nil, err
	}
	return h.f.Stat()
}

// acquire opens the file unless it is open. h.mu is held.
func (h *handle) acquire() error {
	if h.closed {
		return fs.ErrClosed
	}
	if h.f != nil {
		h.pool.use(h)
		return nil
	}
	f, err := os.OpenFile(h.path, os.O_RDONLY|nonblock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return errMoved
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && (idOf(info) != h.id || !info.Mode().IsRegular()) {
		err = errMoved
	}
	if err != nil {
		f.Close()
		return err
	}
	h.f = f
	h.times.Add(1)
	h.pool.use(h)
	return nil
}

// rewind begins the content of a compressed file anew. h.mu is held.
func (h *handle) rewind() error {
	h.dropContent()
	if _, err := h.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	size := int64(-1)
	if info, err := h.f.Stat(); err == nil {
		size = info.Size()
	}
	r, _, err := frame.Open(h.f, size)
	if err != nil {
		return err
	}
	h.content, h.at = r, 0
	return nil
}

func (h *handle) dropContent() {
	if c, ok := h.content.(io.Closer); ok {
		_ = c.Close() // frees a decoder's memory; there is nothing to lose
	}
	h.content, h.at = nil, 0
}

func (h *handle) reopened() int64 { return max(0, h.times.Load()-1) }

// close ends it. It may be called more than once.
func (h *handle) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.park()
	h.pool.forget(h)
}

// rest closes the file until it is read again.
func (h *handle) rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.park()
	h.pool.forget(h)
}

// park closes the file; it was opened for reading, so nothing can be lost by
// it. h.mu is held.
func (h *handle) park() {
	h.dropContent()
	if h.f != nil {
		h.f.Close()
		h.f = nil
	}
}

func (s *Handles) forget(h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, h)
}

// use marks h as read just now and parks others where there are too many. One
// that is in use by another goroutine is left alone, so for a moment there may
// be as many more as goroutines read.
func (s *Handles) use(h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick++
	s.open[h] = s.tick
	if len(s.open) <= s.max {
		return
	}
	// An eighth is parked at once: finding the oldest is a walk over all.
	byAge := slices.SortedFunc(maps.Keys(s.open), func(a, b *handle) int { return cmp.Compare(s.open[a], s.open[b]) })
	for _, old := range byAge[:len(byAge)-(s.max-s.max/8)] {
		if old == h || !old.mu.TryLock() {
			continue
		}
		old.park()
		old.mu.Unlock()
		delete(s.open, old)
	}
}
