package nginx

import (
	"bytes"

	"why503/parse"
)

// values holds what a line said for each slot; the first value wins.
type values [numSlots][]byte

func (v *values) set(s slot, b []byte) {
	if s != slotNone && len(v[s]) == 0 {
		v[s] = b
	}
}

// get is empty for a value that nginx did not have.
func (v *values) get(s slot) []byte {
	b := v[s]
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}

func (v *values) first(slots ...slot) []byte {
	for _, s := range slots {
		if b := v.get(s); b != nil {
			return b
		}
	}
	return nil
}

// fill turns a.v into fields of a.rec. What the hand-written head of the
// combined format has filled stays unless a value tells more. It is false when
// a value cannot be what its slot says.
func (a *Access) fill() bool {
	r, v := &a.rec, &a.v
	if !a.fillTimes() {
		return false
	}
	a.fillRequest()
	if b := v.get(slotStatus); b != nil && r.Status == 0 {
		n, ok := digits(b[:min(len(b), 4)])
		if !ok || n > 999 {
			return false
		}
		r.Status = n
	}
	if b := v.get(slotBytes); b != nil && r.Bytes < 0 {
		n, ok := parse.Integer(b)
		if !ok {
			return false
		}
		r.Bytes = n
	}
	if r.Client == nil {
		r.Client = peer(v.first(slotAddr, slotRealAddr, slotForwarded))
	}
	r.Machine = a.text(v.get(slotMachine))
	if n, ok := parse.Integer(v.get(slotPID)); ok && n < 1<<31 {
		r.PID = int(n)
	}
	conn, _, _ := bytes.Cut(v.get(slotConn), point)
	if n, ok := parse.Integer(conn); ok {
		r.ConnID = uint64(n)
	}
	a.fillIDs()
	a.fillUpstreams()
	return true
}

// fillTimes prefers the stamp of milliseconds to that of seconds. A line
// without any stamp has none.
func (a *Access) fillTimes() bool {
	r, v := &a.rec, &a.v
	ms, stamp := v.get(slotMsec), v.get(slotTime)
	at, precision, ok := a.clock.read(ms)
	if !ok {
		at, precision, ok = a.clock.read(stamp)
	}
	switch {
	case ok:
		r.Ended, r.Precision = at, precision
	case r.Ended == 0 && (ms != nil || stamp != nil):
		return false
	}
	r.Time = r.Ended
	if ns, ok := seconds(v.get(slotDuration)); ok && r.Ended != 0 {
		r.Time -= parse.Time(ns)
	}
	return true
}

func (a *Access) fillRequest() {
	r, v := &a.rec, &a.v
	if b := v.get(slotRequest); b != nil {
		q := splitRequest(a.text(b))
		r.Method, r.Host, r.URL, r.Protocol = q.method, q.host, q.url, q.protocol
	}
	if b := v.get(slotMethod); b != nil && isMethod(b) {
		r.Method = b
	}
	if b := v.get(slotURL); b != nil {
		// Some write a whole request line or a whole URL under such a name.
		if q := splitRequest(a.text(b)); q.method != nil {
			r.Method, r.Host, r.URL, r.Protocol = q.method, q.host, q.url, q.protocol
		} else if host, url := splitTarget(a.text(b)); url != nil {
			r.URL = url
			if host != nil {
				r.Host = host
			}
		}
	}
	if b := v.get(slotURI); b != nil && r.URL == nil {
		if _, url := splitTarget(a.text(b)); url != nil {
			r.URL = a.withQuery(url, v.get(slotArgs))
		}
	}
	if b := v.get(slotProtocol); b != nil && r.Protocol == nil {
		r.Protocol = a.text(b)
	}
	if b := v.first(slotHost, slotHostHeader); b != nil {
		r.Host = a.text(b)
	} else if b := v.get(slotServerName); b != nil && r.Host == nil {
		r.Host = a.text(b)
	}
	if b := v.get(slotAgent); b != nil && r.Agent == nil {
		r.Agent = a.text(b)
	}
	if b := v.get(slotAgentOrAddrs); b != nil {
		// Without a port it is the name of a group that had no server left.
		group := len(v[slotUpStatus]) > 0 && !bytes.ContainsAny(b, " /(")
		if group || isAddrs(b) {
			v.set(slotUpAddr, b)
		} else if r.Agent == nil {
			r.Agent = a.text(b)
		}
	}
}

func (a *Access) withQuery(path, args []byte) []byte {
	if len(args) == 0 || bytes.IndexByte(path, '?') >= 0 {
		return path
	}
	n := len(a.buf)
	a.buf = append(append(a.buf, path...), '?')
	a.buf = a.escape.unescape(a.buf, args)
	return a.buf[n:len(a.buf):len(a.buf)]
}

func (a *Access) fillIDs() {
	r, v := &a.rec, &a.v
	r.TraceID = parse.TraceID(v.get(slotTrace))
	own := a.text(v.get(slotOwnID))
	if b := v.first(slotGivenID, slotOtherID); b != nil {
		r.RequestID, r.OwnID = a.text(b), own
	} else {
		r.RequestID = own
	}
	// The header of a fetch holds one number; that of an answer from cache two.
	xv, _, _ := bytes.Cut(v.get(slotVXID), space)
	if n, ok := parse.Integer(xv); ok {
		r.VXID = uint64(n)
	}
}

func (a *Access) fillUpstreams() {
	r, v := &a.rec, &a.v
	var all bool
	r.Upstreams, all = appendUpstreams(r.Upstreams[:0], v[slotUpAddr], v[slotUpStatus],
		v[slotUpConnect], v[slotUpHeader], v[slotUpResponse])
	if !all {
		r.Incomplete = true
	}
}

// text undoes the escapes of a value. What it returns lies in the line or in
// a.buf, which lives as long as the Record.
func (a *Access) text(b []byte) []byte {
	if a.escape == EscapeNone || bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	n := len(a.buf)
	a.buf = a.escape.unescape(a.buf, b)
	return a.buf[n:len(a.buf):len(a.buf)]
}

// peer is the first address of a list, without its port.
func peer(b []byte) []byte {
	b, _, _ = bytes.Cut(b, comma)
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return nil
	}
	return parse.WithoutPort(b)
}

var (
	point = []byte(".")
	comma = []byte(",")
)
