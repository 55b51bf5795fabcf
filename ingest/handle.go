package ingest

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
)

// DefaultMaxOpen is how many files are open at a time. The usual limit of a
// process is 1,024 descriptors.
const DefaultMaxOpen = 512

// Files opens sources and bounds how many files are open at a time: the one
// that was not read for longest is closed and opened again when it is read. It
// may be used by several goroutines, each with sources of its own.
type Files struct {
	mu   sync.Mutex
	max  int
	open map[*handle]uint64 // when it was last read
	tick uint64
}

// NewFiles bounds open files to maxOpen; 0 means DefaultMaxOpen.
func NewFiles(maxOpen int) *Files {
	if maxOpen <= 0 {
		maxOpen = DefaultMaxOpen
	}
	return &Files{max: maxOpen, open: make(map[*handle]uint64)}
}

// errReplaced says that a path came to mean another file while it was read.
var errReplaced = errors.New("was replaced by another file while it was read")

// A handle reads a regular file from a position of its own, whether the file
// is open or not.
type handle struct {
	files *Files
	path  string
	info  fs.FileInfo

	mu     sync.Mutex // held while the file is in use
	f      *os.File
	offset int64

	taken *atomic.Int64 // adds up what is read; may be nil
}

func (h *handle) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.acquire(); err != nil {
		return 0, err
	}
	n, err := h.f.ReadAt(p, h.offset)
	h.offset += int64(n)
	if h.taken != nil {
		h.taken.Add(int64(n))
	}
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil // tell the end with the next call
	}
	return n, err
}

// Close may be called more than once.
func (h *handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files.mu.Lock()
	delete(h.files.open, h)
	h.files.mu.Unlock()
	return h.park()
}

// acquire opens the file unless it is open. h.mu is held.
func (h *handle) acquire() error {
	h.files.use(h)
	if h.f != nil {
		return nil
	}
	f, err := os.Open(h.path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, h.info) {
		err = errReplaced
	}
	if err != nil {
		f.Close()
		return err
	}
	h.f = f
	return nil
}

// park closes the file and keeps the position. h.mu is held.
func (h *handle) park() error {
	if h.f == nil {
		return nil
	}
	f := h.f
	h.f = nil
	return f.Close()
}

// use marks h as read just now and parks others where there are too many. A
// handle that is in use by another goroutine is left alone, so for a moment
// there may be as many more as goroutines read.
func (s *Files) use(h *handle) {
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
		_ = old.park() // it was opened for reading: nothing can be lost
		old.mu.Unlock()
		delete(s.open, old)
	}
}
