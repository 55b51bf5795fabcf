package alert

import "strings"

// mark says at a glance whether requests fail.
func (a *Alert) mark() string {
	if a.Firing {
		return "●"
	}
	return "○"
}

// plain is the alert as text, with nothing in it that a channel could read as
// more: escaped, and without formatting.
func (a *Alert) plain() string {
	var b strings.Builder
	line := func(parts ...string) {
		if text := strings.Join(parts, ""); text != "" {
			b.WriteString(text + "\n")
		}
	}
	line(a.mark(), " ", a.Title)
	line(a.Sentence)
	line(a.facts())
	if a.Quote != "" {
		line("│ ", a.Quote, "    ", a.Source)
	}
	for _, l := range a.Digest {
		line(l)
	}
	if a.Do != "" && a.Firing {
		line("do    ", a.Do)
	}
	line(prefixed("next  ", a.Next))
	line(prefixed("see   ", a.Link))
	return b.String()
}

// facts are cause and where, in one line.
func (a *Alert) facts() string {
	var parts []string
	if a.Causes != "" {
		parts = append(parts, "cause  "+a.Causes)
	}
	if a.Where != "" {
		parts = append(parts, "where  "+a.Where)
	}
	return strings.Join(parts, " · ")
}

func prefixed(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}
