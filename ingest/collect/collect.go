package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"why503/ingest/segment"
	"why503/ingest/tail"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
	"why503/parse/recognise"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// An Input is a source to be followed: a path, or a stream of segments.
type Input struct {
	Name   string // as reports call it; all that is stored hangs on it
	Path   string
	Stream *segment.Writer // instead of Path
	// Lost counts, by reason, what whoever fills the Stream knows that it missed;
	// it may be nil.
	Lost func() map[string]int64
	Host string         // "" where its lines tell
	Zone *time.Location // of stamps that print none; nil for Config.Zone
	// Position is where reading had come to before a restart; nil for a source
	// that is new. FromEnd says that of a new one only what comes is read.
	Position []byte
	FromEnd  bool
	// Again is the event time from which on Records are needed, though they were
	// counted: what failed then may still be joined.
	Again parse.Time
}

// Config of a Collector.
type Config struct {
	Zone *time.Location // of stamps that print none; nil where they tell themselves
	// Detect tells the format of a source from its first lines.
	Detect func(Input, []byte) detect.Result
	// Routes are those that the site has named itself.
	Routes traffic.Patterns
	// Site is the name that a Host header goes by.
	Site func(host []byte) string
	// Recall returns what was stored of a source's minute, nil where nothing was.
	Recall func(source string, m traffic.Minute) (*wire.Minute, []wire.Second, error)

	Out     chan<- wire.Message
	Horizon time.Duration // how far back Records can be asked for; 0 means 12 minutes
	Memory  int64         // bytes for what finds them; 0 means 16 MiB
	Handles *tail.Handles // nil: a bound of its own
	Log     *slog.Logger
}

// A Collector follows sources. All its methods but Add, Want, Clock and Wake
// belong to the goroutine of Run.
type Collector struct {
	cfg     Config
	log     *slog.Logger
	sources []*source
	wants   wants
	load    *correlate.Load
	in      chan any // Input, *wire.Want, *wire.Clock
	wake    chan struct{}
	now     time.Time
	asked   []*want // since the last turn
	err     error
	buf     []byte
	sampled time.Time       // when all sources began to send samples
	ctx     context.Context // of Run; send ends with it
}

// New returns a Collector without sources.
func New(cfg Config) *Collector {
	if cfg.Horizon <= 0 {
		cfg.Horizon = 12 * time.Minute
	}
	if cfg.Memory <= 0 {
		cfg.Memory = 16 << 20
	}
	if cfg.Handles == nil {
		cfg.Handles = tail.NewHandles(0)
	}
	return &Collector{
		cfg: cfg, log: cfg.Log, in: make(chan any, 1024), wake: make(chan struct{}, 1),
		load:  correlate.NewFeed(),
		wants: wants{byKey: make(map[correlate.Key][]*want)},
	}
}

// Add follows one more source. Its ID is the number of sources added before.
func (c *Collector) Add(ctx context.Context, in Input) error { return c.tell(ctx, in) }

// Want asks for Records, Clock tells what was found out about a source.
func (c *Collector) Want(ctx context.Context, w *wire.Want) error   { return c.tell(ctx, w) }
func (c *Collector) Clock(ctx context.Context, m *wire.Clock) error { return c.tell(ctx, m) }

// Stored says that what a source was read up to a Position of its Progress is
// stored, so that a stream may drop it.
type Stored struct {
	Source   parse.SourceID
	Position []byte
}

// Stored lets streams drop what is stored.
func (c *Collector) Stored(ctx context.Context, m Stored) error { return c.tell(ctx, m) }

// Wake says that there may be something new to read.
func (c *Collector) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Collector) tell(ctx context.Context, m any) error {
	select {
	case c.in <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// How Run spends its time: a source is read in turns, so that none is held up
// by another one's backlog.
const (
	turnBytes = 1 << 20
	pause     = 100 * time.Millisecond
	report    = time.Second
)

// Run reads until ctx ends, or until something cannot be counted: then what was
// read since the last Progress is read again by the next Run.
func (c *Collector) Run(ctx context.Context) error {
	c.ctx = ctx
	defer func() {
		for _, s := range c.sources {
			if s.from != nil {
				s.from.close()
			}
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for ctx.Err() == nil && c.err == nil {
		c.now = time.Now()
		more := false
		if err := c.hear(); err != nil {
			return err
		}
		for _, s := range c.sources {
			more = s.pull(c.now, turnBytes) || more
			s.flush()
		}
		if c.now.Sub(last) >= report {
			last = c.now
			c.report()
		}
		if more {
			continue
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
		case <-c.wake:
			for _, s := range c.sources {
				s.wake()
			}
		case m := <-c.in:
			c.take(m)
		case <-timer.C:
		}
	}
	return c.err
}

// hear takes what was told, and answers all that is asked at once.
func (c *Collector) hear() error {
	for {
		select {
		case m := <-c.in:
			c.take(m)
			continue
		default:
		}
		break
	}
	if len(c.asked) == 0 {
		return nil
	}
	for _, s := range c.sources {
		if s.parser != nil {
			s.flush()
			s.answer(c.asked)
		}
	}
	for _, w := range c.asked {
		c.wants.add(w)
	}
	c.asked = nil
	return nil
}

func (c *Collector) take(m any) {
	switch m := m.(type) {
	case Input:
		if err := c.open(m); err != nil {
			c.log.Warn("following a source", "source", m.Name, "err", err)
		}
	case *wire.Want:
		c.asked = append(c.asked, &want{Want: m, since: c.now})
	case Stored:
		if int(m.Source) < len(c.sources) {
			c.sources[m.Source].stored(m.Position)
		}
	case *wire.Clock:
		if int(m.Source) < len(c.sources) {
			c.sources[m.Source].clock = *m
		}
	}
}

// open begins to follow a source, where it was left or at its end or beginning.
func (c *Collector) open(in Input) error {
	s := &source{
		c: c, id: parse.SourceID(len(c.sources)), cfg: in, host: in.Host, set: recognise.Default(),
		calendar: parse.NewCalendar(parse.Time(time.Now().UnixNano())), quietAt: time.Now(),
	}
	c.sources = append(c.sources, s)
	s.counter = newCounter(c.cfg.Site, c.cfg.Routes, func(m traffic.Minute) (*wire.Minute, []wire.Second, error) { return c.cfg.Recall(in.Name, m) })
	old, err := decodeCheckpoint(in.Position)
	if err != nil {
		c.log.Warn("a stored position is not readable, the source is read from its beginning", "source", in.Name, "err", err)
	}
	var at place
	if old != nil {
		s.recall(old)
		at = old.back(in.Again)
	}
	if in.Stream != nil {
		var from segment.Position
		if at.Segment != nil {
			from = *at.Segment
		}
		in.Stream.Release(from)
		s.from = &streamFollower{r: in.Stream.Reader(from), w: in.Stream, missed: in.Lost}
		s.inc = int(from.Seq)
		s.introduce()
		return nil
	}
	opt := tail.Options{FromEnd: in.FromEnd && old == nil, Handles: c.cfg.Handles, Keep: keepFiles}
	f, err := tail.Open(in.Path, at.File, opt)
	if err != nil {
		s.note = err.Error()
		return err
	}
	s.from = fileFollower{f}
	s.introduce()
	return nil
}

// Samples of one source tell where it stands only beside those of others from
// the same time: all send some when a source is new, and again from time to time.
const (
	sampleSoon  = 10 * time.Second
	sampleAgain = 10 * time.Minute
)

// sample lets all sources send samples of what comes, where that is due.
func (c *Collector) sample(after time.Duration) {
	if c.now.Sub(c.sampled) < after {
		return
	}
	c.sampled = c.now
	for _, s := range c.sources {
		s.samples = 0
	}
}

// keepFiles is how many rotated files of a source can be read again: as many as
// are made in the horizon where logs are rotated every six seconds.
const keepFiles = 128

// report sends the progress of all sources and forgets what is too old.
func (c *Collector) report() {
	c.sample(sampleAgain)
	size := int64(0)
	for _, s := range c.sources {
		if s.from == nil {
			continue
		}
		s.mark()
		s.progress(c.now)
		size += s.ring.size
	}
	share := c.cfg.Memory / int64(max(1, len(c.sources)))
	if size < c.cfg.Memory {
		share = c.cfg.Memory
	}
	for _, s := range c.sources {
		if s.latest != 0 {
			s.ring.forget(s.latest-parse.Time(c.cfg.Horizon), share)
		}
	}
	c.wants.expire(c.eventTime(), c.now)
	for seconds := c.load.Changed(); len(seconds) > 0; {
		n := min(len(seconds), maxSeconds)
		c.send(&wire.Counts{Seconds: seconds[:n]})
		seconds = seconds[n:]
	}
}

// maxSeconds bounds one message.
const maxSeconds = 256

// eventTime is the time of what is read: of the source that is most behind, of
// those that are not at their end. Old logs are read in their own time.
func (c *Collector) eventTime() parse.Time {
	t := parse.Time(c.now.UnixNano())
	for _, s := range c.sources {
		if s.parser != nil && !s.atEnd && s.latest != 0 {
			t = min(t, s.latest+parse.Time(s.clock.Offset))
		}
	}
	return t
}

// send hands a message on. It waits: what cannot be taken now is read later.
func (c *Collector) send(m wire.Message) {
	select {
	case c.cfg.Out <- m:
	case <-c.ctx.Done():
	}
}

// fail ends Run: what cannot be counted must be read again.
func (c *Collector) fail(err error) {
	if c.err == nil && !errors.Is(err, context.Canceled) {
		c.err = fmt.Errorf("recalling what was counted: %w", err)
	}
}

func (c *Collector) scratch(n int) []byte {
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	return c.buf[:n]
}
