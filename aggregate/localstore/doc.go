// Package localstore keeps facts and what was counted in one SQLite file, for
// `why503 serve` and `why503 analyze --into`. It is in pure Go.
//
// It promises that a batch is in the file whole or not at all, whenever the
// process ends, and that the rollups of a minute are at every commit those of
// the facts of that minute, in whatever order, pieces and repetitions they
// came. Reads see one state of the file and do not wait for writes. A damaged
// file is set aside and the store goes on with what could be read of it.
//
// It leaves out what a failure is and what an incident is: both are told.
// Maintain sums up hours and days and forgets what is old; somebody has to call
// it, once a minute.
package localstore
