package correlate

import "iter"

// seconds are those of a minute in which something happened: of most tracks few,
// so that the logs of ten thousand sites find room.
type seconds struct {
	place [60]uint8 // of a second in list, plus one
	list  []second  // in the order in which they were first counted in
}

// at returns a second, to be counted in. It is good until the next call.
func (s *seconds) at(i int64) *second {
	if k := s.place[i]; k > 0 {
		return &s.list[k-1]
	}
	n := len(s.list)
	if n < cap(s.list) { // what a second of another minute took room for
		s.list = s.list[:n+1]
		s.list[n] = second{took: s.list[n].took[:0]}
	} else {
		s.list = append(s.list, second{})
	}
	s.place[i] = uint8(n + 1)
	return &s.list[n]
}

// known returns a second in which something happened, or nil.
func (s *seconds) known(i int64) *second {
	if k := s.place[i]; k > 0 {
		return &s.list[k-1]
	}
	return nil
}

// all are the seconds in which something happened, in their order.
func (s *seconds) all() iter.Seq2[int, *second] {
	return func(yield func(int, *second) bool) {
		if s == nil {
			return
		}
		for i, k := range s.place {
			if k > 0 && !yield(i, &s.list[k-1]) {
				return
			}
		}
	}
}

func (s *seconds) clear() {
	s.place = [60]uint8{}
	s.list = s.list[:0]
}
