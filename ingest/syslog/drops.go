package syslog

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"why503/parse"
)

// watchDrops counts each second what the kernel dropped, and once at the end.
func (s *Server) watchDrops(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s.countDrops()
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.countDrops()
			return
		}
	}
}

func (s *Server) countDrops() {
	var found map[uint64]int64
	for i := range s.packets {
		p := &s.packets[i]
		if p.inode == 0 {
			continue
		}
		if found == nil {
			found = make(map[uint64]int64)
			for _, path := range [...]string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
				if f, err := os.Open(path); err == nil { // other systems have none
					readDrops(f, found)
					f.Close()
				}
			}
		}
		if n := found[p.inode] - p.drops; n > 0 {
			if p.drops == 0 {
				s.log.Warn("the kernel drops syslog datagrams, since they come faster than they are taken", "address", p.LocalAddr().String(),
					"hint", "Raise net.core.rmem_max, or let the senders use TCP")
			}
			p.drops += n
			s.counts.kernel.Add(n)
		}
	}
}

// readDrops reads the drops of each socket, by its inode: the tenth and the
// last column of /proc/net/udp (proc_net_udp(5)).
func readDrops(r io.Reader, to map[uint64]int64) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := bytes.Fields(lines.Bytes())
		if len(f) < 13 {
			continue
		}
		inode, ok := parse.Integer(f[9])
		drops, counted := parse.Integer(f[len(f)-1])
		if ok && counted && inode > 0 {
			to[uint64(inode)] = drops
		}
	}
}
