package web

import (
	"why503/dashboards/report"
)

// A family of causes has a hue that says where to look, and a fill that tells
// it from the others of that hue.
type family struct {
	Letter string
	Name   string
	Hue    string // origin, slow, data, path, proxy, host, grey: variables of the style sheet
	Fill   string // solid, hatched, dotted
}

var families = []family{
	{"A", "application", "origin", "solid"}, {"O", "overload", "origin", "hatched"},
	{"S", "slow origin", "slow", "solid"}, {"H", "health checks", "slow", "hatched"},
	{"D", "database", "data", "solid"},
	{"N", "network", "path", "solid"}, {"R", "names and routing", "path", "hatched"}, {"T", "TLS", "path", "dotted"},
	{"P", "proxy settings", "proxy", "solid"}, {"Q", "limits and queues", "proxy", "hatched"},
	{"L", "platform", "host", "solid"},
	{"?", "not known", "grey", "hatched"}, {"X", "on purpose", "grey", "dotted"},
}

func familyOf(slug string) family {
	letter := string(report.Family(slug))
	for _, f := range families {
		if f.Letter == letter {
			return f
		}
	}
	return family{Letter: letter, Name: "others", Hue: "grey", Fill: "hatched"}
}

// other is what is left beside the largest causes.
const other = "other"

// A swatch is how a cause is filled: the pattern of its family, a lighter one
// for the second cause of a family in the same plot.
type swatch struct {
	Letter, Hue string
	Pattern     string // id
	Second      bool
}

// swatches gives each cause its fill, in order.
func swatches(causes []string) []swatch {
	seen := map[string]int{}
	out := make([]swatch, len(causes))
	for i, c := range causes {
		f := familyOf(c)
		s := swatch{Letter: f.Letter, Hue: f.Hue, Pattern: patternID(f.Letter, false)}
		if c == other {
			s = swatch{Letter: "", Hue: "grey", Pattern: "p-other"}
		} else if seen[f.Letter]++; seen[f.Letter] > 1 {
			s.Second, s.Pattern = true, patternID(f.Letter, true)
		}
		out[i] = s
	}
	return out
}

func patternID(letter string, second bool) string {
	id := "p-" + letter
	if letter == "?" {
		id = "p-u"
	}
	if second {
		id += "2"
	}
	return id
}

// A pattern is a fill in the defs of a page.
type pattern struct{ ID, Hue, Fill string }

// patterns are the fills of all families.
func patterns() []pattern {
	out := []pattern{{"p-other", "grey", "solid"}, {"p-none", "quiet", "nodata"}}
	for _, f := range families {
		out = append(out, pattern{patternID(f.Letter, false), f.Hue, f.Fill}, pattern{patternID(f.Letter, true), f.Hue + "2", f.Fill})
	}
	return out
}
