package recognise

import (
	"cmp"
	"math/bits"
	"slices"
)

// maxText bounds what an expression reads of a text, and with it the time
// that a hostile line can take.
const maxText = 8 << 10

// An index holds the rows that a text of one place is compared with.
type index struct {
	rows   []*Event // most specific first
	exact  *automaton
	folded *automaton
	always bitset // rows that have no required literal
	words  int    // words of a bitset that are in use
}

func newIndex(rows []*Event) *index {
	if len(rows) == 0 {
		return nil
	}
	if len(rows) > maxRows {
		panic("recognise: too many rows in one place") // embedded data; held by a test
	}
	x := &index{rows: rows, words: (len(rows) + 63) / 64}
	var exact, folded []literal
	for i, e := range rows {
		if len(e.needs) == 0 {
			x.always.set(uint16(i))
		}
		for _, n := range e.needs {
			if e.folded {
				folded = append(folded, literal{n, uint16(i)})
			} else {
				exact = append(exact, literal{n, uint16(i)})
			}
		}
	}
	x.exact, x.folded = newAutomaton(exact, false), newAutomaton(folded, true)
	return x
}

// sort puts the most specific rows first, where their bits are looked at first.
func (x *index) sort() {
	if x == nil {
		return
	}
	order := make([]uint16, len(x.rows)) // new place -> old place
	for i := range order {
		order[i] = uint16(i)
	}
	slices.SortStableFunc(order, func(a, b uint16) int {
		return cmp.Compare(x.rows[b].Specificity, x.rows[a].Specificity)
	})
	rows, moved := make([]*Event, len(order)), make([]uint16, len(order))
	var always bitset
	for to, from := range order {
		rows[to], moved[from] = x.rows[from], uint16(to)
		if x.always.has(from) {
			always.set(uint16(to))
		}
	}
	x.rows, x.always = rows, always
	x.exact.renumber(moved)
	x.folded.renumber(moved)
}

// best returns the most specific row that matches; nil when none does.
func (x *index) best(text []byte) *Event {
	if x == nil {
		return nil
	}
	text = bounded(text)
	found := x.candidates(text)
	for w, word := range found[:x.words] {
		for ; word != 0; word &= word - 1 {
			e := x.rows[w*64+bits.TrailingZeros64(word)]
			if e.expr.Match(text) {
				return e
			}
		}
	}
	return nil
}

// all appends every row of at least that class that matches to list, most
// specific first.
func (x *index) all(list []*Event, text []byte, least class) []*Event {
	if x == nil {
		return list
	}
	text = bounded(text)
	found := x.candidates(text)
	for i, e := range x.rows {
		if found.has(uint16(i)) && e.class >= least && e.expr.Match(text) {
			list = append(list, e)
		}
	}
	return list
}

// candidates marks the rows whose required literal stands in text.
func (x *index) candidates(text []byte) bitset {
	found := x.always
	if x.exact != nil {
		x.exact.mark(text, &found)
	}
	if x.folded != nil {
		x.folded.mark(text, &found)
	}
	return found
}

func bounded(text []byte) []byte { return text[:min(len(text), maxText)] }
