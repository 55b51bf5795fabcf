package incident

import "slices"

// clone returns a site that shares no memory with st that either would write
// to. A Live keeps one state that is settled and replays on copies of it.
func (st *site) clone() *site {
	c := *st
	c.pending.Causes = slices.Clone(st.pending.Causes)
	c.suspect = st.suspect.clone()
	c.gap = st.gap.clone()
	c.tail = st.tail.clone()
	if st.open != nil {
		open := st.open.clone()
		c.open = &open
	}
	c.ended = make([]found, len(st.ended))
	for i := range st.ended {
		c.ended[i] = st.ended[i].clone()
	}
	return &c
}

func (r *run) clone() run {
	c := *r
	c.causes = slices.Clone(r.causes)
	return c
}

func (f *found) clone() found {
	c := *f
	c.run, c.before = f.run.clone(), f.before.clone()
	return c
}
