package rules

import (
	"fmt"
	"strings"
)

// A template is a sentence with holes in braces.
type template []piece

type piece struct{ text, hole string }

// templates parses alternatives, divided by |. The first whose holes can all
// be filled is said.
func templates(s string) ([]template, error) {
	if s == "" {
		return nil, nil
	}
	var all []template
	for alternative := range strings.SplitSeq(s, "|") {
		var t template
		rest := strings.TrimSpace(alternative)
		for rest != "" {
			text, after, ok := strings.Cut(rest, "{")
			if text != "" {
				t = append(t, piece{text: text})
			}
			if !ok {
				break
			}
			hole, tail, ok := strings.Cut(after, "}")
			if !ok || hole == "" || len(hole) > 32 || strings.ContainsAny(hole, " {") {
				return nil, fmt.Errorf("a hole in the words %q is not closed", alternative)
			}
			t = append(t, piece{hole: hole})
			rest = tail
		}
		all = append(all, t)
	}
	return all, nil
}

// say fills the first alternative that can be filled.
func say(all []template, fill func(hole string) string) string {
	var b strings.Builder
next:
	for _, t := range all {
		b.Reset()
		for _, p := range t {
			if p.hole == "" {
				b.WriteString(p.text)
				continue
			}
			s := fill(p.hole)
			if s == "" {
				continue next
			}
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}
