package tail

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDiscovery(t *testing.T) {
	type step struct {
		do            func(w *world)
		new, gone     []string
		skipped, errs []string
	}
	write := func(names ...string) func(w *world) {
		return func(w *world) {
			for _, n := range names {
				w.must(os.MkdirAll(filepath.Dir(w.at(n)), 0o755))
				w.write(n, n+" is a line\n")
			}
		}
	}
	for _, tt := range []struct {
		name     string
		patterns []string
		steps    []step
	}{
		{"a file need not exist yet", []string{"a.log"}, []step{
			{do: write(), new: []string{"a.log"}},
			{do: write("a.log", "b.log")},
		}},
		{"rotated parts are no sources", []string{"*.log*"}, []step{
			{do: write("a.log", "a.log.1", "a.log-20260101"), new: []string{"a.log"},
				skipped: []string{"a.log-20260101: a rotated part of a.log", "a.log.1: a rotated part of a.log"}},
			{do: func(w *world) { w.rename("a.log", "a.log.2") }, skipped: []string{
				"a.log-20260101: a rotated part of a.log", "a.log.1: a rotated part of a.log", "a.log.2: a rotated part of a.log"}},
		}},
		{"parts of a log that is not there are none either", []string{"*"}, []step{
			{do: write("a.log.1", "php8.2"), new: []string{"php8.2"}, skipped: []string{"a.log.1: a rotated part of a.log"}},
			{do: write("a.log"), new: []string{"a.log"}, skipped: []string{"a.log.1: a rotated part of a.log"}},
		}},
		{"of names with dates the newest is written", []string{"a-*.log"}, []step{
			{do: write("a-20260101.log", "a-20260102.log"), new: []string{"a-20260102.log"}, skipped: []string{"a-20260101.log: a rotated part of a.log"}},
			{do: write("a-20260103.log"), new: []string{"a-20260103.log"}, skipped: []string{
				"a-20260101.log: a rotated part of a.log", "a-20260102.log: a rotated part of a.log"}},
		}},
		{"a folder with those in it", []string{"."}, []step{
			{do: write("a.log", "one/b.log", "one/two/c.log", ".hidden", "x.conf"), new: []string{"a.log", "one/b.log"}, skipped: []string{"x.conf: a configuration"}},
			{do: write("one/d.log"), new: []string{"one/d.log"}, skipped: []string{"x.conf: a configuration"}},
		}},
		{"two asterisks are any number of folders", []string{"**/*.log"}, []step{
			{do: write("a.log", "one/b.log", "one/two/c.log", "one/c.txt"), new: []string{"a.log", "one/b.log", "one/two/c.log"}},
		}},
		{"two asterisks in the midst", []string{"pods/**/app/*.log"}, []step{
			{do: write("pods/x/y/app/0.log", "pods/app/1.log", "pods/x/2.log"), new: []string{"pods/app/1.log", "pods/x/y/app/0.log"}},
		}},
		{"what is no text", []string{"*"}, []step{
			{do: func(w *world) {
				w.write("bin", "\x7fELF\x02\x01\x01\x00\x00\x00")
				w.write("a", "x\n")
				w.gzip("a")
				w.rename("a.gz", "packed")
				w.write("hole.log", strings.Repeat("\x00", 3000))
				w.write("empty.log", "")
			}, new: []string{"empty.log", "hole.log"}, skipped: []string{"bin: binary", "packed: gzip-compressed, so it does not grow"}},
		}},
		{"two names of one file are one source", []string{"*"}, []step{
			{do: func(w *world) { w.write("b.log", "b\n"); w.must(os.Symlink("b.log", w.at("a.log"))) },
				new: []string{"a.log"}, skipped: []string{"b.log: the same file as a.log"}},
		}},
		{"what is gone may come again", []string{"*.log"}, []step{
			{do: write("a.log"), new: []string{"a.log"}},
			{do: func(w *world) { w.remove("a.log") }, gone: []string{"a.log"}},
			{do: write("a.log"), new: []string{"a.log"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			var patterns []string
			for _, p := range tt.patterns {
				patterns = append(patterns, w.at(p))
			}
			d, err := Discover(patterns)
			w.must(err)
			for i, s := range tt.steps {
				s.do(w)
				f := d.Look()
				short := func(paths []string) (out []string) {
					for _, p := range paths {
						out = append(out, strings.ReplaceAll(p, w.dir+"/", ""))
					}
					return out
				}
				var skipped, errs []string
				for _, s := range f.Skipped {
					skipped = append(skipped, s.Path+": "+s.Why)
				}
				for _, e := range f.Errs {
					errs = append(errs, e.Error())
				}
				got := [][]string{short(f.New), short(f.Gone), short(skipped), short(errs)}
				if diff := cmp.Diff([][]string{s.new, s.gone, s.skipped, s.errs}, got); diff != "" {
					t.Fatalf("step %d: %s", i, diff)
				}
			}
		})
	}
}

func TestABadPatternIsRefused(t *testing.T) {
	if _, err := Discover([]string{"a[.log"}); err == nil || !strings.Contains(err.Error(), "[") {
		t.Fatal(err)
	}
}

func TestAWatcherWakes(t *testing.T) {
	w := newWorld(t, Options{})
	watcher := NewWatcher(slog.New(slog.DiscardHandler))
	defer watcher.Close()
	watcher.Watch([]string{w.dir, w.at("not there")})
	if watcher.w == nil {
		t.Skip("this system tells no changes")
	}
	w.log("a\n")
	news := watcher.Wait(context.Background(), 20*time.Second)
	if !news.Changed[w.path] || !news.Folders {
		t.Fatalf("%+v", news)
	}
	begin := time.Now()
	if news := watcher.Wait(context.Background(), time.Millisecond); len(news.Changed) > 0 || time.Since(begin) > 10*time.Second {
		t.Fatalf("%+v after %v", news, time.Since(begin))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	watcher.Wait(ctx, time.Hour)
}

func TestWithoutNotificationAWatcherWaits(t *testing.T) {
	w := &Watcher{log: slog.New(slog.DiscardHandler)}
	w.Watch([]string{"/"})
	if news := w.Wait(context.Background(), time.Millisecond); news.Changed != nil {
		t.Fatalf("%+v", news)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
