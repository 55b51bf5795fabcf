// Package frame takes lines out of what they are wrapped in: blocks of a
// stream, compression, and the envelopes that container engines and syslog put
// around the lines of another program.
//
// It promises bounded memory for any input: a line of 100 MB is handed out as
// its beginning, a decompression bomb is streamed. Offsets and line numbers
// are always those of the physical line in the uncompressed stream. NUL bytes
// and invalid UTF-8 pass through unchanged.
//
// It leaves out which format a line has (package detect) and following a file
// that grows. It starts no goroutines and opens no files.
package frame
