// Package wire is what collectors and aggregators say to each other: which
// sources there are, Records, wants, answers and progress; and how a store
// keeps a Request or a Record.
//
// The encoding is Protobuf (why503.proto) in an envelope with a version, read
// and written by hand: a storm is made of these messages. It promises that old
// and new releases understand each other within a version, that any bytes are
// read without harm and in memory bounded by their length, and that a field of
// a Record that is not encoded fails a test.
//
// It leaves out how messages travel, compression, and whose source a SourceID
// is: numbers of sources are good between one sender and one receiver.
package wire
