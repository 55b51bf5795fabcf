// Package live turns what collectors send, while it comes, into facts, minutes
// and incidents in a store: join, diagnose, roll up, write.
//
// It promises that a store is never told of a position in a source before it has
// what stands in front of it, so that after a crash everything is read again that
// may still be needed, and counted once; that a fact is written as soon as there
// is one, again when it grows, and for the last time when it had the time to be
// complete; and that a source without news holds nothing back.
//
// It leaves out how messages travel, what reads the logs, and who looks at the
// result.
package live
