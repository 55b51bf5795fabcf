//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package localstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// A lock keeps two processes from writing one store. It is a file of its own
// beside the store, which the system unlocks when the process ends, however it
// ends.
type lock struct{ file *os.File }

func takeLock(path string) (*lock, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store %s: making the file that says who writes it: %w. Check that its folder exists and that the user that runs this may write there", path, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		f.Close()
		return nil, fmt.Errorf("store %s: process %s is writing it. End that one first, or name another file", path, bytes.TrimSpace(holder))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("store %s: locking %s: %w", path, name, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // for the message above, nothing more
	}
	return &lock{f}, nil
}

// release leaves the file: who waits for it may have it open.
func (l *lock) release() {
	if l != nil {
		l.file.Close()
	}
}
