package alert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"why503/dashboards/report"
)

const (
	defaultExecTimeout = 10 * time.Second
	// execGrace is how long after its end a program's own children may keep
	// its output open.
	execGrace = time.Second
)

// A program is started for each message, without a shell and with an
// environment of its own: PATH, the locale, and what is named.
type program struct{ cfg Exec }

func (p *program) traits() traits { return traits{} }

func (p *program) send(ctx context.Context, a Alert, _ string) (string, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("writing JSON: %w", err)
	}
	timeout := cmp.Or(p.cfg.Timeout, defaultExecTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.cfg.Command[0], p.cfg.Command[1:]...)
	cmd.Stdin = bytes.NewReader(append(data, '\n'))
	cmd.Env = p.environment(a)
	cmd.Dir = "/"
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	// Its children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = execGrace
	err = cmd.Run()
	switch {
	case err == nil:
		return "", nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%s was ended: it took longer than %v%s", p.cfg.Command[0], timeout, said.tail())
	}
	return "", fmt.Errorf("%s: %w%s", p.cfg.Command[0], err, said.tail())
}

// environment has nothing of a log in it but the kind and the id, which are of
// letters, digits and hyphens.
func (p *program) environment(a Alert) []string {
	env := []string{"LANG=C.UTF-8", "WHY503_KIND=" + string(a.Kind), "WHY503_INCIDENT=" + a.ID}
	for _, name := range append([]string{"PATH"}, p.cfg.Env...) {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// output keeps the begin of what a program writes.
type output struct{ buf bytes.Buffer }

func (o *output) Write(p []byte) (int, error) {
	if room := maxShown - o.buf.Len(); room > 0 {
		o.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (o *output) tail() string {
	if s := strings.TrimSpace(o.buf.String()); s != "" {
		return ": " + report.Escape(s)
	}
	return ""
}
