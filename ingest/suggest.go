package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// suggestion returns an existing path that path is likely to be a slip of; ""
// when there is none. Every element of path may have a slip.
func suggestion(path string) string {
	dir, name := filepath.Split(path)
	if dir != "" && !exists(dir) {
		parent := strings.TrimRight(dir, string(filepath.Separator))
		mended := ""
		if parent != "" {
			mended = suggestion(parent)
		}
		if mended == "" {
			return ""
		}
		whole := filepath.Join(mended, name)
		if exists(whole) {
			return whole
		}
		return suggestion(whole)
	}
	in := dir
	if in == "" {
		in = "."
	}
	d, err := os.Open(in)
	if err != nil {
		return ""
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxSuggest)
	best, dist := "", 1+max(1, min(3, utf8.RuneCountInString(name)/3))
	for _, n := range names {
		if d := distance(name, n, dist+1); d < dist || d == dist && best != "" && n < best {
			best, dist = n, d
		}
	}
	if best == "" {
		return ""
	}
	return dir + best
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const (
	maxSuggest   = 10000 // names of a folder that are compared
	maxNameRunes = 255
)

// distance counts insertions, deletions, replacements and swaps of neighbours
// that make b of a; it returns limit when there are as many or more.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d >= limit || -d >= limit || len(x) > maxNameRunes || len(y) > maxNameRunes {
		return limit
	}
	var before, row [maxNameRunes + 1]int
	last := row
	for j := range len(y) + 1 {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last = last, row
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(y)], limit)
}
