package detect

import (
	"bytes"

	"why503/parse"
)

// postgresShape is "2026-11-22 21:36:39.123 UTC [123] user@db LOG:  text": two
// blanks follow the severity, behind what log_line_prefix makes
// (https://www.postgresql.org/docs/current/runtime-config-logging.html).
// Programs quote the server's "FATAL:  text" in lines of their own, so what
// stands in front of the severity must be such a prefix and nothing else.
func postgresShape(l []byte) int {
	head := l[:min(len(l), 200)]
	for _, s := range [...]string{"LOG:  ", "ERROR:  ", "FATAL:  ", "PANIC:  ", "WARNING:  ", "STATEMENT:  ", "DETAIL:  ", "HINT:  ", "CONTEXT:  ", "NOTICE:  "} {
		if i := bytes.Index(head, []byte(s)); i > 0 && bytes.IndexByte([]byte(" :>"), head[i-1]) >= 0 && postgresPrefix(head[:i]) {
			return 92
		}
	}
	return 0
}

// postgresPrefix knows a prefix that begins with %m, %t or %n, and one that
// begins with [%p], which goes to syslog. Words may follow the former, of
// %u, %d and %a; behind the latter only what no prose has.
func postgresPrefix(b []byte) bool {
	b = bytes.TrimLeft(b, "< ")
	rest, stamped := postgresStamp(b)
	if !stamped && !processBracket(b) {
		return false
	}
	words := 0
	for w := range bytes.FieldsSeq(rest) {
		if words++; words > 8 || isLevel(bytes.Trim(w, "[](){}<>|:,-")) {
			return false
		}
		marked := w[0] == '[' || bytes.ContainsAny(w, "@=,(>")
		if !marked && (!stamped || w[len(w)-1] == ':' && len(w) > 1) {
			return false
		}
	}
	return true
}

// postgresStamp passes over a stamp as the server prints it, with a point in
// front of its milliseconds and its zone behind a blank, or seconds since 1970
// in front of a process.
func postgresStamp(b []byte) (rest []byte, ok bool) {
	if epochStamp(b) {
		_, rest, _ = bytes.Cut(b, space)
		return rest, processBracket(rest)
	}
	const date = len("2026-11-22 21:36:39")
	if len(b) < date+2 || !isoStamp(b) || b[10] != ' ' {
		return b, false
	}
	rest = b[date:]
	if rest[0] == '.' {
		if len(rest) < 5 || number(rest[1:4]) < 0 {
			return b, false
		}
		rest = rest[4:]
	}
	if rest[0] != ' ' {
		return b, false
	}
	rest = rest[1:]
	n := 0
	for n < len(rest) && n < 6 && (rest[n] >= 'A' && rest[n] <= 'Z' || n == 0 && (rest[n] == '+' || rest[n] == '-') || n > 0 && rest[n] >= '0' && rest[n] <= '9') {
		n++
	}
	// A level in capitals is no zone.
	if n < 2 || n == len(rest) || isLevel(rest[:n]) || bytes.IndexByte([]byte(" :>,|"), rest[n]) < 0 {
		return b, false
	}
	return rest[n:], true
}

// processBracket knows [123] and [3-1], process and line of the session.
func processBracket(b []byte) bool {
	if len(b) < 3 || b[0] != '[' {
		return false
	}
	in, _, ok := bytes.Cut(b[1:min(len(b), 24)], []byte{']'})
	pid, line, both := bytes.Cut(in, []byte{'-'})
	if both {
		if _, digits := parse.Integer(line); !digits {
			return false
		}
	}
	return ok && number(pid) >= 0
}
