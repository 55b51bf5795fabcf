// Package traffic turns requests into numbers that stay small however many
// requests there are: counts by key in minutes of their end, latency
// histograms, and the stateless function that makes a route of a path. Who
// reads logs counts their traffic with it, who diagnoses counts failures.
//
// It promises exact counts (folding rare keys into "other" moves a count, it
// loses none), bounded memory, and results that do not depend on the order of
// what was added, as long as no bound was met. It has no clock and starts
// nothing; a Table belongs to one goroutine.
//
// It leaves out who is counted: which requests are failures, and whose traffic
// is client-facing, is decided before.
package traffic
