package report

import (
	"fmt"
	"slices"
	"strings"
)

// maxAdvice is how many causes are advised on; each has one thing to do now
// and one that lasts.
const maxAdvice = 3

// do returns what to do, now first, then lasting, as lines of width cells. A
// number stands two columns left of its text.
func (p *page) do(v *view, width int) []line {
	var out []line
	var said []string
	for i := range v.advised {
		if i == maxAdvice && !p.All {
			break
		}
		for _, a := range v.advised[i].Advice {
			if a = strings.TrimSpace(a); a == "" || slices.Contains(said, a) {
				continue
			}
			said = append(said, a)
			lead := p.own(plain, fmt.Sprintf("%d ", len(said)))
			text := p.paste(a)
			if len(v.advised) > 1 {
				text = text.own(plain, " ").own(dim, "(").stranger(dim, v.advised[i].Cause.Cause, p.ASCII).own(dim, ")")
			}
			for j, l := range text.wrap(width-lead.width(), width-2, p.Terminal) {
				if j == 0 {
					out = append(out, append(lead, l...))
				} else {
					out = append(out, append(line(nil).pad(2), l...))
				}
			}
		}
	}
	if len(out) == 0 {
		out = append(out, line(nil).pad(2).own(dim, "nothing that these logs suggest"))
	}
	return out
}

// paste shows in cyan what can be pasted: what stands in back quotes, and
// settings with their value.
func (p *page) paste(text string) line {
	var l line
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			l = l.stranger(cyan, part, p.ASCII)
			continue
		}
		for part != "" {
			n := strings.IndexByte(part[1:], ' ') + 1
			if n == 0 {
				n = len(part)
			}
			st := plain
			if k, v, ok := strings.Cut(strings.TrimSpace(part[:n]), "="); ok && k != "" && v != "" {
				st = cyan
			}
			l = l.stranger(st, part[:n], p.ASCII)
			part = part[n:]
		}
	}
	return l
}

// unsure returns how much is not decided or not proved, and what would decide
// it, as lines of width cells.
func (p *page) unsure(v *view, width int) []line {
	var out []line
	say := func(l line) { out = append(out, l.wrap(width, width, p.Terminal)...) }
	st := plain
	if v.undecided > 0 {
		st = yellow
	}
	head := p.own(st, fmt.Sprintf("%s of %s undecided.", count(v.undecided), count(v.failures)))
	for i := range v.causes {
		c := &v.causes[i]
		if c.certainty() != likely || c.Decidable == 0 || i >= maxAdvice && !p.All {
			continue
		}
		head = head.own(plain, " ").own(yellow, fmt.Sprintf("Likely (%.1f)", c.Confidence)).own(plain, ", not proved: ")
		if len(v.causes) > 1 {
			head = head.own(plain, count(c.Count)+" because ")
		}
		head = append(head, p.marked(plain, c.words()+".")...)
	}
	say(head)
	for i := range v.missing {
		if i == maxListed && !p.All {
			say(p.own(dim, fmt.Sprintf("and %d more logs (--all)", len(v.missing)-i)))
			break
		}
		m := &v.missing[i]
		source := m.Source
		if source == "" {
			source = strings.ReplaceAll(m.Kind, "_", " ") + " log"
		}
		l := p.own(yellow, count(m.Count)).own(plain, " ").stranger(plain, source, p.ASCII).own(plain, " "+whyMissing(m.Why))
		if m.WouldDecide != "" {
			l = l.own(plain, "; it would decide ").stranger(plain, strings.TrimRight(m.WouldDecide, "."), p.ASCII)
		}
		say(l.own(plain, "."))
		for row := range strings.SplitSeq(strings.TrimRight(m.Snippet, "\n"), "\n") {
			if strings.TrimSpace(row) != "" {
				out = append(out, p.stranger(cyan, row))
			}
		}
	}
	if v.undecided > 0 && p.Doctor {
		say(p.own(plain, "What to log from now on: ").own(cyan, "why503 doctor"))
	}
	return out
}

// doBesideUnsure sets the two sections side by side where there is room.
func (p *page) doBesideUnsure(v *view) {
	const gap = 2
	half := (p.Width - gap) / 2
	left := p.do(v, half-gutter+2)
	right := p.unsure(v, p.Width-half-gap-gutter)
	p.section("do")
	for i := range max(len(left), len(right)) {
		var l line
		if i < len(left) {
			l = append(l, left[i]...)
		}
		if i < len(right) {
			l = l.pad(half + gap - gutter + 2)
			if i == 0 {
				l = l.own(bold, "unsure")
			}
			l = append(l.pad(half+gap+2), right[i]...)
		}
		p.at(gutter-2, l)
	}
}
