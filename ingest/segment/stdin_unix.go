//go:build unix

package segment

import "syscall"

const nonblock = syscall.O_NONBLOCK
