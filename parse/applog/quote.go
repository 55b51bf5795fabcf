package applog

import (
	"bytes"

	"why503/parse"
)

// addNote keeps the first notes and the last one, and drops repeats and empty
// ones.
func addNote(r *parse.Record, n parse.Note) {
	if len(n.Text) == 0 {
		return
	}
	for i := range r.Notes {
		if r.Notes[i].Field == n.Field && bytes.Equal(r.Notes[i].Text, n.Text) {
			return
		}
	}
	if len(r.Notes) == maxNotes {
		r.Notes[maxNotes-1] = n
		return
	}
	r.Notes = append(r.Notes, n)
}

// quote gives the line, or of a long one the part around at.
func quote(line []byte, at int) []byte {
	if len(line) <= maxQuote {
		return line
	}
	from := max(0, min(at-64, len(line)-maxQuote))
	to := from + maxQuote
	for from < to && line[from]&0xC0 == 0x80 { // not inside a character
		from++
	}
	for to > from && to < len(line) && line[to]&0xC0 == 0x80 {
		to--
	}
	return line[from:to]
}
