package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"why503/aggregate"
)

// maxSentence is the length of the sentence in runes, so that it can be pasted
// into a subject or a chat.
const maxSentence = 200

// Sentence says in one sentence what failed, when, and why. Text of logs in it
// is escaped. A nil zone is UTC.
func Sentence(s *aggregate.Summary, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	v := whole(s)
	if v.failures == 0 {
		return stopped(s, zone) + nothingFailed(s, zone)
	}
	return stopped(s, zone) + v.sentence(zone)
}

// IncidentSentence is Sentence for one incident of s.
func IncidentSentence(s *aggregate.Summary, in *aggregate.Incident, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	v := of(s, in)
	return v.sentence(zone)
}

func stopped(s *aggregate.Summary, zone *time.Location) string {
	if s.Partial == nil {
		return ""
	}
	share := min(max(int(100*s.Partial.Share), 0), 99)
	if s.Partial.UpTo.IsZero() {
		return fmt.Sprintf("(stopped at %d %%) ", share)
	}
	up := s.Partial.UpTo.In(zone).Format("15:04 MST")
	if s.Partial.Share == 0 { // of a stream, whose end is not known
		return fmt.Sprintf("(stopped, up to %s) ", up)
	}
	return fmt.Sprintf("(stopped at %d %%, up to %s) ", share, up)
}

// doubts say of several causes that they are not the end of it, the wordiest
// first.
var doubts = [...]string{"; what lay behind that, these logs cannot say", "; why, these logs cannot say", ""}

// sentence prefers to say all, and drops from the end what does not fit: the
// trigger, that something lay behind, causes beyond the first, clauses of the
// causes' words.
func (v *view) sentence(zone *time.Location) string {
	head := v.head(zone)
	before := ""
	if v.trigger != nil && v.trigger.What != "" {
		before = "; began " + span(time.Duration(v.trigger.BeforeS*float64(time.Second))) + " after " + Escape(v.trigger.What)
	}
	tails := []string{v.why(3, doubts[0]) + before, v.why(3, doubts[1]) + before}
	for n := 3; n > 0; n-- {
		for _, doubt := range doubts {
			tails = append(tails, v.why(n, doubt))
		}
	}
	for _, tail := range tails {
		if s := head + tail + "."; utf8.RuneCountInString(s) <= maxSentence {
			return s
		}
	}
	return shorten(head+v.why(1, ""), maxSentence-1) + "."
}

func (v *view) head(zone *time.Location) string {
	cal := newCalendar(zone, v.first, v.last)
	h := fmt.Sprintf("%s of %s %s (%s) ", count(v.failures), count(max(v.requests, v.failures)),
		plural(max(v.requests, v.failures), "request", "requests"), share(v.failures, v.requests))
	switch {
	case v.ongoing:
		verb := plural(v.failures, "is", "are")
		h += fmt.Sprintf("%s failing since %s %s", verb, cal.at(v.first), cal.zoneOf(v.first))
	case v.last.Sub(v.first) < time.Second && cal.at(v.first) == cal.at(v.last):
		h += fmt.Sprintf("failed at %s %s", cal.at(v.first), cal.zoneOf(v.first))
	default:
		h += fmt.Sprintf("failed from %s to %s %s", cal.at(v.first), cal.at(v.last), cal.zoneOf(v.last))
	}
	return h
}

// mainShare is from which share a cause speaks for all failures.
const mainShare = 0.95

// why names up to n causes, and adds doubt where several are not the end of it.
func (v *view) why(n int, doubt string) string {
	if len(v.causes) == 0 {
		return " and these logs cannot say why" + v.lacking()
	}
	main := &v.causes[0]
	if len(v.causes) == 1 || float64(main.Count) >= mainShare*float64(v.failures) {
		return v.single(main)
	}
	var parts []string
	var rest, undecided int64
	for i := range v.causes {
		c := &v.causes[i]
		switch {
		case i >= n:
			rest += c.Count
		case c.unexplained():
			parts = append(parts, fmt.Sprintf("%s for reasons these logs cannot tell", count(c.Count)))
		case c.certainty() == unknown:
			parts = append(parts, fmt.Sprintf("%s because %s", count(c.Count), c.words()))
			undecided++
		case c.certainty() == likely:
			parts = append(parts, fmt.Sprintf("%s most likely because %s", count(c.Count), c.words()))
		default:
			parts = append(parts, fmt.Sprintf("%s because %s", count(c.Count), c.words()))
		}
	}
	s := fmt.Sprintf(" for %s causes: %s", number(len(v.causes)), strings.Join(parts, ", "))
	if rest > 0 {
		s += fmt.Sprintf(", %s for others", count(rest))
	}
	if undecided > 0 {
		s += doubt
	}
	return s
}

func (v *view) single(c *group) string {
	switch c.certainty() {
	case sure:
		return " because " + c.words()
	case likely:
		return " most likely because " + c.words()
	}
	if c.unexplained() {
		return " and these logs cannot say why" + v.lacking()
	}
	return "; " + c.words() + " and these logs cannot say why" + v.lacking()
}

// unexplained reports whether nothing is known of what the proxy saw either, so
// that there is nothing to put behind a "because".
func (g *group) unexplained() bool {
	return g.certainty() == unknown && (g.Words == "" || strings.HasPrefix(g.Cause.Cause, "unknown."))
}

// words are the cause in words, or its name where a rule has none.
func (g *group) words() string {
	w := strings.TrimSpace(strings.TrimRight(strings.TrimSpace(Escape(g.Words)), "."))
	if w == "" {
		return "of " + Escape(g.Cause.Cause)
	}
	return w
}

func (v *view) lacking() string {
	if len(v.missing) == 0 {
		return ""
	}
	m := v.missing[0]
	source := Escape(m.Source)
	if source == "" {
		source = strings.ReplaceAll(Escape(m.Kind), "_", " ") + " log"
	}
	return ": " + source + " " + whyMissing(m.Why)
}

func whyMissing(why string) string {
	switch why {
	case "not_covered":
		return "does not cover the time"
	case "lossy":
		return "has gaps"
	case "sampled":
		return "holds only a sample"
	}
	return "was not given"
}

// nothingFailed has three outcomes: answers on purpose, clients that left, and
// a quiet log, with what was hidden from readers.
func nothingFailed(s *aggregate.Summary, zone *time.Location) string {
	if n := s.Classes["deliberate"]; n > 0 {
		o := other(s, "deliberate")
		first, last := extent(ofClass(s, "deliberate"), s.Window)
		cal := newCalendar(zone, first, last)
		got := "got an answer of the proxy's own"
		if o.Cause == "deliberate.maintenance" {
			got = "got the maintenance page"
		}
		t := fmt.Sprintf("No failures: %s of %s requests (%s) %s on purpose from %s to %s %s", count(n), count(s.Requests), share(n, s.Requests),
			got, cal.at(first), cal.at(last), cal.zoneOf(last))
		if o.Words != "" {
			t += " (" + strings.TrimRight(Escape(o.Words), ".") + ")"
		}
		return shorten(t, maxSentence-1) + "."
	}
	if n := s.Classes["client"]; n > 0 {
		t := fmt.Sprintf("No failures: in %s of %s requests (%s) the client left first", count(n), count(s.Requests), share(n, s.Requests))
		if o := other(s, "client"); o.Words != "" {
			t += ", " + fmt.Sprintf("%s %s because ", count(o.Count), plural(o.Count, "time", "times")) + strings.TrimRight(Escape(o.Words), ".")
		}
		return shorten(t, maxSentence-1) + "."
	}
	if s.Requests == 0 {
		return "No requests were found in these logs."
	}
	cal := newCalendar(zone, s.Window.From, s.Window.To)
	t := fmt.Sprintf("No failures in %s %s from %s to %s %s.", count(s.Requests), plural(s.Requests, "request", "requests"),
		cal.at(s.Window.From), cal.at(s.Window.To), cal.zoneOf(s.Window.To))
	n := s.Classes["saved"]
	if n == 0 {
		return t
	}
	if o := other(s, "saved"); o.Background == o.Count {
		return t + fmt.Sprintf(" %s %s behind the cache failed and readers got the stored page; look at the origin before grace ends.",
			count(n), plural(n, "refresh", "refreshes"))
	}
	return t + fmt.Sprintf(" %s failed behind the proxy and a second try or a stored page hid it; look at the origin.", count(n))
}

// ofClass returns the rows of a class that is no failure.
func ofClass(s *aggregate.Summary, class string) []aggregate.Cause {
	var out []aggregate.Cause
	for _, c := range s.Others {
		if c.Class == class {
			out = append(out, c)
		}
	}
	return out
}

// other returns the largest row of a class that is no failure.
func other(s *aggregate.Summary, class string) aggregate.Cause {
	var best aggregate.Cause
	for _, c := range ofClass(s, class) {
		if c.Count > best.Count {
			best = c
		}
	}
	return best
}

// shorten cuts s to n runes: at a clause if that keeps most of it, else at a
// word, and marks the cut.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	r = r[:n-1]
	for i := len(r) - 1; i > n*2/3; i-- {
		if r[i] == ';' {
			return string(r[:i])
		}
	}
	for i := len(r) - 1; i > n*2/3; i-- {
		if unicode.IsSpace(r[i]) {
			r = r[:i]
			break
		}
	}
	return strings.TrimRight(string(r), " ,;") + "…"
}

// upper begins a sentence.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || strings.HasPrefix(s, "nginx ") { // its own spelling
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
