package loggen

// A queue holds requests until all their lines are written, and hands out the
// lines by time. Slots are reused, so it grows only with how many requests are
// under way at once.
type queue struct {
	events []event // a binary heap
	slots  []request
	uses   []int32 // lines of a slot that are not written yet, and its maker
	free   []int32
}

type event struct {
	at     int64 // ns
	slot   int32
	format int32
}

func (e event) before(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.slot != o.slot {
		return e.slot < o.slot
	}
	return e.format < o.format
}

func (q *queue) empty() bool { return len(q.events) == 0 }

// slot returns a free slot, which its caller releases.
func (q *queue) slot() int32 {
	if n := len(q.free); n > 0 {
		s := q.free[n-1]
		q.free = q.free[:n-1]
		q.uses[s] = 1
		return s
	}
	q.slots = append(q.slots, request{})
	q.uses = append(q.uses, 1)
	return int32(len(q.slots) - 1)
}

func (q *queue) release(slot int32) {
	if q.uses[slot]--; q.uses[slot] == 0 {
		q.free = append(q.free, slot)
	}
}

func (q *queue) push(e event) {
	q.uses[e.slot]++
	q.events = append(q.events, e)
	i := len(q.events) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(q.events[up]) {
			break
		}
		q.events[i] = q.events[up]
		i = up
	}
	q.events[i] = e
}

func (q *queue) pop() event {
	first := q.events[0]
	last := q.events[len(q.events)-1]
	q.events = q.events[:len(q.events)-1]
	n := len(q.events)
	if n == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && q.events[down+1].before(q.events[down]) {
			down++
		}
		if !q.events[down].before(last) {
			break
		}
		q.events[i] = q.events[down]
		i = down
	}
	q.events[i] = last
	return first
}
