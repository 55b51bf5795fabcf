package detect

import (
	"bytes"

	"why503/parse"
)

// An access is the skeleton that access logs of the common family share:
// host ident user [time] "method url protocol" status bytes ...
type access struct {
	head   []byte // before the request
	url    []byte
	proto  bool // the request ends in HTTP/n
	quoted bool // there was a request
	tail   []byte
	status int
}

// splitAccess finds the first quoted text that can be a request, and the
// status behind it.
func splitAccess(l []byte) (a access, ok bool) {
	open := bytes.IndexByte(l, '"')
	if open < 1 {
		return a, false
	}
	rest := l[open+1:]
	n := closingQuote(rest)
	if n < 0 || len(rest) < n+5 || rest[n+1] != ' ' {
		return a, false
	}
	a.head, a.tail = l[:open], rest[n+2:]
	request := rest[:n]
	method, target, found := bytes.Cut(request, space)
	if found && isMethod(method) {
		a.quoted = true
		if i := bytes.LastIndexByte(target, ' '); i >= 0 && bytes.HasPrefix(target[i+1:], []byte("HTTP/")) {
			target, a.proto = target[:i], true
		}
		a.url = target
	}
	a.status = number(a.tail[:min(3, len(a.tail))])
	if len(a.tail) > 3 && a.tail[3] != ' ' {
		a.status = -1
	}
	return a, true
}

// clf finds [22/Nov/2026:21:34:05 +0000] in the head.
func clf(head []byte) bool {
	i := bytes.IndexByte(head, '[')
	return i > 0 && len(head) >= i+28 && clfStamp(head[i+1:]) && head[i+21] == ' ' && (head[i+22] == '+' || head[i+22] == '-') && head[i+27] == ']'
}

// clfStamp matches 22/Nov/2026:21:34:05.
func clfStamp(b []byte) bool {
	return len(b) >= 20 && b[2] == '/' && b[6] == '/' && b[11] == ':' && b[14] == ':' && b[17] == ':' &&
		number(b[:2]) > 0 && number(b[7:11]) > 0 && number(b[12:14]) >= 0 && number(b[18:20]) >= 0
}

func combinedShape(l []byte) int {
	a, ok := splitAccess(l)
	if !ok || !clf(a.head) || a.status < 0 {
		return 0
	}
	if isAbsolute(a.url) {
		return 50
	}
	return 70
}

// ncsaShape knows varnishncsa's default line by its absolute URL, and others by
// the words that Varnish uses for how it handled a request.
func ncsaShape(l []byte) int {
	a, ok := splitAccess(l)
	if !ok || !clf(a.head) || a.status < 0 {
		return 0
	}
	w := 40
	if isAbsolute(a.url) {
		w = 85
	}
	if handlingWord(a.tail) {
		w += 40
	}
	return min(w, 95)
}

// handlingWord looks for what %{Varnish:handling}x and %{Varnish:hitmiss}x
// print, as a word or the value of a key, outside of quotes. nginx writes its
// cache's words in capitals.
func handlingWord(tail []byte) bool {
	quoted := false
	for len(tail) > 0 {
		i := bytes.IndexAny(tail, ` "`)
		word := tail
		if i >= 0 {
			word = tail[:i]
		}
		if _, v, ok := bytes.Cut(word, []byte{'='}); ok {
			word = v
		}
		if !quoted && isHandling(word) {
			return true
		}
		if i < 0 {
			return false
		}
		if tail[i] == '"' {
			quoted = !quoted
		}
		tail = tail[i+1:]
	}
	return false
}

// isHandling knows Varnish's words as it writes them.
func isHandling(word []byte) bool {
	h := parse.HandlingOf(word)
	return h != parse.HandlingNone && h.String() == string(word)
}

// accessShape is any other line with a request and a status.
func accessShape(l []byte) int {
	a, ok := splitAccess(l)
	if !ok || !a.quoted || !a.proto || a.status < 100 || a.head[0] == '{' || bytes.IndexByte(a.head, '=') >= 0 {
		return 0
	}
	return 36
}

// fpmAccessShape is PHP-FPM's access.format: the stamp has no brackets and the
// request no protocol.
func fpmAccessShape(l []byte) int {
	a, ok := splitAccess(l)
	if !ok || !a.quoted || a.proto || a.status < 0 {
		return 0
	}
	for i := 0; i+26 <= len(a.head); i++ {
		if a.head[i+2] == '/' && clfStamp(a.head[i:]) && (i == 0 || a.head[i-1] != '[') {
			return 90
		}
	}
	return 0
}

// haproxyShape knows HAProxy's lines by the milliseconds in the stamp, and what
// it says of its servers.
func haproxyShape(l []byte) int {
	if i := bytes.Index(l, []byte(" [")); i > 0 && len(l) > i+26 && clfStamp(l[i+2:]) && l[i+22] == '.' && number(l[i+23:i+26]) >= 0 && l[i+26] == ']' {
		return 95
	}
	text := l
	if i := bytes.Index(l, []byte("haproxy[")); i >= 0 {
		text = l[i:]
		if j := bytes.Index(text, []byte("]: ")); j >= 0 {
			return 90
		}
	}
	for _, s := range [...]string{" has no server available!", " is going DOWN for maintenance", " is UP, reason:", " is DOWN, reason:", " is DOWN. "} {
		if (bytes.Contains(text, []byte("Server ")) || bytes.Contains(text, []byte("backend "))) && bytes.Contains(text, []byte(s)) {
			return 90
		}
	}
	return 0
}

// envoyShape is Envoy's default text format, which begins with its stamp.
func envoyShape(l []byte) int {
	if len(l) > 30 && l[0] == '[' && isoStamp(l[1:]) && l[20] == '.' && l[24] == 'Z' && l[25] == ']' && bytes.HasPrefix(l[26:], []byte(` "`)) {
		return 95
	}
	if len(l) > 30 && l[0] == '[' && isoStamp(l[1:]) && l[20] == '.' && l[24] == ']' && l[25] == '[' && bytes.Contains(l, []byte("] [source/")) {
		return 95 // its own log
	}
	return 0
}

// albShape is AWS ALB's: type, stamp, name, two addresses with ports.
func albShape(l []byte) int {
	kind, rest, ok := bytes.Cut(l, space)
	if !ok || !isoStamp(rest) || !bytes.Contains(rest, []byte(" app/")) {
		return 0
	}
	switch string(kind) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
		return 95
	}
	return 0
}

func w3cShape(l []byte) int {
	for _, s := range [...]string{"#Version: ", "#Fields: ", "#Software: "} {
		if bytes.HasPrefix(l, []byte(s)) {
			return 95
		}
	}
	return 0
}

func isMethod(b []byte) bool {
	if len(b) < 3 || len(b) > 20 {
		return false
	}
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

func isAbsolute(url []byte) bool {
	return bytes.HasPrefix(url, []byte("http://")) || bytes.HasPrefix(url, []byte("https://"))
}

// closingQuote is the place of the first quote that no backslash escapes.
func closingQuote(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// number returns the value of b, -1 unless it consists of digits.
func number(b []byte) int {
	n, ok := parse.Integer(b)
	if !ok {
		return -1
	}
	return int(n)
}

// isoStamp matches 2026-11-22T21:34:05 and the same with a blank.
func isoStamp(b []byte) bool {
	_, ok := parse.DateTime(b)
	return ok && b[4] == '-'
}

var space = []byte{' '}
