package doctor

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what is read of a machine.
const (
	maxProcesses = 20_000
	maxConfig    = 4 << 20
	maxFound     = 1000
	maxOpenFiles = 4096
)

// A Process is one that runs.
type Process struct {
	PID       int
	Name      string   // of the program: nginx, varnishd, python3.11
	Args      []string // the command line
	Unit      string   // of systemd; empty when there is none
	Container bool     // it sees another machine than we do
}

// Processes lists what runs by /proc; nothing where there is none.
//
// https://man7.org/linux/man-pages/man5/proc.5.html
func Processes(root fs.FS) []Process {
	entries, err := fs.ReadDir(root, "proc")
	if err != nil {
		return nil
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || len(all) >= maxProcesses {
			continue
		}
		if p, ok := process(root, pid); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Process) int { return a.PID - b.PID })
	return all
}

func process(root fs.FS, pid int) (Process, bool) {
	dir := "proc/" + strconv.Itoa(pid)
	line, err := readFile(root, dir+"/cmdline", 64<<10)
	if err != nil || len(line) == 0 {
		return Process{}, false // a thread of the kernel, or it has ended
	}
	p := Process{PID: pid, Args: words(string(line))}
	if len(p.Args) == 0 {
		return Process{}, false
	}
	p.Name = strings.TrimSuffix(path.Base(p.Args[0]), ":")
	if exe, err := fs.ReadLink(root, dir+"/exe"); err == nil {
		p.Name = path.Base(strings.TrimSuffix(exe, " (deleted)"))
	}
	group, _ := readFile(root, dir+"/cgroup", 64<<10)
	p.Unit = unitOf(string(group))
	status, _ := readFile(root, dir+"/status", 64<<10)
	for l := range strings.Lines(string(status)) {
		if ids, ok := strings.CutPrefix(l, "NSpid:"); ok {
			p.Container = len(strings.Fields(ids)) > 1
		}
	}
	return p, true
}

// words divides a command line. A program that changed its title, like nginx
// and PHP-FPM, left one argument with blanks in it.
func words(line string) []string {
	line = strings.TrimRight(line, "\x00 ")
	if first, _, _ := strings.Cut(line, "\x00"); strings.Contains(first, ": ") {
		return strings.Fields(strings.ReplaceAll(line, "\x00", " "))
	}
	if line == "" {
		return nil
	}
	return strings.Split(line, "\x00")
}

// unitOf is the innermost service in the control groups of a process.
func unitOf(groups string) string {
	for line := range strings.Lines(groups) {
		parts := strings.Split(strings.TrimSpace(line), "/")
		for _, p := range slices.Backward(parts) {
			if strings.HasSuffix(p, ".service") && !strings.HasPrefix(p, "user@") {
				return p
			}
		}
	}
	return ""
}

// option is the value of -n, given as "-n x" or "-nx"; empty when not given.
func (p Process) option(flag string) string {
	for i, a := range p.Args {
		if i == 0 {
			continue
		}
		switch {
		case a == flag && i+1 < len(p.Args):
			return p.Args[i+1]
		case strings.HasPrefix(flag, "--"):
			if v, ok := strings.CutPrefix(a, flag+"="); ok {
				return v
			}
		case strings.HasPrefix(a, flag) && len(a) > len(flag):
			return a[len(flag):]
		}
	}
	return ""
}

// openLogs are the files that a process writes to and that are logs by their
// names. It is empty where we may not look.
func openLogs(root fs.FS, pid int) []string {
	dir := "proc/" + strconv.Itoa(pid)
	entries, err := fs.ReadDir(root, dir+"/fd")
	if err != nil {
		return nil
	}
	var logs []string
	for _, e := range entries[:min(len(entries), maxOpenFiles)] {
		target, err := fs.ReadLink(root, dir+"/fd/"+e.Name())
		if err != nil || !strings.HasPrefix(target, "/") || !isLogName(target) || slices.Contains(logs, target) {
			continue
		}
		info, _ := readFile(root, dir+"/fdinfo/"+e.Name(), 4<<10)
		if writes(string(info)) {
			logs = append(logs, target)
		}
	}
	slices.Sort(logs)
	return logs
}

func isLogName(p string) bool {
	base := path.Base(p)
	if strings.HasSuffix(base, " (deleted)") || strings.HasPrefix(p, "/proc/") || strings.HasPrefix(p, "/dev/") || strings.HasPrefix(p, "/sys/") {
		return false
	}
	return strings.HasSuffix(base, ".log") || strings.HasSuffix(base, ".log.json") || strings.HasSuffix(base, ".err") || strings.HasSuffix(base, ".out") ||
		strings.Contains(p, "/log/") || strings.Contains(p, "/logs/")
}

// writes reads the flags of an open file: the last two bits say that it is
// written.
func writes(info string) bool {
	for l := range strings.Lines(info) {
		if f, ok := strings.CutPrefix(l, "flags:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(f), 8, 64)
			return err == nil && n&3 != 0
		}
	}
	return false
}

// readFile reads at most limit bytes of a file.
func readFile(root fs.FS, name string, limit int64) ([]byte, error) {
	f, err := root.Open(rel(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return nil, fs.ErrInvalid
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// rel is a path of the machine within its file system.
func rel(p string) string {
	if p = strings.TrimPrefix(path.Clean("/"+p), "/"); p == "" {
		return "."
	}
	return p
}
