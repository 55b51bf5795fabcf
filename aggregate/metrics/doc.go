// Package metrics tells Prometheus what the aggregating side does: which
// requests failed and why, what joining lost, how long the store takes.
//
// It promises that the number of series is bounded whatever the logs say: a
// cause that is not in the taxonomy is "other", and of backends and sites those
// seen most have a name of their own, the rest is "other". A request that
// failed is named by exemplars only.
//
// It leaves out who serves them, and what is read: package ingest counts that.
// All methods may be called from several goroutines.
package metrics
