package report

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgressLine(t *testing.T) {
	half := Reading{File: "/var/log/varnish.log.3.gz", Done: 980_000_000, Total: 1_850_000_000, Failed: 41020}
	took := 2041 * time.Millisecond
	for _, c := range []struct {
		name string
		look Options
		r    Reading
		want string
	}{
		{"on a wide terminal", Options{Terminal: true, Width: 120}, half, "reading varnish.log.3.gz  ██████████▌           52 %  0.98 of 1.85 GB  480 MB/s  2 s left  41,020 failed so far"},
		{"on a narrow terminal", Options{Terminal: true, Width: 60}, half, "reading varnish.log.3.gz  52 %  0.98 of 1.85 GB  480 MB/s …"},
		{"in ASCII", Options{Terminal: true, Width: 120, ASCII: true}, half, "reading varnish.log.3.gz  ##########..........  52 %  0.98 of 1.85 GB  480 MB/s  2 s left  41,020 failed so far"},
		{"in a pipe", Options{}, half, "reading varnish.log.3.gz  52 %  0.98 of 1.85 GB  480 MB/s  2 s left  41,020 failed so far"},
		{"of stdin", Options{Terminal: true}, Reading{File: "-", Done: 5000}, "reading stdin  5.00 kB  2.45 kB/s  0 failed so far"},
		{"while joining", Options{Terminal: true}, Reading{Joining: true, Failed: 41020}, "joining what 41,020 failures ask for"},
		{"of a hostile name", Options{}, Reading{File: "a\x1b[2J\xff", Total: 10}, `reading a\x1b[2J\xff   0 %  0 of 10 B  0 failed so far`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, NewProgress(nil, c.look, RealClock{}, nil).Line(c.r, took)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A locked buffer, since Progress writes from its own goroutine.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestProgressShowsAfterHalfASecondAndIsErased(t *testing.T) {
	for _, color := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var out locked
			p := NewProgress(&out, Options{Terminal: true, Width: 80, Color: color}, RealClock{}, func() Reading { return Reading{File: "a.log", Done: 1, Total: 2} })
			p.Start()
			time.Sleep(450 * time.Millisecond)
			synctest.Wait()
			if out.String() != "" {
				t.Errorf("shown early: %q", out.String())
			}
			time.Sleep(600 * time.Millisecond)
			synctest.Wait()
			if n := strings.Count(out.String(), "reading a.log"); n != 6 {
				t.Errorf("%d lines in 0.6 s", n)
			}
			p.Stop()
			p.Stop()
			got := out.String()
			end := got[strings.LastIndex(got, "so far")+len("so far"):]
			if color && end != eraseLine || !color && (strings.TrimSpace(end) != "" || !strings.HasSuffix(end, "\r")) {
				t.Errorf("not erased: %q", end)
			}
			if !color && strings.Contains(got, "\x1b") {
				t.Error("escape byte without colour")
			}
		})
	}
}

func TestProgressWritesPlainLinesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked
		p := NewProgress(&out, Options{}, RealClock{}, func() Reading { return Reading{File: "a.log", Done: 1, Total: 2} })
		p.Start()
		time.Sleep(65 * time.Second)
		p.Stop()
		if n := strings.Count(out.String(), "\n"); n != 2 || strings.ContainsAny(out.String(), "\r\x1b") {
			t.Errorf("%d lines: %q", n, out.String())
		}
	})
}

func TestProgressThatNeverShowedLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked
		p := NewProgress(&out, Options{Terminal: true}, RealClock{}, nil)
		p.Stop()
		p.Start()
		p.Stop()
		if out.String() != "" {
			t.Errorf("%q", out.String())
		}
	})
}
