package journal

import (
	"fmt"
	"strings"

	"why503/ingest/child"
	"why503/ingest/segment"
)

// A From says where to begin when no entry was read before.
type From uint8

const (
	FromNow   From = iota // entries that come from now on
	FromBoot              // those of this boot too
	FromStart             // all that the journal has
)

// Config says what is read. The zero value reads everything from now on.
type Config struct {
	Path        string   // of the program; "journalctl"
	Units       []string // -u: of these units, patterns allowed; none means all
	Identifiers []string // -t
	Matches     []string // FIELD=value, see journalctl(1)
	Directory   string   // -D: journal files elsewhere than the system's
	From        From
	// After is a cursor that the caller kept. It is used where the streams hold
	// no entry themselves.
	After      string
	Segments   segment.Config // its Dir is for this reader alone; MaxTotal is of one stream, 64 MiB here
	MaxStreams int            // segment.DefaultMaxStreams
	MaxMessage int            // bytes; 64 KiB. What is longer is cut
	Backoff    child.Backoff
	// Batch is told of the cursor of the last entry that was written, after each
	// write; it may be nil. It is called from one goroutine.
	Batch func(cursor string)
}

const (
	DefaultMaxMessage = 64 << 10
	defaultMaxTotal   = 64 << 20
)

func (c Config) withDefaults() Config {
	if c.Path == "" {
		c.Path = "journalctl"
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	if c.Segments.MaxTotal == 0 {
		c.Segments.MaxTotal = max(defaultMaxTotal, 2*c.Segments.MaxSegment)
	}
	if c.Segments.MaxLine == 0 {
		c.Segments.MaxLine = max(segment.DefaultMaxLine, 4*c.MaxMessage+4096)
	}
	return c
}

// Validate says what of c cannot be.
func (c Config) Validate() error {
	for _, m := range c.Matches {
		if name, _, ok := strings.Cut(m, "="); !ok || name == "" || strings.HasPrefix(m, "-") {
			return fmt.Errorf("journal: %q is no match. Write FIELD=value, like _SYSTEMD_UNIT=nginx.service", m)
		}
	}
	c = c.withDefaults()
	if c.MaxMessage < 256 || c.MaxMessage > 4<<20 {
		return fmt.Errorf("journal: messages of %d bytes. Give 256 bytes to 4 MiB", c.MaxMessage)
	}
	if c.From > FromStart {
		return fmt.Errorf("journal: no beginning has the number %d", c.From)
	}
	return c.Segments.Validate()
}
