package doctor

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"why503/parse"
	"why503/rules"
)

//go:embed snippets
var snippets embed.FS

// Snippet is a text of the folder snippets, which deploy/proxies shows too.
func Snippet(name string) string {
	b, err := snippets.ReadFile("snippets/" + name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(b)
}

// A Report says which questions about a failed request can be answered here.
type Report struct {
	Questions []Question `json:"questions"`
	Pastes    []Paste    `json:"paste"`
	Notes     []string   `json:"notes"`
}

// A Question and whether it can be answered.
type Question struct {
	Ask   string `json:"question"`
	By    string `json:"answered_by"`
	Here  Here   `json:"here"`
	Paste []int  `json:"paste"` // numbers of Pastes
	// Cause says that the answer leads to the cause; the others tell the symptom.
	Cause bool `json:"cause"`
}

// Here says whether what answers a question is there.
type Here string

// The states of an answer.
const (
	Yes    Here = "yes"
	No     Here = "no"          // the log is there, its lines do not hold it
	NoLog  Here = "no_such_log" // there is no such log
	Unread Here = "not_read"    // this version does not read it
	Denied Here = "may_not"     // it is there, and may not be read
)

// A Paste is text for a configuration.
type Paste struct {
	N     int    `json:"n"`
	Where string `json:"where"` // in words: in the http block of nginx
	Text  string `json:"text"`
}

// Given is what a Report is made of.
type Given struct {
	Logs     []Log
	Programs []Program
	// Live says that varnishlog of an instance that runs can be read.
	Live bool
	// Denied are the kinds of logs that are there and may not be read.
	Denied []parse.SourceKind
	Rules  *rules.Set
}

// New makes the report.
func New(g Given) *Report {
	r := &maker{g: g, r: &Report{Questions: []Question{}, Pastes: []Paste{}, Notes: []string{}}}
	r.failed()
	r.saw()
	r.reached()
	r.slow()
	r.why()
	r.unread()
	r.number()
	return r.r
}

// number drops the pastes that no question asks for, and numbers the others in
// the order of the questions.
func (m *maker) number() {
	var kept []Paste
	to := make(map[int]int)
	for i := range m.r.Questions {
		for j, n := range m.r.Questions[i].Paste {
			if to[n] == 0 {
				p := m.r.Pastes[n-1]
				p.N = len(kept) + 1
				to[n] = p.N
				kept = append(kept, p)
			}
			m.r.Questions[i].Paste[j] = to[n]
		}
	}
	m.r.Pastes = append([]Paste{}, kept...)
}

type maker struct {
	g Given
	r *Report
}

// has says that a log that is read is of one of kinds and holds all of want.
func (m *maker) has(want Ability, kinds ...parse.SourceKind) bool {
	return slices.ContainsFunc(m.g.Logs, func(l Log) bool {
		return l.Unread == "" && slices.Contains(kinds, l.Kind) && l.Has&want == want
	})
}

// there says that a program runs or that a log of it was given.
func (m *maker) there(p parse.Program) bool {
	return slices.ContainsFunc(m.g.Logs, func(l Log) bool { return l.Program == p }) ||
		slices.ContainsFunc(m.g.Programs, func(x Program) bool { return x.Program == p })
}

func (m *maker) varnish() bool { return m.g.Live || m.there(parse.Varnish) }

func (m *maker) ask(question, by string, here Here, pastes ...int) {
	if here == Yes || here == Denied || len(pastes) == 0 {
		pastes = []int{}
	}
	m.r.Questions = append(m.r.Questions, Question{Ask: question, By: by, Here: here, Paste: pastes})
}

// paste numbers a text; the same one has one number.
func (m *maker) paste(where, text string) int {
	text = strings.TrimRight(text, "\n")
	for _, p := range m.r.Pastes {
		if p.Text == text {
			return p.N
		}
	}
	n := len(m.r.Pastes) + 1
	m.r.Pastes = append(m.r.Pastes, Paste{n, where, text})
	return n
}

// wanted is the text of the rules for a kind of log that has word in it.
func (m *maker) wanted(kind parse.SourceKind, word string) string {
	for _, w := range m.g.Rules.Wanted(kind) {
		if strings.Contains(w.Snippet, word) {
			return w.Snippet
		}
	}
	return ""
}

// ncsa is the varnishncsa that says why a fetch failed.
func (m *maker) ncsa() int {
	for line := range strings.Lines(m.wanted(parse.SourceVarnishlog, "varnishncsa")) {
		if strings.HasPrefix(line, "varnishncsa") {
			return m.paste("as the command of varnishncsa, with -a -w FILE", line)
		}
	}
	panic("doctor: the rules have no text for varnishncsa") // a test holds them to it
}

func (m *maker) nginxAccess() int {
	if !m.varnish() {
		return m.paste("in the http block of nginx", Snippet("nginx-id.conf"))
	}
	return m.paste("in the http block of nginx", m.wanted(parse.SourceNginxAccess, "log_format"))
}

func (m *maker) vcl() int { return m.paste("in the VCL of Varnish", Snippet("varnish.vcl")) }

func (m *maker) failed() {
	const ask, by = "which requests failed", "proxy access log"
	kinds := []parse.SourceKind{parse.SourceVarnishlog, parse.SourceVarnishncsa, parse.SourceNginxAccess, parse.SourceApacheAccess}
	switch {
	case m.g.Live || m.has(HasRequests, kinds...):
		m.ask(ask, by, Yes)
	case m.has(0, kinds...): // it holds no line yet
		m.ask(ask, by, Yes)
	case m.varnish():
		m.ask(ask, by, m.lacking(kinds...), m.ncsa())
	default:
		m.ask(ask, by, m.lacking(kinds...), m.nginxAccess())
	}
}

func (m *maker) saw() {
	const ask = "what the proxy saw"
	switch {
	case m.varnish() && (m.g.Live || m.has(HasFetchError, parse.SourceVarnishlog, parse.SourceVarnishncsa)):
		m.ask(ask, "FetchError", Yes)
	case m.varnish():
		m.ask(ask, "FetchError", m.lacking(parse.SourceVarnishlog, parse.SourceVarnishncsa), m.ncsa())
	case m.has(0, parse.SourceNginxError):
		m.ask(ask, "nginx error log", Yes)
	default:
		m.ask(ask, "nginx error log", m.lacking(parse.SourceNginxError), m.nginxError())
	}
}

func (m *maker) nginxError() int {
	return m.paste("in the main block of nginx", m.wanted(parse.SourceNginxError, "error_log"))
}

// lacking is No when a log of kinds is there, Denied when one is that may not
// be read, else NoLog.
func (m *maker) lacking(kinds ...parse.SourceKind) Here {
	if m.has(0, kinds...) {
		return No
	}
	if slices.ContainsFunc(m.g.Denied, func(k parse.SourceKind) bool { return slices.Contains(kinds, k) }) {
		return Denied
	}
	return NoLog
}

var originKinds = []parse.SourceKind{parse.SourceNginxAccess, parse.SourceApp, parse.SourceApacheAccess, parse.SourcePHPFPMAccess}

func (m *maker) reached() {
	const ask, by = "did the origin get it", "one id in both logs"
	if !m.varnish() {
		front, behind := m.has(HasID, parse.SourceNginxAccess), m.has(HasID, parse.SourceApp, parse.SourcePHPFPMAccess)
		switch {
		case front && behind:
			m.ask(ask, by, Yes)
		case front:
			m.ask(ask, by, m.lacking(parse.SourceApp, parse.SourcePHPFPMAccess), m.app())
		case behind:
			m.ask(ask, by, No, m.nginxAccess())
		default:
			m.ask(ask, by, m.lacking(parse.SourceNginxAccess), m.nginxAccess(), m.app())
		}
		return
	}
	varnishVXID := m.g.Live || m.has(HasVXID, parse.SourceVarnishlog, parse.SourceVarnishncsa)
	varnishID := m.g.Live || m.has(HasID, parse.SourceVarnishlog, parse.SourceVarnishncsa)
	switch {
	case varnishVXID && m.has(HasVXID, originKinds...), varnishID && m.has(HasID, originKinds...):
		m.ask(ask, by, Yes)
		return
	}
	var pastes []int
	if !varnishVXID {
		pastes = append(pastes, m.ncsa())
	}
	if !m.has(HasVXID, originKinds...) {
		if m.there(parse.Nginx) || !m.has(0, parse.SourceApp) {
			pastes = append(pastes, m.nginxAccess())
		} else {
			pastes = append(pastes, m.vcl(), m.app())
		}
	}
	here := m.lacking(originKinds...)
	m.ask(ask, by, here, pastes...)
}

func (m *maker) app() int {
	return m.paste("in the application", m.wanted(parse.SourceApp, "X-Request-ID"))
}

func (m *maker) slow() {
	const ask, by = "who was slow", "upstream times"
	behind := HasUpstream
	switch {
	case m.has(behind, parse.SourceNginxAccess), m.has(HasDuration, parse.SourceNginxAccess, parse.SourceApp, parse.SourcePHPFPMAccess):
		m.ask(ask, by, Yes)
	case m.there(parse.Nginx) || !m.has(0, parse.SourceApp):
		m.ask(ask, by, m.lacking(parse.SourceNginxAccess), m.nginxAccess())
	default:
		m.ask(ask, by, No, m.app())
	}
}

func (m *maker) why() {
	const ask = "why the origin was slow"
	defer func() { m.r.Questions[len(m.r.Questions)-1].Cause = true }()
	if m.there(parse.PHPFPM) || !m.there(parse.App) {
		if m.has(0, parse.SourcePHPFPMSlow) {
			m.ask(ask, "PHP-FPM slow log", Yes)
			return
		}
		if m.there(parse.PHPFPM) {
			m.ask(ask, "PHP-FPM slow log", m.lacking(parse.SourcePHPFPMSlow), m.paste("in the pool of PHP-FPM", m.wanted(parse.SourcePHPFPMSlow, "slowlog")))
			return
		}
	}
	if m.has(0, parse.SourceApp) {
		m.ask(ask, "application log", Yes)
		return
	}
	m.ask(ask, "application log", m.lacking(parse.SourceApp), m.app())
}

// unread says honestly what is there and not read by this version, and what
// makes it of use to the logs beside it all the same.
func (m *maker) unread() {
	for _, x := range []struct {
		program              parse.Program
		ask, by, where, text string
	}{
		{parse.HAProxy, "what HAProxy saw", "HAProxy log", "in the frontend of HAProxy: what is behind it then logs its id", "haproxy.cfg"},
		{parse.Envoy, "what Envoy saw", "Envoy access log", "in the HTTP connection manager of Envoy", "envoy.yaml"},
		{parse.Apache, "what Apache saw", "Apache error log", "in the configuration of Apache", "apache.conf"},
	} {
		if m.there(x.program) {
			m.ask(x.ask, x.by, Unread, m.paste(x.where, Snippet(x.text)))
		}
	}
	if m.there(parse.Database) {
		m.ask("what the database did", "slow query log", Unread, m.paste("in the settings of the database", m.wanted(parse.SourceDatabaseSlow, "slow_query_log")))
	}
	for _, l := range m.g.Logs {
		if l.Unread != "" {
			m.r.Notes = append(m.r.Notes, fmt.Sprintf("%s: %s", l.Name, l.Unread))
		}
	}
}
