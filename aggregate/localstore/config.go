package localstore

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"
)

// Config says where a store is and how long it keeps what. Zero values mean
// the defaults that Defaults returns; a negative age or size means no bound.
type Config struct {
	Path string
	// ReadOnly opens a store that another process may be writing.
	ReadOnly bool

	Facts   time.Duration // age of facts, by their end
	Records time.Duration // of the Records that a fact can be diagnosed from again
	Minutes time.Duration // of rollups by minute
	Hours   time.Duration // of rollups by hour and day, of incidents and marks
	Seconds time.Duration //nolint:staticcheck // the table seconds: of requests by second, and of signals
	// MaxBytes bounds the file. Beyond it the oldest Records go first, then the
	// oldest facts, then the oldest minutes.
	MaxBytes int64

	Now func() time.Time // for ages; time.Now where nil
	Log *slog.Logger
}

const day = 24 * time.Hour

// Defaults are the ages and the size of a store that nothing was said of.
func Defaults() Config {
	return Config{
		Facts: 90 * day, Records: 14 * day, Minutes: 90 * day, Hours: 2 * 365 * day, Seconds: 3 * day, MaxBytes: 10 << 30,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

func (c *Config) fill() {
	d := Defaults()
	c.Facts, c.Records = cmp.Or(c.Facts, d.Facts), cmp.Or(c.Records, d.Records)
	c.Minutes, c.Hours, c.Seconds = cmp.Or(c.Minutes, d.Minutes), cmp.Or(c.Hours, d.Hours), cmp.Or(c.Seconds, d.Seconds)
	c.MaxBytes = cmp.Or(c.MaxBytes, d.MaxBytes)
	if c.Now == nil {
		c.Now = d.Now
	}
	if c.Log == nil {
		c.Log = d.Log
	}
}

// Validate says what is wrong with c.
func (c *Config) Validate() error {
	switch {
	case c.Path == "":
		return fmt.Errorf("a store needs the path of its file")
	case c.MaxBytes > 0 && c.MaxBytes < 16<<20:
		return fmt.Errorf("a store of %d bytes is too small to work in: give it 16 MiB or more", c.MaxBytes)
	}
	return nil
}
