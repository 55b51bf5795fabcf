package nginx

import (
	"bytes"

	"why503/parse"
)

// maxMethod bounds a method; nginx refuses longer ones long before.
const maxMethod = 32

// A requestLine is "GET /path?query HTTP/1.1" in its parts. It is empty when
// what the client sent was none (TLS on a plain port, a probe, nothing at all).
type requestLine struct {
	method, host, url, protocol []byte
}

// splitRequest takes a request line apart. A target may hold blanks, which old
// versions let pass, so the protocol is what follows the last one. HTTP/0.9 has
// no protocol.
func splitRequest(b []byte) (q requestLine) {
	method, target, ok := bytes.Cut(b, space)
	if !ok || !isMethod(method) {
		return q
	}
	if n := len(target) - len(" HTTP/1.1"); n >= 0 && string(target[n:n+6]) == " HTTP/" {
		q.protocol, target = target[n+1:], target[:n]
	} else if i := bytes.LastIndex(target, httpSlash); i >= 0 {
		q.protocol, target = target[i+1:], target[:i]
	}
	q.host, q.url = splitTarget(target)
	if len(q.url) == 0 && string(method) == "CONNECT" {
		q.host, q.url = target, target
	}
	if len(q.url) == 0 {
		return requestLine{}
	}
	q.method = method
	return q
}

// splitTarget cuts scheme and host off an absolute URL. Both parts are nil
// when b is no target of a request.
func splitTarget(b []byte) (host, url []byte) {
	host, url = parse.SplitURL(b)
	if host == nil && !bytes.HasPrefix(b, slash) && string(b) != "*" {
		return nil, nil
	}
	return host, url
}

func isMethod(b []byte) bool {
	if len(b) == 0 || len(b) > maxMethod {
		return false
	}
	for _, c := range b {
		if c-'A' >= 26 && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func wordByte(c byte) bool { return c|0x20-'a' < 26 || isDigit(c) || c == '_' }

// Constants of the package; nothing writes to them.
var (
	space     = []byte(" ")
	slash     = []byte("/")
	httpSlash = []byte(" HTTP/")
)
