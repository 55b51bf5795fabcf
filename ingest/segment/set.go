package segment

import (
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/zeebo/xxh3"
)

// A Set is the streams of one listener, which come to be as programs write to
// it: one for each program and host, so that each is one log in one format.
// Their number is bounded; what would be one more goes to a stream of all the
// others. It may be used by several goroutines.
type Set struct {
	cfg Config
	max int
	log *slog.Logger

	mu       sync.Mutex
	streams  map[key]*Writer
	all      []*Writer // in the order of opening
	opened   func(*Writer)
	overflow int64
	failed   int64
	closed   bool
}

type key struct{ program, host string }

// Other is the program and the stream of what is beyond the bound.
const Other = "other"

// DefaultMaxStreams bounds a Set.
const DefaultMaxStreams = 64

// OpenSet opens the streams that are in c.Dir. A limit of 0 means
// DefaultMaxStreams. opened is told of each stream, now and later, before there
// is anything new in it; it must not call the Set, and may be nil.
func OpenSet(c Config, limit int, opened func(*Writer), log *slog.Logger) (*Set, error) {
	if limit <= 0 {
		limit = DefaultMaxStreams
	}
	if opened == nil {
		opened = func(*Writer) {}
	}
	s := &Set{cfg: c, max: limit, log: log, streams: make(map[key]*Writer), opened: opened}
	names, err := List(c.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := s.open(name); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Of returns the stream of a program on a host, whatever bytes they are called.
func (s *Set) Of(program, host []byte) (*Writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.streams[key{string(program), string(host)}]; w != nil {
		return w, nil
	}
	k := key{string(program), string(host)}
	w := s.find(StreamName(k.program, k.host))
	switch {
	case s.closed:
		return nil, ErrClosed
	case w != nil: // of an earlier run, or it has the same name
	case len(s.all) >= s.max:
		s.overflow++
		// It is not remembered: there is no end to what these are called.
		if w = s.find(Other); w != nil {
			return w, nil
		}
		return s.open(Other)
	default:
		var err error
		if w, err = s.open(StreamName(k.program, k.host)); err != nil {
			s.failed++
			return nil, err
		}
	}
	if len(s.streams) >= 4*s.max { // names that differ in what a folder cannot be called
		clear(s.streams)
	}
	s.streams[k] = w
	return w, nil
}

// Streams returns all that are open.
func (s *Set) Streams() []*Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// Overflow returns how many blocks went to the stream Other, and how many had no
// stream since it could not be made.
func (s *Set) Overflow() (other, failed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overflow, s.failed
}

// Expire drops what is too old in all streams, and Sync makes them safe.
func (s *Set) Expire() error { return s.each((*Writer).Expire) }
func (s *Set) Sync() error   { return s.each((*Writer).Sync) }

// Close closes all streams.
func (s *Set) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.each((*Writer).Close)
}

func (s *Set) each(do func(*Writer) error) error {
	var errs []error
	for _, w := range s.Streams() {
		errs = append(errs, do(w))
	}
	return errors.Join(errs...)
}

func (s *Set) find(name string) *Writer {
	for _, w := range s.all {
		if w.name == name {
			return w
		}
	}
	return nil
}

func (s *Set) open(name string) (*Writer, error) {
	w, err := Open(s.cfg, name, s.log)
	if err != nil {
		return nil, err
	}
	s.all = append(s.all, w)
	s.opened(w)
	return w, nil
}

// StreamName is program@host where that can be the name of a folder, and else
// what of it can with a hash behind.
func StreamName(program, host string) string {
	full := program + "@" + host
	b := make([]byte, 0, len(full))
	for _, c := range []byte(full) {
		if !nameByte(c) {
			c = '_'
		}
		b = append(b, c)
	}
	if len(b) > 0 && b[0] == '.' {
		b[0] = '_'
	}
	if string(b) == full && len(b) <= 160 && program != "" {
		return full
	}
	h := xxh3.HashString128(full).Bytes()
	return string(b[:min(len(b), 160)]) + "-" + hex.EncodeToString(h[:6])
}
