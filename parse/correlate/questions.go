package correlate

import (
	"slices"

	"why503/parse"
)

// A question is one key of a Want.
type question struct {
	key      Key
	from, to parse.Time
}

// Asked returns the number of the last Want.
func (v *Live) Asked() uint64 { return v.number }

// Answered says that every Want up to a number was answered by all who were
// asked.
func (v *Live) Answered(number uint64) { v.heardOf = max(v.heardOf, number) }

// bring notes that a Record came.
func (v *Live) bring(k Key, in interval) {
	if old, ok := v.news[k]; ok {
		in = interval{min(old.from, in.from), max(old.to, in.to)}
	}
	v.news[k] = in
}

// stir marks the Requests to which something that came may belong.
func (v *Live) stir() {
	for _, o := range v.open {
		if o.dirty {
			continue
		}
		o.dirty = v.tells && o.signals >= v.j.now-parse.Time(v.j.cfg.Hold)
		for _, w := range o.wants {
			if in, ok := v.news[w.key]; ok && in.overlaps(interval{w.from, w.to}) {
				o.dirty = true
				break
			}
		}
	}
	clear(v.news)
	v.tells = false
}

// note hears of every question that the join asks.
func (v *Live) note(w *Want) {
	for _, k := range w.Keys {
		v.asking = append(v.asking, question{k, w.From, w.To})
	}
}

// send puts what was asked and was not put before to the collectors.
func (v *Live) send(o *open, root candidate) {
	in := span(root.src, root.Record)
	before := v.number
	w := Want{UID: o.uid, Near: in.to, Until: in.to + parse.Time(v.j.cfg.Hold)}
	for i := range v.asking {
		a := v.asking[i]
		if _, ok := v.sent[a]; ok {
			continue
		}
		if w.Keys != nil && (a.from != w.From || a.to != w.To) {
			v.put(&w)
			w.Keys = nil
		}
		v.sent[a] = struct{}{}
		w.Keys = append(w.Keys, a.key)
		w.From, w.To = a.from, a.to
	}
	if w.Keys != nil {
		v.put(&w)
	}
	if v.number > before {
		o.asked = v.number
	}
}

func (v *Live) put(w *Want) {
	v.number++
	c := *w
	v.to.Want(v.number, &c)
}

// compact drops repeats; a Request asks the same again each time it is built.
func compact(list []question) []question {
	seen := make(map[question]struct{}, len(list))
	return slices.DeleteFunc(list, func(a question) bool {
		_, ok := seen[a]
		seen[a] = struct{}{}
		return ok
	})
}
