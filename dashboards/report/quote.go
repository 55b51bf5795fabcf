package report

import (
	"strings"
	"time"
)

// v0 is the time of a calendar that only writes times of day.
var v0 time.Time

const (
	maxQuoted = 3 // physical lines of a stack trace or a statement
	// maxQuote bounds what is weighed of one line on a terminal, in bytes. What
	// lies between its two halves can only be cut.
	maxQuote = 4 << 10
)

// deciding are words that log lines of all programs use for what went wrong.
// They are shown bold and cut last.
var deciding = []string{
	"abort", "bad", "busy", "broken", "cannot", "closed", "could not", "crash", "critical", "deadlock", "denied", "down", "emerg", "eof", "error", "exceed",
	"exception", "exhaust", "exit", "expired", "fail", "fatal", "fetcherror", "full", "forbidden", "idle", "insufficient", "invalid", "killed", "limit", "lock",
	"lost", "max", "memory", "missing", "no live", "not found", "out of", "overflow", "panic", "premature", "prematurely", "reached", "refused", "reject",
	"reset", "seconds", "segfault", "sick", "signal", "slow", "straight", "terminated", "timed", "timeout", "too", "unable", "unavailable", "unexpected",
	"unhealthy", "unreachable", "query_time", "502", "503", "504", "500",
}

// quoted returns a log line as it may be shown in width cells.
func (p *page) quoted(text string, width int) line {
	if p.Terminal && len(text) > maxQuote {
		half := maxQuote / 2
		text = text[:half] + " " + p.cut + " " + text[len(text)-half:]
	}
	words := p.weigh(text)
	if !p.Terminal {
		var l line
		for _, w := range words {
			l = append(append(l, w.gap...), w.text...)
		}
		return l
	}
	return p.squeeze(words, width)
}

// A quotedWord is a word of a log line with the spaces before it and how much
// it tells.
type quotedWord struct {
	gap, text line
	weight    int
}

func (p *page) weigh(text string) []quotedWord {
	var out []quotedWord
	for text != "" {
		n := 0
		for n < len(text) && (text[n] == ' ' || text[n] == '\t') {
			n++
		}
		m := n
		for m < len(text) && text[m] != ' ' && text[m] != '\t' {
			m++
		}
		word := text[n:m]
		w := weight(word)
		st := plain
		if w >= tells {
			st = bold
		}
		out = append(out, quotedWord{gap: p.stranger(plain, text[:n]), text: p.stranger(st, word), weight: w})
		text = text[m:]
	}
	return out
}

// tells is the weight of a deciding word.
const tells = 12

// weight says how much a word tells a person: words that name a fault most,
// then names and small numbers, stamps and long ids least.
func weight(word string) int {
	w := strings.ToLower(word)
	for _, d := range deciding {
		if strings.Contains(w, d) && len(w) < 60 {
			return tells
		}
	}
	digits, marks := 0, 0
	for _, c := range []byte(w) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == ':' || c == '/' || c == '-' || c == '.':
			marks++
		}
	}
	switch {
	case digits >= 6 && digits+marks >= len(w)-5: // a date, a time, a number of a process
		return 0
	case len(w) >= 20 && digits >= 6: // an id
		return 1
	case len(w) > 40:
		return 2
	case digits > 0:
		return 5
	case len(w) <= 2:
		return 3
	}
	return 4
}

// squeeze leaves out what tells least until the rest fits: a stamp at the
// beginning, then the one run of words with the least weight.
func (p *page) squeeze(words []quotedWord, width int) line {
	mark := line(nil).own(plain, p.cut).width()
	need := 0
	for i := range words {
		need += words[i].width()
	}
	start := 0
	if need > width {
		for start < len(words)-1 && words[start].weight == 0 {
			need -= words[start].width()
			start++
		}
		if start > 0 {
			need += mark
		}
	}
	from, to := len(words), len(words)
	if need > width {
		from, to = lightest(words[start:], need+mark+1-width)
		from, to = from+start, to+start
	}
	var l line
	if start > 0 {
		l = l.own(plain, p.cut)
	}
	for i := start; i < len(words); i++ {
		switch w := &words[i]; {
		case i < from || i >= to:
			gap := w.gap
			if i == start && start > 0 {
				gap = nil
			}
			l = append(append(l, gap...), w.text...)
		case i == from:
			l = l.own(plain, " "+p.cut)
		}
	}
	return l.fit(width, p.cut)
}

// lightest returns the run of words that is at least n cells wide and weighs
// least; of equals the last. The first word is never in it.
func lightest(words []quotedWord, n int) (from, to int) {
	from, to = len(words), len(words)
	best := -1
	wide, weighs := 0, 0
	for i, j := 1, 1; j < len(words); {
		wide += words[j].width()
		weighs += words[j].weight
		j++
		for i < j && wide-words[i].width() >= n {
			wide -= words[i].width()
			weighs -= words[i].weight
			i++
		}
		if wide >= n && (best < 0 || weighs <= best) {
			best, from, to = weighs, i, j
		}
	}
	return from, to
}

func (w *quotedWord) width() int { return len(w.gap) + w.text.width() }
