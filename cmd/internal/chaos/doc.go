// Package chaos kills `why503 serve` while daemons write and logrotate rotates,
// and compares what is stored at the end with what was written.
//
// It promises that a seed gives the same requests, disturbances and kills (when
// which byte is read is up to the machine), and that the truth does not pass
// through what it judges: who writes the logs knows what became of each request
// and counts what it wrote, and an analysis of complete copies, which no rotation
// touched, says what the same lines mean when they are read in peace.
//
// It leaves out lines that are lost before they reach a file, and crashes of the
// machine, which cost the last commits of the store by design.
package chaos
