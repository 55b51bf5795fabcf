package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"why503/aggregate"
	"why503/aggregate/slo"
	"why503/dashboards/report"
)

// A Kind is what an Alert says.
type Kind string

const (
	Opened       Kind = "opened"
	Updated      Kind = "updated" // new figures of one that was told: an edit
	CauseChanged Kind = "cause_changed"
	Ended        Kind = "ended"
	Reopened     Kind = "reopened"
	Merged       Kind = "merged"    // it is part of another incident
	Withdrawn    Kind = "withdrawn" // later records left nothing of it
	Burning      Kind = "slo_burning"
	BurnOver     Kind = "slo_over"
	Digest       Kind = "digest" // several at once
)

// An Alert is what a channel is given. Its JSON is the body of the webhook and
// what a program gets on standard input; fields may be added to it.
type Alert struct {
	Schema   int    `json:"schema"`
	Kind     Kind   `json:"kind"`
	Key      string `json:"dedup_key"` // the same when it is sent again
	Site     string `json:"site"`
	ID       string `json:"id"` // of the incident
	Firing   bool   `json:"firing"`
	Severity string `json:"severity"` // page, ticket

	Title    string `json:"title"`
	Subject  string `json:"subject"`
	Sentence string `json:"sentence"`
	Cause    string `json:"cause"` // slug; the one it is told under
	Layer    string `json:"layer"` // who can act
	WasCause string `json:"was_cause,omitempty"`
	WasLayer string `json:"was_layer,omitempty"`
	Causes   string `json:"causes_text"`
	Where    string `json:"where"`
	Quote    string `json:"evidence"`
	Source   string `json:"evidence_source"`
	Do       string `json:"advice"`
	Next     string `json:"next_command"`
	Link     string `json:"link"`
	Text     string `json:"text"` // all of it, plain

	Start time.Time  `json:"start"`
	End   *time.Time `json:"end"` // null while it goes on

	Incident *aggregate.Incident `json:"incident,omitempty"`
	SLO      *Budget             `json:"slo,omitempty"`
	Digest   []string            `json:"digest,omitempty"`
}

// Budget is what an Alert says of a budget.
type Budget struct {
	Objective float64 `json:"objective"`
	Factor    float64 `json:"factor"`
	LongS     float64 `json:"long_window_s"`
	ShortS    float64 `json:"short_window_s"`
	LongRate  float64 `json:"long_burn_rate"`
	ShortRate float64 `json:"short_burn_rate"`
	Requests  int64   `json:"requests"`
	Bad       int64   `json:"bad"`
}

const schema = 1

// of writes the alert of an incident. What is redacted is redacted first, so
// that it is in none of the texts.
func (c *Config) of(in aggregate.Incident, withdrawn bool) Alert {
	in = bounded(in)
	if !c.Verbose {
		c.redacted.redact(&in)
	}
	n := report.IncidentNotice(&in, c.Zone)
	shown(&in)
	a := Alert{
		Schema: schema, Kind: Opened, Site: in.Site, ID: in.ID, Firing: in.Ongoing && in.MergedInto == "" && !withdrawn, Severity: string(slo.Page),
		Title: n.Title, Subject: n.Subject, Sentence: n.Sentence, Cause: n.Main, Causes: short(n.Cause, maxText), Where: short(n.Where, maxText), Quote: short(n.Quote, maxQuote), Source: short(n.Source, maxText),
		Do: short(n.Do, maxText), Next: next(&in), Link: c.link("/incidents/" + url.PathEscape(in.ID)), Start: in.Start, Incident: &in,
	}
	if len(in.Causes) > 0 {
		a.Layer = report.Escape(in.Causes[0].Layer)
		for _, x := range in.Causes {
			if x.Cause == a.Cause {
				a.Layer = report.Escape(x.Layer)
				break
			}
		}
	}
	if !a.Firing {
		end := in.End
		a.End = &end
	}
	in.Sentence = n.Sentence
	switch {
	case withdrawn:
		a.Kind = Withdrawn
	case in.MergedInto != "":
		a.Kind = Merged
	case !in.Ongoing:
		a.Kind, a.Sentence = Ended, upperFirst(n.Over)
	}
	return a
}

// as makes the alert say kind.
func (a Alert) as(kind Kind) Alert {
	site := report.Escape(a.Site)
	a.Kind = kind
	switch kind {
	case CauseChanged:
		a.Title = fmt.Sprintf("%s: cause changed: %s, was %s", site, orUnknown(a.Cause), orUnknown(a.WasCause))
		a.Subject = a.Title
	case Reopened:
		a.Title = fmt.Sprintf("%s: failing again", site)
		a.Subject = a.Title
	case Merged:
		into := ""
		if a.Incident != nil {
			into = a.Incident.MergedInto
		}
		a.Title = fmt.Sprintf("%s: part of incident %s", site, report.Escape(into))
		a.Subject = a.Title
	case Withdrawn:
		a.Title = fmt.Sprintf("%s: withdrawn, later log lines left no incident", site)
		a.Subject = a.Title
	}
	a.Text = a.plain()
	return a
}

func orUnknown(cause string) string {
	if cause == "" {
		return "not decided"
	}
	return cause
}

// ofBudget writes the alert of a budget.
func (c *Config) ofBudget(b slo.Alert) Alert {
	site := report.Escape(b.Site)
	bad := report.Share(b.Burn.Bad, b.Burn.Requests)
	id := fmt.Sprintf("slo-%s-%s-%d", key(b.Site)[:8], b.Severity, b.Since)
	a := Alert{
		Schema: schema, Kind: Burning, Site: site, ID: id, Firing: b.Resolved == 0, Severity: string(b.Severity),
		Start: time.Unix(b.Since*60, 0).UTC(), Next: "why503 incidents list --since " + ago(b.Burn.Long), Link: c.link("/"),
		SLO: &Budget{Objective: b.Objective, Factor: b.Burn.Factor, LongS: b.Burn.Long.Seconds(), ShortS: b.Burn.Short.Seconds(), LongRate: b.Burn.LongRate,
			ShortRate: b.Burn.ShortRate, Requests: b.Burn.Requests, Bad: b.Burn.Bad},
	}
	a.Title = fmt.Sprintf("%s burns its error budget %.1f times too fast", site, b.Burn.LongRate)
	a.Sentence = fmt.Sprintf("%s of %s requests (%s) failed in %s; the objective of %g %% allows %.2g %%, so the budget of 30 days would be spent in %s.",
		report.Count(b.Burn.Bad), report.Count(b.Burn.Requests), bad, report.Span(b.Burn.Long), 100*b.Objective, 100*(1-b.Objective), report.Span(b.Burn.Lasts()))
	if b.Resolved != 0 {
		end := time.Unix(b.Resolved*60, 0).UTC()
		a.Kind, a.End = BurnOver, &end
		a.Title = fmt.Sprintf("%s has stopped burning its error budget too fast", site)
		a.Sentence = fmt.Sprintf("It did for %s; in the last %s %s of %s requests (%s) failed.", report.Span(end.Sub(a.Start)), report.Span(b.Burn.Long),
			report.Count(b.Burn.Bad), report.Count(b.Burn.Requests), bad)
	}
	a.Subject = a.Title
	a.Key = a.ID + "-" + string(a.Kind)
	a.Text = a.plain()
	return a
}

// ago is a duration as --since takes it.
func ago(d time.Duration) string {
	if d%(24*time.Hour) == 0 && d > 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

func (c *Config) link(path string) string {
	if c.URL == "" {
		return ""
	}
	return strings.TrimRight(c.URL, "/") + path
}

// digest says several alerts in one.
func digest(list []Alert) Alert {
	d := Alert{Schema: schema, Kind: Digest, Severity: string(slo.Ticket)}
	var ids []string
	for _, a := range list {
		ids = append(ids, a.Key)
		d.Firing = d.Firing || a.Firing
		if d.Start.IsZero() || a.Start.Before(d.Start) {
			d.Start = a.Start
		}
		if a.Severity == string(slo.Page) {
			d.Severity = a.Severity
		}
		if d.Link == "" {
			d.Link = a.Link
		}
		if len(d.Digest) < maxDigest {
			d.Digest = append(d.Digest, a.mark()+" "+a.Title)
		}
	}
	if n := len(list) - len(d.Digest); n > 0 {
		d.Digest = append(d.Digest, fmt.Sprintf("and %d more", n))
	}
	d.Title = fmt.Sprintf("%d messages at once", len(list))
	d.Subject, d.Next = d.Title, "why503 incidents list"
	d.Key = "digest-" + key(ids...)
	d.Text = d.plain()
	return d
}

// maxDigest bounds the lines of a digest.
const maxDigest = 20

// key is a short name of its parts.
func key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// next is the command that tells more: the story of a typical request, from the
// store of the host that alerts.
func next(in *aggregate.Incident) string {
	for i := range in.Causes {
		if uid := in.Causes[i].UID; len(uid) >= shortUID {
			return "why503 explain " + uid[:shortUID]
		}
	}
	return ""
}

// shortUID is how much of a uid names a request among all of a store.
const shortUID = 12
