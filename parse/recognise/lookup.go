package recognise

import (
	"bytes"
	"slices"

	"why503/parse"
)

// A Meaning is what a line says, as far as the line alone can tell.
type Meaning struct {
	Line    string `json:"line"`
	Program string `json:"program"` // empty when the text does not tell
	Event   string `json:"event"`   // name of the event; empty when the text is none
	// Causes are slugs, most likely first: what the line itself names, then
	// what that can point to. Empty when the line means nothing bad.
	Causes  []string `json:"causes"`
	Confirm []string `json:"confirm"` // where to look to be sure
	Advice  string   `json:"advice"`
}

// maxCauses bounds the list of causes of one line.
const maxCauses = 8

// Lookup tells what a line means: a physical line of any program's log, with
// whatever header it carries, or a bare message.
func (s *Set) Lookup(line []byte) Meaning {
	m := Meaning{Line: string(bounded(bytes.TrimRight(line, "\r\n"))), Causes: []string{}, Confirm: []string{}}
	r := reader{set: s}
	r.line(bounded(line))
	events := s.understand(&r)
	m.Program = r.program.String()
	if len(events) == 0 {
		if r.status >= 500 && r.relayed {
			m.settle([]string{"app_error.origin_5xx"})
		}
		return m
	}
	first := events[0]
	m.Event = first.Name
	if m.Program == "" {
		m.Program = first.Program.String()
	}
	var named []string
	for _, e := range events {
		if e.Cause == "unknown.unclassified" && len(named) > 0 {
			continue // something better is known
		}
		if harm(e) > harmless && !slices.Contains(named, e.Cause) {
			named = append(named, e.Cause)
		}
	}
	if r.status >= 500 && r.relayed && len(named) == 0 {
		named = append(named, "app_error.origin_5xx")
	}
	m.settle(named)
	if m.Advice == "" {
		m.Advice = first.Meaning
	}
	return m
}

// settle fills causes, confirmations and advice from the causes that the line
// names itself.
func (m *Meaning) settle(named []string) {
	if len(named) == 0 {
		return
	}
	m.Causes = append(m.Causes, named[:min(len(named), maxCauses)]...)
	top := CauseOf(named[0])
	m.Advice = top.Remedies
	if top.Level != "symptom" {
		m.Confirm = append(m.Confirm, confirmation(top))
		return
	}
	for _, slug := range top.CheckNext {
		m.Confirm = append(m.Confirm, confirmation(CauseOf(slug)))
		if len(m.Causes) < maxCauses && !slices.Contains(m.Causes, slug) {
			m.Causes = append(m.Causes, slug)
		}
	}
	if len(top.CheckNext) == 0 {
		m.Confirm = append(m.Confirm, confirmation(top))
	}
}

// understand returns the events that the reader's texts are, the one that
// tells most first.
func (s *Set) understand(r *reader) []*Event {
	var events []*Event
	for _, t := range r.readings {
		e := s.of(t)
		if e != nil && !slices.Contains(events, e) {
			events = append(events, e)
		}
	}
	if r.open && !slices.ContainsFunc(events, (*Event).settles) {
		events = append(events, s.anywhere(r.rest)...)
	}
	slices.SortStableFunc(events, func(a, b *Event) int { return harm(b) - harm(a) })
	return events
}

// settles reports whether a line in which e was found needs no further search.
func (e *Event) settles() bool { return e.class >= wording && e.Cause != "unknown.unclassified" }

// of returns the event of one reading.
func (s *Set) of(t reading) *Event {
	if len(t.text) == 0 {
		return nil
	}
	if t.place != nil {
		return s.wheres()[t.place].best(t.text)
	}
	return s.recognise(t.field, t.text)
}

// anywhere compares a text whose place is not known with the rows of all
// places. It returns the best row, and others when the text as a whole is
// theirs too: the same words mean different things in different places.
func (s *Set) anywhere(text []byte) []*Event {
	whole := 2 // with and without what stands before the message
	for i, piece := range pieces(text) {
		var found []*Event
		for j := range places {
			p := &places[j]
			if p.kind == states && !isState(piece) {
				continue
			}
			found = s.wheres()[p].all(found, piece, generic)
		}
		if i >= whole { // a part of a line proves something only as a whole
			found = slices.DeleteFunc(found, func(e *Event) bool { return !e.full || e.fixed < 6 })
		}
		if len(found) == 0 {
			continue
		}
		slices.SortStableFunc(found, func(a, b *Event) int { return b.told() - a.told() })
		best := found[0]
		return slices.DeleteFunc(found, func(e *Event) bool {
			return e != best && (!e.full || !best.full || e.fixed+2 < best.fixed)
		})
	}
	for _, piece := range pieces(text) {
		if e := s.recognise(parse.FieldAppText, piece); e != nil {
			return []*Event{e}
		}
	}
	return nil
}

// told orders rows of different places: narrow ones come after all others.
func (e *Event) told() int {
	if e.place.kind == narrow {
		return e.Specificity - perFull
	}
	return e.Specificity
}

// harmless is the harm of an event that is no failure.
const harmless = 0

// harm orders the events of one line by how much they say of a failure.
func harm(e *Event) int {
	switch {
	case e.Cause == "unknown.context" || e.Cause == "unknown.normal":
		return harmless
	case e.Cause == "unknown.unclassified":
		return 1
	case e.class == lastResort:
		return 2
	case e.class == generic:
		return 3
	}
	return 4
}
