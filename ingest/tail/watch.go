package tail

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A Watcher wakes who waits for news of files. It only makes things faster:
// Files are polled all the same, since there are file systems that tell
// nothing (NFS, some overlays) and limits to how much can be watched.
//
// It is used by one goroutine. It starts one (in fsnotify), which Close ends.
type Watcher struct {
	w       *fsnotify.Watcher // nil where there is no notification
	log     *slog.Logger
	folders map[string]bool // true: watched; false: cannot be
	quiet   bool            // the failure was told
}

const (
	// settle is how long news are gathered, so that a busy log costs a wake-up
	// at most every so often.
	settle = 20 * time.Millisecond
	// maxEvents bounds what one Wait takes in; the rest stays in the queue of
	// the system, which merges and, at its bound, drops.
	maxEvents = 256
)

// NewWatcher never fails: without notification Wait only waits.
func NewWatcher(log *slog.Logger) *Watcher {
	w := &Watcher{log: log, folders: make(map[string]bool)}
	var err error
	if w.w, err = fsnotify.NewWatcher(); err != nil {
		w.tell("", err)
		w.w = nil
	}
	return w
}

// Watch sets the folders that are watched. One that cannot be is polled alone.
func (w *Watcher) Watch(folders []string) {
	if w.w == nil {
		return
	}
	want := make(map[string]bool, len(folders))
	for _, dir := range folders {
		dir = filepath.Clean(dir)
		want[dir] = true
		if w.folders[dir] {
			continue
		}
		err := w.w.Add(dir)
		w.folders[dir] = err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // else it is looked for again
			w.tell(dir, err)
		}
	}
	for dir, watched := range w.folders {
		if !want[dir] {
			if watched {
				_ = w.w.Remove(dir) // it is gone, then
			}
			delete(w.folders, dir)
		}
	}
}

// tell logs the first failure: with many folders there would be as many.
func (w *Watcher) tell(dir string, err error) {
	if w.quiet {
		return
	}
	w.quiet = true
	w.log.Warn("files are polled: the system tells no changes; on Linux fs.inotify.max_user_watches and max_user_instances may be too low",
		"path", dir, "err", err)
}

// News is what a Watcher was told.
type News struct {
	Changed map[string]bool // paths that may have changed; call Wake on their Files
	Folders bool            // files came, went or were renamed: look again
	All     bool            // something was lost: anything may have changed
}

// Wait returns when something may have changed, after timeout, or when ctx
// ends. News are hints: a path may have changed without one.
func (w *Watcher) Wait(ctx context.Context, timeout time.Duration) News {
	var news News
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	if w.w == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		return news
	}
	settled := false
	for n := 0; n < maxEvents; n++ {
		select {
		case <-ctx.Done():
			return news
		case <-timer.C:
			return news
		case e, ok := <-w.w.Events:
			if !ok {
				w.w = nil
				return news
			}
			news.add(e)
		case err, ok := <-w.w.Errors:
			if !ok {
				w.w = nil
				return news
			}
			news.All = true
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.tell("", err)
			}
		}
		if !settled {
			settled = true
			timer.Reset(min(settle, timeout))
		}
	}
	select { // the rest of the time, or a busy log would cost a wake-up an event
	case <-ctx.Done():
	case <-timer.C:
	}
	return news
}

func (n *News) add(e fsnotify.Event) {
	if n.Changed == nil {
		n.Changed = make(map[string]bool)
	}
	n.Changed[e.Name] = true
	if e.Op.Has(fsnotify.Create) || e.Op.Has(fsnotify.Remove) || e.Op.Has(fsnotify.Rename) {
		n.Folders = true
	}
}

// Close ends watching.
func (w *Watcher) Close() error {
	if w.w == nil {
		return nil
	}
	err := w.w.Close()
	w.w = nil
	return err
}
