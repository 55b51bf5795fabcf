package main

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// mtail counts with regular expressions. https://google.github.io/mtail/
type mtail struct {
	dir  string
	addr string
	proc *process
}

//go:embed access.mtail
var mtailProgram []byte

func (m *mtail) process() *process { return m.proc }

func (m *mtail) start(files []string) (string, error) {
	version, err := versionOf("mtail", "--version")
	if err != nil {
		return "", err
	}
	if m.addr, err = freeAddr(); err != nil {
		return "", err
	}
	program := filepath.Join(m.dir, "access.mtail")
	if err := os.WriteFile(program, mtailProgram, 0o644); err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(m.addr)
	args := []string{"--progs", program, "--address", host, "--port", port, "--logtostderr"}
	for _, f := range files {
		args = append(args, "--logs", f)
	}
	if m.proc, err = launch(filepath.Join(m.dir, "mtail.out"), "mtail", args...); err != nil {
		return "", err
	}
	return version, answers(m.addr)
}

func (m *mtail) read() (lines int64, lag float64) {
	text, err := get(m.addr, "/metrics")
	if err != nil {
		return -1, -1
	}
	return int64(metric(text, "bench_lines_total", false)), -1
}

// rsyslog follows with imfile and parses with liblognorm, which makes one
// decision tree of all formats.
// https://www.rsyslog.com/doc/configuration/modules/mmnormalize.html
type rsyslog struct {
	dir  string
	proc *process
}

//go:embed access.rulebase
var rulebase []byte

func (r *rsyslog) process() *process { return r.proc }

func (r *rsyslog) start(files []string) (string, error) {
	version, err := versionOf("rsyslogd", "-v")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "global(workDirectory=%q)\n", r.dir)
	b.WriteString("module(load=\"imfile\" mode=\"inotify\")\nmodule(load=\"mmnormalize\")\n")
	fmt.Fprintf(&b, "module(load=\"impstats\" interval=\"2\" resetCounters=\"off\" log.syslog=\"off\" log.file=%q)\n", r.stats())
	for i, f := range files {
		fmt.Fprintf(&b, "input(type=\"imfile\" file=%q tag=\"log%d\" ruleset=\"parse\")\n", f, i)
	}
	fmt.Fprintf(&b, "ruleset(name=\"parse\") {\n  action(type=\"mmnormalize\" name=\"normalize\" useRawMsg=\"on\" rulebase=%q)\n  stop\n}\n", r.file("access.rulebase"))
	for name, text := range map[string][]byte{"rsyslog.conf": []byte(b.String()), "access.rulebase": rulebase} {
		if err := os.WriteFile(r.file(name), text, 0o644); err != nil {
			return "", err
		}
	}
	if r.proc, err = launch(r.file("rsyslog.out"), "rsyslogd", "-n", "-f", r.file("rsyslog.conf"), "-i", r.file("rsyslog.pid")); err != nil {
		return "", err
	}
	return version, nil
}

func (r *rsyslog) file(name string) string { return filepath.Join(r.dir, name) }
func (r *rsyslog) stats() string           { return r.file("rsyslog.stats") }

var processed = regexp.MustCompile(`normalize: origin=core\.action processed=(\d+)`)

func (r *rsyslog) read() (lines int64, lag float64) {
	text, err := os.ReadFile(r.stats())
	if err != nil {
		return -1, -1
	}
	all := processed.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return -1, -1
	}
	n, err := strconv.ParseInt(string(all[len(all)-1][1]), 10, 64)
	if err != nil {
		return -1, -1
	}
	return n, -1
}

// versionOf is the first line of what a program says of its version, as far as
// it names it.
func versionOf(name, flag string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, errNotInstalled)
	}
	out, _ := exec.Command(path, flag).CombinedOutput() // some exit with 1 after it
	for _, word := range strings.Fields(string(out)) {
		if word[0] >= '0' && word[0] <= '9' {
			return name + " " + word, nil
		}
	}
	return name, nil
}
