package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/ingest"
)

// What is decompressed ahead is the same lines, and the same damage.
func TestAheadReadsWhatLinesDo(t *testing.T) {
	text := []byte(strings.Repeat("a line\n\nanother one, which is longer\r\n", 60_000) + strings.Repeat("x", 3<<20) + "\nthe last")
	whole := packed(t, text)
	for name, file := range map[string][]byte{"whole": whole, "truncated": whole[:len(whole)/2], "twice": append(bytes.Clone(whole), whole...), "empty": packed(t, nil)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.log.gz")
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
			want := readLines(t, open(t, path).Lines(ingest.Options{}))
			got := readLines(t, newAhead(context.Background(), open(t, path).Blocks(ingest.Options{})))
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-lines +ahead):\n%.2000s", d)
			}
		})
	}
}

// An input that is given up leaves no goroutine behind that Close would wait for.
func TestAheadEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log.gz")
	if err := os.WriteFile(path, packed(t, bytes.Repeat([]byte("a line\n"), 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := newAhead(ctx, open(t, path).Blocks(ingest.Options{}))
	if _, err := a.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, path string) *ingest.Source {
	t.Helper()
	s, err := ingest.Open(ingest.Input{Path: path, Parts: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readLines describes the lines of l and the errors between them.
func readLines(t *testing.T, l lineSource) (out []string) {
	t.Helper()
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			out = append(out, "damaged")
			continue
		}
		text := string(line.Text)
		if len(text) > 100 {
			text = text[:100]
		}
		out = append(out, strings.Join([]string{text, string(rune('0' + line.Offset%10)), string(rune('0' + line.Number%10))}, "|"))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	lines, n := l.Skipped()
	return append(out, strings.Repeat("s", int(lines))+strings.Repeat("b", int(n>>20)))
}
