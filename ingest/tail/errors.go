package tail

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"why503/ingest"
	"why503/parse/frame"
)

// ErrWait says that there is no complete line now.
var ErrWait = errors.New("no complete line yet")

var (
	errFolder = errors.New("a folder, not a file")
	errNoFile = errors.New("not a regular file")
	errNotDir = syscall.ENOTDIR
	errPacked = errors.New("compressed, so it does not grow")
)

// pathError words what stands in the way of reading path.
func pathError(path string, err error) *ingest.PathError {
	e := &ingest.PathError{Path: path, Err: err}
	var unreadable *frame.UnreadableError
	switch {
	case errors.Is(err, errFolder):
		e.Problem = errFolder.Error()
		e.Hint = "Name the logs in it, with a pattern such as " + path + "/*.log"
	case errors.Is(err, errPacked):
		e.Problem = errPacked.Error()
		e.Hint = "Read it with: why503 analyze " + path
	case errors.Is(err, fs.ErrPermission):
		e.Problem = "permission denied"
		e.Hint = "Let the user that why503 runs as read it and its folders, for example with: usermod -aG adm why503. It is tried again"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Problem = "too many open files"
		e.Hint = "Raise the limit (LimitNOFILE= in the unit, or ulimit -n). It is tried again"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		e.Problem = bare(err)
		e.Hint = "A part of the path is no folder, or a link leads to itself: name the file itself. It is tried again"
	case errors.As(err, &unreadable):
		e.Problem = unreadable.Error()
		e.Hint = unreadable.Hint()
	default:
		e.Problem = bare(err)
		e.Hint = "It is tried again"
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
