package segment

import (
	"errors"
	"fmt"
	"time"
)

// Config says where streams are kept and how much of them.
type Config struct {
	Dir        string        // the folder of all streams; it is made
	MaxSegment int64         // bytes after which the next segment begins; 16 MiB
	MaxTotal   int64         // bytes of one stream; 256 MiB
	MaxAge     time.Duration // since the last line of a segment; 0 keeps what fits
	MaxLine    int           // bytes of a line, longer ones are cut; 1 MiB
}

const (
	DefaultMaxSegment = 16 << 20
	DefaultMaxTotal   = 256 << 20
	DefaultMaxLine    = 1 << 20
)

func (c Config) withDefaults() Config {
	if c.MaxSegment == 0 {
		c.MaxSegment = DefaultMaxSegment
	}
	if c.MaxTotal == 0 {
		c.MaxTotal = max(DefaultMaxTotal, 2*c.MaxSegment)
	}
	if c.MaxLine == 0 {
		c.MaxLine = DefaultMaxLine
	}
	return c
}

// Validate says what of c cannot be, with the defaults in place of zeros.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Dir == "":
		return errors.New("segments: no folder given. Name one that this user may write to")
	case c.MaxSegment < 4096:
		return fmt.Errorf("segments: a segment of %d bytes is too small. Give 4096 or more", c.MaxSegment)
	case c.MaxTotal < 2*c.MaxSegment:
		return fmt.Errorf("segments: a total of %d bytes holds less than two segments of %d. Give more, or smaller segments", c.MaxTotal, c.MaxSegment)
	case c.MaxLine < 256 || int64(c.MaxLine) >= c.MaxSegment:
		return fmt.Errorf("segments: a line of %d bytes. Give 256 or more, and less than a segment has (%d)", c.MaxLine, c.MaxSegment)
	case c.MaxAge < 0:
		return fmt.Errorf("segments: an age of %s. Give 0 for no bound", c.MaxAge)
	}
	return nil
}
