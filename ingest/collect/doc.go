// Package collect reads all sources of a host as they grow, and tells what
// failed: it follows each source, parses it, sends failed Records and signals
// at once, counts the rest, and answers who wants to know more by reading again
// where it stands. It keeps no healthy Record: the log file is the ring.
//
// It promises that what it sends is complete up to the position that it sends
// with it (wire.Progress), so that reading can go on there after a restart:
// nothing is missing, and what is sent again carries the same ids.
//
// A Collector runs in one goroutine. It leaves out what the Records mean, and
// where positions are kept.
package collect
