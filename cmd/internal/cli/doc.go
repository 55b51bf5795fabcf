// Package cli is the command line of why503: arguments in, exit code out.
package cli
