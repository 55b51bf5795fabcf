package child

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/zeebo/xxh3"

	"why503/ingest/segment"
)

// A sink takes the output of several varnishlog processes of one instance,
// transaction group by transaction group: lines do not say which transaction
// they belong to, so groups must not be mixed. A group that was there lately is
// dropped; its text holds VXID and time stamps, so it is the same one.
type sink struct {
	to     segment.Appender
	turn   sync.Mutex // held by who writes, through all of a group that is written in pieces
	seen   recent
	dedupe bool
	lines  bool // there are no groups: each line is on its own

	mu        sync.Mutex
	groups    int64
	repeated  int64 // groups dropped since they were there already
	writeErrs int64
}

// maxGroup bounds a group that is kept until its end. A longer one is written
// in pieces, during which others wait.
const maxGroup = 4 << 20

// read reads one process's output to its end.
func (s *sink) read(r io.Reader) error {
	g := grouper{sink: s}
	defer g.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		g.take(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A grouper finds where groups end: behind an empty line.
type grouper struct {
	sink *sink
	buf  []byte
	out  []byte
	amid bool // a piece of a long group was written; the turn is ours
}

var groupEnd = []byte("\n\n")

func (g *grouper) take(b []byte) {
	from := max(0, len(g.buf)-1)
	g.buf = append(g.buf, b...)
	end := g.lastEnd(from)
	if end > 0 {
		g.hand(g.buf[:end])
		g.buf = g.buf[:copy(g.buf, g.buf[end:])]
	}
	if len(g.buf) > maxGroup {
		n := bytes.LastIndexByte(g.buf, '\n') + 1
		if n == 0 {
			n = len(g.buf) // a line that long is cut here
		}
		g.piece(g.buf[:n])
		g.buf = append(make([]byte, 0, 64<<10), g.buf[n:]...)
	}
}

// lastEnd returns the end of the last whole group of what came from on.
func (g *grouper) lastEnd(from int) int {
	if g.sink.lines {
		return bytes.LastIndexByte(g.buf, '\n') + 1
	}
	if i := bytes.LastIndex(g.buf[from:], groupEnd); i >= 0 {
		return from + i + len(groupEnd)
	}
	if g.amid && len(g.buf) > 0 && g.buf[0] == '\n' {
		return 1 // the empty line behind a piece
	}
	return 0
}

// hand writes whole groups, less those that were there.
func (g *grouper) hand(b []byte) {
	if g.amid {
		n := 1
		if b[0] != '\n' {
			n = bytes.Index(b, groupEnd) + len(groupEnd)
		}
		g.piece(b[:n])
		g.amid = false
		g.sink.turn.Unlock()
		b = b[n:]
	}
	if len(b) == 0 {
		return
	}
	g.sink.turn.Lock()
	defer g.sink.turn.Unlock()
	g.sink.append(g.fresh(b))
}

func (g *grouper) fresh(b []byte) []byte {
	s := g.sink
	if s.lines {
		return b
	}
	var groups, repeated int64
	g.out = g.out[:0]
	for len(b) > 0 {
		n := bytes.Index(b, groupEnd) + len(groupEnd)
		group := b[:n]
		b = b[n:]
		groups++
		if s.dedupe && !s.seen.add(xxh3.Hash(bytes.TrimLeft(group, "\n"))) {
			repeated++
			continue
		}
		g.out = append(g.out, group...)
	}
	s.mu.Lock()
	s.groups += groups
	s.repeated += repeated
	s.mu.Unlock()
	return g.out
}

// piece writes some of a group.
func (g *grouper) piece(b []byte) {
	if !g.amid && !g.sink.lines {
		g.sink.turn.Lock()
		g.amid = true
	}
	g.sink.append(b)
}

// end writes what a process left behind that ended amid a group, and ends the
// group, so that the next is not taken for its continuation.
func (g *grouper) end() {
	if len(g.buf) > 0 || g.amid {
		if n := len(g.buf); n > 0 && g.buf[n-1] != '\n' {
			g.buf = append(g.buf, '\n')
		}
		if !g.sink.lines {
			g.buf = append(g.buf, '\n')
		}
		g.hand(g.buf)
	}
	g.buf = nil
}

// append is called with the turn. What the disk does not take is counted by the
// Writer.
func (s *sink) append(b []byte) {
	if len(b) == 0 {
		return
	}
	if _, err := s.to.Append(b); err != nil {
		s.mu.Lock()
		s.writeErrs++
		s.mu.Unlock()
	}
}

// recent remembers the last hashes: at least maxRecent, at most twice that.
type recent struct{ now, before map[uint64]struct{} }

const maxRecent = 1 << 17

// add reports whether h is new.
func (r *recent) add(h uint64) bool {
	if _, ok := r.now[h]; ok {
		return false
	}
	_, ok := r.before[h]
	if r.now == nil || len(r.now) >= maxRecent {
		r.before, r.now = r.now, make(map[uint64]struct{})
	}
	r.now[h] = struct{}{}
	return !ok
}
