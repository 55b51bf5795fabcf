package varnish

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Varnish's own timeouts, where neither VCL nor a parameter sets them.
// https://varnish-cache.org/docs/trunk/reference/varnishd.html#list-of-parameters
const (
	DefaultConnectTimeout      = 3500 * time.Millisecond
	DefaultFirstByteTimeout    = 60 * time.Second
	DefaultBetweenBytesTimeout = 60 * time.Second
)

// A Config is what VCL files and parameters say about backends and times.
// It shares no memory with what it was read from.
type Config struct {
	Backends []Backend
	// Sets are values that VCL gives while it runs: bereq.first_byte_timeout,
	// beresp.ttl, beresp.grace and their like.
	Sets   []Setting
	Params []Setting
}

// A Setting is one value and the line that gives it.
type Setting struct {
	Name     string
	Value    string        // as written, without quotes
	Duration time.Duration // -1 when the value is no time
	Default  bool          // param.show says that it is the default
	Line     string        // the physical line as it stands
	LineNo   int           // from 1
}

// A Backend is a backend definition of VCL. Settings hold host, port, path,
// connect_timeout, first_byte_timeout, between_bytes_timeout,
// max_connections, probe and any other attribute under its own name.
type Backend struct {
	Name     string
	Settings []Setting
	Probe    []Setting // url, interval, timeout, window, threshold, ...
	Line     string
	LineNo   int
}

// Setting returns the last attribute of that name.
func (b *Backend) Setting(name string) (Setting, bool) { return last(b.Settings, name) }

// Param returns the last value of that parameter.
func (c *Config) Param(name string) (Setting, bool) { return last(c.Params, name) }

// Backend returns the backend of that name, also with the name of its VCL in
// front as logs have it ("boot.web").
func (c *Config) Backend(name string) (*Backend, bool) {
	for i := range c.Backends {
		if n := c.Backends[i].Name; n == name || strings.HasSuffix(name, "."+n) {
			return &c.Backends[i], true
		}
	}
	return nil, false
}

func last(s []Setting, name string) (Setting, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].Name == name {
			return s[i], true
		}
	}
	return Setting{}, false
}

const maxSettings = 20000 // of one file, all kinds together

// lines gives out the physical lines of a text.
type lines struct {
	src    []byte
	starts []int
}

func newLines(src []byte) *lines {
	l := &lines{src: src, starts: []int{0}}
	for i, c := range src {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// at returns line no, from 1, of at most 1 KB.
func (l *lines) at(no int) string {
	if no < 1 || no > len(l.starts) {
		return ""
	}
	b, _, _ := bytes.Cut(l.src[l.starts[no-1]:], []byte{'\n'})
	return string(bytes.TrimSuffix(b[:min(len(b), 1024)], []byte{'\r'}))
}

var units = []struct {
	name string
	unit time.Duration
}{
	{"milliseconds", time.Millisecond}, {"seconds", time.Second}, {"minutes", time.Minute}, {"hours", time.Hour}, {"days", 24 * time.Hour},
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"y", 365 * 24 * time.Hour},
}

// span reads a VCL duration (0.7s, 1m, 2 h); -1 when it is none. bare is the
// unit of a plain number, 0 when that is no time.
func span(s string, bare time.Duration) time.Duration {
	s = strings.TrimSpace(s)
	n := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	unit := bare
	if n >= 0 {
		unit = 0
		name := strings.TrimSpace(s[n:])
		for _, u := range units {
			if name == u.name {
				unit = u.unit
			}
		}
		s = s[:n]
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || unit == 0 || v < 0 || v*float64(unit) > float64(1<<62) {
		return -1
	}
	return time.Duration(v * float64(unit))
}
