// Package doctor finds the logs of the proxies and programs that run on a
// machine, and says which questions about a failed request they can answer, and
// what to paste so that they answer the others.
//
// Discover looks at the processes, at the configurations that these were
// started with, at the files that they hold open, and at the folders where the
// packages of distributions put logs. It takes the machine as a file system, so
// that it can be tried on any tree, and starts nothing. Everything that it
// reads is bounded.
//
// It leaves out what is not on this machine, and containers: their logs are
// found by the names of sources.docker and sources.pods.
package doctor
