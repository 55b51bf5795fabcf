package tail

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"why503/ingest"
	"why503/parse/fact"
	"why503/parse/frame"
)

// A sibling is a file that may be a part of the same stream.
type sibling struct {
	path     string
	info     fs.FileInfo
	packed   bool // compressed by its name
	unpacked bool // the same without compression is there too
}

// maxNames bounds how many names of a folder are looked at.
const maxNames = 100_000

// group lists the files of a rotation, oldest first, and the live one as the
// last if it is there. Also is where one of them was seen before: in a
// rotation by symlink it may not look like a relative of path.
func group(path, also string) []sibling {
	var paths []string
	add := func(live string) (fresh []string) {
		for _, p := range append(ingest.Siblings(live, folder(filepath.Dir(live))), live) {
			if !slices.Contains(paths, p) {
				fresh = append(fresh, p)
			}
		}
		return fresh
	}
	paths = add(path)
	if target, err := filepath.EvalSymlinks(path); err == nil && target != filepath.Clean(path) {
		paths = append(paths, add(target)...)
	}
	if also != "" {
		paths = append(add(also), paths...)
	}
	all := make([]sibling, 0, len(paths))
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		// A symlink and its target are one file; the later place counts.
		all = slices.DeleteFunc(all, func(s sibling) bool { return os.SameFile(s.info, info) })
		all = append(all, sibling{path: p, info: info, packed: unpackedName(p) != p})
	}
	for i, s := range all {
		all[i].unpacked = s.packed && slices.ContainsFunc(all, func(o sibling) bool { return o.path == unpackedName(s.path) })
	}
	// The live file is the last, whatever names there are.
	if i := slices.IndexFunc(all, func(s sibling) bool { return s.path == path }); i >= 0 {
		all = append(slices.Delete(slices.Clone(all), i, i+1), all[i])
	}
	return all
}

func folder(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxNames) // what could be read counts
	slices.Sort(names)
	for i, n := range names {
		names[i] = filepath.Join(dir, n)
	}
	return names
}

func unpackedName(path string) string {
	for _, ext := range [...]string{".gz", ".zst", ".bz2"} {
		if s, ok := strings.CutSuffix(path, ext); ok {
			return s
		}
	}
	return path
}

// found is a file whose content continues a Position.
type found struct {
	handle *handle
	head   []byte
}

// search looks for the file of a Position: by inode under any name, then by
// content, where an inode has become another one (a copy, compression, a
// restored folder). The content is compared in either case.
func search(path string, pool *Handles, at *Position) (found, bool, error) {
	all := group(path, at.Path)
	id := at.id()
	for _, s := range all {
		if idOf(s.info) == id {
			if f, ok, err := verify(s.path, pool, at, true); ok || err != nil {
				return f, ok, err
			}
		}
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(at.Path)} {
		if p, ok := byInode(dir, id); ok {
			if f, ok, err := verify(p, pool, at, true); ok || err != nil {
				return f, ok, err
			}
		}
	}
	// Ours was the live file then: it is the oldest of all that were written
	// since. What is compressed may not be complete while the original is there.
	for _, packed := range []bool{false, true} {
		for _, s := range all {
			if s.packed != packed || s.info.ModTime().Unix() < at.Modified/1e9 || idOf(s.info) == id {
				continue
			}
			if f, ok, _ := verify(s.path, pool, at, false); ok {
				return f, true, nil
			}
		}
	}
	return found{}, false, nil
}

// byInode finds a file that was given a name of no known kind.
func byInode(dir string, id fileID) (string, bool) {
	if id == (fileID{}) {
		return "", false
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxNames {
		return "", false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && idOf(info) == id {
			return filepath.Join(dir, e.Name()), true
		}
	}
	return "", false
}

// verify opens a file and compares the evidence of a Position with it. Where
// the inode is the same a file of which nothing was read will do.
func verify(path string, pool *Handles, at *Position, sameInode bool) (found, bool, error) {
	if at.FingerprintLen == 0 && !sameInode {
		return found{}, false, nil
	}
	h, head, err := open(path, pool)
	if err != nil {
		if errors.Is(err, errMoved) || errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return found{}, false, err
	}
	if len(head) < at.FingerprintLen || sum(head[:at.FingerprintLen]) != at.Fingerprint || !sameTail(h, at) {
		h.close()
		return found{}, false, nil
	}
	return found{h, head}, true, nil
}

// isAt is verify for who does not read the file.
func isAt(path string, pool *Handles, at *Position, sameInode bool) bool {
	f, ok, err := verify(path, pool, at, sameInode)
	if ok {
		f.handle.close()
	}
	return ok || err != nil && sameInode
}

func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return errFolder
	case !info.Mode().IsRegular():
		return errNoFile
	}
	return nil
}

func sameTail(h *handle, at *Position) bool {
	tail, ok := tailOf(h, at.Offset, at.TailLen)
	return ok && tail == at.Tail
}

// tailOf makes the hash of the n bytes before offset.
func tailOf(h *handle, offset int64, n int) (fact.Fingerprint, bool) {
	var room [evidenceBytes]byte
	b := room[:n]
	if got, _ := h.ReadAt(b, offset-int64(n)); got < n {
		return fact.Fingerprint{}, false
	}
	return sumOf(b), true
}

// open begins with a file and reads its beginning.
func open(path string, pool *Handles) (*handle, []byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if err := regular(info); err != nil {
		return nil, nil, err
	}
	h := &handle{pool: pool, path: path, id: idOf(info)}
	head := make([]byte, evidenceBytes)
	n, err := h.ReadAt(head, 0)
	if err == nil || errors.Is(err, io.EOF) {
		err = nil
		if c := frame.Sniff(head[:n]); c != frame.Plain {
			h.compressed = true
			n, err = h.ReadAt(head, 0)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) && !isDamage(err) {
		h.close()
		return nil, nil, err
	}
	return h, head[:n], nil
}

// following lists what comes after the file that at is in: the next to read is
// the first. Where that file is not there any more, it is what was written
// since at was.
func following(path string, pool *Handles, at *Position) []sibling {
	all := group(path, at.Path)
	id := at.id()
	i := slices.IndexFunc(all, func(s sibling) bool { return idOf(s.info) == id && isAt(s.path, pool, at, true) })
	if i < 0 && at.FingerprintLen > 0 {
		i = slices.IndexFunc(all, func(s sibling) bool {
			if s.path == path || s.info.ModTime().Unix() < at.Modified/1e9 {
				return false
			}
			return isAt(s.path, pool, at, false)
		})
	}
	rest := all[i+1:]
	if i < 0 {
		rest = slices.DeleteFunc(slices.Clone(all), func(s sibling) bool {
			return s.path != path && s.info.ModTime().UnixNano() <= at.Modified
		})
	}
	// A copy that is being compressed counts once.
	return slices.DeleteFunc(slices.Clone(rest), func(s sibling) bool { return s.unpacked })
}
