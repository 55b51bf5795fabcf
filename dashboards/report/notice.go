package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
)

// A Notice is what an alert says of an incident, in the words of the report.
// Text of logs in it is escaped, but not for a channel.
type Notice struct {
	Title    string // shop.example is failing: 13 % since 21:17 UTC
	Subject  string // shop.example failing: row locks in MariaDB, 13 % since 21:17 UTC
	Over     string // over after 9 min: 5,214 of 24,300 requests (21 %) failed because ...
	Sentence string
	Main     string // slug of the cause of most failures, empty when none is known
	Cause    string // database.lock_wait 401 (97 %), undecided 12
	Why      string // the main cause in words, or what these logs lack to tell it
	Where    string // backend app2 96 %, route /cart 61 %; may be empty
	Quote    string // first line of the evidence for the main cause; may be empty
	Source   string // its file@host
	Do       string // first advice; may be empty
}

// maxSubject is the room for the cause in a subject, in runes.
const maxSubject = 72

// maxPartsNamed is how many parts of the traffic a notice names.
const maxPartsNamed = 3

// IncidentNotice writes the Notice of in. A nil zone is UTC.
func IncidentNotice(in *aggregate.Incident, zone *time.Location) Notice {
	if zone == nil {
		zone = time.UTC
	}
	v := of(&aggregate.Summary{}, in)
	site := Escape(in.Site)
	if site == "" {
		site = "a site without a name"
	}
	since := in.Start.In(zone).Format("15:04 MST")
	if !newCalendar(zone, in.Start, in.End).oneDay {
		since = in.Start.In(zone).Format("2 Jan 15:04 MST")
	}
	n := Notice{Sentence: v.sentence(zone), Cause: v.countedCauses(), Why: v.inShort(), Where: v.parts(), Over: v.over()}
	part := share(v.failures, v.requests)
	short, _, _ := strings.Cut(n.Why, ";") // what the proxy did about it can wait
	short = shorten(short, maxSubject)
	if in.Ongoing {
		n.Title = fmt.Sprintf("%s is failing: %s since %s", site, part, since)
		n.Subject = fmt.Sprintf("%s failing: %s, %s since %s", site, short, part, since)
	} else {
		lasted := span(v.last.Sub(v.first))
		n.Title = fmt.Sprintf("%s: over after %s, %s failed", site, lasted, part)
		n.Subject = fmt.Sprintf("%s over after %s: %s, %s failed", site, lasted, short, part)
	}
	if len(v.causes) == 0 {
		return n
	}
	main := &v.causes[0]
	n.Main = Escape(main.Cause.Cause)
	n.Quote, n.Source = quoteOf(main.Chain)
	for _, a := range main.Advice {
		if a = strings.TrimSpace(Escape(a)); a != "" {
			n.Do = a
			break
		}
	}
	return n
}

// countedCauses lists the causes with their counts, and how many failures have
// none that is decided.
func (v *view) countedCauses() string {
	var parts []string
	for i := range v.causes {
		if i == maxPartsNamed {
			parts = append(parts, fmt.Sprintf("%d more", len(v.causes)-i))
			break
		}
		c := &v.causes[i]
		parts = append(parts, fmt.Sprintf("%s %s (%s)", Escape(c.Cause.Cause), count(c.Count), share(c.Count, v.failures)))
	}
	if v.undecided > 0 {
		parts = append(parts, "undecided "+count(v.undecided))
	}
	return strings.Join(parts, ", ")
}

// inShort is the main cause in words, with its doubt.
func (v *view) inShort() string {
	if len(v.causes) == 0 || v.causes[0].certainty() == unknown {
		return "cause not decidable" + v.lacking()
	}
	c := &v.causes[0]
	if c.certainty() == likely {
		return "most likely " + c.words()
	}
	return c.words()
}

// over is the end of an incident, without the site.
func (v *view) over() string {
	t := fmt.Sprintf("over after %s: %s of %s %s (%s) failed%s", span(v.last.Sub(v.first)), count(v.failures), count(max(v.requests, v.failures)),
		plural(max(v.requests, v.failures), "request", "requests"), share(v.failures, v.requests), v.why(1, ""))
	return shorten(t, maxSentence-1) + "."
}

// parts names the parts of the traffic that fail: where the incident keeps to
// one, else the largest backend and route.
func (v *view) parts() string {
	var parts []string
	for _, l := range v.local {
		if len(parts) == maxPartsNamed {
			break
		}
		var where []string
		for _, key := range slices.Sorted(maps.Keys(l.Where)) {
			where = append(where, Escape(key)+" "+Escape(l.Where[key]))
		}
		parts = append(parts, strings.Join(where, " and ")+" "+ratio(l.Share))
	}
	if len(parts) > 0 || v.failures == 0 {
		return strings.Join(parts, ", ")
	}
	var backends, routes []aggregate.Count
	for i := range v.causes {
		backends, routes = addCounts(backends, v.causes[i].Backends), addCounts(routes, v.causes[i].Routes)
	}
	for _, x := range []struct {
		word string
		list []aggregate.Count
	}{{"backend", backends}, {"route", routes}} {
		if len(x.list) > 0 && x.list[0].Name != "" && x.list[0].Count > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %s", x.word, Escape(x.list[0].Name), share(x.list[0].Count, v.failures)))
		}
	}
	return strings.Join(parts, ", ")
}

// quoteOf returns the first line of the deepest evidence, and where it stands.
func quoteOf(chain []aggregate.ChainLink) (text, source string) {
	for _, k := range slices.Backward(chain) {
		line, _, _ := strings.Cut(strings.TrimLeft(k.Line, "\r\n"), "\n")
		if line = strings.TrimRight(line, "\r"); strings.TrimSpace(line) == "" {
			continue
		}
		source = Escape(k.File)
		if k.Host != "" {
			source = strings.TrimPrefix(source+"@"+Escape(k.Host), "@")
		}
		return Escape(line), source
	}
	return "", ""
}

// Count writes n as the report does: 41,020.
func Count(n int64) string { return count(n) }

// Share writes part of whole as the report does: 13 %.
func Share(part, whole int64) string { return share(part, whole) }

// Span writes a duration as the report does: 2 h 10 min.
func Span(d time.Duration) string { return span(d) }
