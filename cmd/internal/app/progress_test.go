package app_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"why503/cmd/internal/app"
	"why503/rules"
)

// A watcher remembers what a run says of its progress.
type watcher struct {
	t                 *testing.T
	done, total, told int64
	joined            bool
}

func (w *watcher) Reading(_ string, done, total, failed int64) {
	if done < w.done || done > total || failed < 0 {
		w.t.Errorf("%d of %d bytes after %d, %d failed", done, total, w.done, failed)
	}
	w.done, w.total = done, total
	w.told++
}

func (w *watcher) Joining(int64) { w.joined = true }

func TestProgressCountsBytesOnDisk(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "error.log"), filepath.Join(dir, "access.log.gz")
	f, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	for i := range 60_000 {
		s := i / 40
		fmt.Fprintf(z, "192.0.2.9 - - [01/Mar/2026:10:%02d:%02d +0000] \"GET /a/%d HTTP/1.1\" 200 5 \"-\" \"-\"\n", s/60, s%60, i)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	line := "2026/03/01 10:00:05 [error] 9#9: *4 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, " +
		"server: larder.test, request: \"GET / HTTP/1.1\", upstream: \"http://10.9.8.7:9191/\", host: \"larder.test\"\n"
	if err := os.WriteFile(plain, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t}
	if _, _, err := app.Analyze(t.Context(), app.AnalyzeConfig{Paths: []string{plain, packed}, Rules: rules.Builtin(), Progress: w}); err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, p := range []string{plain, packed} {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
	}
	if w.total != size || w.done < size/2 || w.told < 10 || !w.joined {
		t.Errorf("%+v of %d bytes", w, size)
	}
}
