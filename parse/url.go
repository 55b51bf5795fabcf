package parse

import "bytes"

// maxScheme is the length of the longest scheme of a request's URL.
const maxScheme = 8

// SplitURL cuts scheme and host off an absolute URL, as Record's Host and URL
// have them. host is nil when b is none, and path is b then.
func SplitURL(b []byte) (host, path []byte) {
	n := 0
	for n < len(b) && n <= maxScheme && (b[n]|0x20-'a' < 26 || b[n]-'0' <= 9) {
		n++
	}
	if n == 0 || n > maxScheme || !bytes.HasPrefix(b[n:], schemeEnd) {
		return nil, b
	}
	host = b[n+len(schemeEnd):]
	if i := bytes.IndexAny(host, "/?#"); i >= 0 {
		return host[:i], host[i:]
	}
	return host, slash
}

// WithoutPort cuts the port off host:port and [v6]:port. It leaves a bare v6
// address and a unix socket alone.
func WithoutPort(b []byte) []byte {
	if len(b) > 0 && b[0] == '[' {
		if i := bytes.IndexByte(b, ']'); i > 0 {
			return b[1:i]
		}
	}
	if i := bytes.IndexByte(b, ':'); i > 0 && i == bytes.LastIndexByte(b, ':') && !bytes.HasPrefix(b, unixSocket) {
		return b[:i]
	}
	return b
}

// Nothing writes to these.
var (
	schemeEnd  = []byte("://")
	slash      = []byte("/")
	unixSocket = []byte("unix:")
)
