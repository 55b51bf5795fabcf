package traffic

import "bytes"

// Bounds of a route. A path deeper or longer ends in "/*".
const (
	maxRouteSegments = 6
	maxRouteBytes    = 96
	maxSegmentBytes  = 40
	// maxPathBytes is how much of a path is looked at.
	maxPathBytes = 4096
)

// badRoute stands for what is no path: TLS or binary sent to an HTTP port.
const badRoute = ":bad"

// Route returns the route of a path: the path with what differs from request
// to request replaced. Numbers, UUIDs, hashes and tokens become :id, dates
// :date, names with numbers or escapes in them :slug; the query is cut. It
// needs no state, so every host makes the same route of the same path, and
// Route(Route(x)) == Route(x).
func Route(path string) string {
	return string(AppendRoute(make([]byte, 0, maxRouteBytes), []byte(path)))
}

// AppendRoute appends the route of path to dst and returns the extended slice.
// It allocates nothing when dst has room for maxRouteBytes.
func AppendRoute(dst, path []byte) []byte {
	path = cutPath(path)
	switch {
	case len(path) == 0:
		return dst
	case len(path) == 1 && path[0] == '*': // OPTIONS *
		return append(dst, '*')
	case path[0] != '/':
		return append(dst, badRoute...)
	}
	start := len(dst)
	for n := 0; len(path) > 0; {
		var seg []byte
		seg, path = nextSegment(path)
		if len(seg) == 0 {
			continue // a doubled or last slash
		}
		if n == maxRouteSegments {
			return append(dst, "/*"...)
		}
		before := len(dst)
		dst = appendSegment(append(dst, '/'), seg)
		if len(dst)-start > maxRouteBytes-len("/*") {
			if !isWildcard(seg) {
				return append(dst[:before], "/*"...)
			}
		}
		n++
	}
	if len(dst) == start {
		dst = append(dst, '/')
	}
	return dst
}

// cutPath cuts scheme and host of an absolute URL, query and fragment.
func cutPath(path []byte) []byte {
	path = path[:min(len(path), maxPathBytes)]
	if i := bytes.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	if i := bytes.Index(path, []byte("://")); i > 0 && i <= len("https") && path[0] != '/' {
		path = path[i+3:]
		slash := bytes.IndexByte(path, '/')
		if slash < 0 {
			return []byte("/")
		}
		path = path[slash:]
	}
	return path
}

// nextSegment takes the first segment off a path that begins with a slash.
func nextSegment(path []byte) (seg, rest []byte) {
	path = path[1:]
	if i := bytes.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, nil
}

func isWildcard(seg []byte) bool { return len(seg) == 1 && seg[0] == '*' }

// appendSegment appends what a segment is called in a route.
func appendSegment(dst, seg []byte) []byte {
	if isWildcard(seg) {
		return append(dst, seg...)
	}
	if i := bytes.IndexByte(seg, ';'); i >= 0 { // ;jsessionid=...
		seg = seg[:i]
	}
	if bytes.IndexByte(seg, '@') > 0 { // an address
		return append(dst, routeID...)
	}
	name, ext := cutExtension(seg)
	switch kind := classify(name); kind {
	case plain:
		return append(dst, seg...)
	default:
		return append(append(dst, kind...), ext...)
	}
}

// cutExtension divides a file name: "app.3f2a.js" into "app.3f2a" and ".js".
// An extension is short and has a letter first, so it is bounded in number.
func cutExtension(seg []byte) (name, ext []byte) {
	i := bytes.LastIndexByte(seg, '.')
	if i <= 0 || len(seg)-i > len(".woff2") || i == len(seg)-1 || !isLetter(seg[i+1]) {
		return seg, nil
	}
	for _, c := range seg[i+1:] {
		if !isLetter(c) && !isDigit(c) {
			return seg, nil
		}
	}
	return seg[:i], seg[i:]
}

// Names of what varies. All begin with a colon and have letters only, which
// makes a second Route leave them alone.
const (
	plain    = ""
	routeID  = ":id"
	routeDay = ":date"
	slug     = ":slug"
)

// classify says what a segment is, less its extension.
func classify(name []byte) string {
	if len(name) == 0 {
		return slug // the segment was parameters only
	}
	for _, c := range name {
		if !isLetter(c) && !isDigit(c) && !isSeparator(c) {
			return slug // escapes, quotes, bytes beyond ASCII: free text or an attack
		}
	}
	if isUUID(name) {
		return routeID
	}
	if isDate(name) {
		return routeDay
	}
	parts, varying := countParts(name)
	switch {
	case varying && parts == 1:
		return routeID
	case varying, len(name) > maxSegmentBytes, parts > 4 && len(name) >= 24:
		return slug // the last: a headline, five words or more
	}
	return plain
}

// countParts divides a name at its separators and says whether any part is one
// that varies.
func countParts(name []byte) (parts int, varying bool) {
	for len(name) > 0 {
		end := 0
		for end < len(name) && !isSeparator(name[end]) {
			end++
		}
		if end > 0 {
			parts++
			varying = varying || isVarying(name[:end])
		}
		name = name[min(end+1, len(name)):]
	}
	return parts, varying
}

// isVarying reports whether a run of letters and digits is a number, a hash or
// a token rather than a word. Words may have one or two digits: v2, utf8, s3.
func isVarying(part []byte) bool {
	var digits, lower, upper, hex, turns int
	for i, c := range part {
		switch {
		case isDigit(c):
			digits++
			hex++
		case c >= 'a' && c <= 'z':
			lower++
			hex += b2i(c <= 'f')
		default:
			upper++
			hex += b2i(c <= 'F')
		}
		if i > 0 && isUpper(c) != isUpper(part[i-1]) {
			turns++
		}
	}
	n := len(part)
	switch {
	case digits == n: // 42
		return true
	case hex == n && (digits > 0 && n >= 8 || n >= 16): // 3f2a9c1b
		return true
	case digits >= 3 && n >= 5: // SKU12345
		return true
	case digits > 0 && n >= 16: // token
		return true
	case n >= 20 && lower > 0 && upper > 0 && turns >= 8: // base64 without a digit
		return true
	}
	return false
}

// isUUID reports whether b is 8-4-4-4-12 hex digits, in braces or not.
func isUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return false
			}
		}
	}
	return true
}

// isDate reports whether b is 2026-01-31, 2026_01_31 or 2026.01.31, or the
// year and month of one. Without separators it is a number like any other.
func isDate(b []byte) bool {
	if len(b) != len("2026-01-31") && len(b) != len("2026-01") {
		return false
	}
	for i, c := range b {
		if i == 4 || i == 7 {
			if isDigit(c) || !isSeparator(c) || c != b[4] {
				return false
			}
		} else if !isDigit(c) {
			return false
		}
	}
	return b[0] == '1' || b[0] == '2'
}

// isSeparator reports whether c divides the words of a segment.
func isSeparator(c byte) bool {
	switch c {
	case '-', '_', '.', '~', '+', ',', ':', '=', '!', '(', ')', '&', '$':
		return true
	}
	return false
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isLetter(c byte) bool { return isUpper(c) || c >= 'a' && c <= 'z' }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
