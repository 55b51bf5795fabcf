package recognise

import "slices"

// An automaton finds which of many literals stand in a text, in one pass
// (Aho and Corasick, "Efficient string matching", 1975). It is a complete
// transition table over classes of bytes: bytes that stand in no literal share
// class 0.
type automaton struct {
	class   [256]uint8
	classes int
	next    []uint16 // state*classes + class -> state
	from    []uint32 // where the outputs of a state begin in outputs
	outputs []uint16 // literals found on entering a state
}

// A literal is a text to find and what to report when it is found.
type literal struct {
	text string
	id   uint16
}

// newAutomaton builds an automaton. With folded, literals must be lower case
// and are found in any case. It returns nil when there is nothing to find.
func newAutomaton(literals []literal, folded bool) *automaton {
	if len(literals) == 0 {
		return nil
	}
	a := &automaton{classes: 1}
	for _, l := range literals {
		for i := 0; i < len(l.text); i++ {
			if b := l.text[i]; a.class[b] == 0 {
				a.class[b] = uint8(a.classes)
				a.classes++
			}
		}
	}
	if folded {
		for b := byte('a'); b <= 'z'; b++ {
			a.class[b-'a'+'A'] = a.class[b]
		}
	}
	found := a.trie(literals)
	a.complete(found)
	return a
}

// trie enters all literals and returns what each state reports by itself.
func (a *automaton) trie(literals []literal) [][]uint16 {
	a.next = make([]uint16, a.classes)
	found := [][]uint16{nil} // of the first state, which reports nothing
	for _, l := range literals {
		state := 0
		for i := 0; i < len(l.text); i++ {
			at := state*a.classes + int(a.class[l.text[i]])
			if a.next[at] == 0 {
				a.next[at] = uint16(len(found))
				found = append(found, nil)
				a.next = append(a.next, make([]uint16, a.classes)...)
			}
			state = int(a.next[at])
		}
		found[state] = append(found[state], l.id)
	}
	if len(found) > 1<<16 {
		panic("recognise: too many states") // embedded data; held by a test
	}
	return found
}

// complete fills the table: where the trie has no way on, it goes on as the
// longest proper suffix would that is itself the beginning of a literal.
func (a *automaton) complete(found [][]uint16) {
	suffix := make([]uint16, len(found))
	queue := make([]uint16, 0, len(found))
	for c := range a.classes {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for i := 0; i < len(queue); i++ {
		s := int(queue[i])
		back := int(suffix[s])
		found[s] = append(found[s], found[back]...)
		for c := range a.classes {
			at, other := s*a.classes+c, a.next[back*a.classes+c]
			if n := a.next[at]; n != 0 {
				suffix[n] = other
				queue = append(queue, n)
			} else {
				a.next[at] = other
			}
		}
	}
	a.from = make([]uint32, len(found)+1)
	for s, ids := range found {
		slices.Sort(ids)
		a.outputs = append(a.outputs, slices.Compact(ids)...)
		a.from[s+1] = uint32(len(a.outputs))
	}
}

// renumber replaces each reported id by its entry in ids.
func (a *automaton) renumber(ids []uint16) {
	if a == nil {
		return
	}
	for i, id := range a.outputs {
		a.outputs[i] = ids[id]
	}
}

// mark sets the bit of every literal that stands in text.
func (a *automaton) mark(text []byte, found *bitset) {
	state := 0
	for _, b := range text {
		state = int(a.next[state*a.classes+int(a.class[b])])
		if lo, hi := a.from[state], a.from[state+1]; lo != hi {
			for _, id := range a.outputs[lo:hi] {
				found.set(id)
			}
		}
	}
}

// maxRows is how many rows one index can hold.
const maxRows = 1024

type bitset [maxRows / 64]uint64

func (b *bitset) set(i uint16) { b[i/64] |= 1 << (i % 64) }

func (b *bitset) has(i uint16) bool { return b[i/64]&(1<<(i%64)) != 0 }
