package tail

import (
	"bytes"
	"path/filepath"
	"sync"
	"time"

	"why503/parse"
	"why503/parse/fact"
)

// A Line is one physical line, and which file it is of.
type Line struct {
	parse.Line
	Incarnation int              // see File.Incarnation
	Fingerprint fact.Fingerprint // with Offset it names the line for good
	Partial     bool             // it has no line end; should one come, the rest is a line of its own
}

// A File follows one path through its incarnations. Next, Flush, Wake, Due,
// Position, PositionAt and Close are called from one goroutine.
type File struct {
	path  string
	opt   Options
	limit int // of a line with its end

	cur    *incarnation // nil while there is none
	buf    buffer
	number int64 // lines handed out of cur
	skip   bool  // in the rest of a line that was cut
	more   bool  // there is more to read than buf holds
	ending bool  // cur is done; its partial line is the last of it

	at      *Position // where to begin, until that is done
	after   *Position // the end of the file before, while cur is nil
	kin     *kin      // the incarnation before
	next    int       // number of the next incarnation
	again   bool      // cur began anew in place: the path itself is next
	known   fileState // of cur, when path was last looked at
	rotated time.Time // when cur was seen to be renamed; zero while it is not
	grown   time.Time // when cur last had news since
	last    bool      // what is read now is the last of a renamed cur
	lookups int       // that did not find cur, in a row

	due      time.Time
	hold     time.Time // until when files that were left are kept open; zero when none is
	retry    time.Time // when what failed is tried again; zero while nothing has
	interval time.Duration
	problem  string
	stats    Stats

	mu     sync.Mutex // of what follows, and of cur and its fields where they change
	old    []*incarnation
	public Stats
	shared Position // of cur
}

type fileState struct{ size, modified int64 }

// Open follows path from at on; where at is nil, from its start, or as
// opt.FromEnd says. The path need not exist yet. Nothing is read before Next.
func Open(path string, at *Position, opt Options) (*File, error) {
	opt.setDefaults()
	f := &File{path: filepath.Clean(path), opt: opt, limit: opt.MaxLine + 1, interval: opt.Poll}
	for i := range opt.Earlier {
		p := &opt.Earlier[i]
		if err := p.check(); err != nil {
			return nil, err
		}
		c := f.newIncarnation(&handle{pool: opt.Handles, path: p.Path, id: p.id()}, nil)
		c.restore(p, nil)
		c.number, c.end, c.handle.compressed = p.Incarnation, *p, unpackedName(p.Path) != p.Path
		f.old = append(f.old, c)
		f.next = max(f.next, c.number+1)
	}
	if at != nil {
		if err := at.check(); err != nil {
			return nil, err
		}
		p := *at
		f.at, f.opt.FromEnd, f.opt.Salt = &p, false, p.Salt
		f.next = max(f.next, p.Incarnation)
	}
	return f, nil
}

// Path returns the path that is followed.
func (f *File) Path() string { return f.path }

// Next returns the next complete line, whose Text is valid until the next call
// of Next or Flush. ErrWait says that there is none now. Another error is a
// *ingest.PathError; it is returned once as long as it stays the same, and what
// failed is tried again by later calls.
func (f *File) Next() (Line, error) {
	for {
		if line, ok := f.scan(); ok {
			return line, nil
		}
		if err := f.advance(); err != nil {
			return Line{}, err
		}
	}
}

// Flush returns the last line although it has no end yet, for a caller who
// knows that its writer is done with it. It reports false when there is none.
func (f *File) Flush() (Line, bool) {
	if f.cur == nil {
		return Line{}, false
	}
	if f.buf.w == f.buf.r {
		n, _, err := f.buf.fill(f.cur.handle)
		if err != nil || n == 0 {
			return Line{}, false // what is wrong is told by Next
		}
		f.news()
	}
	if line, ok := f.scan(); ok {
		return line, true
	}
	if f.skip || f.buf.w == f.buf.r {
		return Line{}, false
	}
	return f.partial(), true
}

// Wake makes the next call of Next look at the file at once.
func (f *File) Wake() { f.due, f.retry, f.interval = time.Time{}, time.Time{}, f.opt.Poll }

// Due returns when Next will look at the file again; before that it costs
// nothing and returns ErrWait.
func (f *File) Due() time.Time { return f.due }

// Close ends it. A saved Position stays good.
func (f *File) Close() error {
	f.buf.free()
	f.lateBytes()
	f.publish()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cur != nil {
		f.cur.handle.close()
	}
	for _, c := range f.old {
		c.handle.close()
	}
	return nil
}

// Stats returns what was counted so far.
func (f *File) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.public
}

// scan cuts the next line from what was read.
func (f *File) scan() (Line, bool) {
	b := &f.buf
	if f.skip && !f.skipRest() {
		return Line{}, false
	}
	if b.r < b.w && b.b[b.r] == 0 {
		f.skipNULs()
	}
	end := min(b.w, b.r+f.limit)
	n := -1
	if b.scan < end {
		n = bytes.IndexByte(b.b[b.scan:end], '\n')
	}
	switch {
	case n >= 0:
		n += b.scan
		text := b.b[b.r:n]
		if len(text) > 0 && text[len(text)-1] == '\r' {
			text = text[:len(text)-1]
		}
		return f.hand(text, n+1), true
	case end-b.r == f.limit:
		f.skip = true
		f.stats.Oversized++
		line := f.hand(b.b[b.r:end-1], end-1)
		line.Cut = true
		return line, true
	case f.ending && end > b.r:
		return f.partial(), true
	}
	b.scan = end
	return Line{}, false
}

// hand makes a line of text; the next one begins at next.
func (f *File) hand(text []byte, next int) Line {
	f.number++
	f.stats.Lines++
	line := Line{Line: parse.Line{Text: text, Offset: f.buf.offset(), Number: f.number}, Incarnation: f.cur.number}
	f.buf.r, f.buf.scan = next, next
	line.Fingerprint = f.cur.fingerprint(f.buf.offset())
	return line
}

// partial hands out all that is there.
func (f *File) partial() Line {
	b := &f.buf
	end := b.seen()
	line := f.hand(bytes.TrimSuffix(b.b[b.r:b.w], carriageReturn), b.w)
	line.Partial = true
	if end < evidenceBytes {
		f.mu.Lock()
		f.cur.broke(end)
		f.mu.Unlock()
	}
	return line
}

var carriageReturn = []byte{'\r'}

// skipRest drops what belongs to a line that was cut. It reports whether its
// end was reached.
func (f *File) skipRest() bool {
	b := &f.buf
	n := bytes.IndexByte(b.b[b.r:b.w], '\n')
	if n < 0 {
		f.stats.OversizedBy += int64(b.w - b.r)
		b.r, b.scan = b.w, b.w
		return false
	}
	f.skip = false
	f.stats.OversizedBy += int64(n)
	b.r += n + 1
	b.scan = b.r
	return true
}

// skipNULs goes to where a line really begins: a crash leaves blocks of NULs,
// and a writer that does not append leaves a hole when its file is truncated.
func (f *File) skipNULs() {
	b := &f.buf
	from := b.r
	for b.r < b.w && b.b[b.r] == 0 {
		b.r++
	}
	f.stats.NULs += int64(b.r - from)
	b.scan = max(b.scan, b.r)
}

// news takes note of what fill read. A part of a line that was given back and
// is read again is no news.
func (f *File) news() bool {
	n := f.buf.seen() - f.cur.read
	if n <= 0 {
		return false
	}
	f.stats.Bytes += n
	f.cur.read += n
	if f.cur.whole {
		return true
	}
	// As long as it is not whole the buffer begins where the file does.
	f.mu.Lock()
	f.cur.setHead(f.buf.b[:f.buf.w])
	f.mu.Unlock()
	return true
}

// fail returns err the first time, and ErrWait as long as it stays the same.
func (f *File) fail(path string, err error) error {
	pe := pathError(path, err)
	f.interval = f.opt.MaxPoll
	_ = f.pause()
	f.retry = f.due
	if f.problem == pe.Error() {
		return ErrWait
	}
	f.problem = pe.Error()
	return pe
}

// Problem returns what Next last could not do, "" when it is fine.
func (f *File) Problem() string { return f.problem }

// pause says that there is nothing to do until f.due.
func (f *File) pause() error {
	f.due = time.Now().Add(f.interval)
	f.interval = min(2*f.interval, f.opt.MaxPoll)
	f.buf.pause()
	f.publish()
	return ErrWait
}

// idle is pause for when nothing happened, which is most of the time with most
// files.
func (f *File) idle() error {
	f.due = time.Now().Add(f.interval)
	if f.interval = min(2*f.interval, f.opt.MaxPoll); f.interval == f.opt.MaxPoll {
		f.buf.free()
	}
	if !f.hold.IsZero() && f.due.After(f.hold) {
		f.letGo()
	}
	f.mu.Lock()
	f.public.Polls = f.stats.Polls
	f.mu.Unlock()
	return ErrWait
}

// letGo closes files that were left: what is deleted, as the original is after
// compression, would keep its space on disk. They are found again when they
// are read.
func (f *File) letGo() {
	f.hold = time.Time{}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.old {
		c.handle.rest()
	}
}

// publish shows the counters, and which file is read, to other goroutines.
func (f *File) publish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.public = f.stats
	for _, c := range f.old {
		f.public.Reopened += c.handle.reopened()
	}
	if f.cur != nil {
		f.public.Reopened += f.cur.handle.reopened()
		f.shared = f.cur.position()
	}
}
