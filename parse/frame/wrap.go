package frame

import (
	"bytes"
	"time"

	"why503/parse"
)

// A Kind is the envelope that a line of another program stands in.
type Kind uint8

const (
	None   Kind = iota
	CRI         // kubelet's container log: time stream P|F text
	Docker      // json-file driver: {"log":"text\n","stream":"stdout","time":"..."}
	Syslog      // RFC 3164 and 5424 headers, and rsyslog's file format
)

var kindNames = [...]string{"none", "cri", "docker", "syslog"}

func (k Kind) String() string { return kindNames[k] }

// A Stream is which output of a container a line came from.
type Stream uint8

const (
	NoStream Stream = iota
	Stdout
	Stderr
)

// An Inner is what an envelope says. Its slices are pieces of the line that
// was unwrapped, other than Text when Decoded.
type Inner struct {
	Text    []byte
	Host    []byte
	Tag     []byte // syslog's name of the program
	PID     int
	Stream  Stream
	Time    parse.Time // 0 where the envelope prints no year or no zone
	Partial bool       // the line goes on in the next envelope of its stream
	Decoded bool       // Text had escapes and was written to the caller's scratch
}

// Unwrap takes a line out of its envelope. It reports false when the line does
// not have that envelope. Text with escapes is decoded into scratch, which is
// returned for reuse.
//
// RFC 3164 headers have neither year nor zone, so they give no Time: the lines
// in them that matter have a time of their own.
func Unwrap(kind Kind, line, scratch []byte) (in Inner, buf []byte, ok bool) {
	switch kind {
	case None:
		return Inner{Text: line}, scratch, true
	case CRI:
		in, ok = unwrapCRI(line)
	case Docker:
		return unwrapDocker(line, scratch)
	case Syslog:
		in, ok = unwrapSyslog(line)
	}
	return in, scratch, ok
}

// unwrapCRI follows the kubelet's CRI logging format
// (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
func unwrapCRI(line []byte) (Inner, bool) {
	stamp, rest, ok := bytes.Cut(line, space)
	if !ok {
		return Inner{}, false
	}
	t, ok := stampTime(stamp)
	if !ok {
		return Inner{}, false
	}
	stream, rest, ok := bytes.Cut(rest, space)
	if !ok {
		return Inner{}, false
	}
	in := Inner{Time: t, Stream: streamOf(stream)}
	if in.Stream == NoStream {
		return Inner{}, false
	}
	// Tags are divided by colons; P or F is the first.
	tags, text, _ := bytes.Cut(rest, space)
	if len(tags) == 0 || tags[0] != 'P' && tags[0] != 'F' || len(tags) > 1 && tags[1] != ':' {
		return Inner{}, false
	}
	in.Text, in.Partial = text, tags[0] == 'P'
	return in, true
}

func streamOf(name []byte) Stream {
	switch string(name) {
	case "stdout":
		return Stdout
	case "stderr":
		return Stderr
	}
	return NoStream
}

// stampTime reads an RFC 3339 stamp with its zone. It does so by hand since it
// is on the path of every wrapped line.
func stampTime(b []byte) (parse.Time, bool) {
	t, ok := parse.DateTime(b)
	if !ok || b[4] != '-' {
		return 0, false
	}
	nanos, b := fraction(b[parse.DateTimeLen:])
	offset, n := parse.Offset(b)
	if n == 0 || n != len(b) {
		return 0, false
	}
	return t + parse.Time(nanos) - parse.Time(offset)*parse.Time(time.Second), true
}

// fraction reads the digits behind a point or a comma.
func fraction(b []byte) (nanos int64, rest []byte) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, b
	}
	nanos, _, n := parse.Fraction(b[1:])
	return nanos, b[1+n:]
}

// digits returns the number that b consists of, -1 when there is anything else
// in it.
func digits(b []byte) int {
	n, ok := parse.Integer(b)
	if !ok || n > 1e9 {
		return -1
	}
	return int(n)
}

var space = []byte{' '}
