package web

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"why503/aggregate"
	"why503/dashboards/report"
)

// A frame is what all pages have around what they tell.
type frame struct {
	Page    string // now, incidents, history, or empty
	Heading string // of the document
	State   state
	P       params
	Path    string // of this page
	Now     time.Time
	Clock   string
	Zone    string
	Follows bool   // the page shows what is now, and changes with it
	Trouble string // the store did not answer, in one line
	Sites   []siteLink
	Ledger  []ledgerPart
}

// A state is how a site is doing, as a word and a class of the style sheet.
type state struct {
	Class string // failing, over, well, doubt, trouble, plain
	Glyph string // ● or ○
	Word  string
	Since string
}

type siteLink struct {
	Name, Href string
	Current    bool
}

// A ledgerPart is what stands at the foot beside every percentage.
type ledgerPart struct {
	Text  string
	Doubt bool
}

func (s *Server) frame(r *http.Request, page string, p params) frame {
	now := s.cfg.Now().In(s.cfg.Zone)
	f := s.bare(r)
	f.Page, f.P, f.Now, f.Clock, f.Zone = page, p, now, now.Format("15:04:05"), now.Format("MST")
	f.Sites = s.sites(p, r.URL.Path)
	return f
}

// bare is a frame that tells nothing of the store, for who may not see it.
func (s *Server) bare(r *http.Request) frame {
	return frame{Path: r.URL.Path, State: state{Class: "plain"}}
}

// sites are links to the same page for each site, the one that is asked for
// among them.
func (s *Server) sites(p params, path string) []siteLink {
	names := s.live.Status().Sites
	if len(names) > 100 {
		names = names[:100]
	}
	if p.Site != "" && !slices.Contains(names, p.Site) {
		names = append([]string{p.Site}, names...)
	}
	if len(names) == 0 {
		return nil
	}
	out := []siteLink{{Name: "all sites", Href: p.href(path, "site", ""), Current: p.Site == ""}}
	for _, n := range names {
		if !linkable(n) {
			continue
		}
		out = append(out, siteLink{Name: n, Href: p.href(path, "site", n), Current: p.Site == n})
	}
	return out
}

// SiteName is what the pages are about.
func (f *frame) SiteName() string {
	if f.P.Site != "" {
		return f.P.Site
	}
	if len(f.Sites) == 2 {
		return f.Sites[1].Name
	}
	return "all sites"
}

// Title is that of the document: the state and the site.
func (f *frame) Title() string {
	switch f.State.Class {
	case "failing":
		return "● " + f.Heading + " " + brief(f.SiteName())
	case "plain", "":
		return f.Heading + " · why503"
	}
	return "○ " + f.Heading + " · " + brief(f.SiteName())
}

// Plain is another page with nothing chosen but the site.
func (f *frame) Plain(path string) string {
	p := params{Site: f.P.Site}
	return p.href(path)
}

// Link is another page with the parameters of this one.
func (f *frame) Link(path string) string { return f.P.href(path, "class", "") }

// With is this page with another value of a parameter, shown from its begin.
func (f *frame) With(name, value string) string { return f.P.href(f.Path, name, value) }

// Live is where the figures of this page go on without a chosen time.
func (f *frame) Live() string { return f.P.href(f.Path, "from", "", "to", "") }

// ledger says how far the figures can be trusted.
func (s *Server) ledger(sum *aggregate.Summary) []ledgerPart {
	st := s.live.Status()
	var out []ledgerPart
	add := func(doubt bool, format string, args ...any) {
		out = append(out, ledgerPart{fmt.Sprintf(format, args...), doubt})
	}
	read := len(st.Sources)
	if read == 0 && sum != nil {
		read = len(sum.Sources)
	}
	hosts := map[string]bool{}
	var lag, second float64
	var last string
	var lost int64
	for _, src := range st.Sources {
		if src.Host != "" {
			hosts[src.Host] = true
		}
		if src.LagS >= lag {
			lag, last = src.LagS, src.Path
		}
		lost += src.Lost
	}
	for _, src := range st.Sources {
		if src.Path != last {
			second = max(second, src.LagS)
		}
	}
	on := ""
	if len(hosts) > 1 {
		on = fmt.Sprintf(" on %d hosts", len(hosts))
	}
	if read > 0 {
		add(false, "read %s %s%s", report.Count(int64(read)), plural(int64(read), "source", "sources"), on)
	}
	if len(st.Sources) > 0 {
		switch {
		case lag > 10 && lag > 4*second:
			add(true, "lag %s, %s %s", seconds(second), cut(brief(baseName(last)), 40), seconds(lag))
		default:
			add(lag > 10, "lag %s", seconds(lag))
		}
	}
	if sum == nil {
		return out
	}
	lost = max(lost, sum.Ledger.Overruns+sum.Ledger.Unparsed)
	lost += sum.Ledger.Evicted
	doubt := lost > 0 || !st.Lossless
	switch {
	case lost == 0 && !st.Lossless:
		add(true, "a source has gaps")
	default:
		add(doubt, "lost %s %s", report.Count(lost), plural(lost, "line", "lines"))
	}
	add(sum.Undecided > 0, "undecided %s%s", report.Count(sum.Undecided), ofAll(sum.Undecided, sum.Failures))
	if sum.Ledger.Late > 0 {
		add(true, "late %s", report.Count(sum.Ledger.Late))
	}
	var skew float64
	for i := range sum.Sources {
		skew = max(skew, abs(sum.Sources[i].SkewMS))
	}
	if skew >= 1 {
		add(skew > 1000, "clocks ± %s", report.Span(time.Duration(skew*float64(time.Millisecond))))
	}
	return out
}

func abs(x float64) float64 { return max(x, -x) }

func ofAll(n, all int64) string {
	if all <= 0 {
		return ""
	}
	return " (" + report.Share(n, all) + ")"
}

func seconds(s float64) string {
	if s < 120 {
		return fmt.Sprintf("%.0f s", s)
	}
	return report.Span(time.Duration(min(s, 1e9) * float64(time.Second)))
}

func baseName(p string) string {
	for i := len(p) - 1; i > 0; i-- {
		if p[i-1] == '/' {
			return p[i:]
		}
	}
	return p
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// trouble says in one line that the figures are old, or that there are none.
func (s *Server) trouble(err error, at time.Time) string {
	p := problemOf(err, "answer")
	line := "The store could not answer (" + p.Detail + ")"
	if p.Type == typeTimeout {
		line = fmt.Sprintf("The store did not answer within %s", report.Span(s.cfg.StoreTimeout))
		if s.cfg.StoreTimeout%time.Second == 0 {
			line = fmt.Sprintf("The store did not answer within %d s", s.cfg.StoreTimeout/time.Second)
		}
	}
	if at.IsZero() {
		return line + "; there are no figures yet."
	}
	return line + "; figures are of " + at.In(s.cfg.Zone).Format("15:04:05") + "."
}
