package recognise

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// split divides a line at blanks, keeping quoted parts whole and without their
// quotes.
func split(line []byte) [][]byte {
	var list [][]byte
	for len(line) > 0 && len(list) < maxReadings {
		if line[0] == ' ' {
			line = line[1:]
			continue
		}
		var t []byte
		if line[0] == '"' {
			end := bytes.IndexByte(line[1:], '"')
			if end < 0 {
				return append(list, line[1:])
			}
			t, line = line[1:end+1], line[end+2:]
		} else {
			end := bytes.IndexByte(line, ' ')
			if q := bytes.Index(line, []byte(`="`)); q >= 0 && (end < 0 || q < end) {
				if e := bytes.IndexByte(line[q+2:], '"'); e >= 0 {
					end = q + 2 + e + 1
				}
			}
			if end < 0 || end >= len(line) {
				return append(list, line)
			}
			t, line = line[:end], line[end:]
		}
		list = append(list, t)
	}
	return list
}

// eachPair calls f for each key=value of a line; a quoted value comes without
// its quotes.
func eachPair(line []byte, f func(key, value []byte)) {
	for _, t := range split(line) {
		key, value, ok := bytes.Cut(t, []byte("="))
		if ok && len(key) > 0 && len(key) < 48 && isWord(key) {
			f(key, bytes.Trim(value, `"`))
		}
	}
}

func isWord(t []byte) bool {
	for _, c := range t {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// members calls f for each member of a JSON object and of the objects in it,
// a few levels deep.
func members(object []byte, f func(key, value []byte)) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if d.Decode(&m) == nil {
		walk(m, 0, f)
	}
}

func walk(m map[string]any, depth int, f func(key, value []byte)) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		switch v := m[key].(type) {
		case map[string]any:
			if depth < 4 {
				walk(v, depth+1, f)
			}
		case string:
			f([]byte(key), []byte(v))
		case json.Number:
			f([]byte(key), []byte(v))
		case bool:
			f([]byte(key), fmt.Append(nil, v))
		}
	}
}

// undecorated takes a time and a level off the beginning of a line of unknown
// shape.
func undecorated(line []byte) []byte {
	for range 8 {
		word, rest, ok := bytes.Cut(line, []byte(" "))
		if !ok || !isDecoration(word) {
			return line
		}
		line = bytes.TrimLeft(rest, " ")
	}
	return line
}

func isDecoration(word []byte) bool {
	word = bytes.Trim(word, "[]():,")
	if len(word) == 0 {
		return true
	}
	if word[0] >= '0' && word[0] <= '9' && len(word) >= 5 && onlyOf(word, "0123456789-:.,/TZ+") {
		return true
	}
	switch string(bytes.ToUpper(word)) {
	case "INFO", "WARN", "WARNING", "ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "DEBUG", "NOTICE", "TRACE", "SEVERE", "UTC", "E", "W", "I":
		return true
	}
	return false
}

// maxPieces bounds the parts of a text that are tried as a whole message.
const maxPieces = 16

// pieces returns a text, the same without time and level, and the parts of it that may be a message of their
// own: what is quoted, and what follows a colon, a bracket or a dash.
func pieces(text []byte) [][]byte {
	list := [][]byte{text, undecorated(text)}
	add := func(t []byte) {
		if t = bytes.TrimSpace(t); len(t) > 3 && len(list) < maxPieces {
			list = append(list, t)
		}
	}
	for rest := text; len(list) < maxPieces/2; {
		_, after, ok := bytes.Cut(rest, []byte(": "))
		if !ok {
			break
		}
		add(after)
		rest = after
	}
	if i := bytes.LastIndex(text, []byte("] ")); i >= 0 {
		add(text[i+2:])
	}
	if i := bytes.LastIndex(text, []byte(" - ")); i >= 0 {
		add(text[i+3:])
	}
	for rest := text; len(list) < maxPieces; {
		_, after, ok := bytes.Cut(rest, []byte(`"`))
		if !ok {
			break
		}
		quoted, after, ok := bytes.Cut(after, []byte(`"`))
		if !ok {
			break
		}
		add(quoted)
		rest = after
	}
	return list
}
