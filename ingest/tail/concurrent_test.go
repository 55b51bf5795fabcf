package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestReadingAgainFromOtherGoroutines rotates and compresses while others read
// lines again; what they get is the line, or that it is not kept any more.
func TestReadingAgainFromOtherGoroutines(t *testing.T) {
	w := newWorld(t, Options{Keep: 3, Poll: time.Millisecond, Drain: time.Millisecond, Handles: NewHandles(2)})
	w.log("begin\n")
	w.open(nil)
	var mu sync.Mutex
	var lines []Line
	pick := func(i int) (Line, bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(lines) == 0 {
			return Line{}, false
		}
		return lines[max(0, len(lines)-1-i%400)], true
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				l, ok := pick(i * (g + 1))
				if !ok {
					continue
				}
				b := make([]byte, len(l.Text))
				n, err := w.f.ReadAt(l.Incarnation, b, l.Offset)
				switch {
				case n == len(b) && !bytes.Equal(b, l.Text):
					t.Errorf("%q is read again as %q", l.Text, b)
				case n < len(b) && !errors.Is(err, ErrForgotten) && !errors.Is(err, ErrGone) && !errors.Is(err, fs.ErrClosed) && !errors.Is(err, errMoved):
					t.Errorf("%q: %v", l.Text, err)
				}
				if fp, err := w.f.FingerprintAt(l.Incarnation, l.Offset); err == nil && fp != l.Fingerprint {
					t.Errorf("%q has another name", l.Text)
				}
				_, _ = w.f.Incarnation(l.Incarnation)
				_ = w.f.Stats()
			}
		})
	}
	want := 1
	for i := range 30 {
		for j := range 50 {
			w.log(fmt.Sprintf("line %d of %d\n", j, i))
			want++
		}
		w.now()
		for k := 4; k > 0; k-- {
			if m, _ := filepath.Glob(w.at(fmt.Sprintf("x.log.%d*", k))); len(m) == 1 {
				w.rename(filepath.Base(m[0]), fmt.Sprintf("x.log.%d%s", k+1, map[bool]string{true: ".gz"}[filepath.Ext(m[0]) == ".gz"]))
			}
		}
		w.rename("x.log", "x.log.1")
		w.log(fmt.Sprintf("new %d\n", i))
		want++
		if i%2 == 0 {
			w.gzip("x.log.1")
		}
		for range 5 {
			w.now()
			time.Sleep(2 * time.Millisecond)
		}
		mu.Lock()
		lines = append(lines[:0:0], w.seen...)
		mu.Unlock()
	}
	for range 20 {
		w.now()
		time.Sleep(2 * time.Millisecond)
	}
	close(done)
	wg.Wait()
	if len(w.seen) != want || len(w.errs) > 0 {
		t.Fatalf("%d lines, want %d; %v", len(w.seen), want, w.errs)
	}
}
