package loggen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A Live writes logs as time goes by, and rotates them by renaming as logrotate
// does.
type Live struct {
	Config // of which Start, Rate, Requests and Bytes are set by Run

	Dir    string
	Log    string  // one of Formats, or "set"
	Lines  float64 // a second, over all files
	For    time.Duration
	Rotate time.Duration // how often files are renamed; 0 for never
	Keep   int           // files that were renamed and are left
}

// Paths are the files that Run writes.
func (l *Live) Paths() (paths []string) {
	formats, _ := l.formats()
	for _, f := range formats {
		paths = append(paths, filepath.Join(l.Dir, f.file))
	}
	return paths
}

func (l *Live) formats() ([]format, error) {
	if l.Log == "set" {
		return linked, nil
	}
	for _, f := range alone {
		if f.name == l.Log {
			f.file = f.name + ".log"
			return []format{f}, nil
		}
	}
	return nil, fmt.Errorf("log %q: known are set and %v", l.Log, Formats())
}

// Run writes until its time is over or ctx ends. Files that exist are written
// on.
func (l *Live) Run(ctx context.Context) (count Count, err error) {
	formats, err := l.formats()
	if err != nil {
		return Count{}, err
	}
	if !(l.Lines > 0) || l.For <= 0 || l.Rotate < 0 {
		return Count{}, fmt.Errorf("%v lines a second for %v: must be above 0", l.Lines, l.For)
	}
	c := l.Config
	c.Start, c.Bytes, c.Rate = time.Now(), 0, l.Lines
	if c.Rate, err = requestRate(formats, c, l.Lines); err != nil {
		return Count{}, err
	}
	c.Requests = int64(c.Rate * l.For.Seconds())
	p := &pacer{ctx: ctx, live: l, next: time.Now().Add(l.Rotate)}
	defer func() { err = errors.Join(err, p.close()) }()
	var writers []io.Writer
	for _, path := range l.Paths() {
		f := &rotated{path: path}
		p.files = append(p.files, f)
		writers = append(writers, f)
		if err := f.open(); err != nil {
			return Count{}, err
		}
	}
	c.Start = time.Now()
	count, err = write(formats, writers, c, p.wait)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return count, err
}

// requestRate finds out how many requests make so many lines.
func requestRate(formats []format, c Config, lines float64) (float64, error) {
	c.Requests = 5000
	writers := make([]io.Writer, len(formats))
	for i := range writers {
		writers[i] = io.Discard
	}
	n, err := write(formats, writers, c, nil)
	if err != nil {
		return 0, err
	}
	return lines * float64(n.Requests) / float64(n.Lines), nil
}

// A pacer keeps requests back until their time has come.
type pacer struct {
	ctx   context.Context
	live  *Live
	files []*rotated
	next  time.Time // of a rotation
}

// breath is how long a writer sleeps at least: so often it writes.
const breath = 10 * time.Millisecond

func (p *pacer) wait(start int64, flush func() error) error {
	now := time.Now()
	for now.UnixNano() < start {
		if err := flush(); err != nil {
			return err
		}
		if p.live.Rotate > 0 && !now.Before(p.next) { // all lines are whole now
			p.next = p.next.Add(p.live.Rotate)
			for _, f := range p.files {
				if err := f.rotate(p.live.Keep); err != nil {
					return err
				}
			}
		}
		select {
		case <-p.ctx.Done():
			return p.ctx.Err()
		case <-time.After(max(breath, time.Duration(start-now.UnixNano()))):
		}
		now = time.Now()
	}
	return nil
}

func (p *pacer) close() (err error) {
	for _, f := range p.files {
		if f.File != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// rotated is a file that is renamed now and then, and its successor.
type rotated struct {
	path string
	*os.File
}

func (f *rotated) open() (err error) {
	if f.File, err = os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644); err != nil {
		return fmt.Errorf("opening a log to write: %w", err)
	}
	return nil
}

// rotate renames the file to one with a 1 at its end, that one to a 2, and so
// on, and removes the last.
func (f *rotated) rotate(keep int) error {
	old := func(n int) string { return fmt.Sprintf("%s.%d", f.path, n) }
	_ = os.Remove(old(max(keep, 1)))
	for n := max(keep, 1) - 1; n > 0; n-- {
		if err := os.Rename(old(n), old(n+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rotating: %w", err)
		}
	}
	if err := os.Rename(f.path, old(1)); err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	return f.open()
}
