package tail

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"why503/ingest"
	"why503/parse/frame"
)

// A Discovery finds the files to follow. It is asked again every so often: new
// files appear, and a file that was found once stays known as the live one
// while it is between two names. It is used by one goroutine.
type Discovery struct {
	patterns []string
	live     map[string]bool // was found before
}

// Found is what one look found.
type Found struct {
	New     []string // files to follow that were not there before, sorted
	Gone    []string // files that were followed and are not there now, sorted; they are New when they come again
	Skipped []Skip   // of the files that match, sorted by path
	Errs    []error  // each is a *ingest.PathError with what to do; the rest is found all the same
}

// A Skip says why a file that matches is not followed.
type Skip struct{ Path, Why string }

const (
	maxDepth = 16      // of folders under **
	maxFound = 100_000 // files that match
)

// Discover looks for files that match. A pattern is a file, which need not
// exist yet, a folder, which stands for the files in it and in the folders in
// it, or a pattern as in path/filepath.Match, in which ** stands for any number
// of folders.
func Discover(patterns []string) (*Discovery, error) {
	d := &Discovery{live: make(map[string]bool)}
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return nil, &ingest.PathError{Path: p, Problem: "not a pattern", Hint: "In patterns a [ has to be closed; write \\[ for the character itself", Err: err}
		}
		d.patterns = append(d.patterns, filepath.Clean(p))
	}
	return d, nil
}

// Folders returns the folders that a Watcher has to watch for new files.
func (d *Discovery) Folders() []string {
	var out []string
	add := func(p string) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, p := range d.patterns {
		dir, rest := fixed(p)
		add(dir)
		if rest == "" && isDir(p) {
			add(p)
		}
	}
	for p := range d.live {
		add(filepath.Dir(p))
	}
	slices.Sort(out)
	return out
}

// Look looks now.
func (d *Discovery) Look() Found {
	l := &look{d: d, seen: make(map[string]bool)}
	for _, p := range d.patterns {
		l.pattern(p)
	}
	l.choose()
	return l.found
}

// A look is one run of a Discovery.
type look struct {
	d        *Discovery
	paths    []string // that match, each once
	seen     map[string]bool
	inFolder bool     // the paths are those of a folder, of which nobody said that they are logs
	named    []string // without a wildcard: followed even before they exist
	found    Found
}

func (l *look) pattern(p string) {
	if dir, rest := fixed(p); rest != "" {
		l.walk(dir, strings.Split(rest, string(filepath.Separator)), 0)
		return
	}
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		l.inFolder = true
		l.walk(p, []string{"*"}, 0)
		l.walk(p, []string{"*", "*"}, 0)
		l.inFolder = false
	case err == nil || errors.Is(err, fs.ErrNotExist):
		l.named = append(l.named, p)
	default:
		l.fail(p, err)
		l.named = append(l.named, p)
	}
}

// walk matches the elements of a pattern under dir.
func (l *look) walk(dir string, elements []string, depth int) {
	if len(l.paths) >= maxFound || depth > maxDepth {
		return
	}
	if elements[0] == "**" {
		rest := elements[1:]
		if len(rest) == 0 {
			rest = []string{"*"}
		}
		l.walk(dir, rest, depth)
		for _, name := range l.folder(dir) {
			if sub := filepath.Join(dir, name); !strings.HasPrefix(name, ".") && isRealDir(sub) {
				l.walk(sub, elements, depth+1)
			}
		}
		return
	}
	for _, name := range l.folder(dir) {
		if ok, err := filepath.Match(elements[0], name); err != nil || !ok || name[0] == '.' && elements[0][0] != '.' {
			continue
		}
		full := filepath.Join(dir, name)
		switch {
		case len(elements) > 1 && isDir(full):
			l.walk(full, elements[1:], depth+1)
		case len(elements) == 1 && !l.seen[full] && !isDir(full):
			l.seen[full] = true
			if why := ingest.NoLog(name); l.inFolder && why != "" {
				l.skip(full, why)
				continue
			}
			l.paths = append(l.paths, full)
		}
	}
}

func (l *look) folder(dir string) []string {
	f, err := os.Open(dir)
	if err == nil {
		defer f.Close()
		var names []string
		if names, err = f.Readdirnames(maxNames); err == nil || errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names
		}
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNotDir) {
		l.fail(dir, err)
	}
	return nil
}

func (l *look) fail(path string, err error) {
	pe := pathError(path, err)
	for _, e := range l.found.Errs {
		if e.Error() == pe.Error() {
			return
		}
	}
	l.found.Errs = append(l.found.Errs, pe)
}

func (l *look) skip(path, why string) {
	l.found.Skipped = append(l.found.Skipped, Skip{path, why})
}

// choose takes from what matches what is followed.
func (l *look) choose() {
	follow := make(map[string]bool)
	for _, p := range l.named {
		follow[p] = true
	}
	slices.Sort(l.paths)
	for _, s := range streams(l.paths, l.d.live, follow) {
		for _, p := range s.parts {
			if p != s.path && !follow[p] {
				l.skip(p, "a rotated part of "+filepath.Base(s.live))
			}
		}
		if s.path == "" || follow[s.path] {
			continue
		}
		if l.d.live[s.path] {
			follow[s.path] = true // what it is now is for its File to say
		} else if why := l.unfit(s.path); why != "" {
			l.skip(s.path, why)
		} else {
			follow[s.path] = true
		}
	}
	l.dropDouble(follow)
	for p := range follow {
		if !l.d.live[p] {
			l.found.New = append(l.found.New, p)
		}
	}
	for p := range l.d.live {
		if follow[p] {
			continue
		}
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			if betweenNames(p) {
				continue
			}
			l.found.Gone = append(l.found.Gone, p)
			delete(l.d.live, p)
		}
	}
	for _, p := range l.found.New {
		l.d.live[p] = true
	}
	slices.Sort(l.found.New)
	slices.Sort(l.found.Gone)
	slices.SortFunc(l.found.Skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
}

// dropDouble drops what is another name of a file that is followed.
func (l *look) dropDouble(follow map[string]bool) {
	paths := make([]string, 0, len(follow))
	for p := range follow {
		paths = append(paths, p)
	}
	// What is followed already keeps its name.
	slices.SortFunc(paths, func(a, b string) int {
		if l.d.live[a] != l.d.live[b] {
			if l.d.live[a] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	names := make(map[fileID]string)
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil || idOf(info) == (fileID{}) {
			continue
		}
		if other, ok := names[idOf(info)]; ok && !l.d.live[p] {
			delete(follow, p)
			l.skip(p, "the same file as "+other)
			continue
		}
		names[idOf(info)] = p
	}
}

// betweenNames tells a file that was renamed and not made again yet from one
// that was deleted.
func betweenNames(live string) bool {
	return len(ingest.Siblings(live, folder(filepath.Dir(live)))) > 0
}

// A stream is a live file with its rotated parts, as far as they match.
type stream struct {
	live  string // by name
	path  string // the file that is written; "" when there is none
	parts []string
}

// streams groups rotated parts. A live file that is between two names, or that
// was found before, keeps its group.
func streams(paths []string, known, named map[string]bool) []stream {
	groups := make(map[string][]string)
	exists := make(map[string]bool, len(paths))
	for _, p := range paths {
		exists[p] = true
	}
	var order []string
	for _, p := range paths {
		live, rotated, sure := ingest.RotatedFrom(p)
		if !rotated || !sure && !exists[live] && !known[live] && !named[live] && !dated(live, p) {
			live = p
		}
		if _, ok := groups[live]; !ok {
			order = append(order, live)
		}
		groups[live] = append(groups[live], p)
	}
	var out []stream
	for _, live := range order {
		parts := groups[live]
		s := stream{live: live, path: live, parts: parts}
		if !exists[live] && !known[live] && !named[live] {
			s.path = newest(live, parts)
		}
		out = append(out, s)
	}
	return out
}

// dated tells names with a date, of which the newest is the live one, from bare
// numbers.
func dated(live, path string) bool {
	rest := strings.TrimPrefix(unpackedName(path), strings.TrimSuffix(live, filepath.Ext(live)))
	return len(rest) >= 8
}

// newest returns the file that is being written where all names bear dates: the
// last one, unless that is compressed; "" when there is none.
func newest(live string, parts []string) string {
	sorted := ingest.Siblings(live, parts)
	for i := len(sorted) - 1; i >= 0; i-- {
		if p := sorted[i]; unpackedName(p) == p {
			if dated(live, p) {
				return p
			}
			return ""
		}
	}
	return ""
}

// unfit says why a file is no log that grows; "" when it may be one.
func (l *look) unfit(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.fail(path, err)
			return "" // it is followed, and tried again
		}
		return "a link to nothing"
	}
	if !info.Mode().IsRegular() {
		return "not a regular file"
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		l.fail(path, err)
		return ""
	}
	defer f.Close()
	head := make([]byte, evidenceBytes)
	n, _ := f.ReadAt(head, 0)
	if c := frame.Sniff(head[:n]); c != frame.Plain {
		return c.String() + "-compressed, so it does not grow"
	}
	if binary(head[:n]) {
		return "binary"
	}
	return ""
}

// binary tells what is no text: NULs other than the run that a crash or a
// truncation leaves before a line, or more control characters than text has.
func binary(head []byte) bool {
	head = bytes.TrimLeft(head, "\x00")
	control := 0
	for _, c := range head {
		if c == 0 {
			return true
		}
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\x1b' {
			control++
		}
	}
	return control*10 > len(head)
}

// fixed divides a pattern into the folder before the first wildcard and the
// rest; rest is "" where there is none.
func fixed(pattern string) (dir, rest string) {
	i := strings.IndexAny(pattern, `*?[\`)
	if i < 0 {
		return filepath.Dir(pattern), ""
	}
	i = strings.LastIndexByte(pattern[:i], filepath.Separator)
	switch {
	case i < 0:
		return ".", pattern
	case i == 0:
		return string(filepath.Separator), pattern[1:]
	}
	return pattern[:i], pattern[i+1:]
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isRealDir leaves links out, which may lead in circles.
func isRealDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
