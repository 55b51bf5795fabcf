// Package correlate is the windowed join: Records in, failed Requests out.
//
// It works in event time. Records are kept in a Ring, encoded, in segments that
// know their time range and the keys in them. A failed Record waits until
// everything that could add to it must have been read, then the join climbs
// from it to the outermost hop that is known (the root) and asks from there
// downwards: the failure asks (Want), who has matching Records answers
// (Answer), and whoever holds the candidates decides joins without a shared id.
//
// Beside them a Load counts what each source saw of its own traffic, second by
// second: what was in flight, and after how long it ended. A Request is given
// what its hops counted around it (Neighbours), never a neighbour's Record, so
// which of the healthy Records are at hand changes no verdict.
//
// The package starts no goroutine, reads no clock and opens no file: the Ring
// spills to what it is given.
package correlate
