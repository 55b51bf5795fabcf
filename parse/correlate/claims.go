package correlate

// claims are the places in a Ring whose Records belong to a Request that was
// written, with the place of its root; by segment, so that it can forget what
// the Ring forgets.
type claims map[uint32]map[uint32]Pos

func (c claims) put(p, root Pos) {
	seg := c[uint32(p>>32)]
	if seg == nil {
		seg = make(map[uint32]Pos)
		c[uint32(p>>32)] = seg
	}
	seg[uint32(p)] = root
}

// by returns the root of the Request that p belongs to.
func (c claims) by(p Pos) (Pos, bool) {
	root, ok := c[uint32(p>>32)][uint32(p)]
	return root, ok
}

func (c claims) has(p Pos) bool {
	_, ok := c[uint32(p>>32)][uint32(p)]
	return ok
}

// forget drops the places from from to before to.
func (c claims) forget(from, to Pos) {
	for seq := from >> 32; seq < to>>32; seq++ {
		delete(c, uint32(seq))
	}
}
