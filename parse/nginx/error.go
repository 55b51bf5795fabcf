package nginx

import (
	"bytes"
	"time"

	"why503/parse"
)

const (
	errorStamp = parse.DateTimeLen
	// maxErrorLine is where nginx cuts a message, its stamp and line end included
	// (NGX_MAX_ERROR_STR).
	maxErrorLine = 2048
	// A message of several lines is cut by nginx too; the bounds are for files
	// that are something else.
	maxJoined      = 64 << 10
	maxJoinedLines = 256
)

// An Error parses the error log. A message may hold line ends (standard error
// of FastCGI, Lua traces): lines without a stamp belong to the one before, so
// a message whose tail is not seen yet waits for the next stamp.
//
// https://nginx.org/en/docs/ngx_core_module.html#error_log
type Error struct {
	loc   *time.Location
	stamp [errorStamp]byte
	at    parse.Time

	known bool       // the line before was of this format
	open  []byte     // lines of the message that waits, joined by line ends
	lines []physical // where they are in open and in the source
	one   [1]physical
	other Access // knows lines of an access log in the same stream
	rec   parse.Record
}

// A physical is where a line begins.
type physical struct {
	at     int // in the joined text
	offset int64
	number int64
	cut    bool
}

// NewError returns a parser that takes stamps for UTC.
func NewError() *Error { return &Error{loc: time.UTC} }

// Zone says in which zone the log was written; its stamps print none.
func (e *Error) Zone(loc *time.Location) {
	if loc == nil {
		loc = time.UTC
	}
	e.loc, e.stamp = loc, [errorStamp]byte{}
}

// Parse takes the next line. Routine messages give no Record.
func (e *Error) Parse(line parse.Line, emit parse.Emit) error {
	text := trimLine(line.Text)
	if !e.isHead(text) {
		return e.join(text, line, emit)
	}
	e.Flush(emit)
	e.known = true
	if e.ready(text) {
		e.one[0] = physical{offset: line.Offset, number: line.Number, cut: line.Cut}
		e.finish(text, e.one[:], emit)
		return nil
	}
	e.hold(text, line)
	return nil
}

// Flush emits the message that waits for further lines.
func (e *Error) Flush(emit parse.Emit) {
	if len(e.lines) > 0 {
		e.finish(e.open, e.lines, emit)
		e.open, e.lines = e.open[:0], e.lines[:0]
	}
}

// join adds a line without a stamp to the message before it.
func (e *Error) join(text []byte, line parse.Line, emit parse.Emit) error {
	_, access := e.other.head(text)
	switch {
	case access: // the streams of a container are often one file
		e.Flush(emit)
	case len(e.lines) > 0 && len(e.open)+len(text) < maxJoined && len(e.lines) < maxJoinedLines:
		e.hold(text, line)
		if e.ready(e.open) {
			e.Flush(emit)
		}
		return nil
	case len(text) == 0:
		return nil
	case len(e.lines) > 0:
		e.Flush(emit)
	case e.known:
		e.known = false // one line more than was thought, but no second
		return nil
	}
	e.known = false
	return parse.ErrFormat
}

func (e *Error) hold(text []byte, line parse.Line) {
	if len(e.lines) > 0 {
		e.open = append(e.open, '\n')
	}
	e.lines = append(e.lines, physical{len(e.open), line.Offset, line.Number, line.Cut})
	e.open = append(e.open, text...)
}

// ready says whether no further line can belong to the message: it has its
// tail. What the tail says is not looked at, nor copied.
func (e *Error) ready(text []byte) bool {
	_, tail := cutTail(text[errorStamp:])
	return tail != nil
}

// isHead says whether b begins a message.
func (e *Error) isHead(b []byte) bool {
	_, _, rest, ok := e.readHead(b)
	if ok {
		_, _, _, ok = readIDs(rest)
	}
	return ok
}

// readHead reads "2026/11/22 21:34:54 [error]".
func (e *Error) readHead(b []byte) (at parse.Time, level parse.Level, rest []byte, ok bool) {
	if len(b) < errorStamp+len(" [warn]") || b[4] != '/' || b[10] != ' ' || b[errorStamp] != ' ' {
		return 0, 0, nil, false
	}
	if at, ok = e.readStamp(b[:errorStamp]); !ok {
		return 0, 0, nil, false
	}
	level, rest, ok = readLevel(b[errorStamp+1:])
	return at, level, rest, ok
}

// readStamp makes a time of "2006/01/02 15:04:05", once a second.
func (e *Error) readStamp(b []byte) (parse.Time, bool) {
	if string(b) == string(e.stamp[:]) {
		return e.at, true
	}
	utc, ok := parse.DateTime(b)
	if !ok {
		return 0, false
	}
	t := time.Unix(0, int64(utc)).UTC()
	copy(e.stamp[:], b)
	e.at = parse.Time(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, e.loc).UnixNano())
	return e.at, true
}

// readLevel reads "[error]".
func readLevel(b []byte) (level parse.Level, rest []byte, ok bool) {
	i := bytes.IndexByte(b, ']')
	if i < 0 || i > 8 || b[0] != '[' {
		return 0, nil, false
	}
	switch string(b[1:i]) {
	case "debug":
		level = parse.LevelDebug
	case "info":
		level = parse.LevelInfo
	case "notice":
		level = parse.LevelNotice
	case "warn":
		level = parse.LevelWarn
	case "error":
		level = parse.LevelError
	case "crit", "alert", "emerg":
		level = parse.LevelFatal
	default:
		return 0, nil, false
	}
	return level, b[i+1:], true
}

// readIDs reads " 6#6: *48 ": process, thread, connection. A process that is
// only starting prints no connection.
func readIDs(b []byte) (pid int, conn uint64, message []byte, ok bool) {
	if len(b) == 0 || b[0] != ' ' {
		return 0, 0, nil, false
	}
	p, rest, ok1 := bytes.Cut(b[1:], hash)
	t, rest, ok2 := bytes.Cut(rest, colon)
	n, ok3 := parse.Integer(p)
	_, ok4 := parse.Integer(t)
	if !ok1 || !ok2 || !ok3 || !ok4 || n >= 1<<31 {
		return 0, 0, nil, false
	}
	rest = bytes.TrimPrefix(rest, space)
	if len(rest) > 0 && rest[0] == '*' {
		c, after, _ := bytes.Cut(rest[1:], space)
		if v, ok := parse.Integer(c); ok {
			return int(n), uint64(v), after, true
		}
	}
	return int(n), 0, rest, true
}

var (
	hash  = []byte("#")
	colon = []byte(":")
)
