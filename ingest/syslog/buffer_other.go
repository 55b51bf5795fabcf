//go:build unix && !linux

package syslog

import "syscall"

// raise sets a socket's receive buffer and returns what it is then.
func raise(fd, size int) int {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, size) // told by its effect
	n, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return n
}
