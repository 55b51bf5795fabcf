package applog

import (
	"bytes"

	"why503/parse"
)

// beginning says how a line begins a record, if it does.
type beginning uint8

const (
	beginsNot beginning = iota
	beginsStamp
	beginsBare  // without a stamp, in the manner of a program that prints none
	beginsTrace // a stack trace, which may belong to the record before
)

func (p *Plain) begins(b []byte) beginning {
	if b[0] == ' ' || b[0] == '\t' {
		return beginsNot
	}
	if stampAhead(b) || accessStamp(b) > 0 {
		return beginsStamp
	}
	if bareHead(b) || (!p.open || !p.stamped) && levelHead(b) {
		return beginsBare
	}
	if traceHead(b) {
		return beginsTrace
	}
	return beginsNot
}

// expectsTrace says whether a stack trace belongs to the open record. One that
// follows an informational line is another thread's, or the process's last
// words: it must not get that line's request id.
func (p *Plain) expectsTrace() bool {
	if len(p.held) > 1 {
		return true
	}
	h := p.held[0]
	var e entry
	message, _ := readHeader(p.buf[h.start+h.body:h.end], &p.clock, &e)
	return e.level == parse.LevelNone || e.level >= parse.LevelWarn || toneOf(message)&toneTrouble != 0 || has(message, "Traceback")
}

// continues is asked where each line has a syslog header: only what cannot
// stand alone continues the record before.
func continues(b []byte) bool {
	if b[0] == ' ' || b[0] == '\t' {
		return true
	}
	_, ok := frameOf(b, false)
	return ok || has(b, "goroutine ")
}

func stampAhead(b []byte) bool {
	if b[0] == '[' || digit(b[0]) || b[0] >= 'A' && b[0] <= 'Z' {
		i := 0
		switch {
		case has(b, "[GIN] "):
			i = 6
		case passenger(b):
			i = 4
		case b[0] == '[':
			i = 1
		case len(b) > 4 && b[1] == ',' && b[2] == ' ' && b[3] == '[':
			i = 4
		case klog(b):
			return true
		}
		_, n := readStamp(b[i:])
		return n > 0
	}
	return false
}

// levelHead knows "ERROR ...", "[error] ...", "INFO:     ..." and "info: ...".
func levelHead(b []byte) bool {
	i := 0
	if b[0] == '[' {
		i = 1
	}
	n := i
	for n < len(b) && letter(b[n]) {
		n++
	}
	if n-i < 3 || levelOf(b[i:n]) == parse.LevelNone || n == len(b) {
		return false
	}
	if i == 1 {
		return b[n] == ']'
	}
	upper := b[0] < 'a' && b[1] < 'a'
	return upper && (b[n] == ' ' || b[n] == ':' || b[n] == '[' || b[n] == '\t') || b[0] >= 'a' && has(b[n:], ": ")
}

// bareHead knows lines that programs write without a stamp between stamped
// ones: uWSGI, Puma, unicorn, Rails, Go's run-time, Node's.
func bareHead(b []byte) bool {
	switch b[0] {
	case '*':
		return len(b) > 4 && has(b, "*** ") && letter(b[4])
	case '!':
		return has(b, "! ")
	case '[':
		if has(b, "[pid: ") {
			return true
		}
		j := bytes.IndexByte(b[:min(len(b), 12)], ']')
		if j < 2 || !has(b[j+1:], " ") {
			return false
		}
		_, pid := parse.Integer(b[1:j])
		return pid // Puma
	}
	for _, h := range bareHeads {
		if bytes.HasPrefix(b, h) {
			return true
		}
	}
	return false
}

func traceHead(b []byte) bool {
	if nodePlace(b) || has(b, "Traceback (most recent call last):") || has(b, "panic: ") || has(b, "Exception in thread ") || has(b, "PHP Fatal error:") || has(b, "PHP Parse error:") {
		return true
	}
	_, ok := exceptionType(b)
	return ok && !has(b, "Caused by: ") && !has(b, "Suppressed: ")
}

// nodePlace knows the line with which Node.js begins its last words: where the
// exception was thrown, "/srv/shop/server.js:9" or "node:internal/fs:573".
func nodePlace(b []byte) bool {
	if b[0] != '/' && !has(b, "node:") && !has(b, "file:///") {
		return false
	}
	b = bytes.TrimRight(b, "\r")
	i := bytes.LastIndexByte(b, ':')
	if i < 2 || len(b)-i > 8 || bytes.IndexByte(b, ' ') >= 0 {
		return false
	}
	_, number := parse.Integer(b[i+1:])
	return number
}

// accessStamp finds the stamp of an access line, "[22/Nov/2026:21:35:16
// +0000] \"GET ...", and gives where it begins. 0 when b is none.
func accessStamp(b []byte) int {
	i := bytes.IndexByte(b[:min(len(b), 256)], '[')
	if i < 0 || i+28 > len(b) || !digit(b[i+1]) || i > 0 && b[i-1] != ' ' {
		return 0
	}
	j := bytes.IndexByte(b[i:min(len(b), i+64)], ']')
	if j < 0 || !has(b[i+j+1:], ` "`) {
		return 0
	}
	return i + 1
}

// readAccess reads the Common Log Format and what begins like it: gunicorn,
// Tomcat, Werkzeug, Django's own server. These stamp the end of the request.
func readAccess(b []byte, k *clock, e *entry) bool {
	i := accessStamp(b)
	if i == 0 {
		return false
	}
	c, n := readStamp(b[i:])
	if n == 0 {
		return false
	}
	after, ok := readRequest(b[i+n:], e)
	if !ok {
		return false
	}
	s, rest, ok := statusAhead(after)
	if !ok {
		return false
	}
	e.time, e.prec, e.status = k.time(c), c.prec, s
	if addr, _, ok := bytes.Cut(b[:i-1], space); ok {
		e.setClient(addr)
	}
	size, rest, _ := bytes.Cut(bytes.TrimLeft(rest, " "), space)
	if v, ok := parse.Integer(size); ok {
		e.bytes = v
	}
	if _, q, ok := bytes.Cut(rest, quoteMark); ok { // referrer, then agent
		if _, q, ok = bytes.Cut(q, quoteMark); ok {
			_, q, _ = bytes.Cut(q, quoteMark)
			var agent []byte
			if agent, q, ok = bytes.Cut(q, quoteMark); ok {
				first(&e.agent, agent)
				rest = q
			}
		}
	}
	readDuration(rest, e)
	return true
}

var quoteMark = []byte(`"`)

var bareHeads = [...][]byte{
	[]byte("DAMN ! worker "), []byte("SIGPIPE: "), []byte("SIGINT/SIGTERM "), []byte("uwsgi_response_"), []byte("--- no python application "),
	[]byte("FATAL ERROR: "), []byte("fatal error: "), []byte("worker="), []byte("Started GET "), []byte("Started POST "), []byte("Started PUT "),
	[]byte("Started PATCH "), []byte("Started DELETE "), []byte("Completed 1"), []byte("Completed 2"), []byte("Completed 3"), []byte("Completed 4"),
	[]byte("Completed 5"), []byte("cheaper soft rss "), []byte("http: panic serving "), []byte("Autorestarting worker"), []byte("reaped worker"),
}
