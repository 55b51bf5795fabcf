package ingest

import (
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// A turn is what a file's name says of its place in a rotation.
type turn struct {
	path string
	stem string // folder and name of the live file, without compression
	age  int    // N of x.N: higher is older; -1 otherwise
	date string // digits of the date or the epoch seconds in the name; sorts by time
}

// turnOf understands x.1, x.2.gz and x.old (logrotate, newsyslog), x-20261122,
// x.2026-11-22, x-2026112221, x-20261122-1795383245 and the same before the
// extension, x-20261122.log (logrotate's dateext and extension, cronolog,
// logback), and x.1795383245 (rotatelogs).
func turnOf(path string) turn {
	dir, name := filepath.Split(path)
	name = trimCompression(name)
	t := turn{path: path, stem: dir + name, age: -1}
	if stem, last, ok := cutLast(name, '.'); ok {
		if last == "old" {
			return turn{path: path, stem: dir + stem, age: 1}
		}
		if n, err := strconv.Atoi(last); err == nil && len(last) <= 4 && n >= 0 {
			if inner := turnOf(dir + stem); inner.date != "" { // x.2026-11-22.0
				inner.path, inner.date = path, inner.date+"."+pad(last)
				return inner
			}
			return turn{path: path, stem: dir + stem, age: n}
		}
		if len(last) == 10 && isDigits(last) && last[0] == '1' {
			return turn{path: path, stem: dir + stem, age: -1, date: last}
		}
	}
	if stem, date := cutDate(name); date != "" {
		t.stem, t.date = dir+stem, date
		return t
	}
	if ext := filepath.Ext(name); logExtensions[ext] {
		if stem, date := cutDate(strings.TrimSuffix(name, ext)); date != "" {
			t.stem, t.date = dir+stem+ext, date
		}
	}
	return t
}

var logExtensions = map[string]bool{".log": true, ".txt": true, ".json": true, ".err": true, ".out": true, ".ndjson": true, ".jsonl": true}

func trimCompression(name string) string {
	for _, ext := range [...]string{".gz", ".zst", ".bz2"} {
		if s, ok := strings.CutSuffix(name, ext); ok && s != "" {
			return s
		}
	}
	return name
}

// cutDate takes a date off the end of name, with the separator before it, and
// returns its digits. A time of day and epoch seconds may follow the date.
func cutDate(name string) (stem, date string) {
	i := len(name)
	for i > 0 && (isDigit(name[i-1]) || name[i-1] == '-' || name[i-1] == '_' || name[i-1] == 'T' || name[i-1] == ':') {
		i--
	}
	// The run may begin with what belongs to the name (web-1-20261122): the
	// date is the first piece in it that can be one.
	for j := i; j < len(name); j++ {
		if j > i && isDigit(name[j-1]) || !isDigit(name[j]) {
			continue
		}
		digits := keepDigits(name[j:])
		plain := len(digits) >= 8 && digits[:2] >= "19" && digits[:2] <= "21" && digits[4:6] >= "01" && digits[4:6] <= "12" && digits[6:8] >= "01" && digits[6:8] <= "31"
		if !plain || len(digits) > 24 || !dateShape(name[j:]) {
			continue
		}
		stem = strings.TrimRight(name[:j], "-_.")
		if stem == "" || stem == name[:j] {
			return name, ""
		}
		return stem, digits
	}
	return name, ""
}

// dateShape tells 20261122... and 2026-11-22... from other runs of digits.
func dateShape(s string) bool {
	if len(s) >= 10 && (s[4] == '-' || s[4] == '_') {
		return s[7] == s[4] && isDigits(s[5:7]) && isDigits(s[8:10])
	}
	return isDigits(s[:8])
}

// inRotations joins files that are parts of one stream, oldest first. The
// order of the inputs is that of their first parts in files.
func inRotations(files []string) []Input {
	exists := make(map[string]bool, len(files))
	for _, f := range files {
		exists[f] = true
	}
	var order []string
	groups := make(map[string][]turn)
	for _, f := range files {
		t := turnOf(f)
		// A bare number may belong to the name (php8.2): it counts where the
		// live file is there too, or the name before it is one of a log.
		if t.age >= 0 && !exists[t.stem] && !logExtensions[filepath.Ext(t.stem)] {
			t = turn{path: f, stem: f, age: -1}
		}
		if _, ok := groups[t.stem]; !ok {
			order = append(order, t.stem)
		}
		groups[t.stem] = append(groups[t.stem], t)
	}
	inputs := make([]Input, 0, len(order))
	for _, stem := range order {
		inputs = append(inputs, inputOf(groups[stem]))
	}
	return inputs
}

func inputOf(turns []turn) Input {
	sort.SliceStable(turns, func(i, j int) bool { return older(turns[i], turns[j]) })
	in := Input{Path: turns[len(turns)-1].path}
	for _, t := range turns {
		in.Parts = append(in.Parts, t.path)
	}
	return in
}

// older sorts dated names by date, then numbered ones from the highest down;
// the live file comes last.
func older(a, b turn) bool {
	switch {
	case a.date != b.date:
		return b.date == "" || a.date != "" && a.date < b.date
	case a.age != b.age:
		return b.age < 0 || a.age >= 0 && a.age > b.age
	}
	return a.path > b.path // x.gz before x: the live file is not compressed
}

// pad makes numbers sort as text.
func pad(s string) string {
	if len(s) < 5 {
		return strings.Repeat("0", 5-len(s)) + s
	}
	return s
}

// cutLast divides s at its last sep; neither side may be empty.
func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i <= 0 || i == len(s)-1 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func keepDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
