package detect

import (
	"bytes"

	"why503/parse"
)

// journalShape is that of `journalctl -o json`. Other files of several programs
// are known by their wrapper.
func journalShape(l []byte) int {
	if len(l) > 0 && l[0] == '{' && bytes.Contains(l, []byte(`"__REALTIME_TIMESTAMP"`)) && bytes.Contains(l, []byte(`"MESSAGE"`)) {
		return 88
	}
	return 0
}

// varnishlogShape knows "*   << Request  >> 3", "-   Begin   req 2 rxreq" and,
// of -g raw, "   2 Begin   c sess 0 HTTP/1".
func varnishlogShape(l []byte) int {
	switch {
	case len(l) < 8:
		return 0
	case l[0] == '*' || l[0] == '-':
		rest := bytes.TrimLeft(l, "*-")
		if bytes.HasPrefix(rest, []byte("<< ")) || bytes.HasPrefix(bytes.TrimLeft(rest, " "), []byte("<< ")) && bytes.Contains(rest, []byte(">> ")) {
			return 98
		}
		return tagShape(bytes.TrimLeft(rest, " 0123456789"), false)
	case l[0] == ' ' || l[0] >= '0' && l[0] <= '9':
		rest := bytes.TrimLeft(l, " ")
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n == len(rest) || rest[n] != ' ' {
			return 0
		}
		return tagShape(bytes.TrimLeft(rest[n:], " "), true)
	}
	return 0
}

// tagShape knows a VSL tag: a word that begins with a capital, padded, and with
// -g raw the side behind it.
func tagShape(b []byte, raw bool) int {
	tag, rest, ok := bytes.Cut(b, space)
	if !ok || len(tag) < 2 || len(tag) > 20 || tag[0] < 'A' || tag[0] > 'Z' {
		return 0
	}
	for _, c := range tag {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' {
			return 0
		}
	}
	rest = bytes.TrimLeft(rest, " ")
	if raw {
		if len(rest) < 1 || rest[0] != 'c' && rest[0] != 'b' && rest[0] != '-' || len(rest) > 1 && rest[1] != ' ' {
			return 0
		}
		return 96
	}
	if len(tag) < 14 && !bytes.HasPrefix(b[len(tag):], []byte("  ")) && len(rest) == len(b)-len(tag)-1 {
		return 0
	}
	return 92
}

// nginxErrorShape is "2026/11/22 21:34:04 [notice] 5#5: ".
func nginxErrorShape(l []byte) int {
	if len(l) < 28 || l[4] != '/' || l[7] != '/' || l[10] != ' ' || l[13] != ':' || l[16] != ':' || bytes.IndexByte(l[:20], '[') > 20 {
		return 0
	}
	i := bytes.IndexByte(l, '[')
	j := bytes.IndexByte(l, ']')
	if i < 20 || j < i || j > i+8 {
		return 0
	}
	pid, _, ok := bytes.Cut(bytes.TrimLeft(l[j+1:], " "), []byte{'#'})
	if !ok || number(pid) < 0 {
		return 0
	}
	return 97
}

// phpStamp matches [22-Nov-2026 21:36:04 and returns what follows the bracket.
func phpStamp(l []byte) ([]byte, bool) {
	if len(l) < 24 || l[0] != '[' || l[3] != '-' || l[7] != '-' || l[12] != ' ' || l[15] != ':' || l[18] != ':' || number(l[1:3]) < 0 || number(l[8:12]) < 0 {
		return nil, false
	}
	i := bytes.IndexByte(l, ']')
	if i < 21 || i > 60 {
		return nil, false
	}
	return l[i+1:], true
}

func fpmShape(l []byte) int {
	rest, ok := phpStamp(l)
	if !ok {
		return 0
	}
	for _, level := range [...]string{" DEBUG: ", " NOTICE: ", " WARNING: ", " ERROR: ", " ALERT: "} {
		if bytes.HasPrefix(rest, []byte(level)) {
			return 95
		}
	}
	return 0
}

func fpmSlowShape(l []byte) int {
	if rest, ok := phpStamp(l); ok && bytes.HasPrefix(rest, []byte("  [pool ")) {
		return 97
	}
	if bytes.HasPrefix(l, []byte("script_filename = ")) || bytes.HasPrefix(l, []byte("[0x0")) && bytes.Contains(l, []byte("] ")) && bytes.Contains(l, []byte("() ")) {
		return 90
	}
	return 0
}

// logfmtShape is a line that begins with key=value and has more of them.
func logfmtShape(l []byte) int {
	key, rest, ok := bytes.Cut(l, []byte{'='})
	if !ok || len(key) == 0 || len(key) > 40 || bytes.ContainsAny(key, " \t\"'{}[]()<>:;,") {
		return 0
	}
	pairs := bytes.Count(rest, []byte{'='})
	switch string(key) {
	case "time", "ts", "t", "timestamp", "level", "lvl", "at", "date", "severity":
		if pairs > 0 {
			return 85
		}
	}
	switch {
	case pairs >= 2 && (bytes.Contains(l, []byte(" level=")) || bytes.Contains(l, []byte(" msg=")) || bytes.Contains(l, []byte(" lvl="))):
		return 80
	case pairs >= 2:
		return 40
	}
	return 0
}

// plainShape is a line that begins with a stamp or a level. It is what is left
// when nothing else is known of a log, so it counts for little.
func plainShape(l []byte) int {
	b := bytes.TrimLeft(l, "[(<")
	if rest, ok := phpStamp(l); ok {
		if bytes.HasPrefix(rest, []byte(" PHP ")) {
			return 70
		}
		return 40
	}
	if letterHead(l) {
		return 48
	}
	stamped := isoStamp(b) || len(b) >= 19 && (b[4] == '/' && b[7] == '/' && b[10] == ' ' && b[13] == ':') || epochStamp(b) || timeOnly(b) || slashStamp(b) || monthStamp(b)
	level := levelWord(b[:min(len(b), 120)])
	switch {
	case stamped && level:
		return 48
	case stamped:
		return 34
	case level && leads(l):
		return 30
	case bytes.HasPrefix(l, []byte("Traceback (most recent call last)")), bytes.HasPrefix(l, []byte("Exception in thread ")),
		bytes.HasPrefix(l, []byte("panic: ")), bytes.HasPrefix(l, []byte("fatal error: ")), bytes.HasPrefix(l, []byte("PHP Fatal error:")),
		bytes.HasPrefix(l, []byte("Unhandled exception.")), bytes.HasPrefix(l, []byte("PHP Warning:")):
		return 40
	}
	return 0
}

// letterHead is "E, [2026-11-22T21:34:05" (Ruby) and "E1122 21:34:05" (glog).
func letterHead(l []byte) bool {
	if len(l) < 24 || bytes.IndexByte([]byte("DIWEFA"), l[0]) < 0 {
		return false
	}
	return l[1] == ',' && l[3] == '[' && isoStamp(l[4:]) || number(l[1:5]) > 0 && l[5] == ' ' && l[8] == ':' && l[11] == ':'
}

// epochStamp is seconds or milliseconds since 1970.
func epochStamp(b []byte) bool {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return (n == 10 || n == 13) && b[0] == '1' && n < len(b) && (b[n] == '.' || b[n] == ' ' || b[n] == ']')
}

// timeOnly is 21:34:05, as the default patterns of logback and Serilog print.
func timeOnly(b []byte) bool {
	return len(b) > 12 && b[2] == ':' && b[5] == ':' && (b[8] == '.' || b[8] == ',' || b[8] == ' ') && number(b[:2]) >= 0 && number(b[3:5]) >= 0 && number(b[6:8]) >= 0
}

// slashStamp is 22/Nov/2026:21:34:05 and 11/22/2026 9:34:05 or 21:34:05.
func slashStamp(b []byte) bool {
	return clfStamp(b) || len(b) > 16 && b[2] == '/' && b[5] == '/' && number(b[:2]) > 0 && number(b[3:5]) > 0 && number(b[6:10]) > 0
}

// monthStamp is Nov 22, 2026 9:34:05 PM (java.util.logging) or Nov 22 21:34:05.
func monthStamp(b []byte) bool {
	if len(b) < 15 || b[3] != ' ' {
		return false
	}
	return parse.Month(b) > 0 && bytes.Count(b[:min(len(b), 26)], []byte{':'}) >= 2
}

// levelWord looks for a level as a word of its own.
func levelWord(b []byte) bool {
	for len(b) > 0 {
		n := 0
		for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
			n++
		}
		if n >= 3 && n <= 9 && isLevel(b[:n]) {
			return true
		}
		b = b[min(len(b), n+1):]
	}
	return false
}

func isLevel(w []byte) bool {
	var buf [9]byte
	switch string(fold(buf[:0], w)) {
	case "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical", "crit", "alert", "emerg", "severe", "dbg", "inf", "wrn", "fine", "config", "panic":
		return true
	}
	return false
}

// leads tells whether a line begins with a level: "ERROR: text", "[warn] text",
// "E, [2026-..." (Ruby).
func leads(l []byte) bool {
	b := bytes.TrimLeft(l, "[<(")
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	return n >= 3 && n <= 9 && n < len(b) && isLevel(b[:n]) && bytes.IndexByte([]byte(" :]>)|-\t"), b[n]) >= 0 && b[0] < 'a' || len(l) > 0 && l[0] == '[' && n < len(b) && isLevel(b[:n])
}

// serviceShape and deployShape leave the decision to the parsers, which take
// no other lines. What they take may also be an application's line: only where
// most lines are taken do they weigh more.
func serviceShape(l []byte) int {
	if plainShape(l) > 0 {
		return 62
	}
	return 0
}

func deployShape(l []byte) int {
	if plainShape(l) > 0 {
		return 58
	}
	return 0
}
