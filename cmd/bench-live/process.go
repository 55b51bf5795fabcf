package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A program follows logs.
type program interface {
	// start runs it on files, and returns its name and version.
	start(files []string) (string, error)
	process() *process
	// read returns how many lines it says that it has read, and how many seconds
	// it says that it is behind; -1 for what it does not tell.
	read() (lines int64, lag float64)
}

var errNotInstalled = errors.New("not installed")

// A process is a program that runs.
type process struct {
	cmd  *exec.Cmd
	out  *os.File
	done chan struct{}
}

// launch starts a program; what it says goes into a file.
func launch(out, name string, args ...string) (*process, error) {
	file, err := os.Create(out)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(name, args...), out: file, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	return p, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.out.Close()
}

// said returns the end of what it wrote, for who has to know why it ended.
func (p *process) said() string {
	text, _ := os.ReadFile(p.out.Name())
	return string(text[max(0, len(text)-2000):])
}

// A use is what a process has taken.
type use struct {
	cpu      time.Duration
	resident int64 // bytes
}

// use reads proc(5). Its times are in hundredths of a second, as user space has
// them on all platforms of Linux.
func (p *process) use() (use, error) {
	select {
	case <-p.done:
		return use{}, fmt.Errorf("%s ended: %s", p.cmd.Path, p.said())
	default:
	}
	folder := "/proc/" + strconv.Itoa(p.cmd.Process.Pid)
	stat, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return use{}, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name of the program stands in brackets
	fields := strings.Fields(rest)
	statm, err := os.ReadFile(folder + "/statm")
	if err != nil {
		return use{}, err
	}
	pages := strings.Fields(string(statm))
	if len(fields) < 13 || len(pages) < 2 {
		return use{}, fmt.Errorf("reading %s: it is short", folder)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	resident, err3 := strconv.ParseInt(pages[1], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return use{}, fmt.Errorf("reading %s: %w", folder, err)
	}
	return use{time.Duration(user+system) * 10 * time.Millisecond, resident * int64(os.Getpagesize())}, nil
}
