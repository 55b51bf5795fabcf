package parse

import "errors"

// ErrFormat says that a line does not have the shape of its format. It is one
// value without detail, since a bad line is data: the caller knows source and
// offset, counts it and goes on.
var ErrFormat = errors.New("line does not fit its format")

// A Line is one physical line and its place in the uncompressed stream.
type Line struct {
	Text   []byte // without line end; valid until the call that gets it returns
	Offset int64  // of its first byte
	Number int64  // from 1
	Cut    bool   // the line was longer than the reader's bound; Text is its beginning
}

// An Emit takes one finished Record. The Record and all it points to is valid
// until Emit returns.
type Emit func(*Record)

// A Parser turns the lines of one source into Records. It may hold lines back
// until a transaction or a stack trace is complete. A Parser is used by one
// goroutine.
type Parser interface {
	// Parse takes the next line. It returns ErrFormat when the line does not
	// belong to the format; lines that the format knows but that say nothing
	// (a comment, a header) give neither Record nor error.
	Parse(line Line, emit Emit) error
	// Flush emits what is still open, at the end of the source.
	Flush(emit Emit)
}

// A Stateless parser makes each Record from one line alone, so that parts of
// a file can be parsed side by side. Its Fork returns a parser with the same
// settings and buffers of its own.
type Stateless interface {
	Parser
	Fork() Parser
}
