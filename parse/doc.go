// Package parse holds the vocabulary that the other packages share: a Record
// (what one log line or one Varnish transaction says), the Notes in it (the
// texts that may name a cause), and a Request (a failed request with every
// Record that was joined to it). Beside it stand the readers of what lines of
// all formats hold: stamps, numbers, URLs, ids and escapes.
//
// Its children hold the formats, one package a family of programs: bytes in,
// Records out. Nothing in this package or below it opens files, keeps time or
// starts goroutines.
package parse
