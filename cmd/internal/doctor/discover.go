package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"why503/cmd/internal/conf"
	"why503/parse"
)

// A Machine is what was found on one.
type Machine struct {
	Programs []Program
	Sources  []Source
	// Files that explain formats and timeouts, as the flags of the same names
	// take them.
	NginxConf, VCL, VarnishParams []string
	// Containers is how many of the processes that were looked for run in one.
	Containers int
}

// A Program is a proxy or what stands behind one.
type Program struct {
	Program parse.Program
	Name    string // nginx, varnishd, mariadbd
	PID     int    // 0 when it does not run
	Config  string // the file that it was started with
	Unit    string // of systemd
}

// A Source is a log that was found.
type Source struct {
	Path  string   // of a file, or a glob; empty for what is no file
	Child []string // a command that prints the log
	Units []string // of systemd's journal

	Program parse.Program
	Kind    parse.SourceKind // as its place says; the content decides
	Format  string           // as --format takes it; empty where the content tells
	Why     string           // where it was found
	Absent  bool             // nothing was written to it yet
	Problem string           // why it cannot be read, and how to mend that
	Skip    string           // why it is not read though it could be opened
}

// Read says that serve reads the source.
func (s *Source) Read() bool { return s.Problem == "" && s.Skip == "" }

// Discover looks at a machine: os.DirFS("/") for this one.
func Discover(root fs.FS) *Machine {
	f := finder{root: root, m: &Machine{}}
	for _, p := range Processes(root) {
		if programOf(p.Name) != parse.ProgramNone && p.Container {
			f.m.Containers++
			continue
		}
		f.processes = append(f.processes, p)
	}
	f.varnish()
	f.nginx()
	f.phpFPM()
	f.apache()
	f.haproxy()
	f.databases()
	f.applications()
	f.folders()
	f.journal()
	return f.m
}

type finder struct {
	root      fs.FS
	processes []Process
	m         *Machine
}

// programs are the processes that are looked for, by the beginning of their
// names.
var programs = []struct {
	name    string
	program parse.Program
}{
	{"varnishd", parse.Varnish}, {"nginx", parse.Nginx}, {"openresty", parse.Nginx}, {"angie", parse.Nginx}, {"haproxy", parse.HAProxy},
	{"apache2", parse.Apache}, {"httpd", parse.Apache}, {"envoy", parse.Envoy}, {"php-fpm", parse.PHPFPM},
	{"mariadbd", parse.Database}, {"mysqld", parse.Database}, {"postgres", parse.Database}, {"redis-server", parse.Database}, {"mongod", parse.Database},
	{"node", parse.App}, {"python", parse.App}, {"gunicorn", parse.App}, {"uwsgi", parse.App}, {"java", parse.App}, {"ruby", parse.App}, {"puma", parse.App},
	{"dotnet", parse.App}, {"beam.smp", parse.App}, {"deno", parse.App}, {"bun", parse.App},
}

func programOf(name string) parse.Program {
	for _, p := range programs {
		rest, ok := strings.CutPrefix(name, p.name)
		if ok && strings.Trim(rest, "0123456789.-") == "" {
			return p.program
		}
	}
	return parse.ProgramNone
}

// running are the processes of a program that are no child of another one of
// it: one for each way in which it was started.
func (f *finder) running(names ...string) []Process {
	var all []Process
	for _, p := range f.processes {
		same := func(q Process) bool { return slices.Equal(q.Args, p.Args) }
		ours := slices.ContainsFunc(names, func(n string) bool {
			rest, ok := strings.CutPrefix(p.Name, n)
			return ok && strings.Trim(rest, "0123456789.-") == ""
		})
		if ours && !slices.ContainsFunc(all, same) {
			all = append(all, p)
		}
	}
	return all
}

func (f *finder) program(kind parse.Program, name string, p Process, config string) {
	f.m.Programs = append(f.m.Programs, Program{kind, name, p.PID, config, p.Unit})
}

// add takes a source, once, and looks whether it can be read.
func (f *finder) add(s Source) {
	if len(f.m.Sources) >= maxFound {
		return
	}
	if s.Path != "" {
		s.Path = path.Clean(s.Path)
		for i := range f.m.Sources {
			if have := &f.m.Sources[i]; have.Path == s.Path || have.Path != "" && meets(have.Path, s.Path) {
				if have.Kind == parse.SourceOther {
					have.Kind, have.Program = s.Kind, s.Program
				}
				return
			}
		}
		f.look(&s)
	}
	f.m.Sources = append(f.m.Sources, s)
}

func meets(glob, p string) bool {
	ok, _ := path.Match(glob, p)
	return ok
}

// look tells whether a file is there and may be read.
func (f *finder) look(s *Source) {
	names := []string{s.Path}
	if strings.ContainsAny(s.Path, "*?[") {
		names, _ = fs.Glob(f.root, rel(s.Path))
	}
	if len(names) == 0 {
		s.Absent = true
		return
	}
	for _, name := range names {
		info, err := fs.Stat(f.root, rel(name))
		if err == nil && info.Mode()&(fs.ModeCharDevice|fs.ModeDevice|fs.ModeNamedPipe) != 0 {
			s.Skip = "it is no file: its reader is somewhere else"
			return
		}
		if err == nil {
			var file fs.File
			if file, err = f.root.Open(rel(name)); err == nil {
				file.Close()
			}
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.Absent = true
		case err != nil && s.Skip == "":
			s.Problem = strings.TrimPrefix(conf.Unreadable("/"+rel(name), err), "/"+rel(name)+": ")
			return
		}
	}
}

func (f *finder) exists(p string) bool {
	_, err := fs.Stat(f.root, rel(p))
	return err == nil
}

// first is the first of paths, which may be globs, that is there.
func (f *finder) first(paths ...string) string {
	for _, p := range paths {
		if hits, _ := fs.Glob(f.root, rel(p)); len(hits) > 0 {
			return "/" + hits[len(hits)-1] // of several versions the newest
		}
	}
	return ""
}

func at(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// absolute puts a relative path below dir.
func absolute(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join("/", dir, p)
}
