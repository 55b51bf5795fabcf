package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An entry is what is used of one entry. Its fields are valid until the next
// call of next.
type entry struct {
	cursor, realtime, source, message, priority, facility, host []byte
	identifier, comm, unit, pid, syslogPID                      []byte
	cut                                                         bool // message was longer than the bound
	fields                                                      int
}

// field returns where a field is kept; nil for those that are not used.
func (e *entry) field(name []byte) *[]byte {
	switch string(name) {
	case "__CURSOR":
		return &e.cursor
	case "__REALTIME_TIMESTAMP":
		return &e.realtime
	case "_SOURCE_REALTIME_TIMESTAMP":
		return &e.source
	case "MESSAGE":
		return &e.message
	case "PRIORITY":
		return &e.priority
	case "SYSLOG_FACILITY":
		return &e.facility
	case "_HOSTNAME":
		return &e.host
	case "SYSLOG_IDENTIFIER":
		return &e.identifier
	case "_COMM":
		return &e.comm
	case "_SYSTEMD_UNIT":
		return &e.unit
	case "_PID":
		return &e.pid
	case "SYSLOG_PID":
		return &e.syslogPID
	}
	return nil
}

// reset empties e and keeps its memory.
func (e *entry) reset() {
	for _, f := range [...]*[]byte{
		&e.cursor, &e.realtime, &e.source, &e.message, &e.priority, &e.facility, &e.host, &e.identifier, &e.comm, &e.unit, &e.pid, &e.syslogPID,
	} {
		if cap(*f) > 64<<10 {
			*f = nil
		}
		*f = (*f)[:0]
	}
	e.cut, e.fields = false, 0
}

// errExport says that what came is not the export format.
var errExport = errors.New("journalctl's output is not in the export format")

const maxName = 64 // of a field, by the journal's own rule

// An export reads the export format: fields as NAME=value in a line, or NAME in
// a line, 8 bytes of length (little endian), the value and a line end; an empty
// line ends an entry.
type export struct {
	r     *bufio.Reader
	max   int // bytes of a value that are kept
	entry entry
	name  []byte
}

func newExport(r io.Reader, size int) *export {
	return &export{r: bufio.NewReaderSize(r, 64<<10), max: size}
}

// next returns the next entry. One that the stream ends amid is left out.
func (x *export) next() (*entry, error) {
	e := &x.entry
	for {
		e.reset()
		for {
			more, err := x.readField()
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			e.fields++
		}
		if e.fields > 0 {
			return e, nil
		}
	}
}

// readField reports false at the end of an entry.
func (x *export) readField() (bool, error) {
	x.name = x.name[:0]
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return false, err
		}
		switch {
		case c == '=' && len(x.name) > 0:
			return true, x.text()
		case c == '\n' && len(x.name) == 0:
			return false, nil
		case c == '\n':
			return true, x.binary()
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			if x.name = append(x.name, c); len(x.name) > maxName {
				return false, fmt.Errorf("%w: a field's name is longer than %d bytes", errExport, maxName)
			}
		default:
			return false, fmt.Errorf("%w: byte %#02x in a field's name", errExport, c)
		}
	}
}

func (x *export) text() error {
	to := x.entry.field(x.name)
	if to != nil {
		*to = (*to)[:0] // a field may come twice; the last one counts
	}
	for {
		b, err := x.r.ReadSlice('\n')
		x.keep(to, bytes.TrimSuffix(b, lineEnd))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (x *export) binary() error {
	var size [8]byte
	if _, err := io.ReadFull(x.r, size[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(size[:])
	if n > 1<<40 {
		return fmt.Errorf("%w: a field of %d bytes", errExport, n)
	}
	to := x.entry.field(x.name)
	if to != nil {
		*to = (*to)[:0]
	}
	for n > 0 {
		b, err := x.r.Peek(int(min(n, 32<<10)))
		if err != nil {
			return err
		}
		x.keep(to, b)
		n -= uint64(len(b))
		_, _ = x.r.Discard(len(b)) // they are there
	}
	c, err := x.r.ReadByte()
	if err == nil && c != '\n' {
		err = fmt.Errorf("%w: byte %#02x behind a field", errExport, c)
	}
	return err
}

func (x *export) keep(to *[]byte, b []byte) {
	if to == nil {
		return
	}
	room := min(x.max-len(*to), len(b))
	*to = append(*to, b[:room]...)
	if room < len(b) && to == &x.entry.message {
		x.entry.cut = true
	}
}

var lineEnd = []byte{'\n'}
