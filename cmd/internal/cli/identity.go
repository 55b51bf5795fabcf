package cli

import (
	"bytes"
	"strconv"
	"strings"

	"why503/parse"
)

// An identity is an id as a person pasted it, in each of the forms that it may
// be meant in.
type identity struct {
	text  string
	bytes []byte
	vxid  uint64 // 0 when it is no number
	trace []byte // 32 hex digits; empty when it has none
	uid   string // hex digits that a uid begins with; empty when they are too few
}

// minUID is how many digits of a uid are enough to mean one.
const minUID = 6

func newIdentity(s string) identity {
	s = strings.TrimSpace(s)
	id := identity{text: s, bytes: []byte(s)}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		id.vxid = n
	}
	hex := strings.ToLower(s)
	if len(hex) >= minUID && len(hex) <= 32 && isHex(hex) {
		id.uid = hex
	}
	// https://www.w3.org/TR/trace-context/#traceparent-header-field-values
	if parts := strings.Split(hex, "-"); len(parts) == 4 && len(parts[0]) == 2 && len(parts[1]) == 32 {
		hex = parts[1]
	}
	if len(hex) == 32 && isHex(hex) {
		id.trace = []byte(hex)
	}
	return id
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func (id *identity) ofRequest(q *parse.Request) bool {
	if id.uid != "" && strings.HasPrefix(q.UID.String(), id.uid) {
		return true
	}
	for i := range q.Parts {
		if id.ofRecord(q.Parts[i].Record) {
			return true
		}
	}
	return false
}

func (id *identity) ofRecord(r *parse.Record) bool {
	if len(id.bytes) == 0 {
		return false
	}
	return id.vxid != 0 && r.VXID == id.vxid || bytes.Equal(r.RequestID, id.bytes) || bytes.Equal(r.OwnID, id.bytes) ||
		len(id.trace) > 0 && bytes.EqualFold(r.TraceID, id.trace) || bytes.EqualFold(r.TraceID, id.bytes)
}
