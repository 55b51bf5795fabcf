package ingest

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"why503/parse/frame"
)

// A PathError says why a path that was given, or a file in it, is not read.
type PathError struct {
	Path    string
	Problem string // what stands in the way, without the path
	Hint    string // what a person can do; may be empty
	Lines   int64  // read before what stands in the way
	Err     error  // may be nil
}

func (e *PathError) Error() string {
	s := e.Path + ": " + e.Problem
	if e.Hint != "" {
		s += ". " + e.Hint
	}
	return s
}

func (e *PathError) Unwrap() error { return e.Err }

// A Skip says that something in a folder was passed over because it is no log.
// It is a notice, not a failure.
type Skip struct{ Path, Why string }

func (s *Skip) Error() string { return s.Path + ": skipped, " + s.Why }

// pathError words what the system says about path.
func pathError(path string, err error) *PathError {
	e := &PathError{Path: path, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Problem = "no such file"
	case errors.Is(err, fs.ErrPermission):
		e.Problem = "permission denied"
		e.Hint = "Run it as a user who may read it, for example with sudo"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Problem = "too many open files"
		e.Hint = "Raise the limit: ulimit -n 4096"
	default:
		e.Problem = bare(err)
		var unreadable *frame.UnreadableError
		if errors.As(err, &unreadable) {
			e.Hint = unreadable.Hint()
		}
	}
	return e
}

// bare takes operation and path off, which the message already has.
func bare(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return strings.TrimSuffix(err.Error(), ".")
}
