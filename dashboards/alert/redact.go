package alert

import (
	"slices"
	"strings"
	"sync"

	"why503/aggregate"
	"why503/aggregate/redact"
	"why503/dashboards/report"
)

// What of an incident goes into an alert. A summary may hold thousands of
// routes, and lines of megabytes.
const (
	maxCauses = 8
	maxLinks  = 8
	maxNames  = 10
	maxLine   = 1 << 10
	maxSite   = 100 // characters, as of the following
	maxText   = 300
	maxQuote  = 500
)

// bounded returns a copy of in that shares nothing that redact changes.
func bounded(in aggregate.Incident) aggregate.Incident {
	in.Causes = slices.Clone(in.Causes[:min(len(in.Causes), maxCauses)])
	for i := range in.Causes {
		c := &in.Causes[i]
		c.Backends = slices.Clone(c.Backends[:min(len(c.Backends), maxNames)])
		c.Routes = slices.Clone(c.Routes[:min(len(c.Routes), maxNames)])
		c.Advice = slices.Clone(c.Advice[:min(len(c.Advice), maxNames)])
		c.Chain = links(c.Chain)
		c.Words, c.Failed = clip(c.Words), aggregate.Series{}
		for j := range c.Advice {
			c.Advice[j] = clip(c.Advice[j])
		}
	}
	in.Chain = links(in.Chain)
	in.Missing = slices.Clone(in.Missing[:min(len(in.Missing), maxNames)])
	for i := range in.Missing {
		m := &in.Missing[i]
		m.Source, m.WouldDecide, m.Snippet = clip(m.Source), clip(m.WouldDecide), clip(m.Snippet)
	}
	in.Localisation = slices.Clone(in.Localisation[:min(len(in.Localisation), maxNames)])
	if in.Trigger != nil {
		t := *in.Trigger
		t.What = clip(t.What)
		in.Trigger = &t
	}
	in.Site, in.Sentence = short(in.Site, maxSite), clip(in.Sentence)
	return in
}

// links keeps the begin of a chain and its last link, the cause.
func links(chain []aggregate.ChainLink) []aggregate.ChainLink {
	if n := len(chain); n > maxLinks {
		chain = append(slices.Clone(chain[:maxLinks-1]), chain[n-1])
	} else {
		chain = slices.Clone(chain)
	}
	for i := range chain {
		chain[i].Line, chain[i].Words = clip(chain[i].Line), clip(chain[i].Words)
	}
	return chain
}

// short bounds a text to n characters, with its cut marked.
func short(s string, n int) string {
	if r := []rune(clip(s)); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// clip bounds a text, at a rune, with its cut marked.
func clip(s string) string {
	if len(s) <= maxLine {
		return s
	}
	return strings.ToValidUTF8(s[:maxLine], "") + "…"
}

// shown escapes what strangers wrote, for readers that show fields as they are.
func shown(in *aggregate.Incident) {
	escape := func(list ...*string) {
		for _, s := range list {
			*s = report.Escape(*s)
		}
	}
	escapeChain := func(chain []aggregate.ChainLink) {
		for i := range chain {
			k := &chain[i]
			escape(&k.Cause, &k.Host, &k.Program, &k.File, &k.Line, &k.Words)
		}
	}
	escape(&in.Site)
	for i := range in.Causes {
		c := &in.Causes[i]
		escape(&c.Cause, &c.Symptom, &c.Words, &c.Layer, &c.ID)
		for j := range c.Advice {
			escape(&c.Advice[j])
		}
		for _, list := range [][]aggregate.Count{c.Backends, c.Routes} {
			for j := range list {
				escape(&list[j].Name)
			}
		}
		escapeChain(c.Chain)
	}
	escapeChain(in.Chain)
	for i := range in.Missing {
		m := &in.Missing[i]
		escape(&m.Source, &m.WouldDecide)
	}
	for i, l := range in.Localisation {
		where := make(map[string]string, len(l.Where))
		for k, v := range l.Where {
			where[report.Escape(k)] = report.Escape(v)
		}
		in.Localisation[i].Where = where
	}
	if in.Trigger != nil {
		escape(&in.Trigger.Kind, &in.Trigger.What)
	}
}

// redact takes out of an incident what could say who a client is, or let
// somebody act as one.
func (m *memo) redact(in *aggregate.Incident) {
	for i := range in.Causes {
		c := &in.Causes[i]
		c.Words = m.words(c.Words)
		for j := range c.Routes {
			c.Routes[j].Name = m.words(c.Routes[j].Name)
		}
		for j := range c.Advice {
			c.Advice[j] = m.words(c.Advice[j])
		}
		m.chain(c.Chain)
	}
	m.chain(in.Chain)
	for i, l := range in.Localisation {
		where := make(map[string]string, len(l.Where))
		for k, v := range l.Where {
			where[k] = m.words(v)
		}
		in.Localisation[i].Where = where
	}
	if in.Trigger != nil {
		in.Trigger.What = m.words(in.Trigger.What)
	}
	in.Sentence = m.words(in.Sentence)
}

func (m *memo) chain(chain []aggregate.ChainLink) {
	for i := range chain {
		chain[i].Line = m.of(chain[i].Line, true)
		chain[i].Words = m.of(chain[i].Words, false)
	}
}

// words redacts our own sentences, in which an address is a backend's unless
// it is called a client.
func (m *memo) words(s string) string { return m.of(s, false) }

// A memo remembers what was redacted: an incident that goes on is told of
// every second, with the same lines.
type memo struct {
	mu    sync.Mutex
	known map[memoKey]string
}

type memoKey struct {
	text string
	line bool
}

// maxMemo bounds the texts of a memo, each of at most maxLine bytes.
const maxMemo = 1000

// of redacts a line of a log, or words about one.
func (m *memo) of(s string, line bool) string {
	if s == "" {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := memoKey{s, line}
	if r, ok := m.known[k]; ok {
		return r
	}
	r := redact.Words(s)
	if line {
		r = redact.Line(s)
	}
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = make(map[memoKey]string)
	}
	m.known[k] = r
	return r
}
