package correlate

// claims is a set of places in a Ring, by segment, so that it can forget what
// the Ring forgets.
type claims map[uint32]map[uint32]struct{}

func (c claims) put(p Pos) {
	seg := c[uint32(p>>32)]
	if seg == nil {
		seg = make(map[uint32]struct{})
		c[uint32(p>>32)] = seg
	}
	seg[uint32(p)] = struct{}{}
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
