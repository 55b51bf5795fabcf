package loggen

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestLiveWritesAtItsRateAndRotates(t *testing.T) {
	for _, log := range []string{"combined", "set"} {
		t.Run(log, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				l := Live{Config: Defaults(), Dir: dir, Log: log, Lines: 2000, For: 10 * time.Second, Rotate: 3 * time.Second, Keep: 9}
				l.Failures = 0 // who waits for a timeout writes later
				begin := time.Now()
				n, err := l.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < 9*time.Second || took > 11*time.Second {
					t.Errorf("it took %v", took)
				}
				if n.Lines < 18_000 || n.Lines > 22_000 {
					t.Errorf("%d lines", n.Lines)
				}
				lines := 0
				for _, path := range l.Paths() {
					files, err := filepath.Glob(path + "*")
					if err != nil || len(files) != 4 {
						t.Errorf("%d files of %s, want the log and three that were renamed (%v)", len(files), filepath.Base(path), err)
					}
					for _, name := range files {
						text, err := os.ReadFile(name)
						if err != nil || len(text) > 0 && text[len(text)-1] != '\n' {
							t.Errorf("%s ends in the midst of a line (%v)", filepath.Base(name), err)
						}
						lines += bytes.Count(text, newline)
					}
				}
				if int64(lines) != n.Lines {
					t.Errorf("%d lines are in the files, %d were written", lines, n.Lines)
				}
			})
		})
	}
}

func TestInAStormAnotherShareFails(t *testing.T) {
	c := Defaults()
	c.Rate, c.Failures, c.Requests = 1000, 0, 30_000
	c.Storm = Storm{After: 10 * time.Second, For: 10 * time.Second, Failures: 0.5}
	g := newGenerator(c)
	var r request
	in, out := 0, 0
	for range c.Requests {
		g.next(&r)
		switch at := time.Duration(r.start - c.Start.UnixNano()); {
		case r.fault == none:
		case at >= c.Storm.After && at < c.Storm.After+c.Storm.For:
			in++
		default:
			out++
		}
	}
	if out != 0 || in < 4500 || in > 5500 {
		t.Errorf("%d fail in the storm and %d beside it", in, out)
	}
}
