// Package journal reads systemd's journal through journalctl, which needs no
// library of systemd in this program, and writes it to streams: one for each
// program and host (segment.Set).
//
// An entry becomes one line with a header of RFC 5424, which keeps its priority,
// microseconds, host, program and pid, and leaves the text as the program wrote
// it; a line end in it is written as #012. The line also carries the entry's
// cursor and a number. So the last line on disk says where to go on, and what a
// kill leaves behind is exact: nothing twice, nothing missing.
//
// It promises that entries of any size and with any bytes are read in bounded
// memory, and that what the disk does not take is read again later, since the
// journal keeps it.
//
// It leaves out what the journal itself dropped (rate limits, vacuumed files):
// journald tells of the first in entries of its own.
//
// https://systemd.io/JOURNAL_EXPORT_FORMATS/
package journal
