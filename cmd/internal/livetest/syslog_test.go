//go:build integration && linux

package livetest

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// raw sends bytes and returns the first line of the answer.
func raw(t *testing.T, addr, text string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, _ := bufio.NewReader(c).ReadString('\n')
	return got
}

// nginx logs to serve itself, by datagrams, and beside it to a file that serve
// does not read: both say the same. A local socket holds no more datagrams than
// net.unix.max_dgram_qlen, often 10, and nginx drops what finds no room.
func TestNginxLogsToServeBySyslog(t *testing.T) {
	need(t, "nginx")
	for _, c := range []struct {
		name, address string
		losses        int
	}{
		{"udp", "127.0.0.1:%s", 0},
		{"unix", "unix:%s", 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			flag, listen := "--sources.syslog.udp", freeAddr(t)
			if c.name == "unix" {
				flag, listen = "--sources.syslog.unix", filepath.Join(dir, "s")
			}
			n := newNginx(t, dir, strings.Replace(c.address, "%s", strings.TrimPrefix(listen, "127.0.0.1:"), 1))
			s := serve(t, dir, "--store", store(dir), "--nginx-conf", filepath.Join(dir, "nginx.conf"), flag, listen)
			n.start(t) // a local socket has to be there
			begin := time.Now().Add(-time.Second)
			clients := newClients(n.addr, shop, "req")
			clients.run(t, 100, 5*time.Second, share{path: "/refused", of: 20}, share{path: "/broken", of: 10})
			clients.all()
			n.agrees(t, s, begin, clients, c.losses)
			sourcesHold(t, s)
		})
	}
}
