package syslog

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"why503/ingest/segment"
)

// A Listen is one place to take messages at.
type Listen struct {
	Network string      // udp, tcp, unixgram or unix (a stream)
	Address string      // host:port, or the path of a socket
	Mode    os.FileMode // of a socket's file; 0666, so that every program may write to it
}

// ParseListen reads udp://127.0.0.1:5140, tcp://[::1]:5140, unixgram:///run/x or
// unix:///run/x.
func ParseListen(s string) (Listen, error) {
	network, address, ok := strings.Cut(s, "://")
	l := Listen{Network: network, Address: address}
	if !ok {
		return l, fmt.Errorf("syslog: %q says not how to listen. Write it like udp://127.0.0.1:5140 or unixgram:///run/why503/log", s)
	}
	return l, l.validate()
}

func (l Listen) String() string { return l.Network + "://" + l.Address }

func (l Listen) validate() error {
	switch {
	case !slices.Contains([]string{"udp", "tcp", "unixgram", "unix"}, l.Network):
		return fmt.Errorf("syslog: cannot listen on %q. Use udp, tcp, unixgram or unix", l.Network)
	case l.local() && l.Address == "":
		return fmt.Errorf("syslog: %s names no socket. Give its path", l)
	case l.local():
		return nil
	}
	if _, _, err := net.SplitHostPort(l.Address); err != nil {
		return fmt.Errorf("syslog: %s is no address (%w). Write host:port, with brackets around an IPv6 host", l, err)
	}
	return nil
}

func (l Listen) local() bool { return strings.HasPrefix(l.Network, "unix") }

// Config says where to listen, and the bounds. Zeros mean the defaults.
type Config struct {
	Listen       []Listen
	Segments     segment.Config // its Dir is for this server alone; MaxTotal is of one stream, 64 MiB here
	MaxStreams   int            // segment.DefaultMaxStreams
	MaxMessage   int            // bytes; 64 KiB. What is longer is cut
	MaxConns     int            // 256
	IdleTimeout  time.Duration  // of a connection; 10 minutes
	ReceiveBytes int            // of the kernel's buffer for datagrams; 8 MiB
}

const (
	DefaultMaxMessage   = 64 << 10
	DefaultMaxConns     = 256
	DefaultIdleTimeout  = 10 * time.Minute
	DefaultReceiveBytes = 8 << 20
	defaultMaxTotal     = 64 << 20
)

func (c Config) withDefaults() Config {
	set := func(to *int, value int) {
		if *to == 0 {
			*to = value
		}
	}
	set(&c.MaxMessage, DefaultMaxMessage)
	set(&c.MaxConns, DefaultMaxConns)
	set(&c.ReceiveBytes, DefaultReceiveBytes)
	set(&c.MaxStreams, segment.DefaultMaxStreams)
	if c.IdleTimeout == 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	if c.Segments.MaxTotal == 0 {
		c.Segments.MaxTotal = max(defaultMaxTotal, 2*c.Segments.MaxSegment)
	}
	if c.Segments.MaxLine == 0 {
		// The worst message is all line ends, each written as #012, with a header.
		c.Segments.MaxLine = max(segment.DefaultMaxLine, 4*c.MaxMessage+1024)
	}
	return c
}

// Validate says what of c cannot be.
func (c Config) Validate() error {
	if len(c.Listen) == 0 {
		return errors.New("syslog: nowhere to listen. Give an address such as udp://127.0.0.1:5140")
	}
	for _, l := range c.Listen {
		if err := l.validate(); err != nil {
			return err
		}
	}
	c = c.withDefaults()
	if c.MaxMessage < 480 || c.MaxMessage > 4<<20 {
		return fmt.Errorf("syslog: messages of %d bytes. Give 480 (the least that RFC 5424 allows) to 4 MiB", c.MaxMessage)
	}
	if c.MaxConns < 1 || c.MaxStreams < 1 || c.IdleTimeout < 0 || c.ReceiveBytes < 0 {
		return errors.New("syslog: the numbers of connections and streams, the idle time and the receive buffer must be above zero")
	}
	return c.Segments.Validate()
}
