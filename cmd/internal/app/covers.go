package app

import (
	"path/filepath"
	"strings"
)

// covers reports whether a file was found by a path of the configuration: a
// file, a folder, which stands for what is in it and in the folders in it, or a
// pattern in which ** stands for any number of folders. A pattern without a
// folder stands for files of that name wherever they are.
func covers(pattern, path string) bool {
	if meets(pattern, path) {
		return true
	}
	const sep = string(filepath.Separator)
	return elements(strings.Split(filepath.Clean(pattern), sep), strings.Split(filepath.Clean(path), sep))
}

// elements matches a path, or one of the folders that it is in.
func elements(pattern, path []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range path {
				if elements(pattern[1:], path[i:]) {
					return true
				}
			}
			return false
		}
		if len(path) == 0 {
			return false
		}
		if ok, err := filepath.Match(pattern[0], path[0]); err != nil || !ok {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return true
}
