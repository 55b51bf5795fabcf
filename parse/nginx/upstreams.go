package nginx

import (
	"bytes"

	"why503/parse"
)

// maxAttempts bounds the attempts of one line.
const maxAttempts = 64

// A list walks the values of an $upstream_ variable: one an attempt, parted by
// a comma for the next server and by a colon after an internal redirect.
//
// https://nginx.org/en/docs/http/ngx_http_upstream_module.html#var_upstream_addr
type list struct {
	rest     []byte
	more     bool
	redirect bool // what comes next begins a new group
}

func newList(b []byte) list { return list{rest: b, more: len(b) > 0} }

// next returns the next value, empty where nginx had none ("-").
func (l *list) next() (v []byte, redirect bool) {
	if !l.more {
		return nil, false
	}
	redirect = l.redirect
	i, width, colon := separator(l.rest)
	v = bytes.TrimSpace(l.rest[:i])
	l.rest, l.more, l.redirect = l.rest[i+width:], width > 0, colon
	if len(v) == 1 && v[0] == '-' {
		v = nil
	}
	return v, redirect
}

// separator finds the first comma or free-standing colon. Addresses hold
// colons too, but never with blanks around. A colon may end the list, when the
// redirect led to no other server.
func separator(b []byte) (at, width int, colon bool) {
	for i, c := range b {
		switch {
		case c == ',':
			return i, 1, false
		case c == ':' && i > 0 && b[i-1] == ' ' && (i+1 == len(b) || b[i+1] == ' '):
			return i, 1, true
		}
	}
	return len(b), 0, false
}

// appendUpstreams lays the lists side by side. Values that are no status or
// no time are taken as none.
func appendUpstreams(ups []parse.Upstream, addr, status, connect, header, response []byte) (out []parse.Upstream, all bool) {
	a, s, c, h, r := newList(addr), newList(status), newList(connect), newList(header), newList(response)
	for a.more || s.more || c.more || h.more || r.more {
		if len(ups) == maxAttempts {
			return ups, false
		}
		u := parse.Upstream{}
		var v []byte
		var group [5]bool
		u.Addr, group[0] = a.next()
		v, group[1] = s.next()
		if n, ok := digits(v[:min(len(v), 4)]); ok && len(v) == 3 {
			u.Status = n
		}
		v, group[2] = c.next()
		u.Connect = secondsOr(v)
		v, group[3] = h.next()
		u.Header = secondsOr(v)
		v, group[4] = r.next()
		u.Response = secondsOr(v)
		u.Redirect = group[0] || group[1] || group[2] || group[3] || group[4]
		last := !(a.more || s.more || c.more || h.more || r.more)
		if last && len(u.Addr) == 0 && u.Status == 0 && u.Connect < 0 && u.Header < 0 && u.Response < 0 && (u.Redirect || len(ups) == 0) {
			break // no server was asked at all, or none after the redirect
		}
		ups = append(ups, u)
	}
	return ups, true
}

func secondsOr(b []byte) int64 {
	if ns, ok := seconds(b); ok {
		return ns
	}
	return -1
}

// lastOf returns the last value of a list, as it stands.
func lastOf(b []byte) []byte {
	if i := bytes.LastIndexByte(b, ','); i >= 0 {
		b = b[i+1:]
	}
	if i := bytes.LastIndex(b, groupMark); i >= 0 {
		b = b[i+len(groupMark):]
	}
	return bytes.TrimSpace(b)
}

// isAddrs says whether b reads as a list of addresses with ports.
func isAddrs(b []byte) bool {
	for l := newList(b); l.more; {
		v, _ := l.next()
		if bytes.HasPrefix(v, unixMark) {
			continue
		}
		i := bytes.LastIndexByte(v, ':')
		if i <= 0 || i == len(v)-1 || len(v)-i > 6 || bytes.IndexByte(v, ' ') >= 0 {
			return false
		}
		if _, ok := digits(v[i+1:]); !ok {
			return false
		}
	}
	return len(b) > 0
}

var (
	groupMark = []byte(" : ")
	unixMark  = []byte("unix:")
)
