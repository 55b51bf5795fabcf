//go:build !unix

package segment

const nonblock = 0
