package applog

import "why503/parse"

// unescape writes to scratch, which has room for all strings of the line.
func (s *structured) unescape(v []byte) []byte {
	n := len(s.scratch)
	if n+len(v) > cap(s.scratch) {
		return v
	}
	s.scratch = parse.Unescape(s.scratch, v)
	return s.scratch[n:]
}
