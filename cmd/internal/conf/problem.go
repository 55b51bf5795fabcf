package conf

import (
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a configuration.
type Problem struct {
	Origin Origin
	Key    string
	Text   string // what is wrong and how to mend it
}

func (p Problem) Error() string {
	o := p.Origin
	switch {
	case o.Flag != "":
		return o.Flag + ": " + p.Text
	case o.Env != "":
		return o.Env + ": " + p.Text
	case o.File != "":
		return place(o.File, o.Line, o.Col) + ": " + p.Text
	}
	return p.Text
}

func place(file string, line, col int) string {
	switch {
	case line == 0:
		return file
	case col == 0:
		return fmt.Sprintf("%s:%d", file, line)
	}
	return fmt.Sprintf("%s:%d:%d", file, line, col)
}

// Problems are all that is wrong, in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Misuse says that all of it is about the command line.
func (ps Problems) Misuse() bool {
	return len(ps) > 0 && !slices.ContainsFunc(ps, func(p Problem) bool { return p.Origin.Flag == "" })
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Origin.File != b.Origin.File {
			return strings.Compare(b.Origin.File, a.Origin.File) // those of the file first
		}
		if d := a.Origin.Line - b.Origin.Line; d != 0 {
			return d
		}
		return a.Origin.Col - b.Origin.Col
	})
	return ps
}

// near returns the first three of names that name may be a slip of.
func near(name string, names []string) []string { return nearest(name, names, distance) }

// nearKeys takes the right key in a wrong place for a slip, too.
func nearKeys(name string, names []string) []string {
	return nearest(name, names, func(a, b string) int {
		d := distance(a, b)
		if lastOf(a) == lastOf(b) {
			d = min(d, 2)
		}
		return d
	})
}

func nearest(name string, names []string, distance func(a, b string) int) []string {
	type hit struct {
		name string
		d    int
	}
	var hits []hit
	for _, n := range names {
		d := distance(name, n)
		if d <= 2 || d*4 <= len(name) {
			hits = append(hits, hit{n, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.d - b.d })
	var out []string
	for _, h := range hits {
		if h.d == hits[0].d && len(out) < 3 {
			out = append(out, h.name)
		}
	}
	return out
}

func didYouMean(name string, names []string) string {
	hits := nearKeys(name, names)
	if len(hits) == 0 {
		return ""
	}
	for i := range hits {
		hits[i] = fmt.Sprintf("%q", hits[i])
	}
	return " Did you mean " + strings.Join(hits, " or ") + "?"
}

// distance counts the letters to add, drop, change or swap.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var old []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(next[j]+1, row[j+1]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], old[j-1]+1)
			}
		}
		old, row = row, next
	}
	return row[len(b)]
}
