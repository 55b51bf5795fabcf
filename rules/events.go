package rules

import (
	"path"
	"strings"
	"sync"

	"why503/parse"
	"why503/parse/recognise"
)

// An eventSet is a set of rows of the taxonomy.
type eventSet [32]uint64 // 2048 events; a test holds that the taxonomy fits

func (s *eventSet) has(id parse.EventID) bool {
	return s != nil && int(id) < len(s)*64 && s[id/64]&(1<<(id%64)) != 0
}

func (s *eventSet) put(id parse.EventID) {
	if int(id) < len(s)*64 {
		s[id/64] |= 1 << (id % 64)
	}
}

func (s *eventSet) join(t *eventSet) {
	if t == nil {
		return
	}
	for i := range s {
		s[i] |= t[i]
	}
}

// eventLateAnswer is no row of the taxonomy: the next hop's own line of the
// request says that its answer was good, and ready after the proxy had given up.
const (
	eventLateAnswer = parse.EventID(len(eventSet{})*64 - 1)
	nameLateAnswer  = "seen.late_answer"
)

// add puts the events that the pattern meets into s, and says whether there
// was one.
func (s *eventSet) add(pattern string) bool {
	taxonomy := recognise.Default()
	if pattern == nameLateAnswer {
		s.put(eventLateAnswer)
		return true
	}
	if !strings.ContainsAny(pattern, "*?[") {
		e := taxonomy.ByName(pattern)
		if e != nil {
			s.put(e.ID)
		}
		return e != nil
	}
	some := false
	for _, name := range eventNames() {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			s.put(taxonomy.ByName(name).ID)
			some = true
		}
	}
	return some
}

var eventNames = sync.OnceValue(func() []string {
	events := recognise.Default().Events()
	names := make([]string, len(events))
	for i := range events {
		names[i] = events[i].Name
	}
	return names
})
