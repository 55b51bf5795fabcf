package nginx

import (
	"bytes"
	"io/fs"
	"path"
	"sort"
	"strings"
)

const scopeMark = " > "

// A File is a piece of a configuration.
type File struct {
	Name string
	Src  []byte
}

// An Include finds the files of an include directive, whose pattern may be a
// path or a glob.
type Include func(pattern string) []File

// FromFS looks for includes in a file system: at their absolute path, beside
// the main file (whose folder is dir), and in what is left of their path when
// leading folders are taken off, for trees that were copied elsewhere.
func FromFS(fsys fs.FS, dir string) Include {
	return func(pattern string) []File {
		p := path.Clean("/" + pattern)[1:]
		tries := []string{path.Join(dir, p), p}
		for rest := p; ; {
			_, after, ok := strings.Cut(rest, "/")
			if !ok {
				break
			}
			rest = after
			tries = append(tries, path.Join(dir, rest), rest)
		}
		for _, t := range tries {
			names, err := fs.Glob(fsys, t)
			if err != nil || len(names) == 0 {
				continue
			}
			sort.Strings(names)
			var files []File
			for _, n := range names[:min(len(names), maxConfFiles)] {
				if info, err := fs.Stat(fsys, n); err != nil || info.IsDir() || info.Size() > maxConfBytes {
					continue
				}
				if src, err := fs.ReadFile(fsys, n); err == nil {
					files = append(files, File{Name: n, Src: src})
				}
			}
			return files
		}
		return nil
	}
}

// ReadConfigWith reads a configuration and what it includes.
func ReadConfigWith(name string, src []byte, include Include) Config {
	t := tree{include: include, dump: readDump(src)}
	top := &directive{}
	if len(t.dump) > 0 {
		t.block(top, t.dump[0].reader(), 0)
	} else {
		t.block(top, newReader(name, src), 0)
	}
	var c Config
	c.collect(top, "", nil, 0)
	return c
}

// A directive is a node of the tree, with its block when it has one.
type directive struct {
	name  string
	args  []string
	inner []*directive
	block bool
	Place
}

// A tree is a configuration while it is read.
type tree struct {
	include  Include
	dump     []dumped
	count    int // directives
	files    int
	included int // bytes
	nested   int // includes that are open
}

// A reader reads one file.
type reader struct {
	file   string
	whole  []byte // what offsets count in
	line   string // the line that begins at lineAt; directives on one line share it
	lineAt int
	lexer
}

func newReader(name string, src []byte) *reader {
	src = src[:min(len(src), maxConfBytes)]
	return &reader{file: name, whole: src, lexer: lexer{src: src, lineNo: 1}}
}

func (r *reader) place(t token) Place {
	if r.line == "" || r.lineAt != t.begin {
		r.line, r.lineAt = lineFrom(r.whole, t.begin), t.begin
	}
	return Place{File: r.file, Line: r.line, LineNo: t.lineNo}
}

// block reads directives into d up to the closing brace or the end.
func (t *tree) block(d *directive, r *reader, depth int) {
	for t.count < maxDirectives {
		first := r.next()
		if !first.isWord {
			if first.mark == ';' || first.mark == '{' {
				continue
			}
			if first.mark == '}' && depth == 0 {
				continue // one too many
			}
			return
		}
		t.count++
		n := &directive{name: first.word, Place: r.place(first)}
		end := r.next()
		for ; end.isWord; end = r.next() {
			if len(n.args) < maxArgs {
				n.args = append(n.args, end.word)
			}
		}
		switch {
		case end.mark == '{' && (strings.HasSuffix(n.name, "_by_lua_block") || depth >= maxConfDepth):
			r.skipCode()
		case end.mark == '{':
			n.block = true
			t.block(n, r, depth+1)
			d.inner = append(d.inner, n)
		case n.name == "include" && len(n.args) > 0:
			t.open(d, n, depth)
		default:
			d.inner = append(d.inner, n)
			if end.mark == '}' && depth > 0 {
				return // the last semicolon was left out
			}
		}
	}
}

// open reads the files of an include into the block that it stands in.
func (t *tree) open(d, n *directive, depth int) {
	if t.nested == maxIncludes {
		return
	}
	t.nested++
	defer func() { t.nested-- }()
	found := false
	for _, f := range t.dump {
		if f.matches(n.args[0]) && t.files < maxConfFiles {
			t.files++
			found = true
			t.block(d, f.reader(), depth)
		}
	}
	if !found && t.include != nil {
		for _, f := range t.include(n.args[0]) {
			found = true
			if t.files++; t.files > maxConfFiles || t.included+len(f.Src) > maxConfBytes {
				return
			}
			t.included += len(f.Src)
			t.block(d, newReader(f.Name, f.Src), depth)
		}
	}
	if !found && !strings.ContainsAny(n.args[0], "*?[") {
		d.inner = append(d.inner, n)
	}
}

// A dumped is a file in the output of "nginx -T".
type dumped struct {
	name   string
	src    []byte // the dump up to the end of this file
	whole  []byte
	begin  int
	lineNo int
}

func (f dumped) reader() *reader {
	return &reader{file: f.name, whole: f.whole, lexer: lexer{src: f.src, pos: f.begin, begin: f.begin, lineNo: f.lineNo}}
}

// matches says whether an include means this file. Relative ones lie beside
// the main file.
func (f dumped) matches(pattern string) bool {
	if path.IsAbs(pattern) {
		ok, _ := path.Match(pattern, f.name)
		return ok
	}
	return matchTail(pattern, f.name)
}

// matchTail matches as many elements of name, from its end, as pattern has.
func matchTail(pattern, name string) bool {
	n := strings.Count(pattern, "/") + 1
	parts := strings.Split(name, "/")
	if len(parts) < n {
		return false
	}
	ok, _ := path.Match(pattern, strings.Join(parts[len(parts)-n:], "/"))
	return ok
}

var dumpMark = []byte("# configuration file ")

// readDump parts the output of "nginx -T" into its files.
func readDump(src []byte) (files []dumped) {
	lineNo := 1
	for at := 0; at < len(src) && len(files) < maxConfFiles; lineNo++ {
		end := bytes.IndexByte(src[at:], '\n') + 1
		if end == 0 {
			end = len(src) - at
		}
		line := bytes.TrimSpace(src[at : at+end])
		if rest, ok := bytes.CutPrefix(line, dumpMark); ok && bytes.HasSuffix(rest, colon) {
			if n := len(files); n > 0 {
				files[n-1].src = src[:at]
			}
			files = append(files, dumped{name: string(rest[:len(rest)-1]), src: src, whole: src, begin: at, lineNo: lineNo})
		}
		at += end
	}
	return files
}
