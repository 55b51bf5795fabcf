package recognise

import (
	"hash/maphash"
	"sync/atomic"

	"why503/parse"
)

// Annotate sets the Event of each Note in r: that of the most specific row of
// the taxonomy that its Text is, 0 when it is none.
func (s *Set) Annotate(r *parse.Record) {
	for i := range r.Notes {
		n := &r.Notes[i]
		n.Event = s.eventOf(n.Field, n.Text)
	}
}

func (s *Set) eventOf(f parse.Field, text []byte) parse.EventID {
	if len(text) > maxRecent {
		return idOf(s.recognise(f, text))
	}
	h := maphash.Bytes(seed, text) + uint64(f)
	if id, ok := s.recent.get(h, f, text); ok {
		return id
	}
	e := s.recognise(f, text)
	if e != nil { // what is nothing is found out by one pass over its bytes
		s.recent.put(h, f, text, e.ID)
	}
	return idOf(e)
}

func idOf(e *Event) parse.EventID {
	if e == nil {
		return 0
	}
	return e.ID
}

// A Capture is a part of a text that a row's expression names: a backend, an
// errno, a count of seconds. Value aliases the Note's Text.
type Capture struct {
	Name  string
	Value []byte
}

// Captures returns the named parts of an annotated Note that are not empty.
func (s *Set) Captures(n *parse.Note) []Capture {
	e := s.Event(n.Event)
	if e == nil {
		return nil
	}
	text := bounded(n.Text)
	at := e.expr.FindSubmatchIndex(text)
	if at == nil {
		return nil
	}
	var list []Capture
	for i, name := range e.expr.SubexpNames() {
		if name != "" && at[2*i] >= 0 && at[2*i] < at[2*i+1] {
			list = append(list, Capture{name, text[at[2*i]:at[2*i+1]]})
		}
	}
	return list
}

const (
	recentSlots = 1 << 10
	maxRecent   = 512 // bytes of a text that is remembered
)

var seed = maphash.MakeSeed()

// recent remembers what texts were found to be: a storm says the same few
// things again and again. Each text has one slot, and the later one wins it.
type recent [recentSlots]atomic.Pointer[remembered]

type remembered struct {
	text  string
	field parse.Field
	event parse.EventID
}

func (r *recent) get(h uint64, f parse.Field, text []byte) (parse.EventID, bool) {
	m := r[h%recentSlots].Load()
	if m == nil || m.field != f || m.text != string(text) {
		return 0, false
	}
	return m.event, true
}

func (r *recent) put(h uint64, f parse.Field, text []byte, id parse.EventID) {
	r[h%recentSlots].Store(&remembered{string(text), f, id})
}
