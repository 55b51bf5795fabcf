package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"why503/aggregate"
)

// Markdown writes the report for a ticket or a channel: the order and the
// words of Text, without its plot. Text of logs stands in code.
func Markdown(w io.Writer, s *aggregate.Summary, o Options) error {
	m := &markdown{w: bufio.NewWriter(w), Options: o.normal()}
	m.printf("**%s**\n", prose(Sentence(s, m.Zone)))
	if m.Quiet {
		return m.w.Flush()
	}
	full, rest := byUsers(s, m.All)
	if len(full) == 0 {
		v := whole(s)
		m.view(&v)
	}
	for _, in := range full {
		v := of(s, in)
		m.printf("\n## %s\n\n%s\n", in.Start.In(m.Zone).Format("Mon 2 Jan 2006 15:04:05 MST"), prose(IncidentSentence(s, in, m.Zone)))
		m.view(&v)
	}
	if len(rest) > 0 {
		m.printf("\n## More incidents\n\n")
		for i, in := range rest {
			if i == maxOneLine {
				m.printf("- and %d more\n", len(rest)-i)
				break
			}
			m.printf("- %s, %s, %s failed", in.Start.In(m.Zone).Format("Mon 2 Jan 15:04:05"), span(in.End.Sub(in.Start)), count(in.Failures))
			if len(in.Causes) > 0 {
				m.printf(", %s", code(groups(in.Causes)[0].Cause.Cause))
			}
			m.printf("\n")
		}
	}
	m.read(s)
	return m.w.Flush()
}

type markdown struct {
	Options
	w *bufio.Writer
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(m.w, format, args...) }

func (m *markdown) view(v *view) {
	cal := newCalendar(m.Zone, v.from, v.to)
	if v.from.IsZero() {
		m.printf("\n**when** no times\n")
	} else {
		m.printf("\n**when** %s\n", cal.both(v.from, v.to))
	}
	m.printf("\n**where** ")
	first := true
	for _, place := range places {
		n := v.reached[place.key]
		if place.key == "not_sent" && n == 0 {
			continue
		}
		if !first {
			m.printf(" · ")
		}
		first = false
		m.printf("%s %s", place.words, count(n))
	}
	m.printf("\n\n**cause**\n\n")
	if len(v.causes) == 0 {
		m.printf("none\n")
	}
	var n int64
	for i := range v.causes {
		c := &v.causes[i]
		if i >= maxCauses && !m.All {
			n += c.Count
			continue
		}
		m.printf("- %s, %s: %s, %s%s\n", count(c.Count), share(c.Count, v.failures), code(c.Cause.Cause), code(c.Layer), m.routes(c))
	}
	if n > 0 {
		m.printf("- and %d more, %s %s\n", len(v.causes)-maxCauses, count(n), plural(n, "request", "requests"))
	}
	m.chains(v)
	m.advice(v)
	m.unsure(v)
}

func (m *markdown) routes(c *group) string {
	var b strings.Builder
	for i, r := range c.Routes {
		if i == 3 && !m.All {
			fmt.Fprintf(&b, ", %d more routes", len(c.Routes)-i)
			break
		}
		fmt.Fprintf(&b, ", %s %s", code(r.Name), count(r.Count))
	}
	return b.String()
}

func (m *markdown) chains(v *view) {
	m.printf("\n**chain**\n\n")
	said := 0
	for i := range v.causes {
		c := &v.causes[i]
		if len(c.Chain) == 0 || said == maxChains && !m.All {
			continue
		}
		said++
		for j := range c.Chain {
			k := &c.Chain[j]
			indent := strings.Repeat("  ", min(j, 8))
			words := prose(Escape(strings.TrimRight(k.Words, ".")))
			if j > 0 {
				words = "because " + words
			}
			m.printf("%s- %s, %s", indent, words, code(k.Cause))
			if k.N > 0 {
				m.printf(", %s of %s", count(k.N), count(c.Count))
			}
			if k.Inferred > 0 {
				m.printf(" (inferred %.1f)", float64(int(k.Inferred*10))/10)
			}
			m.printf("\n")
			if k.File != "" {
				m.printf("%s  %s", indent, code(fmt.Sprintf("%s:%d", k.File, k.LineNo)))
				if j == 0 && c.ID != "" {
					m.printf(", %s", code("why503 explain "+c.ID))
				}
				m.printf("\n")
			}
			for row := range strings.SplitSeq(strings.TrimRight(k.Line, "\r\n"), "\n") {
				if row = strings.TrimRight(row, "\r"); row != "" {
					m.printf("%s  %s\n", indent, code(row))
				}
			}
		}
	}
	if said == 0 {
		m.printf("none\n")
	}
}

func (m *markdown) advice(v *view) {
	m.printf("\n**do**\n\n")
	n := 0
	for i := range v.advised {
		if i == maxAdvice && !m.All {
			break
		}
		for _, a := range v.advised[i].Advice {
			n++
			m.printf("%d. ", n)
			for j, part := range strings.Split(a, "`") {
				if j%2 == 1 {
					m.printf("%s", code(part))
				} else {
					m.printf("%s", prose(Escape(part)))
				}
			}
			m.printf("\n")
		}
	}
	if n == 0 {
		m.printf("nothing that these logs suggest\n")
	}
}

func (m *markdown) unsure(v *view) {
	m.printf("\n**unsure** %s of %s undecided.\n", count(v.undecided), count(v.failures))
	for i := range v.missing {
		x := &v.missing[i]
		if i == maxListed && !m.All {
			m.printf("\n- and %d more logs\n", len(v.missing)-i)
			break
		}
		m.printf("\n- %s: %s %s", count(x.Count), prose(Escape(x.Source)), whyMissing(x.Why))
		if x.WouldDecide != "" {
			m.printf("; it would decide %s", prose(Escape(strings.TrimRight(x.WouldDecide, "."))))
		}
		m.printf(".\n")
		for row := range strings.SplitSeq(strings.TrimRight(x.Snippet, "\n"), "\n") {
			if strings.TrimSpace(row) != "" {
				m.printf("  %s\n", code(row))
			}
		}
	}
}

func (m *markdown) read(s *aggregate.Summary) {
	m.printf("\n**read**\n\n| file | lines | records | not read | clock |\n|---|---:|---:|---:|---|\n")
	for i := range s.Sources {
		src := &s.Sources[i]
		m.printf("| %s | %s | %s | %s | %s |\n", tableCell(src.Path), count(src.Lines), count(src.Records), count(src.Skipped), tableCell(src.Clock))
	}
	g := &s.Ledger
	m.printf("\nlost %s, unjoined %s\n", count(g.Unparsed+g.Evicted+g.Overruns+g.Late), count(g.Unjoined))
	for _, w := range s.Warnings {
		m.printf("\n%s\n", prose(Escape(w)))
	}
}

// code sets a stranger's text as a code span. Its fence is one back quote
// longer than any run inside, so that the text cannot end it.
//
// https://spec.commonmark.org/0.31.2/#code-spans
func code(s string) string {
	s = strings.TrimSpace(Escape(s))
	if s == "" {
		return "-"
	}
	longest, run := 0, 0
	for _, c := range []byte(s) {
		if c != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if s[0] == '`' || s[len(s)-1] == '`' {
		s = " " + s + " "
	}
	return fence + s + fence
}

// tableCell is code in a table, where a bar would end the cell even inside code.
func tableCell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "#", `\#`, "|", `\|`, "~", `\~`, "!", `\!`, "&", "&amp;",
	"@", "&#64;", "://", ":&#47;&#47;", "www.", "www&#46;")

// prose escapes what Markdown, HTML or a chat would act on: links, mentions, tags.
func prose(s string) string { return markup.Replace(s) }
