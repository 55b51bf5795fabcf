package ingest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// An Input is one logical source: a file, a stream, or a file with its rotated
// siblings.
type Input struct {
	Path  string   // of the newest part
	Parts []string // oldest first; a single element for most
}

const (
	maxDepth = 2 // a folder's own files, and those of the folders in it
	maxFiles = 100_000
)

// Expand turns the paths of a command line into inputs. Folders give their
// files, sorted, and those of the folders in them; what is named twice is read
// once; rotated siblings are one Input. An error is a *PathError for what
// cannot be read or a *Skip for what is no log; the rest is returned all the
// same.
func Expand(paths []string) ([]Input, []error) {
	e := expander{seen: make(map[sameKey][]fs.FileInfo)}
	for _, p := range paths {
		e.path(p)
	}
	inputs := inRotations(e.files)
	for i := range inputs {
		inputs[i] = e.dropCopies(inputs[i])
	}
	return inputs, e.errs
}

type expander struct {
	files []string
	errs  []error
	seen  map[sameKey][]fs.FileInfo
	stdin bool
}

// A sameKey is what two names of one file always share.
type sameKey struct{ size, modified int64 }

func (e *expander) path(path string) {
	if path == Stdin {
		if !e.stdin {
			e.stdin = true
			e.files = append(e.files, path)
		}
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		e.missing(path, err)
		return
	}
	if !info.IsDir() {
		e.file(path, info)
		return
	}
	files, skips := len(e.files), len(e.errs)
	found := e.dir(path, 1)
	if len(e.files) == files && len(e.errs) == skips && !found {
		e.errs = append(e.errs, &PathError{Path: path, Problem: "an empty folder", Hint: "Name the log files, or the folder that holds them"})
	} else if len(e.files) == files && !e.failed(skips) && !found {
		e.errs = append(e.errs, &PathError{Path: path, Problem: "no logs in this folder", Hint: "Name the files to read them all the same"})
	}
}

// failed tells whether anything since errs[from] was more than a Skip.
func (e *expander) failed(from int) bool {
	for _, err := range e.errs[from:] {
		var skip *Skip
		if !errors.As(err, &skip) {
			return true
		}
	}
	return false
}

func (e *expander) missing(path string, err error) {
	pe := pathError(path, err)
	if errors.Is(err, fs.ErrNotExist) {
		if s := suggestion(path); s != "" {
			pe.Hint = "Did you mean " + s + "?"
		}
	}
	e.errs = append(e.errs, pe)
}

// dir takes the files of a folder. It reports whether there was a file that
// another path had already named.
func (e *expander) dir(path string, depth int) (again bool) {
	entries, err := os.ReadDir(path)
	if err != nil {
		e.errs = append(e.errs, pathError(path, err))
		return false
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		full := filepath.Join(path, name)
		info, err := os.Stat(full)
		switch {
		case err != nil:
			e.errs = append(e.errs, pathError(full, err))
		case info.IsDir() && depth < maxDepth:
			again = e.dir(full, depth+1) || again
		case info.IsDir():
			e.skip(full, "a folder this deep is only read when it is named")
		case !info.Mode().IsRegular():
			e.skip(full, "not a regular file")
		case noLog(name) != "":
			e.skip(full, noLog(name))
		case len(e.files) >= maxFiles:
			e.skip(full, "too many files")
		default:
			again = !e.file(full, info) || again
		}
	}
	return again
}

func (e *expander) skip(path, why string) { e.errs = append(e.errs, &Skip{path, why}) }

// file takes one file, unless it was taken before. Whether it may be read is
// tried at once, so that all bad paths are told together.
func (e *expander) file(path string, info fs.FileInfo) (fresh bool) {
	if info.Mode().IsRegular() {
		key := sameKey{info.Size(), info.ModTime().UnixNano()}
		for _, other := range e.seen[key] {
			if os.SameFile(info, other) {
				return false
			}
		}
		e.seen[key] = append(e.seen[key], info)
		f, err := os.Open(path)
		if err != nil {
			e.errs = append(e.errs, pathError(path, err))
			return true
		}
		f.Close()
	}
	e.files = append(e.files, path)
	return true
}

// dropCopies drops x.gz beside an x that begins with the same bytes: a copy
// that is kept, or one that is being made.
func (e *expander) dropCopies(in Input) Input {
	plain := make(map[string]bool, len(in.Parts))
	for _, p := range in.Parts {
		plain[p] = true
	}
	parts := in.Parts[:0:0]
	for _, p := range in.Parts {
		if base := trimCompression(p); base != p && plain[base] && sameBeginning(p, base) {
			e.skip(p, "a compressed copy of "+filepath.Base(base))
			continue
		}
		parts = append(parts, p)
	}
	in.Parts = parts
	return in
}

// noLog says why a file in a folder is passed over, by its name alone: only
// what is never a log. Everything else is left to detection.
func noLog(name string) string {
	name = strings.ToLower(trimCompression(name))
	name = strings.TrimSuffix(name, ".txt")
	ext := strings.TrimPrefix(filepath.Ext(name), ".")
	i := sort.SearchStrings(noLogs, ext)
	if ext == "" || i == len(noLogs) || noLogs[i] != ext {
		return ""
	}
	switch ext {
	case "cfg", "cnf", "conf", "ini", "toml", "vcl", "yaml", "yml":
		return "a configuration"
	}
	return "no log by its name (." + ext + ")"
}

var noLogs = []string{ // sorted
	"bak", "bin", "cfg", "cnf", "conf", "crt", "css", "db", "exe", "gif", "go", "html", "ico", "ini", "jar", "jpeg", "jpg", "js",
	"key", "lock", "md", "offset", "pdf", "pem", "php", "pid", "png", "pos", "py", "rb", "sh", "so", "sock", "sql", "sqlite",
	"svg", "swp", "tar", "tgz", "toml", "vcl", "webp", "xml", "yaml", "yml",
}
