// Package recognise turns the text of a log line into an event of the
// taxonomy: what the program meant by it, and which cause it names or points
// to.
//
// The taxonomy is data, embedded from taxonomy/*.tsv: one row an event, with
// the place it is written in (a VSL tag, a field of an access line, a
// program's log), its literal text, an RE2 expression, and the slug of a cause
// in causes.tsv. Rows that we add to it stand in own.tsv.
//
// A text is only compared with the rows of its parse.Field. An Aho-Corasick
// automaton finds the rows whose required literal stands in the text; of these
// the most specific one whose expression matches is the event. A text that
// holds no literal costs one pass over its bytes and no allocation.
//
// Annotate does this for the Notes of a Record, whose field a parser already
// knows. Lookup does it for a line that a person pasted, which may be a
// physical line of any program or a bare message: it first tells by shape
// where the text stood.
//
// The package says what a text means where it stands. It does not join
// records, weigh one event against another, or decide what a request died of.
package recognise
