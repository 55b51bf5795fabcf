package rules

import (
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"why503/parse"
	"why503/parse/recognise"
)

// An edge says that one cause may stand behind another.
type edge struct {
	from, to string // slugs, or a family with .*, or *
	deeper   bool   // only a finding of a deeper hop or another program
	joined   bool   // only a finding joined to the request
	when     []cond // asked of the finding
}

// A want is a row of the table of missing logs.
type want struct {
	causes   []string
	programs uint32 // that the deepest finding stands in; 0 for any
	kind     parse.SourceKind
	unless   []parse.SourceKind // not needed when one of these is joined
	with     []parse.SourceKind // only where one of these was given
	decides  string
	snippet  string
	source   string
}

// A sign is an event that tells of a change: a deploy, a restart, a reload.
type sign struct {
	kind   string
	events *eventSet
}

func (r reader) slugs(n *yaml.Node) ([]string, error) {
	names, err := r.texts(n)
	if err != nil {
		return nil, err
	}
	for _, s := range names {
		if !slices.ContainsFunc(recognise.Causes(), func(c recognise.Cause) bool { return meets(s, c.Slug) }) {
			return nil, r.errorf(n, "no such cause %q.%s", s, didYouMean(s, causeSlugs()))
		}
	}
	return names, nil
}

// meets says that the pattern (a slug, or one with *) meets the slug.
func meets(pattern, slug string) bool {
	if pattern == slug || pattern == "*" {
		return true
	}
	ok, err := path.Match(pattern, slug)
	return err == nil && ok
}

func (r reader) edges(n *yaml.Node, all *[]edge) error {
	var from, to []string
	var deeper, joined bool
	var when []cond
	err := r.fields(n, "an edge", map[string]taker{
		"from":   func(n *yaml.Node) (err error) { from, err = r.slugs(n); return err },
		"to":     func(n *yaml.Node) (err error) { to, err = r.slugs(n); return err },
		"deeper": r.setBool(&deeper),
		"joined": r.setBool(&joined),
		"when":   func(n *yaml.Node) (err error) { when, err = r.conditions(n); return err },
	})
	if err != nil {
		return err
	}
	if len(from) == 0 || len(to) == 0 {
		return r.errorf(n, "an edge needs from and to")
	}
	for _, f := range from {
		for _, t := range to {
			*all = append(*all, edge{f, t, deeper, joined, when})
		}
	}
	return nil
}

func (r reader) wants(n *yaml.Node, all *[]want) error {
	var w want
	err := r.fields(n, "an entry of missing", map[string]taker{
		"causes": func(n *yaml.Node) (err error) { w.causes, err = r.slugs(n); return err },
		"in":     func(n *yaml.Node) error { return r.programs(n, &w.programs) },
		"kind": func(n *yaml.Node) error {
			k, ok := parse.SourceKindOf(n.Value)
			if !ok {
				return r.errorf(n, "no such kind of source %q.%s", n.Value, didYouMean(n.Value, kindNames()))
			}
			w.kind = k
			return nil
		},
		"unless":  func(n *yaml.Node) (err error) { w.unless, err = r.kinds(n); return err },
		"with":    func(n *yaml.Node) (err error) { w.with, err = r.kinds(n); return err },
		"source":  r.setText(&w.source),
		"decides": r.setText(&w.decides),
		"snippet": r.setText(&w.snippet),
	})
	if err != nil {
		return err
	}
	if len(w.causes) == 0 || w.decides == "" {
		return r.errorf(n, "an entry of missing needs causes, kind and decides")
	}
	*all = append(*all, w)
	return nil
}

func (r reader) sign(n *yaml.Node, all *[]sign) error {
	var g sign
	err := r.fields(n, "a trigger", map[string]taker{
		"kind":   r.setText(&g.kind),
		"events": func(n *yaml.Node) (err error) { g.events, err = r.events(n); return err },
	})
	if err != nil {
		return err
	}
	if g.kind == "" || g.events == nil {
		return r.errorf(n, "a trigger needs kind and events")
	}
	*all = append(*all, g)
	return nil
}

func kindNames() []string {
	var all []string
	for k := parse.SourceKind(0); k < parse.NumSourceKinds; k++ {
		all = append(all, k.String())
	}
	return all
}
