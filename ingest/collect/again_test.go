package collect

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"why503/parse"
	"why503/parse/detect"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// follow runs a collector over a log until it was read to its end, and returns
// the last progress, and how many Records came that were counted before and that
// were not.
func follow(t *testing.T, in Input, lines int64) (last *wire.Progress, again, fresh int) {
	t.Helper()
	out := make(chan wire.Message, 16)
	c := New(Config{
		Out: out, Log: slog.New(slog.DiscardHandler), Site: func(h []byte) string { return string(h) },
		Detect: func(_ Input, sample []byte) detect.Result { return detect.Detect(sample, detect.Hints{}) },
		Recall: func(string, traffic.Minute) (*wire.Minute, []wire.Second, error) { return nil, nil, nil },
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Add(ctx, in); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for {
		select {
		case <-ctx.Done():
			t.Fatalf("%d lines were not read; the last progress is %+v", lines, last)
		case m := <-out:
			switch m := m.(type) {
			case *wire.Records:
				if m.Again {
					again += len(m.Items)
				} else if !m.Sample {
					fresh += len(m.Items)
				}
				continue
			case *wire.Progress:
				if last = m; m.Lines >= lines && m.AtEnd {
					break
				}
				continue
			default:
				continue
			}
		}
		break
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return last, again, fresh
}

func appendLines(t *testing.T, path string, n int, at time.Time) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range n {
		fmt.Fprintf(f, "203.0.113.7 - - [%s] \"GET /cart/%d HTTP/1.1\" 502 157 \"-\" \"curl/8.7.1\"\n", at.Format("02/Jan/2006:15:04:05 -0700"), i)
	}
}

// All of the first second may still be joined after a restart: there is a place
// before it to go back to. What is read again is not counted again, and what was
// counted and lost before stays so.
func TestReadingGoesBackToTheFirstLineAndCountsOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	now := time.Now()
	appendLines(t, path, 100, now)
	first, again, fresh := follow(t, Input{Name: path, Path: path}, 100)
	if first.Lines != 100 || again != 0 || fresh != 100 {
		t.Fatalf("%d lines, %d Records again, %d new; want 100, 0, 100", first.Lines, again, fresh)
	}
	appendLines(t, path, 7, now)
	back := parse.Time(now.Add(-90 * time.Second).UnixNano())
	second, again, fresh := follow(t, Input{Name: path, Path: path, Position: first.Position, Again: back}, 107)
	if second.Lines != 107 || second.Records != 107 || second.Bytes <= first.Bytes || again != 100 || fresh != 7 {
		t.Errorf("%d lines, %d records, %d Records again, %d new; want 107, 107, 100, 7", second.Lines, second.Records, again, fresh)
	}
}

// What copytruncate took is told of after a restart too.
func TestLossesOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	now := time.Now()
	appendLines(t, path, 100, now)
	first, _, _ := follow(t, Input{Name: path, Path: path}, 100)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendLines(t, path, 3, now)
	back := parse.Time(now.Add(-90 * time.Second).UnixNano())
	second, _, _ := follow(t, Input{Name: path, Path: path, Position: first.Position, Again: back}, 103)
	if len(second.Losses) == 0 || second.Lossless {
		t.Fatalf("losses %v, lossless %v", second.Losses, second.Lossless)
	}
	third, _, _ := follow(t, Input{Name: path, Path: path, Position: second.Position, Again: back}, 103)
	for why, n := range second.Losses {
		if third.Losses[why] != n {
			t.Errorf("%q: %d after another restart, want %d", why, third.Losses[why], n)
		}
	}
	if third.Lossless {
		t.Error("what is read again lacks something, and is called lossless")
	}
}

// A log that begins with a line which belongs to no request vouches for the time
// from that line on.
func TestALogVouchesFromItsFirstLineOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.json.log")
	text := `{"ts":"2026-01-02T03:04:05.100Z","service":"shop","pid":4002,"level":"critical","msg":"worker was sent SIGKILL! Perhaps out of memory?","signal":9}` + "\n"
	for i := range 20 {
		text += fmt.Sprintf(`{"ts":"2026-01-02T03:04:%02d.500Z","service":"shop","pid":4003,"level":"info","msg":"request","method":"GET","path":"/cart","status":200,"duration_ms":2.2,"request_id":"72500afe-85bf-4f9f-b0ab-e084357ff%03d"}`+"\n", 6+i, i)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _, _ := follow(t, Input{Name: path, Path: path}, 21)
	if want := time.Date(2026, 1, 2, 3, 4, 5, 100e6, time.UTC); p.From != parse.Time(want.UnixNano()) {
		t.Errorf("from %s, want %s", time.Unix(0, int64(p.From)).UTC(), want)
	}
}
