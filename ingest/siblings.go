package ingest

import (
	"path/filepath"
	"sort"
)

// Siblings returns which of paths are rotated parts of the file live, oldest
// first and without live itself: x.2.gz and x.1 of x, x.gz of x, and of a live
// file with a date in its name those with earlier dates. The names alone
// count; nothing is opened.
func Siblings(live string, paths []string) []string {
	self := turnOf(live)
	var turns []turn
	for _, p := range paths {
		if p == live {
			continue
		}
		t := turnOf(p)
		dated := self.date != "" && t.stem == self.stem && t.date != "" && older(t, self)
		if t.stem == live || dated || trimCompression(p) == live {
			turns = append(turns, t)
		}
	}
	sort.SliceStable(turns, func(i, j int) bool { return older(turns[i], turns[j]) })
	out := make([]string, len(turns))
	for i, t := range turns {
		out[i] = t.path
	}
	return out
}

// RotatedFrom returns the live file that path is a rotated part of, by its
// name, and whether the name says so beyond doubt: a bare number may belong to
// the name (php8.2), a date may be the live file's own.
func RotatedFrom(path string) (live string, rotated, sure bool) {
	t := turnOf(path)
	switch {
	case trimCompression(path) != path:
		return t.stem, true, true
	case t.age < 0 && t.date == "":
		return path, false, true
	}
	return t.stem, true, t.date == "" && logExtensions[filepath.Ext(t.stem)]
}

// NoLog says why a file in a folder is passed over by its name alone; "" when
// it may be a log.
func NoLog(name string) string { return noLog(name) }
