package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Command is a program to run once.
type Command struct {
	Path string
	Args []string
	Env  []string // beside this process's own
	// Stdout reads the program's output to its end. When it returns earlier the
	// program is ended.
	Stdout func(io.Reader) error
	// Stderr takes each line, without its end; it may be nil. It is called from
	// one goroutine, and line is valid until it returns.
	Stderr func(line []byte)
	// Started is called when the program runs; it may be nil.
	Started func(pid int)
}

const (
	// termWait is how long a program has to end by itself when it is asked to.
	termWait = 2 * time.Second
	// drainWait is how long its output is read on when it has ended: it may have
	// handed its pipe to another process.
	drainWait  = 2 * time.Second
	maxMessage = 4096 // of a line on standard error
	lastLines  = 5    // of standard error, kept for an error
)

// A StartError says that a program could not be started.
type StartError struct {
	Path string
	Err  error
}

func (e *StartError) Error() string {
	switch {
	case errors.Is(e.Err, exec.ErrNotFound), errors.Is(e.Err, os.ErrNotExist):
		return fmt.Sprintf("cannot start %s: it is not installed here, or not on the PATH. Install it, or give its path", e.Path)
	case errors.Is(e.Err, os.ErrPermission):
		return fmt.Sprintf("cannot start %s: permission denied. Let this user execute it", e.Path)
	}
	return fmt.Sprintf("cannot start %s: %v", e.Path, e.Err)
}

func (e *StartError) Unwrap() error { return e.Err }

// An ExitError says how a program ended, and what it said last.
type ExitError struct {
	Path string
	Err  error // of exec.Cmd.Wait; nil where it exited with 0
	Said string
}

func (e *ExitError) Error() string {
	how := "ended by itself"
	if e.Err != nil {
		how = "ended with " + e.Err.Error()
	}
	if e.Said != "" {
		how += ": " + e.Said
	}
	return e.Path + " " + how
}

func (e *ExitError) Unwrap() error { return e.Err }

// Run runs the program until it ends, ctx ends or Stdout returns, and waits
// until all of it is gone. It always returns an error: a *StartError, an
// *ExitError, what Stdout returned, or that of ctx.
func (c Command) Run(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Path, err)
	}
	says, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Path, err)
	}
	if err := cmd.Start(); err != nil {
		return &StartError{Path: c.Path, Err: err}
	}
	if c.Started != nil {
		c.Started(cmd.Process.Pid)
	}

	var readers sync.WaitGroup
	var outErr error
	var said tail
	read := make(chan struct{}) // Stdout has returned
	readers.Go(func() { outErr = c.Stdout(out); close(read) })
	readers.Go(func() { c.listen(says, &said) })
	exited := make(chan struct{})
	var exit error
	go func() {
		// Not Cmd.Wait, which closes the pipes before they are read to their end.
		_, exit = wait(cmd.Process)
		close(exited)
	}()

	select {
	case <-exited:
	case <-read:
		grace(exited, drainWait) // its output ends a moment before itself
	case <-ctx.Done():
	}
	end(cmd.Process.Pid, exited)
	drain(&readers, out, says)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case outErr != nil && !errors.Is(outErr, os.ErrClosed):
		return outErr
	}
	return &ExitError{Path: c.Path, Err: exit, Said: said.String()}
}

func wait(p *os.Process) (*os.ProcessState, error) {
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = &exec.ExitError{ProcessState: state}
	}
	return state, err
}

// end ends what is left of the process group. While others are in it the number
// of the group is not given to another; where nobody is, nobody is found.
func end(pid int, exited <-chan struct{}) {
	select {
	case <-exited:
	default:
		_ = syscall.Kill(-pid, syscall.SIGTERM)
		grace(exited, termWait)
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	<-exited
}

func grace(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// drain waits for the readers, and closes the pipes under them where somebody
// else keeps them open.
func drain(readers *sync.WaitGroup, pipes ...io.Closer) {
	done := make(chan struct{})
	go func() { readers.Wait(); close(done) }()
	grace(done, drainWait)
	for _, p := range pipes {
		p.Close()
	}
	<-done
}

// listen hands out the lines of standard error, cut to maxMessage.
func (c Command) listen(r io.Reader, said *tail) {
	buf := make([]byte, 0, maxMessage)
	skip := false
	hand := func(line []byte) {
		if line = bytes.TrimRight(line, " \r"); len(line) == 0 {
			return
		}
		said.add(string(line))
		if c.Stderr != nil {
			c.Stderr(line)
		}
	}
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		for {
			i := bytes.IndexByte(buf, '\n')
			if i < 0 {
				break
			}
			if !skip {
				hand(buf[:i])
			}
			skip = false
			buf = buf[:copy(buf, buf[i+1:])]
		}
		if len(buf) == cap(buf) {
			if !skip {
				hand(buf)
			}
			skip, buf = true, buf[:0]
		}
		if err != nil {
			if !skip {
				hand(buf)
			}
			return
		}
	}
}

// A tail keeps the last lines.
type tail struct{ lines []string }

func (t *tail) add(line string) {
	if len(t.lines) == lastLines {
		t.lines = t.lines[:copy(t.lines, t.lines[1:])]
	}
	t.lines = append(t.lines, line)
}

func (t *tail) String() string { return strings.Join(t.lines, "; ") }
