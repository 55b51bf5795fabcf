package chaos

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// A logfile is a log that a daemon writes and logrotate rotates, and beside it a
// complete copy that nobody rotates away.
type logfile struct {
	dir, name string
	copies    string // folder of the copies
	rng       *rand.Rand
	mode      Mode
	counts    *Counts

	out, twin *os.File
	size      int64 // of out
	n         int   // number of twin
	half      []byte
	halfUntil time.Time
	backlog   []piece // that waits for the other half of a line
	recent    []written

	rotateAt time.Time
	reopenAt time.Time // when the daemon is told that its file was renamed; zero while it was not
	cutAt    time.Time // when what was copied is truncated
	copied   int64
	packAt   time.Time
	packing  chan error
}

// A piece is what a daemon writes at once.
type piece struct {
	text   []byte
	number int64 // of the request
}

// written is a piece in out, for who truncates it.
type written struct {
	end    int64
	number int64
}

// How logs are rotated. Files are kept as long as reading may have to begin
// there again: what is settled is up to 90 s old, and reading begins 90 s before
// that.
const (
	rotateMin, rotateMax = 3 * time.Second, 20 * time.Second
	deafMost             = 1200 * time.Millisecond // a daemon writes on to the renamed file
	keepFor              = 4 * time.Minute
	maxNumbers           = 200
)

func newLogfile(dir, copies, name string, mode Mode, rng *rand.Rand, counts *Counts, first time.Time) (*logfile, error) {
	f := &logfile{dir: dir, copies: copies, name: name, mode: mode, rng: rng, counts: counts, rotateAt: first.Add(f0(rng))}
	return f, f.open()
}

func f0(rng *rand.Rand) time.Duration {
	return rotateMin + time.Duration(rng.Int64N(int64(rotateMax-rotateMin)))
}

func (f *logfile) path() string { return filepath.Join(f.dir, f.name) }

// open opens the live file and its copy, both empty or missing.
func (f *logfile) open() (err error) {
	if f.out, err = os.OpenFile(f.path(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644); err != nil {
		return fmt.Errorf("opening a log to write: %w", err)
	}
	f.size, f.recent = 0, f.recent[:0]
	return f.openTwin()
}

func (f *logfile) openTwin() (err error) {
	f.n++
	if f.twin, err = os.OpenFile(filepath.Join(f.copies, fmt.Sprintf("%s.%06d", f.name, f.n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		return fmt.Errorf("opening the copy of a log: %w", err)
	}
	return nil
}

// write writes a piece, or keeps it until the line before it is whole.
func (f *logfile) write(p piece, now time.Time) error {
	if len(f.half) > 0 || len(f.backlog) > 0 {
		f.backlog = append(f.backlog, p)
		return nil
	}
	if n := len(p.text); n > 1 && f.rng.IntN(100) == 0 {
		k := 1 + f.rng.IntN(n-1)
		f.half, f.halfUntil = p.text[k:], now.Add(time.Duration(f.rng.Int64N(int64(400*time.Millisecond))))
		p.text = p.text[:k]
		f.counts.Halves++
	}
	return f.put(p)
}

func (f *logfile) put(p piece) error {
	for _, to := range []*os.File{f.out, f.twin} {
		if _, err := to.Write(p.text); err != nil {
			return fmt.Errorf("writing a log: %w", err)
		}
	}
	f.size += int64(len(p.text))
	f.counts.Bytes += int64(len(p.text))
	f.recent = append(f.recent, written{f.size, p.number})
	return nil
}

// tick does what is due.
func (f *logfile) tick(now time.Time, quiet bool) error {
	if len(f.half) > 0 && !now.Before(f.halfUntil) {
		p := piece{f.half, 0}
		if n := len(f.recent); n > 0 {
			p.number = f.recent[n-1].number
		}
		f.half = nil
		if err := f.put(p); err != nil {
			return err
		}
		rest := f.backlog
		f.backlog = nil
		for _, p := range rest {
			if err := f.write(p, now); err != nil {
				return err
			}
		}
	}
	switch {
	case !f.cutAt.IsZero() && !now.Before(f.cutAt):
		f.cutAt = time.Time{}
		return f.truncate(now)
	case !f.reopenAt.IsZero() && !now.Before(f.reopenAt) && len(f.half) == 0:
		f.reopenAt = time.Time{}
		return f.reopen(now)
	case !f.packAt.IsZero() && !now.Before(f.packAt) && f.packing == nil:
		f.packAt = time.Time{}
		f.packing = make(chan error, 1)
		go pack(f.path()+".1", f.packing)
	}
	if f.packing != nil {
		select {
		case err := <-f.packing:
			f.packing = nil
			if err != nil {
				return err
			}
		default:
		}
	}
	if quiet || now.Before(f.rotateAt) || f.busy() || f.size == 0 {
		return nil
	}
	f.rotateAt = now.Add(f0(f.rng))
	return f.rotate(now)
}

// busy reports whether a rotation is under way.
func (f *logfile) busy() bool {
	return !f.cutAt.IsZero() || !f.reopenAt.IsZero() || !f.packAt.IsZero() || f.packing != nil
}

// rotate does what logrotate does: first the older ones, then the live one.
func (f *logfile) rotate(now time.Time) error {
	for i := maxNumbers; i > 0; i-- {
		for _, ext := range [...]string{"", ".gz"} {
			old := fmt.Sprintf("%s.%d%s", f.path(), i, ext)
			info, err := os.Stat(old)
			if err != nil {
				continue
			}
			if now.Sub(info.ModTime()) > keepFor {
				err = os.Remove(old)
				f.counts.Deleted++
			} else {
				err = os.Rename(old, fmt.Sprintf("%s.%d%s", f.path(), i+1, ext))
			}
			if err != nil {
				return fmt.Errorf("rotating: %w", err)
			}
		}
	}
	if f.mode == CopyTruncate || f.mode == Mixed && f.rng.IntN(2) == 0 {
		return f.copyAway(now)
	}
	f.counts.Renames++
	if err := os.Rename(f.path(), f.path()+".1"); err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	if f.rng.IntN(3) > 0 { // `create`; without it the daemon makes the file
		if err := os.WriteFile(f.path(), nil, 0o644); err != nil {
			return fmt.Errorf("rotating: %w", err)
		}
	}
	f.reopenAt = now.Add(time.Duration(f.rng.Int64N(int64(deafMost))))
	return nil
}

// reopen is the daemon's answer to the signal.
func (f *logfile) reopen(now time.Time) error {
	if err := errors.Join(f.out.Close(), f.twin.Close()); err != nil {
		return err
	}
	if f.rng.IntN(4) > 0 {
		f.packAt = now.Add(time.Duration(f.rng.Int64N(int64(3 * time.Second))))
	}
	return f.open()
}

// copyAway is the first half of copytruncate.
func (f *logfile) copyAway(now time.Time) error {
	f.counts.Copies++
	in, err := os.Open(f.path())
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	defer in.Close()
	out, err := os.Create(f.path() + ".1")
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	f.copied, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	f.cutAt = now.Add(time.Duration(f.rng.Int64N(int64(60 * time.Millisecond))))
	return nil
}

// truncate is the second half: what was written since the copy is lost.
func (f *logfile) truncate(now time.Time) error {
	if err := errors.Join(os.Truncate(f.path(), 0), f.twin.Truncate(f.copied), f.twin.Close()); err != nil {
		return fmt.Errorf("truncating: %w", err)
	}
	f.counts.LostBytes += f.size - f.copied
	for _, w := range f.recent {
		if w.end > f.copied {
			f.counts.touched[w.number] = true
		}
	}
	if n := len(f.recent); len(f.half) > 0 && n > 0 { // the other half comes into the empty file
		f.counts.touched[f.recent[n-1].number] = true
		f.recent = append(f.recent[:0], f.recent[n-1])
	} else {
		f.recent = f.recent[:0]
	}
	f.size = 0
	if f.rng.IntN(4) > 0 {
		f.packAt = now.Add(time.Duration(f.rng.Int64N(int64(3 * time.Second))))
	}
	return f.openTwin()
}

// pack does what gzip does.
func pack(path string, done chan<- error) {
	done <- func() error {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("compressing: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("compressing: %w", err)
		}
		out, err := os.Create(path + ".gz")
		if err != nil {
			return fmt.Errorf("compressing: %w", err)
		}
		z := gzip.NewWriter(out)
		_, err = z.Write(text)
		if err := errors.Join(err, z.Close(), out.Close(), os.Chtimes(path+".gz", info.ModTime(), info.ModTime())); err != nil {
			return fmt.Errorf("compressing: %w", err)
		}
		return os.Remove(path)
	}()
}

// end finishes what is under way.
func (f *logfile) close() error {
	if f.packing != nil {
		if err := <-f.packing; err != nil {
			return err
		}
	}
	return errors.Join(f.out.Close(), f.twin.Close())
}
