package nginx

import (
	"bytes"
	"time"
)

// head reads the combined format, or common, and returns what follows. It is
// written by hand because nearly all access lines of the world have this form.
func (a *Access) head(b []byte) (tail []byte, ok bool) {
	r := &a.rec
	i := bytes.IndexByte(b, ' ')
	if i <= 0 {
		return nil, false
	}
	at := i + len(" - - [")
	if len(b) < at+localLen || string(b[i:at]) != " - - [" {
		if i, at = a.userEnd(b); at < 0 {
			return nil, false
		}
	}
	if !isPeer(b[:i]) || len(b) < at+localLen+3 || string(b[at+localLen:at+localLen+3]) != `] "` {
		return nil, false
	}
	if r.Ended, ok = a.clock.readLocal(b[at:]); !ok {
		return nil, false
	}
	r.Time, r.Precision, r.Client = r.Ended, int64(time.Second), peer(b[:i])

	req, b, ok := a.quotedBeforeStatus(b[at+localLen+3:])
	if !ok {
		return nil, false
	}
	if bytes.IndexByte(req, '\\') >= 0 {
		req = a.text(req)
	}
	q := splitRequest(req)
	r.Method, r.Host, r.URL, r.Protocol = q.method, q.host, q.url, q.protocol

	n := 0
	var sent int64
	for n < len(b) && n < 18 && isDigit(b[n]) {
		sent = sent*10 + int64(b[n]-'0')
		n++
	}
	switch {
	case n > 0:
		r.Bytes = sent
	case len(b) > 0 && b[0] == '-':
		n = 1
	default:
		return nil, a.partial
	}
	if b = b[n:]; len(b) == 0 {
		return nil, true
	}
	if len(b) < 2 || b[0] != ' ' || b[1] != '"' {
		return b, b[0] == ' '
	}
	return a.refererAgent(b[2:])
}

// userEnd finds where address and stamp are when the user is known, or when the
// address is a list (X-Forwarded-For). A user may hold blanks and brackets.
func (a *Access) userEnd(b []byte) (addrEnd, stamp int) {
	addrEnd = bytes.Index(b, dash)
	if addrEnd <= 0 {
		return 0, -1
	}
	for from := addrEnd + len(dash); ; {
		i := bytes.Index(b[from:], openStamp)
		if i < 0 {
			return 0, -1
		}
		from += i + len(openStamp)
		if _, ok := a.clock.readLocal(b[from:]); ok {
			return addrEnd, from
		}
	}
}

// quotedBeforeStatus returns the request, which the quote ends that a status
// follows, stores the status and returns what comes after it. With
// escape=default there is no other quote in the way.
func (a *Access) quotedBeforeStatus(b []byte) (req, rest []byte, ok bool) {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return nil, nil, false
		}
		i += from
		from = i + 1
		s := b[from:]
		if len(s) < 5 || s[0] != ' ' || !isDigit(s[1]) || !isDigit(s[2]) || !isDigit(s[3]) || s[4] != ' ' {
			continue
		}
		a.rec.Status = int(s[1]-'0')*100 + int(s[2]-'0')*10 + int(s[3]-'0')
		return b[:i], s[5:], true
	}
}

// refererAgent reads both from behind the opening quote of the first. A line
// that the reader cut may end in either.
func (a *Access) refererAgent(b []byte) (tail []byte, ok bool) {
	var agent []byte
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return nil, a.partial
		}
		from += i + 1
		if s := b[from:]; len(s) > 1 && s[0] == ' ' && s[1] == '"' {
			agent = s[2:]
			break
		}
		if len(b) == from { // one quoted value and no more
			return nil, true
		}
	}
	for from := 0; ; {
		i := bytes.IndexByte(agent[from:], '"')
		if i < 0 {
			a.setAgent(agent)
			return nil, a.partial
		}
		i += from
		from = i + 1
		if from == len(agent) || agent[from] == ' ' || agent[from] == '\t' {
			a.setAgent(agent[:i])
			return agent[from:], true
		}
	}
}

func (a *Access) setAgent(b []byte) {
	if len(b) == 1 && b[0] == '-' {
		return
	}
	a.rec.Agent = a.text(b)
}

// isPeer says whether b can be an address, a name, a socket or a list of them.
func isPeer(b []byte) bool {
	for _, c := range b {
		if !peerBytes[c] {
			return false
		}
	}
	return true
}

// peerBytes are letters, digits and what stands between them in addresses.
var peerBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = wordByte(byte(c))
	}
	for _, c := range []byte(".:,-/%[] ") {
		t[c] = true
	}
	return t
}()

var (
	dash      = []byte(" - ")
	openStamp = []byte(" [")
)
