// Package labtest scores why503 against labelled incidents: logs that real
// daemons wrote while one known fault was switched on and off, with what really
// happened to every request.
//
// A profile says which logs are given, as a person has them: all with ids, none
// with an id, ungrouped varnishlog with JSON, or the proxy's log alone. The
// program is run as a command line, and the list of `--failures` is compared
// with the truth: every failed request, none extra, symptom, cause, how far it
// got, whether the logs can decide, and that every quoted line stands in its
// file. Mutants are the same incidents under other names, addresses, zones and
// formats: what keys on the sample fails there.
//
// It holds a handful of incidents; `make lab` scores a folder of many.
package labtest
