package report

import (
	"cmp"
	"slices"

	"why503/parse"
)

// again reports whether a record is a further attempt at the same.
func again(r *parse.Record) bool {
	return r != nil && r.Tx != nil && (r.Tx.Reason == parse.ReasonRetry || r.Tx.Reason == parse.ReasonRestart)
}

// tries divides the parts: each belongs to the nearest of its ancestors that
// began a try. heads are the beginnings, in order of time.
func (e *explainer) tries() (owner, heads []int) {
	parts := e.q.Parts
	owner = make([]int, len(parts))
	heads = []int{0}
	for i := range parts {
		owner[i] = -1
	}
	var find func(i, depth int) int
	find = func(i, depth int) int {
		if owner[i] >= 0 {
			return owner[i]
		}
		r := parts[i].Record
		parent := parts[i].Parent
		switch {
		case i == 0 || depth > len(parts):
			owner[i] = 0
		case again(r) || r != nil && r.Tx != nil && r.Tx.Reason == parse.ReasonESI:
			owner[i] = i
		case parent < 0 || parent >= len(parts) || parent == i:
			owner[i] = 0
		default:
			owner[i] = find(parent, depth+1)
		}
		return owner[i]
	}
	for i := range parts {
		if find(i, 0) == i && i > 0 {
			heads = append(heads, i)
		}
	}
	slices.SortStableFunc(heads[1:], func(a, b int) int {
		return cmp.Compare(e.start(a), e.start(b))
	})
	return owner, heads
}
