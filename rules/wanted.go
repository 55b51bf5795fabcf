package rules

import "why503/parse"

// Wanted lists the logs of a kind that would decide some cause, each with what
// to paste so that it is there. A text that several causes share stands once.
func (s *Set) Wanted(kind parse.SourceKind) []Missing {
	var all []Missing
	seen := make(map[string]bool)
	for i := range s.wants {
		if w := &s.wants[i]; w.kind == kind && !seen[w.snippet] {
			seen[w.snippet] = true
			all = append(all, Missing{Source: w.source, Kind: w.kind, WouldDecide: w.decides, Snippet: w.snippet})
		}
	}
	return all
}
