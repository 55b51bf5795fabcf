// Package fact names failed requests and lets them grow.
//
// A Record's id is a hash of where it stands in its source, never of a clock or
// of how it was delivered; a Request's uid is the id of its root. A Request
// only ever gains Records, and its version says how complete it is, so that a
// replay or a poorer copy never replaces a richer one.
package fact
