package recognise

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	// maxNeed bounds a required literal: longer ones would only make the
	// automaton larger, not the choice better.
	maxNeed = 14
	// maxNeeds bounds the literals of one row, that is its alternatives.
	maxNeeds = 24
)

// An expression is a row's regular expression.
type expression struct{ *regexp.Regexp }

// compile fills what can be told from a row's expression alone.
func (e *Event) compile(source string) error {
	re, err := regexp.Compile(source)
	if err != nil {
		return err
	}
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return err
	}
	tree = tree.Simplify()
	e.expr.Regexp = re
	e.fixed = fixedBytes(tree)
	e.full = anchored(tree)
	e.needs, e.folded = required(tree)
	return nil
}

// required returns literals of which every match of the tree contains at
// least one, chosen so that the shortest of them is as long as possible.
func required(tree *syntax.Regexp) (needs []string, folded bool) {
	needs = needsOf(tree)
	for i, n := range needs {
		if strings.HasPrefix(n, foldMark) {
			folded = true
		}
		needs[i] = strings.TrimPrefix(n, foldMark)
	}
	for i, n := range needs {
		if folded {
			n = strings.ToLower(n)
		}
		if len(n) > maxNeed {
			n = n[:maxNeed]
		}
		needs[i] = n
	}
	return needs, folded
}

// foldMark stands before a literal that is compared without regard to case.
const foldMark = "\x00"

func needsOf(t *syntax.Regexp) []string {
	switch t.Op {
	case syntax.OpLiteral:
		s := string(t.Rune)
		if t.Flags&syntax.FoldCase != 0 {
			for _, r := range t.Rune {
				if r >= 0x80 {
					return nil // folding beyond ASCII is left to the expression
				}
			}
			// K and S have partners beyond ASCII (Kelvin sign, long s), which no
			// program prints: a line that has them is not one of ours.
			s = foldMark + s
		}
		return []string{s}
	case syntax.OpCapture, syntax.OpPlus:
		return needsOf(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return needsOf(t.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range t.Sub {
			if n := needsOf(sub); better(n, best) {
				best = n
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range t.Sub {
			n := needsOf(sub)
			if n == nil || len(all)+len(n) > maxNeeds {
				return nil
			}
			all = append(all, n...)
		}
		return all
	}
	return nil
}

func better(a, b []string) bool {
	if a == nil || b == nil {
		return b == nil && a != nil
	}
	la, lb := shortest(a), shortest(b)
	return la > lb || la == lb && len(a) < len(b)
}

func shortest(list []string) int {
	n := len(strings.TrimPrefix(list[0], foldMark))
	for _, s := range list[1:] {
		n = min(n, len(strings.TrimPrefix(s, foldMark)))
	}
	return n
}

// fixedBytes returns how many bytes of literal text stand in every match.
func fixedBytes(t *syntax.Regexp) int {
	switch t.Op {
	case syntax.OpLiteral:
		return len(string(t.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		return fixedBytes(t.Sub[0])
	case syntax.OpRepeat:
		return t.Min * fixedBytes(t.Sub[0])
	case syntax.OpConcat:
		n := 0
		for _, sub := range t.Sub {
			n += fixedBytes(sub)
		}
		return n
	case syntax.OpAlternate:
		n := fixedBytes(t.Sub[0])
		for _, sub := range t.Sub[1:] {
			n = min(n, fixedBytes(sub))
		}
		return n
	}
	return 0
}

// anchored reports whether a match is the whole text.
func anchored(t *syntax.Regexp) bool {
	if t.Op == syntax.OpAlternate {
		for _, sub := range t.Sub {
			if !anchored(sub) {
				return false
			}
		}
		return true
	}
	return t.Op == syntax.OpConcat && len(t.Sub) > 1 &&
		t.Sub[0].Op == syntax.OpBeginText && t.Sub[len(t.Sub)-1].Op == syntax.OpEndText
}
