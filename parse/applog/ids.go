package applog

import "bytes"

// idBytes bounds how much of a text is searched for ids.
const idBytes = 4096

// scanIDs finds request_id=..., [req: ...], "trace_id":"..." and their like
// anywhere in a text, and the method=, path=, status= and duration= of a
// request where they are written so. Names are those of structured lines.
func scanIDs(b []byte, e *entry) {
	var status []byte
	if len(b) > idBytes {
		b = b[:idBytes]
	}
	var buf [maxKey]byte
	for i := 1; i < len(b); i++ {
		if c := b[i]; c != '=' && c != ':' {
			continue
		}
		end := i
		if b[end-1] == '"' || b[end-1] == '\'' {
			end--
		}
		start := end
		for start > 0 && end-start < 40 && (wordByte(b[start-1]) || b[start-1] == '-' || b[start-1] == '.') {
			start--
		}
		if end-start < 2 {
			continue
		}
		name, ok := appendKey(buf[:0:maxKey], b[start:end])
		if !ok {
			continue
		}
		k := keyOf(name)
		switch {
		case k == keyPID || k == keyVersion:
		case b[i] == '=' && k >= keyDuration && k <= keyURL:
		default:
			if k != keyRequestID {
				k = idKey(name)
			}
			if k == keyNone {
				continue
			}
		}
		v := idValue(b[i+1:])
		switch k {
		case keyVersion:
			if len(e.version) == 0 && versionLike(v) {
				e.version = v
			}
		case keyStatus:
			status = v
		default:
			e.set(k, v)
		}
	}
	// A status alone may be that of a process.
	if len(e.method) > 0 || len(e.url) > 0 {
		e.setStatus(status)
	}
}

// idValue reads the value after a mark, in quotes or up to the next space or
// bracket.
func idValue(b []byte) []byte {
	b = bytes.TrimLeft(b, " ")
	if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
		b = b[1:]
	}
	n := 0
	for n < len(b) && n <= maxID && b[n] > ' ' && b[n] < 0x7f {
		switch b[n] {
		case '"', '\'', ',', ';', ']', ')', '}', '|', '[', '(', '{':
			return b[:n]
		}
		n++
	}
	return b[:n]
}

// versionIn finds a version in prose: version=2.14.0, "version 2.14.0",
// release 20261122, v2.14.0, or (2.14.0).
func versionIn(b []byte) []byte {
	if len(b) > idBytes {
		b = b[:idBytes]
	}
	named := false
	for len(b) > 0 {
		n := bytes.IndexAny(b, " \t,;\"'()[]=")
		w := b
		if n >= 0 {
			w, b = b[:n], b[n+1:]
		} else {
			b = nil
		}
		if len(w) == 0 {
			continue
		}
		v := bytes.TrimRight(w, ".:")
		if named && versionLike(v) {
			return v
		}
		if len(v) > 3 && (v[0] == 'v' || v[0] == 'V') && dotted(v[1:]) || dotted(v) && n >= 0 && len(b) >= 0 && paired(w, b) {
			return v
		}
		var buf [12]byte
		l, ok := lower(buf[:], bytes.TrimRight(w, ":"))
		named = ok && (string(l) == "version" || string(l) == "release" || string(l) == "tag" || string(l) == "revision" || string(l) == "ver")
	}
	return nil
}

// paired is true when w stood in front of what closes a bracket at the end of
// the text, as systemd prints descriptions.
func paired(w, rest []byte) bool {
	return bytes.Count(w, []byte(".")) >= 2 && len(bytes.Trim(rest, ").] ")) == 0
}

// versionLike needs a digit and no space; commit hashes and release numbers
// count.
func versionLike(v []byte) bool {
	if len(v) == 0 || len(v) > 64 {
		return false
	}
	seen := false
	for _, c := range v {
		if digit(c) {
			seen = true
		} else if !wordByte(c) && c != '.' && c != '-' && c != '+' && c != '/' {
			return false
		}
	}
	return seen
}

func dotted(v []byte) bool {
	return versionLike(v) && digit(v[0]) && bytes.IndexByte(v, '.') > 0
}
