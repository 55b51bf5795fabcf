package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Reading is how far a run has come.
type Reading struct {
	File   string
	Done   int64 // bytes read, as they stand on disk
	Total  int64 // bytes to read; 0 when not known, as for stdin
	Failed int64 // failures found so far
	// Joining says that all is read and what failed is being joined.
	Joining bool
}

// A Ticker delivers times until it is stopped; *time.Ticker behind its C.
type Ticker interface {
	C() <-chan time.Time
	Stop()
}

// A Clock tells the time and makes tickers. RealClock is the machine's.
type Clock interface {
	Now() time.Time
	NewTicker(time.Duration) Ticker
}

// RealClock is the machine's own clock.
type RealClock struct{}

// Now returns the time.
func (RealClock) Now() time.Time { return time.Now() }

// NewTicker returns a ticker of that period.
func (RealClock) NewTicker(d time.Duration) Ticker { return realTicker{time.NewTicker(d)} }

type realTicker struct{ *time.Ticker }

func (t realTicker) C() <-chan time.Time { return t.Ticker.C }

// Progress shows one line about a run while it lasts: on a terminal after half
// a second, ten times a second, erased at the end; elsewhere a plain line every
// 30 seconds.
type Progress struct {
	out   io.Writer
	look  Options
	clock Clock
	read  func() Reading

	stop chan struct{}
	done sync.WaitGroup
}

const (
	progressDelay = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	plainEvery    = 30 * time.Second
	// eraseLine goes to the first column and clears to the end. It is only
	// written to a terminal that is not dumb.
	eraseLine = "\r\x1b[K"
)

// NewProgress returns a Progress that asks read how far things are. read is
// called from another goroutine than its caller's.
func NewProgress(out io.Writer, look Options, clock Clock, read func() Reading) *Progress {
	return &Progress{out: out, look: look.normal(), clock: clock, read: read}
}

// Start begins to show progress. Stop must follow.
func (p *Progress) Start() {
	p.stop = make(chan struct{})
	every := plainEvery
	if p.look.Terminal {
		every = progressEvery
	}
	began, t := p.clock.Now(), p.clock.NewTicker(every)
	p.done.Go(func() { p.run(began, t) })
}

// Stop ends it, erases the line, and returns when nothing more will be written.
// It may be called more than once, and without Start.
func (p *Progress) Stop() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.done.Wait()
	p.stop = nil
}

func (p *Progress) run(began time.Time, t Ticker) {
	defer t.Stop()
	shown := 0
	defer func() {
		if shown > 0 {
			fmt.Fprint(p.out, p.erase(shown))
		}
	}()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C():
		}
		took := p.clock.Now().Sub(began)
		if p.look.Terminal && took < progressDelay {
			continue
		}
		text := p.Line(p.read(), took)
		if !p.look.Terminal {
			fmt.Fprintln(p.out, strings.TrimRight(text, " "))
			continue
		}
		fmt.Fprint(p.out, p.erase(shown), text)
		shown = line(nil).own(plain, text).width()
	}
}

// erase removes a line of n cells. Without the sequences of colour it is
// written over with spaces, since the terminal may know none.
func (p *Progress) erase(n int) string {
	if p.look.Color {
		return eraseLine
	}
	return "\r" + strings.Repeat(" ", n) + "\r"
}

// Line is what is shown of r after that time, without a line end.
func (p *Progress) Line(r Reading, took time.Duration) string {
	found := fmt.Sprintf("%s failed so far", count(r.Failed))
	if r.Joining {
		return p.fit("joining what " + count(r.Failed) + " " + plural(r.Failed, "failure asks", "failures ask") + " for")
	}
	name := r.File
	if i := strings.LastIndexAny(name, "/\\"); i >= 0 {
		name = name[i+1:]
	}
	if name == "-" || name == "" {
		name = "stdin"
	}
	name = Escape(name)
	speed := ""
	if s := took.Seconds(); s > 0 && r.Done > 0 {
		speed = "  " + bytesOf(float64(r.Done)/s) + "/s"
	}
	if r.Total <= 0 {
		return p.fit(fmt.Sprintf("reading %s  %s%s  %s", name, bytesOf(float64(r.Done)), speed, found))
	}
	share := min(float64(r.Done)/float64(r.Total), 1)
	left := ""
	if r.Done > 0 && share < 1 {
		left = "  " + rest(time.Duration(float64(took)*(1-share)/share)) + " left"
	}
	tail := fmt.Sprintf("  %2d %%  %s%s%s  %s", int(100*share), ofBytes(r.Done, r.Total), speed, left, found)
	if !p.look.Terminal {
		return fmt.Sprintf("reading %s%s", name, tail)
	}
	room := p.look.Width - 1 - len("reading ") - line(nil).own(plain, name+tail).width() - 2
	if room < 5 {
		return p.fit("reading " + name + tail)
	}
	return p.fit("reading " + name + "  " + p.gauge(share, min(room, 20)) + tail)
}

// gauge draws a share in eighths of a cell.
func (p *Progress) gauge(share float64, n int) string {
	if p.look.ASCII {
		full := int(share * float64(n))
		return strings.Repeat("#", full) + strings.Repeat(".", n-full)
	}
	parts := []rune(" ▏▎▍▌▋▊▉")
	eighths := int(share * float64(8*n))
	s := strings.Repeat("█", eighths/8)
	if eighths/8 < n {
		s += string(parts[eighths%8]) + strings.Repeat(" ", n-eighths/8-1)
	}
	return s
}

// fit keeps the line off the last column, where some terminals wrap.
func (p *Progress) fit(s string) string {
	cut := unicodeGlyphs.cut
	if p.look.ASCII {
		cut = asciiGlyphs.cut
	}
	l := line(nil).stranger(plain, s, false)
	if p.look.ASCII {
		l = nil
		for _, r := range s {
			if r < 0x80 {
				l = l.own(plain, string(r))
			} else {
				l = l.own(plain, escaped(r))
			}
		}
	}
	if p.look.Terminal {
		l = l.fit(p.look.Width-1, cut)
	}
	var b strings.Builder
	for _, c := range l {
		b.WriteRune(c.r)
	}
	return b.String()
}

// rest writes the time left: whole seconds, since it is a guess.
func rest(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", max(int64((d+time.Second-1)/time.Second), 1))
	}
	return span(max(d, 2*time.Minute))
}

var units = []string{"B", "kB", "MB", "GB", "TB", "PB"}

func scale(n float64) (divisor float64, unit string) {
	divisor, i := 1, 0
	for n/divisor >= 999.5 && i < len(units)-1 {
		divisor *= 1000
		i++
	}
	return divisor, units[i]
}

func figures(x float64, unit string) string {
	if x >= 10 || unit == "B" {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// bytesOf writes a number of bytes in thousands of thousands.
func bytesOf(n float64) string {
	d, unit := scale(n)
	return figures(n/d, unit) + " " + unit
}

// ofBytes writes "0.98 of 1.85 GB", both in the unit of the larger.
func ofBytes(done, total int64) string {
	d, unit := scale(float64(total))
	return fmt.Sprintf("%s of %s %s", figures(float64(done)/d, unit), figures(float64(total)/d, unit), unit)
}
