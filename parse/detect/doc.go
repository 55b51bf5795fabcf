// Package detect tells from content which format a log has, and which envelope
// its lines stand in.
//
// Every known format is tried on the lines of a sample: by the shape of the
// line, then by the parser of the format itself. Formats that are known but not
// read are named, so that a database's log is not taken for an application's.
// A file's name is used for nothing but to break ties.
//
// It promises an answer for any bytes: a format, a format that is not read, or
// "not known" with what came nearest. It leaves out custom formats, which
// ByName makes from their definition, and reads no files.
package detect
