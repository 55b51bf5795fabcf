package nginx

import "bytes"

// maxDepth bounds objects within objects.
const maxDepth = 8

// A keyField is a key of a format that is JSON, with what its variable means.
type keyField struct {
	path string
	slot slot
}

// templateKeys reads the keys of a log_format whose values are one variable.
func templateKeys(format string) (keys []keyField) {
	w := walker{member: func(path, v []byte) {
		if len(v) < 2 || v[0] != '$' || len(keys) == maxFields {
			return
		}
		if name, rest, err := variableName(string(v)); err == nil && rest == "" {
			s, _ := variable(name)
			keys = append(keys, keyField{string(path), s})
		}
	}}
	w.walk([]byte(format))
	return keys
}

// readJSON reads a line by its keys. What has no stamp, no status or no
// request is not from an access log.
func (a *Access) readJSON(b []byte) bool {
	a.clear()
	a.next = 0
	if whole := a.json.walk(b); !whole && !a.partial {
		return false
	}
	if !a.fill() {
		return false
	}
	v := &a.v
	return a.rec.Ended != 0 && v.get(slotStatus) != nil &&
		(len(v[slotRequest]) > 0 || len(v[slotURL]) > 0 || len(v[slotURI]) > 0 || len(v[slotMethod]) > 0)
}

// member stores the value of a key. Keys come in the order of the format, so
// the one expected next is tried first.
func (a *Access) member(path, v []byte) {
	for n := range a.keys {
		k := &a.keys[(a.next+n)%len(a.keys)]
		if k.path == string(path) {
			a.next += n + 1
			a.v.set(k.slot, v)
			return
		}
	}
	a.guess(path, v)
}

// A walker goes through one JSON object and hands on its members. The path of
// a nested key is joined by underscores. It does not check more than it needs,
// and takes bare values as nginx writes them when the log_format left out the
// quotes: nothing at all, a dash, or a list.
type walker struct {
	member func(path, value []byte)
	path   []byte
}

func (w *walker) walk(b []byte) bool {
	w.path = w.path[:0]
	b = skipBlank(b)
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	rest, ok := w.object(b[1:], maxDepth)
	return ok && len(skipBlank(rest)) == 0
}

// object goes from behind the opening brace to behind the closing one.
func (w *walker) object(b []byte, depth int) (rest []byte, ok bool) {
	for first := true; ; first = false {
		b = skipBlank(b)
		if len(b) > 0 && b[0] == '}' {
			return b[1:], true
		}
		if !first {
			if len(b) == 0 || b[0] != ',' {
				return nil, false
			}
			b = skipBlank(b[1:])
		}
		if len(b) == 0 || b[0] != '"' {
			return nil, false
		}
		n := quoteEnd(b[1:])
		if n < 0 {
			return nil, false
		}
		key := b[1 : 1+n]
		b = skipBlank(b[2+n:])
		if len(b) == 0 || b[0] != ':' {
			return nil, false
		}
		mark := len(w.path)
		w.enter(key)
		b, ok = w.value(skipBlank(b[1:]), depth)
		w.path = w.path[:mark]
		if !ok {
			return nil, false
		}
	}
}

func (w *walker) enter(key []byte) {
	if len(w.path) > 4*maxKey || len(key) > maxKey {
		key = key[:0]
	}
	if len(w.path) > 0 {
		w.path = append(w.path, '_')
	}
	w.path = append(w.path, key...)
}

func (w *walker) value(b []byte, depth int) (rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	switch b[0] {
	case '"':
		n := quoteEnd(b[1:])
		if n < 0 {
			return nil, false
		}
		w.member(w.path, b[1:1+n])
		return b[2+n:], true
	case '{':
		if depth == 0 {
			return nil, false
		}
		if isWrapper(w.path) {
			w.path = w.path[:0]
		}
		return w.object(b[1:], depth-1)
	case '[':
		return skipArray(b)
	}
	n := bareEnd(b)
	if n < 0 {
		return nil, false
	}
	if v := bytes.TrimRight(b[:n], " \t"); string(v) != "null" {
		w.member(w.path, v)
	}
	return b[n:], true
}

// isWrapper says whether an object of that name only holds the line's keys
// together.
func isWrapper(path []byte) bool {
	switch string(path) {
	case "nginx", "access", "log", "http", "fields", "data", "event", "http_request":
		return true
	}
	return false
}

// bareEnd is the brace or the comma before the next key.
func bareEnd(b []byte) int {
	for i, c := range b {
		if c == '}' || c == ',' && bytes.HasPrefix(skipBlank(b[i+1:]), quote) {
			return i
		}
	}
	return -1
}

// skipArray goes behind the bracket that closes the one at the beginning of b.
func skipArray(b []byte) (rest []byte, ok bool) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return b[i+1:], true
			}
		case '"':
			n := quoteEnd(b[i+1:])
			if n < 0 {
				return nil, false
			}
			i += n + 1
		}
	}
	return nil, false
}

func skipBlank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

var quote = []byte(`"`)
