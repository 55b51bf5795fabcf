package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"why503/aggregate"
)

// params are what page and API are asked for. The zero value is everything up
// to now.
type params struct {
	From, To time.Time
	Site     string
	Cause    string
	Backend  string
	Class    string
	Text     string // q
	Incident string

	Cursor string
	Limit  int
	Step   time.Duration
	Window time.Duration
	Order  []string // causes in the order in which a page already shows them
}

const (
	maxText      = 256
	maxCursor    = 1 << 10
	maxRange     = 400 * 24 * time.Hour
	defaultLimit = 100
	maxLimit     = 1000
	maxOrder     = 8
	minStep      = time.Minute
	maxWindow    = 24 * time.Hour
)

var (
	ranged  = []string{"from", "to", "site", "cause", "backend", "q"}
	paged   = []string{"cursor", "limit"}
	classes = []string{"failure", "deliberate", "client", "partial", "saved", "all"}
)

// read takes the parameters in names from r, and refuses all others when
// strict.
func readParams(r *http.Request, strict bool, names ...string) (params, error) {
	p := params{Limit: defaultLimit}
	bad := &badParamsError{}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		bad.add("", "The query part of the URL cannot be read; write % as %25 and & as %26.")
		return p, bad
	}
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		switch v := values[k]; {
		case !slices.Contains(names, k):
			if strict {
				bad.add(k, "No such parameter here. It takes "+strings.Join(names, ", ")+".")
			}
		case len(v) > 1:
			bad.add(k, "Given more than once.")
		case v[0] == "":
		default:
			if why := p.set(k, v[0]); why != "" {
				bad.add(k, why)
			}
		}
		if len(bad.list) >= 16 {
			break
		}
	}
	if !p.From.IsZero() && !p.To.IsZero() {
		switch d := p.To.Sub(p.From); {
		case d <= 0:
			bad.add("to", "Not after `from`.")
		case d > maxRange:
			bad.add("from", "More than 400 days before `to`.")
		}
	}
	if len(bad.list) > 0 {
		return p, bad
	}
	return p, nil
}

// set takes one parameter, or says why it cannot.
func (p *params) set(name, v string) (why string) {
	var err error
	switch name {
	case "from":
		p.From, why = moment(v)
	case "to":
		p.To, why = moment(v)
	case "site":
		p.Site, why = text(v, maxText)
	case "cause":
		p.Cause, why = text(v, maxText)
	case "backend":
		p.Backend, why = text(v, maxText)
	case "q":
		p.Text, why = text(v, maxText)
	case "incident":
		p.Incident, why = text(v, 64)
	case "cursor":
		p.Cursor, why = text(v, maxCursor)
	case "class":
		if p.Class = v; !slices.Contains(classes, v) {
			return "Not one of " + strings.Join(classes, ", ") + "."
		}
	case "limit":
		if p.Limit, err = strconv.Atoi(v); err != nil || p.Limit < 1 || p.Limit > maxLimit {
			return fmt.Sprintf("Not a number from 1 to %d.", maxLimit)
		}
	case "step":
		if p.Step, err = time.ParseDuration(v); err != nil || p.Step < minStep || p.Step%minStep != 0 || p.Step > maxRange {
			return "Not a duration of whole minutes, such as 5m or 24h."
		}
	case "window":
		if p.Window, err = time.ParseDuration(v); err != nil || p.Window < time.Second || p.Window > maxWindow {
			return "Not a duration from 1s to 24h, such as 5m."
		}
	case "order":
		for c := range strings.SplitSeq(v, ",") {
			if len(p.Order) < maxOrder && len(c) <= maxText {
				p.Order = append(p.Order, c)
			}
		}
	}
	return why
}

// moment reads RFC 3339 in the years that JSON can write.
func moment(v string) (time.Time, string) {
	const why = "Not a time of RFC 3339, such as 2026-01-02T03:04:05Z; a + in it is written %2B."
	if len(v) > 40 {
		return time.Time{}, why
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return time.Time{}, why
	}
	return t.UTC(), ""
}

func text(v string, limit int) (string, string) {
	switch {
	case len(v) > limit:
		return "", fmt.Sprintf("Longer than %d bytes.", limit)
	case !utf8.ValidString(v):
		return "", "Not UTF-8."
	}
	return v, ""
}

// within fills in the time where it is not given: the last d, up to now.
func (p *params) within(now time.Time, d time.Duration) error {
	switch {
	case p.To.IsZero() && p.From.IsZero():
		p.To = now
		p.From = now.Add(-d)
	case p.To.IsZero():
		p.To = now
	case p.From.IsZero():
		p.From = p.To.Add(-d)
	}
	bad := &badParamsError{}
	if !p.To.After(p.From) {
		bad.add("from", "In the future.")
		return bad
	}
	if p.To.Sub(p.From) > maxRange {
		bad.add("from", "More than 400 days ago.")
		return bad
	}
	return nil
}

func (p *params) query() aggregate.Query {
	return aggregate.Query{
		From: p.From, To: p.To, Site: p.Site, Cause: p.Cause, Backend: p.Backend, Class: p.Class, Text: p.Text, Incident: p.Incident,
	}
}

// values are the parameters as they stand in a URL.
func (p *params) values() url.Values {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	if !p.From.IsZero() {
		v.Set("from", p.From.UTC().Format(time.RFC3339))
	}
	if !p.To.IsZero() {
		v.Set("to", p.To.UTC().Format(time.RFC3339))
	}
	set("site", p.Site)
	set("cause", p.Cause)
	set("backend", p.Backend)
	set("q", p.Text)
	set("class", p.Class)
	return v
}

// href is path with these parameters, changed by pairs of name and value; an
// empty value takes one away.
func (p *params) href(path string, pairs ...string) string {
	v := p.values()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// steps are the widths that a column of a plot may have.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// stepFor returns the finest step that divides d into at most n.
func stepFor(d time.Duration, n int) time.Duration {
	for _, s := range steps {
		if d <= s*time.Duration(n) {
			return s
		}
	}
	return steps[len(steps)-1]
}
