//go:build !unix

package segment

import (
	"os"
	"path/filepath"
)

// lock only keeps the file open: there is no flock here.
func lock(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
}
