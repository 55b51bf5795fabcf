package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ruleFolders opens the folders that rules are read from.
func ruleFolders(dirs []string) ([]fs.FS, error) {
	folders := make([]fs.FS, len(dirs))
	for i, dir := range dirs {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: no such folder. Rules are read from a folder with *.yaml files", dir)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", dir, bare(err))
		case !info.IsDir():
			return nil, fmt.Errorf("%s: not a folder. Rules are read from a folder with *.yaml files: give %s", dir, filepath.Dir(dir))
		}
		folders[i] = os.DirFS(dir)
	}
	return folders, nil
}

// inFolder puts dir before the file that err begins with, so that the place
// can be opened from where the user is.
func inFolder(dir string, err error) error {
	file, rest, ok := strings.Cut(err.Error(), ":")
	if _, missing := os.Stat(filepath.Join(dir, file)); !ok || missing != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return fmt.Errorf("%s:%s", filepath.Join(dir, file), rest)
}

// bare takes operation and path off an error, where the message has both.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
