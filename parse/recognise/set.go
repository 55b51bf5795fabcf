package recognise

import (
	"sync"

	"why503/parse"
)

// A Set is a compiled taxonomy. It may be used by several goroutines.
type Set struct {
	events []Event
	byName map[string]*Event
	fields [numFields]*index
	states *index // HAProxy's termination states
	recent recent
	// wheres holds an index for each place, which only Lookup needs.
	wheres func() map[*place]*index
}

// numFields is one past the last parse.Field.
const numFields = int(parse.FieldBackendOpen) + 1

// Default returns the taxonomy that is built in.
var Default = sync.OnceValue(func() *Set {
	events, err := readEvents()
	if err != nil {
		panic(err) // embedded data; held by a test
	}
	return newSet(events)
})

func newSet(events []Event) *Set {
	s := &Set{events: events, byName: make(map[string]*Event, len(events))}
	for i := range events {
		e := &events[i]
		e.rank()
		s.byName[e.Name] = e
	}
	for f := range s.fields {
		s.fields[f] = newIndex(s.rows(func(e *Event) bool { return inField(e, parse.Field(f)) }))
		lift(s.fields[f])
	}
	for _, x := range s.fields { // a row that one field lifted may stand in another
		lift(x)
	}
	for _, x := range s.fields {
		x.sort()
	}
	s.fields[parse.FieldFPM] = s.fields[parse.FieldAppText] // one holds what the other does
	s.states = newIndex(s.rows(func(e *Event) bool { return e.place.kind == states }))
	s.states.sort()
	s.wheres = sync.OnceValue(s.indexPlaces)
	return s
}

// inField reports whether a text of that Field is compared with e.
func inField(e *Event, f parse.Field) bool {
	if f == parse.FieldNone {
		return false
	}
	if e.Field == f && e.place.kind != narrow && e.place.kind != states {
		return true
	}
	also := shares[f]
	return also != nil && also(e)
}

func (s *Set) rows(want func(*Event) bool) []*Event {
	var rows []*Event
	for i := range s.events {
		if want(&s.events[i]) {
			rows = append(rows, &s.events[i])
		}
	}
	return rows
}

func (s *Set) indexPlaces() map[*place]*index {
	rows := make(map[*place][]*Event)
	for i := range s.events {
		e := &s.events[i]
		rows[e.place] = append(rows[e.place], e)
	}
	indices := make(map[*place]*index, len(rows))
	for p, list := range rows {
		indices[p] = newIndex(list)
		indices[p].sort()
	}
	return indices
}

// Event returns the event of that id, nil for 0 and for ids of no event.
func (s *Set) Event(id parse.EventID) *Event {
	if id == 0 || int(id) > len(s.events) {
		return nil
	}
	return &s.events[id-1]
}

// ByName returns the event of that name, nil when there is none.
func (s *Set) ByName(name string) *Event { return s.byName[name] }

// Events returns all events, by id. The slice is shared and must not be
// changed.
func (s *Set) Events() []Event { return s.events }

// recognise returns the most specific event that text is in its field.
func (s *Set) recognise(f parse.Field, text []byte) *Event {
	if int(f) >= len(s.fields) || len(text) == 0 {
		return nil
	}
	if f == parse.FieldHAProxy && isState(text) {
		return s.states.best(text)
	}
	return s.fields[f].best(text)
}

// isState reports whether text has the shape of HAProxy's termination state:
// two flags, or four with those of cookies.
// https://docs.haproxy.org/2.8/configuration.html#8.5
func isState(text []byte) bool {
	if len(text) != 2 && len(text) != 4 {
		return false
	}
	for _, c := range text {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}
