package recognise

import (
	"strings"
	"testing"
)

// The automaton finds exactly what a search for each literal finds.
func FuzzAutomaton(f *testing.F) {
	f.Add("he|she|his|hers|e", "ushers")
	f.Add("ab|b|bab", "abab")
	f.Add("A|a", "aA")
	f.Fuzz(func(t *testing.T, words, text string) {
		var list []literal
		for i, w := range strings.Split(words, "|") {
			if w != "" && i < 64 && len(w) < 64 {
				list = append(list, literal{w, uint16(i)})
			}
		}
		a := newAutomaton(list, false)
		if a == nil {
			return
		}
		var found bitset
		a.mark([]byte(text), &found)
		for _, l := range list {
			if found.has(l.id) != strings.Contains(text, l.text) {
				t.Errorf("%q in %q: %v", l.text, text, found.has(l.id))
			}
		}
	})
}

func TestFoldedAutomaton(t *testing.T) {
	a := newAutomaton([]literal{{"too busy", 1}, {"x9", 2}}, true)
	var found bitset
	a.mark([]byte("the server is Too BUSY"), &found)
	if !found.has(1) || found.has(2) {
		t.Errorf("found %v", found[0])
	}
}
