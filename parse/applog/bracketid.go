package applog

import (
	"bytes"

	"why503/parse"
)

// beforeID tells whether a word is a logger's name because nothing but marks,
// and the level where none was read yet, stands between it and a bracket that
// holds an id: "ERROR app [uuid] text" and "app - ERROR - [uuid] text". A word
// that tells of trouble begins the message; the id then serves where the line
// names no other.
func (h *header) beforeID(name, after []byte, e *entry) bool {
	if len(after) == 0 {
		return false
	}
	p := header{b: h.b, i: len(h.b) - len(after)}
	if after[0] == ':' {
		p.i++
	}
	p.separators(true)
	if h.levels == 0 {
		n := 0
		for p.i+n < len(p.b) && letter(p.b[p.i+n]) {
			n++
		}
		w := p.b[p.i : p.i+n]
		if n < 3 || w[0] >= 'a' || levelOf(w) == parse.LevelNone {
			return false
		}
		p.i += n
		p.separators(true)
	}
	if !beginsWithID(p.b[p.i:]) {
		return false
	}
	if toneOf(name)&toneTrouble != 0 || !exceptionFree(name) || isMethod(name) {
		in, _, _ := bytes.Cut(p.b[p.i+1:], []byte("]"))
		if in = bytes.TrimSpace(in); bareID(in) && len(e.likelyID) == 0 {
			e.likelyID = in
		}
		return false
	}
	return true
}

// beginsWithID knows [uuid], [32 hex digits] and [request_id=...] in front of
// a message.
func beginsWithID(b []byte) bool {
	if len(b) < 3 || b[0] != '[' {
		return false
	}
	j := bytes.IndexByte(b[:min(len(b), maxID+40)], ']')
	if j < 0 || len(bytes.TrimSpace(b[j+1:])) == 0 {
		return false
	}
	in := bytes.TrimSpace(b[1:j])
	if bareID(in) {
		return true
	}
	var e entry
	scanIDs(in, &e)
	return e.idLen() > 0
}

// bareID knows the ids that are told from other texts without a name.
func bareID(b []byte) bool { return isUUID(b) || len(b) == 32 && parse.IsHex(b) }
