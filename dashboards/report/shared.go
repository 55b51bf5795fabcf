package report

import (
	"encoding/json"
	"io"
	"reflect"
)

// What the page of package web says in the same words as the terminal.

// Ratio is Share for a ratio that comes without its counts.
func Ratio(x float64) string { return ratio(x) }

// Family is the letter of the family that a cause belongs to, '?' for none.
func Family(slug string) rune { return family(slug) }

// ProgramName is how a program's makers write its name.
func ProgramName(p string) string { return programName(p) }

// UpperFirst begins a sentence with words that stood in the middle of one.
func UpperFirst(s string) string { return upper(s) }

// WhyMissing says in words why a log that would decide does not.
func WhyMissing(why string) string { return whyMissing(why) }

// A Place is an answer of the first split: how far failed requests came.
type Place struct{ Key, Words string }

// Places returns the answers in their fixed order. "not_sent" is left out of
// views where it is zero.
func Places() []Place {
	out := make([]Place, len(places))
	for i, p := range places {
		out[i] = Place{p.key, p.words}
	}
	return out
}

// Value writes any of the project's values as one line of JSON: lists and maps
// without entries are [] and {}, never null; bytes that are not UTF-8 are \xNN,
// and what a terminal obeys or what hides text is escaped.
func Value(w io.Writer, v any) error {
	b, err := json.Marshal(tidy(reflect.ValueOf(v)).Interface())
	if err != nil {
		return err
	}
	_, err = w.Write(append(inJSON(b), '\n'))
	return err
}
