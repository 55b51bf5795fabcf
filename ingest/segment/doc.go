// Package segment keeps a stream that is no file, such as syslog or a child's
// output, as a bounded row of files, so that the rest of the program follows
// and reads again what it needs as it does with any log.
//
// A stream is a folder: a file "stream" with its random identity and the next
// number, and segments 00000001.log, 00000002.log... of whole lines. It
// promises that
//
//   - lines are only ever written whole, in the order of the calls to Append,
//     and a block that was given to one call is never divided by another's lines
//     nor over two segments;
//   - a number is used once: every Open begins a new segment, so that a
//     position (segment, offset) and the record id made of it mean the same
//     bytes for ever, after a kill -9 or a power cut too;
//   - what Append has returned for is with the kernel and survives a kill -9.
//     Against a power cut, files are synced when they are full, at Close and by
//     Sync, which is to be called before a position is stored elsewhere;
//   - size and age are bounded: the oldest segment goes first, and what of it
//     nobody had read (see Release) is counted as lost, with the reason;
//   - Append waits for the disk and for nothing else.
//
// It leaves out what the lines mean, and who else may write: one process holds
// the folder (by a lock, where the system has flock).
package segment
