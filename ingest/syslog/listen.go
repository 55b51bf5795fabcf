package syslog

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// A packetListener is a socket for datagrams.
type packetListener struct {
	net.PacketConn
	inode uint64 // of a UDP socket, to find its drops by
	drops int64  // that were counted
}

func (s *Server) listen(l Listen) error {
	if l.local() {
		if err := removeStale(l); err != nil {
			return listenError(l, err)
		}
	}
	if l.Network == "tcp" || l.Network == "unix" {
		t, err := net.Listen(l.Network, l.Address)
		if err != nil {
			return listenError(l, err)
		}
		s.streams = append(s.streams, t)
	} else {
		p, err := net.ListenPacket(l.Network, l.Address)
		if err != nil {
			return listenError(l, err)
		}
		s.packets = append(s.packets, s.prepare(l, p))
		if l.local() {
			s.bound = append(s.bound, l.Address)
		}
	}
	if l.local() {
		mode := l.Mode
		if mode == 0 {
			mode = 0o666
		}
		if err := os.Chmod(l.Address, mode); err != nil {
			return listenError(l, err)
		}
	}
	return nil
}

// removeStale removes a socket that a process left behind that was killed. One
// that somebody listens on stays.
func removeStale(l Listen) error {
	info, err := os.Lstat(l.Address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s is there and is no socket", l.Address)
	}
	c, err := net.DialTimeout(l.Network, l.Address, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("another process listens on %s", l.Address)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(l.Address)
}

// prepare raises the kernel's buffer, which is what a burst has to fit in.
func (s *Server) prepare(l Listen, p net.PacketConn) packetListener {
	out := packetListener{PacketConn: p}
	c, ok := p.(syscall.Conn)
	if !ok {
		return out
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return out
	}
	has := 0
	_ = raw.Control(func(fd uintptr) {
		has = raise(int(fd), s.cfg.ReceiveBytes)
		var st syscall.Stat_t
		if l.Network == "udp" && syscall.Fstat(int(fd), &st) == nil {
			out.inode = st.Ino
		}
	})
	if has < s.cfg.ReceiveBytes {
		s.log.Info("the kernel gives a smaller receive buffer than asked for", "address", l.String(), "bytes", has, "asked", s.cfg.ReceiveBytes,
			"hint", fmt.Sprintf("sysctl -w net.core.rmem_max=%d", s.cfg.ReceiveBytes))
	}
	return out
}
