package rules

import (
	"strings"

	"why503/parse/recognise"
)

// phrase says a cause in words when no rule has better ones: the title of its
// row as a clause.
func phrase(slug string) string {
	c := recognise.CauseOf(slug)
	if c == nil {
		return slug
	}
	return strings.TrimSuffix(lowerFirst(c.Definition), ".")
}

// lowerFirst leaves acronyms (VCL, DNS, TLS) as they are.
func lowerFirst(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
