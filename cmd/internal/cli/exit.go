package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"why503/cmd/internal/app"
	"why503/dashboards/report"
)

// Exit codes (the contract of the command line).
const (
	exitDone     = 0
	exitFailed   = 1 // a path, or nothing, could be read
	exitMisused  = 2
	exitIncident = 3 // --exit-code, and an incident was found
)

// An exitCode ends a command that has said all it had to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// A misuse is an error in the command line itself.
type misuse struct{ error }

func misused(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// finish tells an error, once, and returns the exit code that it means.
func finish(stderr io.Writer, err error) int {
	var code exitCode
	var usage *app.UsageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	}
	tell(stderr, err.Error())
	if errors.As(err, &usage) || errors.As(err, new(misuse)) {
		return exitMisused
	}
	return exitFailed
}

// tell writes a message for a person. Each line of it is escaped, since paths
// and arguments may hold anything.
func tell(w io.Writer, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(w, "why503:", report.Escape(line))
	}
}
