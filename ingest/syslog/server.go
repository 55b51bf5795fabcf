package syslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"why503/ingest/segment"
)

// A Server takes messages and writes them to streams.
type Server struct {
	cfg     Config
	log     *slog.Logger
	set     *segment.Set
	self    []byte // this host's name, for messages from local sockets
	packets []packetListener
	streams []net.Listener
	bound   []string      // files of sockets for datagrams; the others remove theirs
	slots   chan struct{} // one for each connection
	counts  counts
}

// Open listens, and opens the streams of earlier runs. opened is told of each
// stream before there is anything new in it; see segment.OpenSet. Messages are
// taken when Run is called; until then they wait in the kernel.
func Open(c Config, opened func(*segment.Writer), log *slog.Logger) (_ *Server, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s := &Server{cfg: c, log: log, slots: make(chan struct{}, c.MaxConns)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	name, err := os.Hostname()
	if err != nil || !isHost([]byte(name)) {
		name = "localhost"
	}
	s.self = []byte(name)
	for _, l := range c.Listen {
		if err := s.listen(l); err != nil {
			return nil, err
		}
	}
	s.set, err = segment.OpenSet(c.Segments, c.MaxStreams, opened, log)
	return s, err
}

// Addrs returns where it listens, in the order of Config: ports that were given
// as 0 are filled in.
func (s *Server) Addrs() (addrs []net.Addr) {
	p, t := s.packets, s.streams
	for _, l := range s.cfg.Listen {
		if l.Network == "udp" || l.Network == "unixgram" {
			addrs, p = append(addrs, p[0].LocalAddr()), p[1:]
		} else {
			addrs, t = append(addrs, t[0].Addr()), t[1:]
		}
	}
	return addrs
}

// Streams is the set that messages are written to.
func (s *Server) Streams() *segment.Set { return s.set }

// Run takes messages until ctx ends, then those that are in the kernel's
// buffers, and closes the streams. It is called once.
func (s *Server) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for i := range s.packets {
		all.Go(func() { s.datagrams(ctx, &s.packets[i]) })
	}
	for _, l := range s.streams {
		all.Go(func() { s.accept(ctx, l) })
	}
	all.Go(func() { s.watchDrops(ctx) })
	all.Wait()
	return s.close()
}

func (s *Server) close() error {
	var errs []error
	for _, p := range s.packets {
		errs = append(errs, ignoreClosed(p.Close()))
	}
	for _, l := range s.streams {
		errs = append(errs, ignoreClosed(l.Close()))
	}
	if s.set != nil {
		errs = append(errs, s.set.Close())
	}
	for _, path := range s.bound {
		if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	s.bound = nil
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// drainTime bounds how long messages are taken that came before the end.
const drainTime = 500 * time.Millisecond

// A packet is a datagram, and who sent it.
type packet struct {
	text []byte
	peer net.Addr
}

// maxWaiting bounds the datagrams that were taken and wait to be written. A
// local socket itself holds net.unix.max_dgram_qlen of them, 10 as a rule, and
// who finds it full drops what they have to say: a moment of the disk is longer
// than that.
const maxWaiting = 256

// datagrams reads one message a packet.
func (s *Server) datagrams(ctx context.Context, p *packetListener) {
	stop := context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Now().Add(drainTime)) })
	defer stop()
	queue := make(chan packet, maxWaiting)
	var writer sync.WaitGroup
	defer writer.Wait()
	defer close(queue)
	writer.Go(func() { s.take(queue) })
	buf := make([]byte, max(s.cfg.MaxMessage, 65535)+1)
	for {
		n, peer, err := p.ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Warn("cannot take a syslog message", "address", p.LocalAddr().String(), "err", err)
			pause(ctx)
			continue
		}
		queue <- packet{bytes.Clone(buf[:n]), peer}
	}
}

// take writes the datagrams of one socket until there are no more.
func (s *Server) take(queue <-chan packet) {
	var to router
	from := sender{host: s.self}
	for p := range queue {
		if u, ok := p.peer.(*net.UDPAddr); ok {
			ip := u.AddrPort().Addr().Unmap().WithZone("")
			from.host = ip.AppendTo(from.host[:0:0])
		}
		from.last = from.last[:0] // datagrams do not continue each other
		msg, cut := p.text, false
		if len(msg) > s.cfg.MaxMessage {
			msg, cut = msg[:s.cfg.MaxMessage], true
		}
		s.message(&to, msg, cut, &from)
		s.flush(&to)
	}
}

// accept takes connections until ctx ends, and waits for theirs.
func (s *Server) accept(ctx context.Context, l net.Listener) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Warn("cannot accept a syslog connection", "address", l.Addr().String(), "err", err)
			pause(ctx) // out of descriptors, as a rule
			continue
		}
		select {
		case s.slots <- struct{}{}:
		default:
			s.counts.refused.Add(1)
			c.Close()
			continue
		}
		s.counts.accepted.Add(1)
		s.counts.conns.Add(1)
		all.Go(func() {
			defer func() { <-s.slots; s.counts.conns.Add(-1) }()
			s.connection(ctx, c)
		})
	}
}

func pause(ctx context.Context) {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// connection reads messages until the peer ends, is idle or cannot be read on.
func (s *Server) connection(ctx context.Context, c net.Conn) {
	defer c.Close()
	in := &timed{Conn: c, idle: s.cfg.IdleTimeout}
	stop := context.AfterFunc(ctx, in.end)
	defer stop()
	from := sender{host: s.self}
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		from.host = t.AddrPort().Addr().Unmap().WithZone("").AppendTo(nil)
	}
	f := newFramer(in, s.cfg.MaxMessage)
	var to router
	defer s.flush(&to)
	for {
		msg, cut, err := f.next()
		if err == nil {
			s.message(&to, msg, cut, &from)
			if f.r.Buffered() == 0 || len(to.buf) > 64<<10 {
				s.flush(&to)
			}
			continue
		}
		switch {
		case errors.Is(err, errFraming):
			s.counts.framing.Add(1)
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.counts.halfSent.Add(1)
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
			s.counts.idle.Add(1)
		}
		return
	}
}

// timed puts a deadline on each read.
type timed struct {
	net.Conn
	idle time.Duration
	mu   sync.Mutex
	over bool
}

func (t *timed) Read(b []byte) (int, error) {
	t.mu.Lock()
	if !t.over {
		_ = t.SetReadDeadline(time.Now().Add(t.idle)) // a closed connection says so in Read
	}
	t.mu.Unlock()
	return t.Conn.Read(b)
}

// end lets what is in the kernel's buffer be read, for a time.
func (t *timed) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	_ = t.SetReadDeadline(time.Now().Add(drainTime))
}

// A router collects lines for one stream, so that a run of messages of one
// program is one write.
type router struct {
	stream        *segment.Writer
	program, host []byte // whose stream it is
	buf           []byte
	lines         int64
}

// message adds the line of a message to what is written next.
func (s *Server) message(to *router, msg []byte, cut bool, from *sender) {
	s.counts.messages.Add(1)
	s.counts.bytes.Add(int64(len(msg)))
	if cut {
		s.counts.cut.Add(1)
	}
	if len(bytes.TrimRight(msg, "\n\r\x00")) == 0 {
		return
	}
	n := len(to.buf)
	line, program, host := appendLine(to.buf, msg, from, time.Now())
	if program == nil {
		s.counts.bare.Add(1)
		program = unnamed
	}
	if to.stream == nil || !bytes.Equal(program, to.program) || !bytes.Equal(host, to.host) {
		one := bytes.Clone(line[n:])
		to.buf = line[:n]
		s.flush(to)
		line = append(to.buf, one...)
		s.route(to, program, host)
	}
	to.buf = line
	to.lines++
}

func (s *Server) route(to *router, program, host []byte) {
	w, err := s.set.Of(program, host)
	if err != nil {
		s.log.Warn("cannot open the stream of a syslog sender", "err", err)
		to.stream = nil
		return
	}
	to.stream = w
	to.program, to.host = append(to.program[:0], program...), append(to.host[:0], host...)
}

func (s *Server) flush(to *router) {
	if to.lines == 0 {
		return
	}
	if to.stream == nil {
		s.counts.noStreams.Add(to.lines)
	} else if _, err := to.stream.Append(to.buf); err != nil {
		s.counts.noStreams.Add(to.lines)
	}
	to.lines, to.buf = 0, to.buf[:0]
}

// listenError says what can be done about an address that cannot be had.
func listenError(l Listen, err error) error {
	hint := "Choose another address, or stop what uses this one"
	switch {
	case errors.Is(err, os.ErrPermission):
		hint = "Ports below 1024 need CAP_NET_BIND_SERVICE, and a socket needs a folder that this user may write to"
	case errors.Is(err, os.ErrNotExist):
		hint = "Make the folder of the socket"
	}
	return fmt.Errorf("listening on %s: %w. %s", l, err, hint)
}
