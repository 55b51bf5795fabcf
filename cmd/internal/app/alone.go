package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"sync"
	"time"

	"why503/aggregate"
	"why503/ingest"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/frame"
	"why503/parse/recognise"
	"why503/parse/traffic"
	"why503/rules"
)

// alone returns the input that is read without a join, nil where the join is
// needed: when it is the only one, of a kind whose Records are never joined to
// each other, then nobody asks for those of good requests, and a failed one is
// a Request by itself. Its blocks can be parsed side by side.
func (r *Run) alone() *input {
	var only *input
	for _, in := range r.inputs {
		if in.join == nil {
			continue
		}
		if only != nil {
			return nil
		}
		only = in
	}
	if only == nil || !correlate.Loners(only.kind) || only.join.Rank != 0 || only.join.Twin != nil || only.sorted || r.cfg.Record != nil {
		return nil
	}
	if _, ok := only.newParser(r.cfg.Zone, r.base).(parse.Stateless); !ok {
		return nil
	}
	return only
}

// readAlone reads in on all processors. What the workers make of the blocks is
// counted here, in the order of the file, so that the result depends neither on
// how many there are nor on where a block ends.
func (r *Run) readAlone(ctx context.Context, in *input) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	src := &blockSource{in: in, blocks: in.source.Blocks(ingest.Options{})}
	defer src.blocks.Close()
	tallies := make(chan *tally)
	free := make(chan *tally, workers+2) // bounds how many blocks are in memory
	for range cap(free) {
		free <- &tally{buf: make([]byte, 0, cmp.Or(r.cfg.blockBytes, blockBytes))}
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := newWorker(r, in)
			for inner.Err() == nil {
				t := <-free // none is missing for long: the one that is next is never waited for
				if !src.next(t) {
					return
				}
				w.work(t)
				tallies <- t
			}
		})
	}
	go func() {
		wg.Wait()
		close(tallies)
	}()
	c := newCounting(r, in)
	early := make(map[int]*tally)
	next := 0
	var err error
	for t := range tallies {
		early[t.seq] = t
		for t := early[next]; t != nil; t = early[next] {
			delete(early, next)
			next++
			if err == nil {
				if err = c.take(t); err != nil {
					cancel()
				}
			}
			free <- t
		}
	}
	src.finish()
	r.stopped = ctx.Err() != nil
	return err
}

// blockBytes is the size of a block. Two of them and what is made of them fit
// into the second level cache of a core.
const blockBytes = 512 << 10

// A blockSource hands out the blocks of an input to whoever asks next. The
// worker that reads a block also parses it, while it is in its core's cache;
// others decompress and read meanwhile.
type blockSource struct {
	mu      sync.Mutex
	in      *input
	blocks  *ingest.Blocks
	seq     int
	damaged int64
}

func (s *blockSource) next(t *tally) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b, err := s.blocks.Next(t.buf[:0])
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil { // one part is damaged: told by Damage, the next goes on
			s.damaged++
			continue
		}
		t.reset(s.seq, b)
		s.seq++
		return true
	}
}

func (s *blockSource) finish() {
	if s.damaged > 0 {
		s.in.lose("damaged", s.damaged)
	}
	if n, _ := s.blocks.Skipped(); n > 0 {
		s.in.long = n
	}
}

// A counting puts what workers found into the run, block after block.
type counting struct {
	r      *Run
	in     *input
	w      *worker      // for blocks whose times hang on those before them
	p      parse.Parser // for the few requests that are shown
	latest parse.Time
}

func newCounting(r *Run, in *input) *counting {
	return &counting{r: r, in: in, w: newWorker(r, in), p: in.newParser(r.cfg.Zone, r.base), latest: never}
}

func (c *counting) take(t *tally) error {
	r, in := c.r, c.in
	if t.undated || t.disorder > 0 || t.earliest < c.latest-parse.Time(disorder) {
		t.reset(t.seq, t.block)
		c.w.dated, c.w.latest = in.dated, c.latest
		c.w.read(t)
	}
	if t.disorder > 0 {
		in.sorted = true
		if in.source.Size >= 0 {
			return errDisorder // times go by in an order that tells no incidents
		}
		if in.sortedFrom == 0 {
			in.sortedFrom = t.disorder
		}
	}
	in.dated = max(in.dated, t.dated)
	c.latest = max(c.latest, t.latest)
	r.upTo = max(r.upTo, t.latest)
	c.lines(t)
	for i := range t.runs {
		run := &t.runs[i]
		r.collect.Count(run.site, run.at, run.n)
		if r.cfg.Into != nil {
			r.cfg.Into.second(in, run.site, run.at, run.n)
		}
	}
	if t.minutes != nil {
		for _, row := range t.minutes.Rows() {
			r.cfg.Into.count(row.Key, true, failedOf(row), row.Cell)
		}
	}
	for i := range t.failed {
		f := &t.failed[i]
		r.take(f.q, &f.v)
	}
	for i := range t.groups {
		g := &t.groups[i]
		if g.kind.v.Class == rules.ClassFailure {
			r.failed += g.N
		}
		r.collect.AddGroup(&g.Group, &g.kind.v, func() (*parse.Request, *rules.Verdict) { return c.again(g) })
	}
	r.progress()
	r.collect.Advance(c.latest - settled)
	return nil
}

// lines counts what was read, as input does line by line.
func (c *counting) lines(t *tally) {
	in := c.in
	before := in.lines
	for i := range t.bad {
		in.lines = before + t.bad[i].lines
		in.skip(t.bad[i].line)
	}
	in.lines = before + t.lines
	in.records += t.records
	if t.last != 0 {
		if in.first == 0 || t.first < in.first {
			in.first = t.first
		}
		in.last = max(in.last, t.last)
	}
	if t.cut > 0 {
		in.lose("oversized line", t.cut)
	}
	if t.impossible > 0 {
		in.count(impossible, t.impossible)
	}
	if in.lossy {
		in.join.Lose()
	}
	in.read.Store(t.at)
	in.bytes = t.end
}

// again makes the Request of a line that was parsed before, as it was then.
func (c *counting) again(g *group) (q *parse.Request, v *rules.Verdict) {
	_ = c.p.Parse(g.line, func(rec *parse.Record) { // it did not fail the first time
		recognise.Default().Annotate(rec)
		rec.Source = c.in.join.ID
		rec.Time += g.raw - rec.Ended // nothing, where it prints its time
		rec.Ended = g.raw
		q = c.in.join.Alone(rec.Clone())
	})
	verdict := c.r.cfg.Rules.Diagnose(q, c.r.env)
	return q, &verdict
}

// A tally is what a worker made of one block. Its lines alias buf.
type tally struct {
	seq   int
	buf   []byte
	block frame.Block

	lines, records, cut, impossible int64

	at, end int64 // offset of the last line, and behind it
	bad     []badLine

	first, last      parse.Time // raw clock
	earliest, latest parse.Time // of the ends, on the reference clock
	dated            parse.Time // as in input
	undated          bool       // it holds a Record whose time is that of one before
	disorder         int64      // line that goes back in time; 0 when none does

	runs   []run
	groups []group
	failed []failure // in place of groups, where each one is listed

	minutes *traffic.Table[traffic.Key] // all requests, where a store wants them; nil elsewhere
}

// never is before every time, with room for a difference.
const never = parse.Time(math.MinInt64 / 2)

type badLine struct {
	line  parse.Line
	lines int64 // of the block, up to this one
}

// A run is requests of one site that ended at one time and stand together.
type run struct {
	site string
	at   parse.Time
	n    int64
}

// A group is failed requests that a Collector counts alike.
type group struct {
	aggregate.Group
	kind *kind
	line parse.Line // the first of them
	raw  parse.Time // its end
}

type failure struct {
	q *parse.Request
	v rules.Verdict
}

// minute counts a request for a store.
func (t *tally) minute(in *input, rec *parse.Record, site string, ended parse.Time) {
	if t.minutes == nil {
		t.minutes = traffic.NewTable[traffic.Key](blockRows)
	}
	t.minutes.Cell(trafficKey(in, rec, site, ended)).Count(time.Duration(rec.Ended-rec.Time), rec.Bytes)
}

// blockRows bounds the keys of a minute in one block.
const blockRows = 4096

// failedOf is how many of a row were answered with 5xx.
func failedOf(r traffic.Row[traffic.Key]) int64 {
	if r.Key.StatusClass == 5 {
		return r.N
	}
	return 0
}

func (t *tally) reset(seq int, b frame.Block) {
	clear(t.failed) // lets go of the Requests
	*t = tally{
		seq: seq, buf: b.Data, block: b, bad: t.bad[:0], runs: t.runs[:0], groups: t.groups[:0], failed: t.failed[:0],
		earliest: math.MaxInt64, latest: never,
	}
}
