// Package ingest finds the files that a command was given, puts rotated ones
// in order, and reads them.
//
// It promises that one file is read once however it was named, that a file and
// its rotated siblings are one stream, that a path which cannot be read is
// named and explained while the others are read, that damage in one part does
// not end a stream, and that the number of open files is bounded. Reading is
// pulled: it starts no goroutines.
//
// It leaves out what the lines mean (parse and its children), merging sources
// by time (ingest/merge) and following files that grow.
package ingest
