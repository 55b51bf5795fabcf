package correlate

import "why503/parse"

// A Want is a question of a failed request to whoever may hold Records of it:
// everything under one of the keys that overlaps an interval of event time.
// Until is when the question is withdrawn: the origin's line often comes after
// the proxy gave up, so a Want stands open that long.
type Want struct {
	UID      parse.RecordID
	Keys     []Key
	From, To parse.Time
	Until    parse.Time
	// Near is when the Record that asks ended. A holder that has more than it
	// may send sends those that ended nearest to it.
	Near parse.Time
}

// An Answer is what one holder has for a Want. Covered says that it has read
// the Want's interval without loss, so that nothing means nothing.
type Answer struct {
	Entries []Entry
	Covered bool
}

// An Answerer holds Records.
type Answerer interface {
	Answer(w Want) (Answer, error)
}

// ask asks the Ring, and where Records lie elsewhere those who hold them, whose
// answers come later.
func (j *Joiner) ask(w Want, skip func(Pos) bool) (Answer, error) {
	if j.onWant != nil {
		j.onWant(&w)
	}
	return j.ring.answer(w, skip)
}

// Answer returns the Records that match w, each once, in the order of Add for
// each key.
func (g *Ring) Answer(w Want) (Answer, error) { return g.answer(w, nil) }

// answer is Answer without the Records that skip names: what cannot be taken
// must not use up the bound on candidates.
func (g *Ring) answer(w Want, skip func(Pos) bool) (Answer, error) {
	var a Answer
	seen := make(map[Pos]bool)
	for _, k := range w.Keys {
		n := 0
		err := g.find(k, w.From, w.To, skip, func(e Entry) bool {
			if !seen[e.Pos] {
				seen[e.Pos] = true
				a.Entries = append(a.Entries, e)
				n++
			}
			return n < maxAnswer
		})
		if err != nil {
			return Answer{}, err
		}
	}
	return a, nil
}

// Bounds on what one failed request may ask for and get.
const (
	maxRecords = 256 // Records in a fact
	maxIDs     = 64  // different ids asked for
	maxRounds  = 6   // of asking with what came in answers: three hops, by id and without
	maxAnswer  = 512 // candidates for one key, before they are checked
)
