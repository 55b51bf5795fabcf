package varnish

import "bytes"

// A rec is one record of the log, as it stands in one physical line. Its
// slices alias the line.
type rec struct {
	vxid    uint64 // own of the record; only when long
	long    bool   // raw, or -v: VXID before the tag, side behind it
	side    byte   // 'c', 'b', '-'; 0 when not long
	tag     []byte
	payload []byte
	quote   []byte // from the tag on
}

// splitRecord reads a record. Inside a transaction it has one of the forms
//
//   - Begin          req 2 rxreq
//     -4-          3 Begin          c req 2 rxreq
//
// and in raw form no dashes. The tag is padded to 14 columns, so a payload
// that begins with blanks keeps them.
func splitRecord(line []byte) (r rec, ok bool) {
	i := 0
	if len(line) > 0 && line[0] == '-' {
		for i < len(line) && line[i] == '-' {
			i++
		}
		if j := digits(line, i); j > i && j < len(line) && line[j] == '-' {
			i = j + 1
		}
	}
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if j := digits(line, i); j > i {
		r.long = true
		if r.vxid, ok = number(line[i:j]); !ok || j == len(line) || line[j] != ' ' {
			return r, false
		}
		for i = j; i < len(line) && line[i] == ' '; {
			i++
		}
	}
	rest := line[i:]
	n := tagLen(rest)
	if n == 0 {
		return r, false
	}
	r.tag, r.quote = rest[:n], rest
	r.payload = behindTag(rest, n)
	if r.long {
		if len(r.payload) == 0 {
			return r, false
		}
		r.side = r.payload[0]
		if r.side != 'c' && r.side != 'b' && r.side != '-' {
			return r, false
		}
		switch {
		case len(r.payload) == 1:
			r.payload = nil
		case r.payload[1] == ' ':
			r.payload = r.payload[2:]
		default:
			return r, false
		}
	}
	return r, true
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// tagLen is the length of a tag name (Begin, ESI_xmlerror, H2RxHdr) followed
// by a space or the end; 0 when there is none.
func tagLen(b []byte) int {
	if len(b) == 0 || b[0] < 'A' || b[0] > 'Z' {
		return 0
	}
	n := bytes.IndexByte(b, ' ')
	if n < 0 {
		n = len(b)
	}
	if n < 2 || n > 24 {
		return 0
	}
	for _, c := range b[1:n] {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || '0' <= c && c <= '9' || c == '-') {
			return 0
		}
	}
	return n
}

const tagColumns = 14

func behindTag(b []byte, n int) []byte {
	i := n
	for i < len(b) && i <= tagColumns && b[i] == ' ' {
		i++
		if n >= tagColumns {
			break // a tag that fills its column is followed by one blank
		}
	}
	return b[i:]
}

// splitHead reads the line that begins a transaction:
//
//	**  << BeReq    >> 4
func splitHead(line []byte) (kind []byte, id uint64, ok bool) {
	i := bytes.Index(line[:min(len(line), 64)], []byte("<< "))
	if i < 0 {
		return nil, 0, false
	}
	for _, c := range line[:i] {
		if c != '*' && c != ' ' && c-'0' > 9 {
			return nil, 0, false
		}
	}
	kind, rest := word(line[i+3:])
	mark, rest := word(rest)
	if string(mark) != ">>" {
		return nil, 0, false
	}
	w, _ := word(rest)
	id, ok = number(w)
	return kind, id, ok
}
