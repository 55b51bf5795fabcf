package collect

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"why503/parse/detect"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// A program may greet before it logs, and nothing may follow for a while. What
// follows is read all the same; the greeting is counted as not read.
func TestALogThatBeginsWithSomethingElseIsRead(t *testing.T) {
	const greeting = "Server started, listening\n"
	access := strings.Repeat(`192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "GET /a HTTP/1.1" 503 5 "-" "x"`+"\n", 5)
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "app.log")
		if err := os.WriteFile(path, []byte(greeting), 0o600); err != nil {
			t.Fatal(err)
		}
		out := make(chan wire.Message, 64)
		var said strings.Builder
		c := New(Config{
			Out: out, Log: slog.New(slog.NewTextHandler(&said, nil)), Site: func(h []byte) string { return string(h) },
			Detect: func(_ Input, sample []byte) detect.Result { return detect.Detect(sample, detect.Hints{}) },
			Recall: func(string, traffic.Minute) (*wire.Minute, []wire.Second, error) { return nil, nil, nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.Add(ctx, Input{Name: path, Path: path}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		last := func() (format string, p wire.Progress) {
			for {
				select {
				case m := <-out:
					switch m := m.(type) {
					case *wire.Source:
						format = m.Format
					case *wire.Progress:
						p = *m
					}
				default:
					return format, p
				}
			}
		}
		time.Sleep(time.Minute)
		if format, p := last(); format != "" || p.Lines != 1 || p.Unparsed != 1 {
			t.Errorf("format %q, %d lines, %d not read; want the greeting, not read", format, p.Lines, p.Unparsed)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(access); err != nil {
			t.Fatal(err)
		}
		f.Close()
		time.Sleep(time.Minute)
		if format, p := last(); format != "nginx" || p.Lines != 6 || p.Unparsed != 1 || p.Records != 5 {
			t.Errorf("format %q, %d lines, %d records, %d not read; want nginx, 6, 5 and 1", format, p.Lines, p.Records, p.Unparsed)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := strings.Count(said.String(), "is not read"); n != 1 || strings.Contains(said.String(), "--format NAME=") {
			t.Errorf("said %d times that it is not read: %s", n, said.String())
		}
	})
}
