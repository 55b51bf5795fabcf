// Package wire is what collectors and aggregators say to each other: which
// sources there are, Records, wants, answers and progress.
package wire
