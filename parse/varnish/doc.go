// Package varnish reads what Varnish Cache writes about requests:
//
//   - Log: varnishlog text as written by -g request, vxid, session and raw,
//     with or without -v. One Record a transaction.
//   - NCSA: varnishncsa lines of any -F format, and its JSON.
//   - ReadVCL and ReadParams: backends, timeouts and other settings that
//     explain the times seen in the logs.
//
// It promises that nothing in its input makes it panic or hold memory without
// bound, that what belongs together is decided by VXID, Begin and Link alone
// and never by nearness in the file, and that each Note quotes its line as it
// stands. Versions 4.0 to 8.0 are known.
//
// It leaves out the binary log (varnishlog -w), which only the tools of the
// same Varnish version read, and joins no transactions: that is the work of
// package correlate.
//
// Formats: https://varnish-cache.org/docs/trunk/reference/vsl.html and
// https://varnish-cache.org/docs/trunk/reference/varnishncsa.html.
package varnish
