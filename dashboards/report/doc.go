// Package report writes what a run found: for a terminal (Text), a ticket or a
// channel (Markdown), other programs (JSON, CSV, NDJSON), the story of a single
// request (Explain) and the progress of a run (Progress).
//
// Every writer keeps one promise: nothing of a log reaches its reader raw.
// Control bytes, escape sequences, bytes that are no UTF-8 and characters that
// reorder or hide text come out as \xNN and \uNNNN; log text in Markdown stands
// in code spans, in CSV it cannot begin a formula.
//
// The package computes no verdicts. It says what package aggregate counted and
// package rules concluded, and leaves out what neither of them knows.
package report
