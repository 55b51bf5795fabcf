package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Open opens the stream of that name in c.Dir, or makes it. A line that a
// crash cut off at the end is dropped and counted. Call Release at once with
// the position that was stored, so that what was read is not counted as lost.
func Open(c Config, name string, log *slog.Logger) (*Writer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	w := &Writer{cfg: c.withDefaults(), name: name, dir: filepath.Join(c.Dir, name), log: log, lost: make(map[string]Loss)}
	if err := w.open(); err != nil {
		if w.lock != nil {
			w.lock.Close()
		}
		return nil, fmt.Errorf("opening the stream %s: %w", w.dir, err)
	}
	return w, nil
}

// List returns the names of the streams in dir, sorted. A dir that is not
// there has none.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing streams: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() || checkName(e.Name()) != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), headerName)); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkName keeps streams in their folder: names come from the network too.
func checkName(name string) error {
	if name == "" || len(name) > 200 || name[0] == '.' {
		return fmt.Errorf("%q names no stream: it is empty, longer than 200 bytes or begins with a dot", name)
	}
	for _, c := range []byte(name) {
		if !nameByte(c) {
			return fmt.Errorf("%q names no stream: only letters, digits and . _ - @ may stand in it", name)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return letter || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '@'
}

func (w *Writer) open() (err error) {
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		return err
	}
	if w.lock, err = lock(w.dir); err != nil {
		return err
	}
	emptied, err := w.find()
	if err != nil {
		return err
	}
	h, ok, err := readHeader(w.dir)
	if err != nil {
		return err
	}
	next := emptied + 1
	if n := len(w.segments); n > 0 {
		next = max(next, w.segments[n-1].seq+1)
	}
	if ok {
		w.existed = true
		h.next = max(h.next, next)
	} else {
		if len(w.segments) > 0 {
			w.log.Warn("stream has no readable identity, gave it a new one", "stream", w.dir)
		}
		h = newHeader(next)
		if err := writeHeader(w.dir, h); err != nil {
			return err
		}
	}
	w.header, w.epoch = h, h.epoch
	if n := len(w.segments); n > 0 {
		return w.mend(&w.segments[n-1])
	}
	return nil
}

// find lists the segments and removes those without content. Their numbers stay
// used, since a power cut may have emptied them: emptied is the highest.
func (w *Writer) find() (emptied uint64, err error) {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		seq := segmentSeq(e.Name())
		if seq == 0 || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		if info.Size() == 0 {
			emptied = max(emptied, seq)
			if err := os.Remove(w.path(seq)); err != nil {
				return 0, err
			}
			continue
		}
		w.segments = append(w.segments, piece{seq: seq, size: info.Size(), written: info.ModTime()})
	}
	slices.SortFunc(w.segments, func(a, b piece) int { return cmp.Compare(a.seq, b.seq) })
	return emptied, nil
}

// mend cuts off what stands behind the last line end. A power cut can leave
// zeros there too, which have none.
func (w *Writer) mend(g *piece) error {
	f, err := os.OpenFile(w.path(g.seq), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := lastLineEnd(f, g.size)
	if err != nil || end == g.size {
		return err
	}
	if err := errors.Join(f.Truncate(end), f.Sync()); err != nil {
		return err
	}
	w.log.Warn("dropped a line that was cut off", "stream", w.dir, "segment", g.seq, "bytes", g.size-end)
	w.lose(LostTorn, 1, g.size-end)
	g.size = end
	return nil
}

// lastLineEnd returns the offset behind the last LF, 0 where there is none.
func lastLineEnd(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		start := max(0, end-int64(len(buf)))
		b := buf[:end-start]
		if _, err := f.ReadAt(b, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// A piece is one segment as the Writer knows it.
type piece struct {
	seq     uint64
	size    int64     // bytes of whole lines
	written time.Time // when the last line came
}
