//go:build unix

package tail

import (
	"io/fs"
	"syscall"
)

// A fileID tells files that exist at one time apart. It may be used again when
// its file is gone.
type fileID struct{ device, inode uint64 }

func idOf(info fs.FileInfo) fileID {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}
	}
	return fileID{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // their types differ between systems
}

// nonblock keeps an open from waiting for the writer of a named pipe.
const nonblock = syscall.O_NONBLOCK
