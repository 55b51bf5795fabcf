package varnish

import (
	"bytes"

	"why503/parse"
)

// attempts follows the connections to backends inside one backend request.
// Varnish tries a second one by itself when a reused connection turns out to
// be dead, so there may be two although VCL did not retry.
type attempts struct {
	current  int // place in Record.Upstreams; -1 before the first
	live     bool
	garbage  bool // HttpGarbage: the next BerespStatus is Varnish's own
	answered bool // vcl_backend_response was reached, so the status was real
	errored  bool // Timestamp Error: what follows is made by Varnish
	streamed bool // Fetch_Body with stream
	broken   bool // failed after it was streamed

	began     parse.Time // Fetch
	connected parse.Time
	took      int64 // of the connect; -1 where it cannot be told
	sent      parse.Time
	header    parse.Time
}

// open reads a BackendOpen:
//
//	18 web 127.0.0.11 8080 127.0.0.1 36584 connect          7.x
//	18 web 127.0.0.11 8080 127.0.0.1 36584 reuse 1.25 3     8.x: idle time, uses
//	18 boot.web 127.0.0.11 8080 127.0.0.1 36584             4.1, 6.0
//	17 default(127.0.0.1,,8080) 127.0.0.1 36745             4.0: the local address
func (a *attempts) open(t *transaction, b []byte) {
	var w [9][]byte
	n := 0
	for ; n < len(w) && len(b) > 0; n++ {
		w[n], b = word(b)
		if len(w[n]) == 0 {
			break
		}
	}
	if n < 2 {
		return
	}
	c := parse.BackendConn{Name: t.keep(w[1]), Age: -1}
	if n >= 6 {
		c.RemoteAddr, c.RemotePort = t.keep(w[2]), t.keep(w[3])
		c.LocalAddr, c.LocalPort = t.keep(w[4]), t.keep(w[5])
	} else if addr, port, ok := oldName(c.Name); ok {
		c.RemoteAddr, c.RemotePort = addr, port
		c.LocalAddr, c.LocalPort = t.keep(w[2]), t.keep(w[3])
	} else {
		c.RemoteAddr, c.RemotePort = t.keep(w[2]), t.keep(w[3])
	}
	if string(w[6]) == "reuse" {
		c.Reused = true
		if age, ok := nanos(w[7]); ok && age >= 0 {
			c.Age = age
		}
	}
	t.tx.Backend = c.Name
	if len(t.tx.Opens) < maxTries {
		t.tx.Opens = append(t.tx.Opens, c)
	}
	up := parse.Upstream{Addr: t.address(c.RemoteAddr, c.RemotePort), Connect: -1, Header: -1, Response: -1}
	if a.connected > 0 {
		up.Connect = a.took
	}
	a.add(t, up)
	a.live = true
}

// oldName takes address and port out of a backend name of Varnish 4.0:
// "default(127.0.0.1,,8080)", which is name(IPv4,IPv6,port).
func oldName(name []byte) (addr, port []byte, ok bool) {
	i := bytes.IndexByte(name, '(')
	if i < 0 || name[len(name)-1] != ')' {
		return nil, nil, false
	}
	v4, rest, ok := bytes.Cut(name[i+1:len(name)-1], []byte{','})
	v6, port, ok2 := bytes.Cut(rest, []byte{','})
	if len(v4) == 0 {
		v4 = v6
	}
	return v4, port, ok && ok2
}

func (a *attempts) add(t *transaction, up parse.Upstream) {
	if len(t.rec.Upstreams) >= maxTries {
		t.short = true
		a.current = -1
		return
	}
	t.rec.Upstreams = append(t.rec.Upstreams, up)
	a.current = len(t.rec.Upstreams) - 1
	a.connected, a.sent, a.header = 0, 0, 0
	a.garbage, a.answered = false, false
}

func (a *attempts) closed() { a.live = false }

// failure takes a FetchError. "backend web: fail errno 111 (...)" without an
// open connection is an attempt of its own that has no BackendOpen.
func (a *attempts) failure(t *transaction, b []byte) {
	if a.streamed && t.tx.Calls&parse.CallBackendError == 0 {
		a.broken = true
	}
	if hasPrefix(b, "http format error") && !a.answered && a.current >= 0 {
		t.rec.Upstreams[a.current].Status = 0 // Varnish logs 503 before it says so
	}
	if !hasPrefix(b, "backend ") {
		if hasPrefix(b, "Director ") && len(t.rec.Upstreams) == 0 {
			w, _ := word(b[len("Director "):])
			t.tx.Backend = t.keep(w)
		}
		return
	}
	i := bytes.Index(b, []byte(": "))
	if i < len("backend ") || bytes.IndexByte(b[len("backend "):i], ' ') >= 0 {
		return // "backend write error: ..." and other texts that name none
	}
	t.tx.Backend = t.keep(b[len("backend "):i])
	if !a.live {
		a.add(t, parse.Upstream{Connect: -1, Header: -1, Response: -1})
		a.current = -1 // gets no status
	}
}

// status takes a BerespStatus. It came from the wire when a connection was
// made, no error is known and VCL has not had its say.
func (a *attempts) status(t *transaction, b []byte) {
	if a.current < 0 || a.garbage || a.errored || a.answered {
		return
	}
	up := &t.rec.Upstreams[a.current]
	if n, ok := status(b); ok && up.Status == 0 {
		up.Status = n
	}
}

func (a *attempts) stamp(t *transaction, s parse.Stamp) {
	switch s.Name {
	case parse.StampFetch:
		a.began = s.At
	case parse.StampConnected:
		a.connected, a.took = s.At, -1
		if len(t.rec.Upstreams) == 0 && a.began > 0 && s.At >= a.began {
			a.took = int64(s.At - a.began)
		}
	case parse.StampBereq:
		a.sent = s.At
	case parse.StampBeresp:
		a.header = s.At
	case parse.StampError:
		a.errored = true
		a.broken = a.broken || a.streamed
		a.response(t, s.At)
	case parse.StampBerespBody:
		a.response(t, s.At)
	}
}

func (a *attempts) response(t *transaction, at parse.Time) {
	if a.current < 0 || a.sent == 0 || at < a.sent {
		return
	}
	if up := &t.rec.Upstreams[a.current]; up.Status > 0 {
		up.Response = int64(at - a.sent)
	}
}

// finish is called when the last record is there.
func (a *attempts) finish(t *transaction) {
	if a.current < 0 || a.sent == 0 || a.header < a.sent {
		return
	}
	if up := &t.rec.Upstreams[a.current]; up.Status > 0 {
		up.Header = int64(a.header - a.sent)
	}
}

// body reads a Fetch_Body: "3 length stream", "2 chunked -".
func (t *transaction) body(r *rec, line parse.Line) {
	_, rest := word(r.payload)
	mode, rest := word(rest)
	how, _ := word(rest)
	t.tx.BodyMode = t.keep(mode)
	t.tx.Streamed = string(how) == "stream"
	t.fetch.streamed = t.tx.Streamed
	t.note(parse.FieldFetchBody, r, line, true)
}

// backendClose reads "18 web recycle", "18 web close Receive timeout" (to
// 7.1), "18 web close RX_TIMEOUT" and, to 6.0, "18 boot.web" for any close.
func (t *transaction) backendClose(r *rec, line parse.Line) {
	_, rest := word(r.payload)
	_, rest = word(rest)
	how, why := word(rest)
	t.fetch.closed()
	if string(how) == "recycle" {
		return
	}
	t.tx.Closed = true
	weak := false
	switch string(why) {
	case "", "RESP_CLOSE", "Backend/VCL requested close", "REQ_CLOSE", "Client requested close", "TX_PIPE", "Piped transaction", "TX_EOF", "EOF transmission":
		weak = true
	}
	t.note(parse.FieldBackendClose, r, line, weak)
}
