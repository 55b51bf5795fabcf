package chaos

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"why503/cmd/internal/loggen"
)

// A writer plays the daemons, and logrotate.
type writer struct {
	cfg    Config
	rng    *rand.Rand
	files  []*logfile
	stream *loggen.Stream
	due    scheduled
	truth  *truth
	counts *Counts
	ready  func() bool // serve knows where in the files it is
}

// A scheduled is what is written some time after its program was done with it.
type scheduled []delayed

type delayed struct {
	at   int64
	file int
	piece
}

func (s scheduled) Len() int           { return len(s) }
func (s scheduled) Less(i, j int) bool { return s[i].at < s[j].at }
func (s scheduled) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *scheduled) Push(x any)        { *s = append(*s, x.(delayed)) }
func (s *scheduled) Pop() any {
	old := *s
	x := old[len(old)-1]
	*s = old[:len(old)-1]
	return x
}

// linesPerRequest is how many lines a set has of a request, about.
const linesPerRequest = 58

// quietFirst is how long nothing is rotated at first, and longer until serve has
// stored a place in every file: before, there is none from which it could follow.
const quietFirst = 5 * time.Second

func newWriter(cfg Config, live, copies string, t *truth, counts *Counts) (*writer, error) {
	w := &writer{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 1)), truth: t, counts: counts}
	c := loggen.Defaults()
	c.Seed, c.Start, c.Rate = cfg.Seed, time.Now(), cfg.Rate/linesPerRequest
	c.Failures, c.Bursts, c.Every = 0.04, true, 25*time.Second
	c.Requests = int64(c.Rate * cfg.Duration.Seconds())
	var err error
	if w.stream, err = loggen.NewStream(c); err != nil {
		return nil, err
	}
	for i, name := range loggen.Files() {
		f, err := newLogfile(live, copies, name, cfg.Mode, rand.New(rand.NewPCG(cfg.Seed, uint64(10+i))), counts, time.Now().Add(quietFirst))
		if err != nil {
			return nil, err
		}
		w.files = append(w.files, f)
	}
	return w, nil
}

// run writes until there is no more, or ctx ends.
func (w *writer) run(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	entry, more := w.stream.Next()
	for more || len(w.due) > 0 || w.busy() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := time.Now()
		for more && entry.At <= now.UnixNano() {
			w.take(&entry)
			entry, more = w.stream.Next()
		}
		for len(w.due) > 0 && w.due[0].at <= now.UnixNano() {
			d := heap.Pop(&w.due).(delayed)
			if err := w.files[d.file].write(d.piece, now); err != nil {
				return err
			}
		}
		for _, f := range w.files {
			if err := f.tick(now, !more || !w.ready()); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	for _, f := range w.files {
		if err := f.close(); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) busy() bool {
	for _, f := range w.files {
		if f.busy() || len(f.half) > 0 || len(f.backlog) > 0 {
			return true
		}
	}
	return false
}

// take writes down what is true of an entry, and when it is written: one in 30
// comes late, so that lines are out of order by up to a second.
func (w *writer) take(e *loggen.Entry) {
	w.truth.take(e)
	w.counts.Lines += int64(bytes.Count(e.Text, []byte("\n")))
	at := e.At
	if w.rng.IntN(30) == 0 {
		at += w.rng.Int64N(int64(time.Second))
		w.counts.Late++
	}
	heap.Push(&w.due, delayed{at, e.File, piece{bytes.Clone(e.Text), e.Of.Number}})
}
