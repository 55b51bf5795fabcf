// Package cli is the command line of why503: arguments in, exit code out.
//
// It promises the exit codes of exit.go, reports on standard output and
// everything else on standard error, where every message says what stood in
// the way and what to do. Nothing of a log, a path or an argument reaches
// either of them raw. What the commands do is app's and the packages' below.
package cli
