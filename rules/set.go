package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"why503/parse"
	"why503/parse/recognise"
)

//go:embed builtin
var builtin embed.FS

// A Set is a compiled set of rules. It is safe for use by several goroutines.
type Set struct {
	symptoms []*rule
	findings map[parse.EventID][]*rule // in the order in which they are asked
	rules    []*rule
	edges    []edge
	next     map[string][]edge // edges by the cause that they lead from, patterns resolved
	wants    []want
	signs    []sign

	interesting eventSet // events that a rule or the taxonomy makes something of
	cache       cache
}

// Builtin returns the rules that are part of the program.
var Builtin = sync.OnceValue(func() *Set {
	s, err := Load(builtin)
	if err != nil {
		panic(err) // embedded data; held by a test
	}
	return s
})

// Load compiles the rule files (*.yaml, without *.test.yaml) of fsys and of
// the users' folders. A rule of a later folder replaces the one of the same
// name; one with a new name is asked before those of earlier folders.
func Load(fsys fs.FS, user ...fs.FS) (*Set, error) {
	s := &Set{findings: map[parse.EventID][]*rule{}, next: map[string][]edge{}}
	var errs []error
	for _, f := range append([]fs.FS{fsys}, user...) {
		errs = append(errs, s.read(f))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.rules = slices.DeleteFunc(s.rules, func(u *rule) bool { return u.off })
	if err := s.compile(); err != nil {
		return nil, err
	}
	return s, nil
}

// read adds the files of one folder, by name.
func (s *Set) read(fsys fs.FS) error {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".test.yaml") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reading rules: %w", err)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	var added []*rule
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("reading rules: %w", err)
		}
		f, err := parseFile(name, data)
		if err != nil {
			return err
		}
		for _, u := range f.rules {
			if i := slices.IndexFunc(added, func(o *rule) bool { return o.name == u.name }); i >= 0 {
				return fmt.Errorf("%s:%d: rule %q stands already in %s:%d", u.file, u.line, u.name, added[i].file, added[i].line)
			}
			if i := slices.IndexFunc(s.rules, func(o *rule) bool { return o.name == u.name }); i >= 0 {
				s.rules[i] = u
				continue
			}
			added = append(added, u)
		}
		s.interesting.join(&f.used)
		s.edges = append(s.edges, f.edges...)
		s.signs = append(s.signs, f.signs...)
		s.wants = append(f.wants, s.wants...)
	}
	s.rules = append(added, s.rules...)
	return nil
}

// compile builds the tables that Diagnose reads.
func (s *Set) compile() error {
	for _, u := range s.rules {
		for _, b := range u.beats {
			if !slices.ContainsFunc(s.rules, func(o *rule) bool { return o.name == b }) {
				return fmt.Errorf("%s:%d: rule %q beats %q, which is not there", u.file, u.line, u.name, b)
			}
		}
		if u.stage == stageSymptom {
			s.symptoms = append(s.symptoms, u)
		}
	}
	events := recognise.Default().Events()
	for i := range events {
		e := &events[i]
		for _, u := range s.rules {
			if u.stage == stageFinding && u.events.has(e.ID) {
				s.findings[e.ID] = append(s.findings[e.ID], u)
			}
		}
		if d := byTaxonomy(e); d != nil {
			s.findings[e.ID] = append(s.findings[e.ID], d)
			s.interesting.put(e.ID)
		}
	}
	for _, u := range s.rules {
		if u.stage == stageFinding && u.events.has(eventLateAnswer) {
			s.findings[eventLateAnswer] = append(s.findings[eventLateAnswer], u)
		}
	}
	for _, c := range recognise.Causes() {
		for _, to := range c.CheckNext {
			s.next[c.Slug] = append(s.next[c.Slug], edge{from: c.Slug, to: to})
		}
		for _, g := range s.edges {
			if meets(g.from, c.Slug) {
				s.next[c.Slug] = append(s.next[c.Slug], g)
			}
		}
	}
	return nil
}

// byTaxonomy is the rule that an event has by its row alone.
func byTaxonomy(e *recognise.Event) *rule {
	c := recognise.CauseOf(e.Cause)
	if c == nil || c.Level == "info" || c.Level == "parent" || c.Parent == "unknown" {
		return nil
	}
	u := &rule{name: e.Name, stage: stageFinding, in: placeNames["everywhere"], cause: e.Cause, confidence: 0.85, before: -1, after: -1}
	if c.Level == "symptom" {
		u.confidence = 0.9
	}
	return u
}

// A RuleInfo is what `rules list` shows of a rule.
type RuleInfo struct {
	Name, File string
	Line       int
	Symptom    bool
	Cause      string
	Confidence float64
	Words      string
}

// Rules lists the rules of the files, in the order in which they are asked.
func (s *Set) Rules() []RuleInfo {
	all := make([]RuleInfo, len(s.rules))
	for i, u := range s.rules {
		all[i] = RuleInfo{u.name, u.file, u.line, u.stage == stageSymptom, u.cause, u.confidence, say(u.words, func(h string) string { return "{" + h + "}" })}
	}
	return all
}

// over says that the state which the signal at place k of the order began had
// ended before the request reached the hop.
func (s *Set) over(v *view, k int, t int64, id parse.EventID) bool {
	var until *eventSet
	for _, u := range s.findings[id] {
		if u.until != nil {
			until = u.until
			break
		}
	}
	if until == nil {
		return false
	}
	p := v.part(int(v.order[k]))
	from := int64(start(v.part(v.hop)))
	for j := v.parts; j < len(v.order); j++ {
		q := v.part(int(v.order[j]))
		if q.Host != p.Host || string(serviceOf(q.Record)) != string(serviceOf(p.Record)) {
			continue
		}
		for i := range q.Record.Notes {
			n := &q.Record.Notes[i]
			if !until.has(n.Event) {
				continue
			}
			at := int64(noteTime(q, n))
			// Stamps of one second have no order of their own; their file has.
			after := at > t || at == t && q.Record.Source == p.Record.Source && q.Record.Offset > p.Record.Offset
			if after && at+q.Record.Precision+startup <= from {
				return true
			}
		}
	}
	return false
}

// startup is how long a started program may take until it listens: a service
// manager says "Started" when it has forked.
const startup = int64(1_500_000_000)

// Files returns the rule files that are part of the program, and their tests.
func Files() fs.FS {
	sub, err := fs.Sub(builtin, "builtin")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}
