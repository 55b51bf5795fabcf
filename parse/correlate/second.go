package correlate

import (
	"cmp"
	"maps"
	"slices"

	"why503/parse"
)

// A Second is what a source counted of its own traffic in one second of event
// time: what a collector sends instead of its healthy Records. It is sent whole
// each time that it changed, which it does while requests that began in it end.
type Second struct {
	Source parse.SourceID
	At     parse.Time // its start, on the reference clock
	Counts []Count    // by Of and Name
}

// A Count is a Second's part of a hop, a backend or a route.
type Count struct {
	Of   parse.Traffic
	Name string
	// Began and Ended count what began and what ended in the second. What took
	// longer than three minutes counts as begun so long before its end.
	Began, Ended uint32
	Slow, Failed uint32 // of those that ended
	// Busy is what those that began or ended in the second add to the time (ns)
	// that all in flight at its start would take up in it.
	Busy int64
	Took []Took // by End and Bucket
}

// Changed returns the seconds that changed since it was called before, by
// source and time.
func (l *Load) Changed() []Second {
	var all []Second
	for _, id := range slices.Sorted(maps.Keys(l.sources)) {
		c := l.sources[id]
		if c.dirty == nil {
			continue
		}
		ats := make([]int64, 0, 8)
		for _, at := range c.dirty {
			if at != 0 && at/60 > c.newest-fineMinutes {
				ats = append(ats, at)
			}
		}
		c.dirty = nil // of ten thousand sources most have none
		slices.Sort(ats)
		for _, at := range ats {
			all = append(all, Second{Source: id, At: parse.Time(at * 1e9), Counts: c.counts(at)})
		}
	}
	return all
}

func (c *counter) counts(at int64) []Count {
	var all []Count
	for _, t := range c.tracks() {
		b := t.blocks[at/60%loadMinutes]
		if b == nil || b.minute != at/60 || b.secs == nil {
			continue
		}
		if s := b.secs.known(at % 60); s != nil && (s.began > 0 || s.ended > 0) {
			all = append(all, Count{
				Of: t.of, Name: t.name, Began: s.began, Ended: s.ended, Slow: s.slow, Failed: s.failed, Busy: s.busy,
				Took: slices.Clone(s.took),
			})
		}
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name)) })
	return all
}

// tracks returns all tracks, in no order.
func (c *counter) tracks() []*track {
	all := []*track{c.hop}
	for of := range c.named {
		for _, t := range c.named[of] {
			all = append(all, t)
		}
		all = append(all, c.rest[of])
	}
	return all
}

// Merge takes a second that another Load counted, in place of what was known of
// it: one that is sent again is not added again. It is false for a second whose
// minute is over, which is left as it is.
func (l *Load) Merge(s *Second) bool {
	at := int64(s.At) / 1e9
	c := l.counter(s.Source)
	if int64(s.At) < loadMinutes*60e9 || !l.turn(c, at/60) {
		l.Late++
		return false
	}
	c.state++
	for _, t := range c.tracks() {
		if b := t.blocks[at/60%loadMinutes]; b != nil && b.minute == at/60 && b.secs != nil {
			if old := b.secs.known(at % 60); old != nil {
				t.ended -= uint64(old.ended)
				*old = second{took: old.took[:0]}
			}
		}
	}
	for i := range s.Counts {
		n := &s.Counts[i]
		t := c.hop
		switch {
		case n.Of >= parse.NumTraffic:
			continue // of a newer version
		case n.Of != parse.OfHop:
			t = l.track(c, n.Of, []byte(n.Name))
		}
		b := l.block(c, t, at/60)
		if b == nil || b.secs == nil {
			l.Late++
			return false
		}
		t.ended += uint64(n.Ended)
		took := slices.DeleteFunc(slices.Clone(n.Took), func(k Took) bool { return k.End >= parse.NumEnds || k.Bucket > maxTook || k.N == 0 })
		b.secs.at(at % 60).add(&second{began: n.Began, ended: n.Ended, slow: n.Slow, failed: n.Failed, busy: n.Busy, took: took})
	}
	c.touch(at)
	return true
}
