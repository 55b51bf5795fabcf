// Package tail follows log files that grow, through every way in which they
// are rotated.
//
// It promises that each complete line is handed out once, in order, and that
// reading goes on at a saved Position after a restart: in the same file, in
// the file under its rotated name, in its .gz, or in the copy that copytruncate
// made, and then through all files that followed it. A file is known by its
// content and inode, never by its path. What cannot be read any more is
// counted in Stats, as a lower bound.
//
// A File is pulled from one goroutine and never blocks or starts one. A file
// without news costs one stat a poll and no descriptor beyond the bound of its
// Handles. Discovery finds the files to follow; a Watcher wakes who waits, but
// polling alone is enough, as on network file systems.
//
// # What a line is named by
//
// A record's id hangs on a fingerprint and an offset. The fingerprint of a line
// is the SHA-256, cut to 16 bytes, of its file's uncompressed content up to the
// end of that line, of its first 1,024 bytes at most. It depends on bytes alone
// that stand when the line is complete, so it is the same when the file has
// grown, after a restart, under another name, in a copy and in a .gz. For a
// line that ends behind the first 1,024 bytes it is what package ingest takes
// for the fingerprint of that file. Two files of one path in a row whose first
// 1,024 bytes are the same (a long banner) are told apart by mixing in the
// fingerprint of the one before.
//
// It leaves out what the lines mean, and when a partial last line is done: a
// rotation flushes it, everything else is for the caller to decide.
package tail
