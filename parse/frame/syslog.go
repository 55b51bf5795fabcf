package frame

import (
	"bytes"

	"why503/parse"
)

const maxTag = 128 // RFC 5424 allows 48 for a name; programs put paths in it

// unwrapSyslog takes the header off a line as syslog daemons write it to files
// or as programs send it: an optional <PRI>, then RFC 5424, RFC 3164 or
// rsyslog's RSYSLOG_FileFormat (a 3164 header with an RFC 3339 stamp).
func unwrapSyslog(line []byte) (Inner, bool) {
	rest, pri := skipPriority(line)
	if pri && bytes.HasPrefix(rest, []byte("1 ")) {
		return unwrap5424(rest[2:])
	}
	var in Inner
	if n := stamp3164(rest); n > 0 {
		rest = rest[n:]
	} else {
		stamp, after, ok := bytes.Cut(rest, space)
		if !ok {
			return Inner{}, false
		}
		if in.Time, ok = stampTime(stamp); !ok {
			return Inner{}, false
		}
		rest = after
	}
	// The host is left out by programs that write to /dev/log (nginx nohostname,
	// HAProxy): then the tag comes first.
	word, after, ok := bytes.Cut(rest, space)
	if !ok {
		return Inner{}, false
	}
	if in.Tag, in.PID, ok = tagOf(word); ok && word[len(word)-1] == ':' {
		in.Text = after
		return in, true
	}
	if !isHost(word) {
		return Inner{}, false
	}
	in.Host = word
	tag, after, ok := bytes.Cut(after, space)
	if !ok || len(tag) == 0 || tag[len(tag)-1] != ':' {
		return Inner{}, false
	}
	if in.Tag, in.PID, ok = tagOf(tag); !ok {
		return Inner{}, false
	}
	in.Text = after
	return in, true
}

// skipPriority skips <0> to <191>.
func skipPriority(b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != '<' {
		return b, false
	}
	n := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if n < 2 || digits(b[1:n]) < 0 || digits(b[1:n]) > 191 {
		return b, false
	}
	return b[n+1:], true
}

// unwrap5424 reads what follows the version (RFC 5424 section 6).
func unwrap5424(rest []byte) (Inner, bool) {
	var in Inner
	var field [5][]byte // time, host, app, procid, msgid
	for i := range field {
		var ok bool
		if field[i], rest, ok = bytes.Cut(rest, space); !ok || len(field[i]) == 0 {
			return Inner{}, false
		}
	}
	if string(field[0]) != "-" {
		t, ok := stampTime(field[0])
		if !ok {
			return Inner{}, false
		}
		in.Time = t
	}
	in.Host, in.Tag, in.PID = notNil(field[1]), notNil(field[2]), max(0, digits(field[3]))
	rest, ok := skipStructured(rest)
	if !ok {
		return Inner{}, false
	}
	in.Text = bytes.TrimPrefix(rest, []byte("\xef\xbb\xbf"))
	return in, true
}

func notNil(b []byte) []byte {
	if string(b) == "-" {
		return nil
	}
	return b
}

// skipStructured skips "-" or [id name="value"]... and the space behind it.
func skipStructured(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	if b[0] == '-' {
		return bytes.TrimPrefix(b[1:], space), true
	}
	quoted, depth := false, 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 && (i+1 == len(b) || b[i+1] == ' ') {
				return bytes.TrimPrefix(b[i+1:], space), true
			}
		case depth == 0:
			return nil, false
		}
	}
	return nil, false
}

// stamp3164 returns the length of "Jan _2 15:04:05 " (some write a year or a
// fraction behind it), 0 when b does not begin so.
func stamp3164(b []byte) int {
	if len(b) < len("Jan _2 15:04:05 ") || parse.Month(b) == 0 || b[3] != ' ' || b[6] != ' ' {
		return 0
	}
	day := b[4:6]
	if day[0] == ' ' {
		day = day[1:]
	}
	b7 := b[7:]
	n := 7
	if y := digits(b7[:4]); y >= 1970 && b7[4] == ' ' { // Cisco and some rsyslog templates
		n, b7 = n+5, b7[5:]
	}
	if len(b7) < 9 || digits(day) < 1 || digits(day) > 31 {
		return 0
	}
	if _, _, _, ok := parse.ClockTime(b7); !ok {
		return 0
	}
	n += 8
	_, rest := fraction(b7[8:])
	n += len(b7[8:]) - len(rest)
	if len(rest) == 0 || rest[0] != ' ' {
		return 0
	}
	return n + 1
}

// tagOf reads name, name: or name[pid]:
func tagOf(word []byte) (tag []byte, pid int, ok bool) {
	word = bytes.TrimSuffix(word, []byte(":"))
	if n := len(word); n > 0 && word[n-1] == ']' {
		open := bytes.LastIndexByte(word, '[')
		if open < 1 {
			return nil, 0, false
		}
		pid = max(0, digits(word[open+1:n-1]))
		word = word[:open]
	}
	if len(word) == 0 || len(word) > maxTag {
		return nil, 0, false
	}
	for _, c := range word {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '{' || c == ':' {
			return nil, 0, false
		}
	}
	return word, pid, true
}

// isHost accepts names and addresses.
func isHost(word []byte) bool {
	if len(word) == 0 || len(word) > 255 {
		return false
	}
	for _, c := range word {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != ':' {
			return false
		}
	}
	return true
}
