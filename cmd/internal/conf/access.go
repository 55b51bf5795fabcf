package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
)

// Unreadable says in words why path cannot be opened, and how to mend it.
func Unreadable(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path + ": no such file." + similar(path)
	case errors.Is(err, fs.ErrPermission):
		return path + ": " + mayNot(path)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Sprintf("%s: %v", path, err)
}

// similar names a file beside path that it may be a slip of.
func similar(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return " Its folder is not there either"
		}
		return ""
	}
	var names []string
	for _, e := range entries[:min(len(entries), 1000)] {
		names = append(names, e.Name())
	}
	if hits := near(filepath.Base(path), names); len(hits) > 0 {
		return " Did you mean " + filepath.Join(dir, hits[0]) + "?"
	}
	return ""
}

// mayNot says who may read a path and how to become one of them: the group of
// the file, or of the first folder that keeps others out. On Debian that is
// adm.
func mayNot(path string) string {
	who := "why503"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	group := ""
	for p := path; ; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil {
			read := fs.FileMode(0o040)
			if info.IsDir() {
				read = 0o050
			}
			if info.Mode()&read == read {
				group = groupOf(info)
			}
			break
		}
		if p == filepath.Dir(p) {
			break
		}
	}
	if group == "" || group == "root" {
		return fmt.Sprintf("the user %s may not read it. Let the group of its owner read it, or:  setfacl -m u:%s:r %s", who, who, path)
	}
	return fmt.Sprintf("the user %s may not read it, the group %s may:  usermod -a -G %s %s  (then start again)", who, group, group, who)
}

// Probe looks at what a configuration names: files, folders and programs. The
// problems keep serve from doing what is asked; the notes are to be known.
func (c *Config) Probe() (problems Problems, notes []string) {
	p := prober{c: c}
	for i, s := range c.Sources.Paths {
		p.source(fmt.Sprintf("sources.paths[%d].path", i), string(s.Path))
	}
	for _, x := range []struct {
		key   string
		paths []Path
		dir   bool
	}{{"nginx_conf", c.NginxConf, false}, {"vcl", c.VCL, false}, {"varnish_params", c.Params, false}, {"rules", c.Rules, true}} {
		for _, path := range x.paths {
			p.readable(x.key, string(path), x.dir)
		}
	}
	if len(c.Sources.Varnishlog) > 0 {
		p.program(p.first("sources.varnishlog"), "varnishlog")
	}
	if len(c.Sources.Journal.Units) > 0 {
		p.program("sources.journal.units", "journalctl")
	}
	if len(c.Sources.Docker.Names) > 0 {
		p.readable("sources.docker.root", string(c.Sources.Docker.Root), true)
	}
	if len(c.Sources.Pods.Names) > 0 {
		p.readable("sources.pods.root", string(c.Sources.Pods.Root), true)
	}
	for _, s := range c.Sources.Syslog.Unix {
		p.writable("sources.syslog.unix", string(s), "socket")
	}
	p.writable("store", string(c.Store), "store")
	for i, e := range c.Alerts.Exec {
		if len(e.Command) > 0 {
			p.program(fmt.Sprintf("alerts.exec[%d].command", i), e.Command[0])
		}
	}
	p.open()
	return p.problems.sorted(), p.notes
}

type prober struct {
	c        *Config
	problems Problems
	notes    []string
}

func (p *prober) wrong(key, text string) {
	p.problems = append(p.problems, Problem{p.c.origins[key], key, text})
}

// first is a key that was set below a list.
func (p *prober) first(prefix string) string {
	best := prefix
	for name := range p.c.origins {
		if strings.HasPrefix(name, prefix+"[") && (best == prefix || name < best) {
			best = name
		}
	}
	return best
}

// source looks at a path or glob of logs. Files that are not there yet are
// waited for, but their folder has to be.
func (p *prober) source(key, pattern string) {
	if _, err := os.Lstat(pattern); err == nil {
		p.readable(key, pattern, false)
		return
	}
	if !strings.ContainsAny(pattern, "*?[") {
		p.wrong(key, Unreadable(pattern, fs.ErrNotExist))
		return
	}
	hits, err := filepath.Glob(pattern)
	if err != nil {
		p.wrong(key, pattern+`: is no pattern. A [ needs its ]; a \ before it makes it plain`)
		return
	}
	if len(hits) == 0 {
		dir := pattern
		for strings.ContainsAny(dir, "*?[") {
			dir = filepath.Dir(dir)
		}
		if _, err := os.ReadDir(dir); err != nil {
			p.wrong(key, Unreadable(dir, err))
			return
		}
		p.notes = append(p.notes, pattern+": no file meets it now; those that come are read")
		return
	}
	for i, hit := range hits {
		before := len(p.problems)
		if p.readable(key, hit, false); len(p.problems) > before {
			if rest := len(hits) - i - 1; rest > 0 {
				p.problems[before].Text += fmt.Sprintf(" (%d more files meet %s)", rest, pattern)
			}
			return
		}
	}
}

func (p *prober) readable(key, path string, dir bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		p.wrong(key, Unreadable(path, err))
		return
	case dir && !info.IsDir():
		p.wrong(key, path+": not a folder. Give "+filepath.Dir(path))
		return
	case !info.IsDir() && !info.Mode().IsRegular():
		return // opening a pipe would wait for its writer
	}
	f, err := os.Open(path)
	if err != nil {
		p.wrong(key, Unreadable(path, err))
		return
	}
	f.Close()
}

// writable looks whether a file can be made or changed at path.
func (p *prober) writable(key, path, what string) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			p.wrong(key, fmt.Sprintf("%s: the %s cannot be written. Its owner has to be the user of why503:  chown why503 %s", path, what, path))
			return
		}
		f.Close()
	}
	f, err := os.CreateTemp(dir, ".why503-*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.wrong(key, fmt.Sprintf("%s: the folder %s is not there:  mkdir -p %s", path, dir, dir))
	case err != nil:
		p.wrong(key, fmt.Sprintf("%s: no file can be made in %s. It has to be the user's of why503:  chown why503 %s", path, dir, dir))
	default:
		f.Close()
		os.Remove(f.Name())
	}
}

func (p *prober) program(key, name string) {
	if _, err := exec.LookPath(name); err != nil {
		p.wrong(key, name+": no such program, or not executable. Install it, or give its whole path")
	}
}

// open tells when a file that holds secrets can be read by everybody.
func (p *prober) open() {
	files := make(map[string]bool)
	for _, k := range Keys() {
		for name, o := range p.c.origins {
			if k.Secret() && o.File != "" && withoutPlaces(name) == withoutPlaces(k.Name) {
				files[o.File] = true
			}
			if strings.HasSuffix(name, "_file") && o.File != "" && name == k.Name {
				if v, _, err := k.find(p.c); err == nil {
					files[v.String()] = true
				}
			}
		}
	}
	for file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode()&0o004 != 0 {
			p.notes = append(p.notes, file+": holds a secret and every user can read it:  chmod o-r "+file)
		}
	}
}
