package rules

import (
	"sync"

	"why503/parse"
	"why503/parse/recognise"
)

// Diagnose says why the request failed. It reads no clock and changes neither
// q nor env; the Verdict's lines alias q.
func (s *Set) Diagnose(q *parse.Request, env *Env) Verdict {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	if !w.view.look(q, env) {
		return unknown()
	}
	w.evidence.gather(&w.view, s)
	w.key = w.evidence.signature(w.key[:0])
	d := s.cache.get(w.key)
	if d == nil {
		d = s.decide(&w.evidence)
		s.cache.put(w.key, d)
	}
	v := w.view.render(&w.evidence, d)
	w.view.q, w.view.env = nil, nil
	return v
}

// diagnoseAfresh is Diagnose without an Env and without the cache.
func (s *Set) diagnoseAfresh(q *parse.Request) Verdict {
	var w workspace
	if !w.view.look(q, nil) {
		return unknown()
	}
	w.evidence.gather(&w.view, s)
	return w.view.render(&w.evidence, s.decide(&w.evidence))
}

// A workspace is what one call of Diagnose needs, kept for the next.
type workspace struct {
	view     view
	evidence evidence
	key      []byte
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// unknown is what can be said of a Request that holds nothing.
func unknown() Verdict {
	c := recognise.CauseOf("unknown.unclassified")
	return Verdict{
		Class: ClassFailure, Symptom: c.Slug, Cause: c.Slug, Layer: c.Owner, Words: phrase(c.Slug),
		Missing: []Missing{{Source: "the proxy's log", Kind: parse.SourceVarnishlog, WouldDecide: "what the proxy saw"}},
	}
}
