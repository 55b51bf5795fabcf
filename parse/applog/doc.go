// Package applog reads the logs of the programs behind the proxy, and of what
// starts, stops and replaces them: JSON lines, logfmt, plain lines with their
// stack traces, PHP-FPM's three logs, service managers, deploy tools and
// syslog files that mix them.
//
// The zero value of each parser is ready for use. All have Zone and Base for
// stamps that print no zone or no year; without a Base such a stamp gives no
// time. A parser reads one line at a time, keeps no more than one open record
// (Plain and Syslog hold a stack trace back, FPMSlow a trace), and bounds all
// that it keeps.
//
// It promises that a Note quotes its physical line verbatim. It leaves out
// which format a file has (parse/detect), wrappers around lines such as
// Docker's or CRI's (parse/frame), and what a text means (parse/recognise).
package applog

const (
	// maxQuote bounds Note.Line: a longer line is quoted around the text.
	maxQuote = 1024
	// maxNotes bounds the Notes of one record. The first and the last lines of
	// a trace name its cause, so the last place is kept for the newest.
	maxNotes = 24
	// maxID bounds request ids; longer ones are somebody's payload.
	maxID = 200
)
