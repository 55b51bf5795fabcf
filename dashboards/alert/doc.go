// Package alert tells people and other programs of incidents: when one opens,
// when its cause turns out to be another, and when it is over; and of budgets
// that burn (package slo).
//
// It promises one message an incident and channel, edited where the channel can
// be edited, and a new one only for a change of cause and the end. Messages go
// through an outbox that outlives the program, so each is sent at least once;
// where the receiver can tell repeats, it gets the key to. A flood of incidents
// becomes one digest.
//
// What leaves the host is redacted: no client's address, no query string, no
// cookie, no password. Text of logs was written by strangers: it is shown
// escaped, and for each channel so that it is text there and nothing else.
// Secrets are in no message of this program, also not in errors.
//
// It leaves out who is on duty and who has taken note: the channels do that.
package alert
