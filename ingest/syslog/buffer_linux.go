package syslog

import "syscall"

// raise sets a socket's receive buffer, beyond the system's bound where this
// process may, and returns what it is then. The kernel says twice of what it
// gives for data (socket(7)).
func raise(fd, size int) int {
	if syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, size) != nil {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, size) // told by its effect
	}
	n, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return n / 2
}
