//go:build unix

package conf

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// groupOf is the name of the group that a file is of.
func groupOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(st.Gid), 10))
	if err != nil {
		return ""
	}
	return g.Name
}
