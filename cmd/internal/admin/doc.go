// Package admin is what operators and their programs ask a running process:
// /metrics, /healthz, /readyz, and /debug/pprof for whoever is on the machine
// itself.
//
// It promises that a scrape is bounded in time and number. It leaves out the
// listener, TLS and who may ask: that is for the server that mounts it.
package admin
