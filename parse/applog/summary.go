package applog

import (
	"bytes"

	"why503/parse"
)

// readSummary finds the request that a message tells of, and its answer:
//
//	GET /x -> 200 in 0.3 ms              GET /x 200 1.234 ms - 12
//	10.0.0.1:5000 - "GET /x HTTP/1.1" 503 Service Unavailable
//	HTTP GET /x responded 500 in 12.3 ms
//	Request finished HTTP/1.1 GET http://host/x - 500 0 text/html 12.3ms
//	Completed 500 Internal Server Error in 12ms
//	Unhandled exception while serving POST /x
//	Exception on /x [GET]
//
// A status counts only where it follows the URL at once, since elsewhere
// three digits mean anything.
func readSummary(m []byte, e *entry) {
	if len(m) > maxQuote {
		m = m[:maxQuote]
	}
	if has(m, "Completed ") && len(m) > 13 {
		e.setStatus(m[10:13])
		if e.status != 0 {
			readDuration(m[13:], e)
		}
		return
	}
	// Gin: 500 |    1.234ms |       10.0.0.1 | GET      "/cart"
	if len(m) > 5 && digit(m[0]) && has(m[3:], " |") {
		e.setStatus(m[:3])
		readDuration(m[3:], e)
	}
	after, ok := readRequest(m, e)
	if !ok {
		readException(m, e)
		return
	}
	if s, rest, ok := statusAhead(after); ok && e.status == 0 {
		e.status = s
		readDuration(rest, e)
	}
}

// readException reads Flask's message of an exception that nothing caught.
//
// https://flask.palletsprojects.com/en/stable/api/#flask.Flask.log_exception
func readException(m []byte, e *entry) {
	_, rest, ok := bytes.Cut(m, []byte("Exception on /"))
	if !ok {
		return
	}
	i := bytes.IndexByte(rest, ' ')
	if i < 0 || !has(rest[i:], " [") {
		return
	}
	method, _, ok := bytes.Cut(rest[i+2:], []byte("]"))
	if !ok || !isMethod(method) {
		return
	}
	at := len(m) - len(rest) - 1 // with the slash
	e.method = method
	e.setURL(m[at : at+1+i])
}

// readRequest finds "METHOD /path" or "METHOD http://..." and gives what
// follows it and its protocol.
func readRequest(m []byte, e *entry) (after []byte, ok bool) {
	for i := 0; i+4 < len(m); {
		j := bytes.IndexByte(m[i:], ' ')
		if j < 0 || i+j+1 >= len(m) {
			return nil, false
		}
		at := i + j
		i = at + 1
		u := bytes.TrimLeft(m[at:min(at+10, len(m))], ` "`)
		if len(u) == 0 || u[0] != '/' && !has(u, "http") {
			continue
		}
		k := at
		for k > 0 && m[k-1] >= 'A' && m[k-1] <= 'Z' {
			k--
		}
		if !isMethod(m[k:at]) {
			continue
		}
		rest := bytes.TrimLeft(m[at:], ` "`)
		end := bytes.IndexAny(rest, " \"'\t")
		if end < 0 {
			end = len(rest)
		}
		url := bytes.TrimRight(rest[:end], ",;)]")
		if len(url) == 0 {
			continue
		}
		if len(e.method) == 0 {
			e.method = m[k:at]
			e.setURL(url)
		}
		after = bytes.TrimLeft(rest[end:], ` "`)
		if has(after, "HTTP/") {
			end := bytes.IndexAny(after, " \"")
			if end < 0 {
				end = len(after)
			}
			first(&e.protocol, after[:end])
			after = after[end:]
		} else if k > 9 && has(m[k-9:], "HTTP/") {
			first(&e.protocol, m[k-9:k-1])
		}
		return after, true
	}
	return nil, false
}

// statusAhead reads the status that b begins with, after an arrow, a dash, or
// one of the words that lead to one.
func statusAhead(b []byte) (status int, rest []byte, ok bool) {
	for range 4 {
		b = bytes.TrimLeft(b, " \"->=:|()[\t")
		b = bytes.TrimPrefix(b, []byte("→"))
		b = bytes.TrimLeft(b, " ")
		n := 0
		for n < len(b) && (letter(b[n]) || b[n] == '_') {
			n++
		}
		if n == 0 {
			break
		}
		switch string(b[:n]) {
		case "responded", "returned", "status", "with", "code", "completed", "finished", "status_code", "statusCode", "answered", "failed":
			b = b[n:]
		default:
			return 0, nil, false
		}
	}
	if len(b) < 3 || len(b) > 3 && (wordByte(b[3]) || b[3] == '.' && len(b) > 4 && digit(b[4])) {
		return 0, nil, false
	}
	status, ok = statusCode(b[:3])
	return status, b[3:], ok
}

// readDuration takes the first number with a unit among the words of b.
func readDuration(b []byte, e *entry) {
	if e.dur >= 0 {
		return
	}
	for i := 0; i < len(b); {
		if !digit(b[i]) || i > 0 && (wordByte(b[i-1]) || b[i-1] == '.') {
			i++
			continue
		}
		j := i
		for j < len(b) && (digit(b[j]) || b[j] == '.') {
			j++
		}
		u := j
		if u < len(b) && b[u] == ' ' {
			u++
		}
		v := u
		for v < len(b) && (letter(b[v]) || b[v] >= 0x80) {
			v++
		}
		if unit := unitOf(b[u:v]); unit != 0 && v > u {
			if d, ok := scaled(b[i:j], unit); ok && d <= maxDuration {
				e.dur = d
				return
			}
		}
		i = max(j, i+1)
	}
}

// readUWSGI reads uWSGI's request line.
// https://uwsgi-docs.readthedocs.io/en/latest/LogFormat.html
//
//	[pid: 77|app: 0|req: 1/1] 10.0.0.1 () {30 vars in 400 bytes} [Sun Nov 22 21:35:16 2026] GET /x => generated 12 bytes in 3 msecs (HTTP/1.1 200) 2 headers in 70 bytes
func readUWSGI(b []byte, k *clock, e *entry) bool {
	if !has(b, "[pid: ") {
		return false
	}
	n := 6
	for n < len(b) && digit(b[n]) {
		n++
	}
	open := bytes.Index(b, []byte("} ["))
	if open < 0 {
		return false
	}
	c, m := readStamp(b[open+3:])
	if m == 0 {
		return false
	}
	e.setPID(b[6:n])
	e.time, e.prec = k.time(c), c.prec
	if i := bytes.IndexByte(b, ']'); i > 0 && i+2 < len(b) {
		addr, _, _ := bytes.Cut(b[i+2:], space)
		e.setClient(addr)
	}
	after, ok := readRequest(b[open+3+m:], e)
	if !ok {
		return false
	}
	if i := bytes.Index(after, []byte("generated ")); i >= 0 {
		size, rest, _ := bytes.Cut(after[i+10:], space)
		if v, ok := parse.Integer(size); ok {
			e.bytes = v
		}
		readDuration(rest, e)
	}
	if i := bytes.Index(after, []byte("(HTTP/")); i >= 0 {
		p, rest, _ := bytes.Cut(after[i+1:], space)
		e.protocol = p
		if len(rest) >= 3 {
			e.setStatus(rest[:3])
		}
	}
	e.message = bytes.TrimLeft(b[open+3+m:], "] ")
	return true
}
