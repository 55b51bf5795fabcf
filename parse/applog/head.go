package applog

import (
	"bytes"

	"why503/parse"
)

// A header is what stands in front of the message of a plain line.
type header struct {
	b []byte
	i int // the message begins here
	// textAt is where a Note's text begins: before a bracket that might belong
	// to the message ("[exec-1] Timeout: Pool empty").
	textAt int
	levels int
	nested int // brackets in front of this one
}

// readHeader reads stamp, level, process, thread, logger and ids, in whatever
// order a library prints them, and gives message and text.
func readHeader(b []byte, k *clock, e *entry) (message, text []byte) {
	h := header{b: b}
	stamped := h.stamp(k, e)
	for range 12 {
		h.separators(stamped)
		h.textAt = h.i
		if !stamped && h.levels > 0 { // Django's: ERROR 2026-11-22 21:35:16,726 ...
			if c, n := readStamp(b[h.i:]); n >= 15 {
				e.time, e.prec, stamped = k.time(c), c.prec, true
				h.i += n
				continue
			}
		}
		if !h.next(e) {
			break
		}
	}
	return bytes.Trim(b[h.i:], " \t\r"), bytes.TrimRight(b[h.textAt:], " \t\r")
}

// stamp reads the stamp that a line begins with, inside a bracket or not.
func (h *header) stamp(k *clock, e *entry) bool {
	b := h.b
	if len(b) > 8 && b[1] == ',' && b[2] == ' ' && b[3] == '[' { // Ruby: "E, ["
		h.i = 3
	}
	if len(b) > 6 && b[4] == ']' && has(b, "[GIN]") {
		h.i = 6
	}
	if klog(b) {
		e.level = letterLevel(b[0])
		c, n := readKlog(b)
		e.time, e.prec = k.time(c), c.prec
		h.i = n
		return true
	}
	bracket := h.i < len(b) && b[h.i] == '['
	if passenger(b) {
		e.level = letterLevel(b[2])
		h.i = 4
	} else if bracket {
		h.i++
	}
	c, n := readStamp(b[h.i:])
	if n == 0 {
		h.i = 0
		return false
	}
	e.time, e.prec = k.time(c), c.prec
	h.i += n
	if bracket {
		// A zone's name, Ruby's "#pid", Celery's ": ERROR/MainProcess".
		if j := bytes.IndexByte(b[h.i:min(len(b), h.i+64)], ']'); j >= 0 {
			in := bytes.Trim(b[h.i:h.i+j], " :#,")
			if pid, ok := parse.Integer(in); ok && pid < 1<<31 {
				e.pid = int(pid)
			} else if w, _, _ := bytes.Cut(in, []byte("/")); e.level == 0 {
				e.level = levelOf(w)
			}
			h.i += j + 1
		}
	}
	return true
}

// separators passes over what libraries print between their fields.
func (h *header) separators(stamped bool) {
	for h.i < len(h.b) {
		rest := h.b[h.i:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t':
			h.i++
		case (c == '-' || c == '|' || c == ':' || c == ',') && stamped && (len(rest) == 1 || rest[1] == ' ' || rest[1] == c || rest[1] == '\t'):
			n := 1
			for n < len(rest) && rest[n] == c {
				n++
			}
			if n < len(rest) && rest[n] != ' ' && rest[n] != '\t' || n > 2 && !has(rest[n:], " [") { // Spring's " --- ["
				return
			}
			h.i += n
		default:
			return
		}
	}
}

// next takes one field; false when the message begins.
func (h *header) next(e *entry) bool {
	rest := h.b[h.i:]
	if len(rest) == 0 {
		return false
	}
	if rest[0] == '[' || rest[0] == '<' {
		return h.bracket(rest, e)
	}
	n := 0
	for n < len(rest) && wordByte(rest[n]) {
		n++
	}
	word := rest[:n]
	after := rest[n:]
	if n == 0 {
		return false
	}
	if has(rest, "FATAL ERROR:") || has(rest, "panic: ") { // the message's own words
		if e.level == parse.LevelNone {
			e.level = parse.LevelFatal
		}
		return false
	}
	if h.levels == 0 && h.level(word, after, e) {
		return true
	}
	if pid, ok := parse.Integer(word); ok && (has(after, " --- ") || has(after, " [") && h.levels > 0) && pid < 1<<31 {
		e.pid = int(pid)
		h.i += n
		return true
	}
	return h.logger(rest, e)
}

// level takes a level word. One in lower case is only taken for one where a
// mark follows it, since prose begins with "error" too.
func (h *header) level(word, after []byte, e *entry) bool {
	l := levelOf(word)
	if l == parse.LevelNone || len(word) < 3 {
		return false
	}
	end := byte(' ')
	if len(after) > 0 {
		end = after[0]
	}
	upper := word[0] < 'a' && word[len(word)-1] < 'a'
	switch {
	case upper && (end == ' ' || end == ':' || end == '\t' || end == '|' || end == '-' || end == '[' || end == ',' || end == '/'):
	case end == ':' && word[0] >= 'a' && !has(after, "::"), end == '\t' || end == '|':
	case h.i > 0 && word[0] >= 'a' && end == ' ' && (has(after, " -") || beginsWithID(bytes.TrimLeft(after, " "))):
	default:
		return false
	}
	h.levels++
	if e.level == parse.LevelNone {
		e.level = l
	}
	h.i += len(word)
	if end == ':' {
		h.i++
		// Python's basicConfig: ERROR:logger:message
		name := after[1:]
		if j := bytes.IndexByte(name, ':'); j > 0 && j < 80 && identifier(name[:j]) && j+1 < len(name) {
			e.logger = name[:j]
			h.i += j + 1
		}
	} else if end == '[' && len(after) > 1 && digit(after[1]) { // logrus: INFO[0003]
		if j := bytes.IndexByte(after, ']'); j > 0 && j < 12 {
			h.i += j + 1
		}
	}
	return true
}

// bracket takes a bracketed field: level, ids, process, thread, logger.
func (h *header) bracket(rest []byte, e *entry) bool {
	end := byte(']')
	if rest[0] == '<' {
		end = '>'
	}
	j := bytes.IndexByte(rest[:min(len(rest), maxID+40)], end)
	if j <= 0 {
		return false
	}
	in := bytes.TrimSpace(rest[1:j])
	take := func() bool {
		h.i += j + 1
		h.textAt = h.i
		return true
	}
	if l := levelOf(in); l != parse.LevelNone && h.levels == 0 {
		e.level = l
		h.levels++
		return take()
	}
	if pid, ok := parse.Integer(in); ok && pid < 1<<31 {
		e.pid = int(pid)
		return take()
	}
	if len(in) == 36 && isUUID(in) {
		e.setRequestID(in)
		return take()
	}
	if bytes.IndexByte(in, '=') > 0 || bytes.IndexByte(in, ':') > 0 {
		before := e.idLen() + e.pid
		scanIDs(in, e)
		if e.idLen()+e.pid != before || emptyID(in) {
			return take()
		}
	}
	if tracing(in, e) {
		return take()
	}
	// Threads and the like. A bracket with several words, or one that nothing
	// but the message follows, may be the message's own: then the text keeps it.
	if bytes.IndexByte(in, ' ') >= 0 || rest[0] == '<' || h.nested > 8 {
		return false
	}
	h.nested++
	if len(e.logger) == 0 && bytes.Count(in, []byte(".")) >= 2 && identifier(in) {
		e.logger = in
	}
	at := h.i
	h.i += j + 1
	h.separators(true)
	if !h.next(e) {
		h.textAt = at
		return false
	}
	return true
}

// tracing knows the ids that Spring prints without a name, [app,trace,span]
// and [trace-span], and a lone 32 hex digits, which is nginx's $request_id as
// often as a trace.
func tracing(in []byte, e *entry) bool {
	if len(in) == 32 && parse.IsHex(in) {
		e.setRequestID(in)
		e.setTraceID(in)
		return true
	}
	if len(in) == 49 && in[32] == '-' && parse.IsHex(in[:32]) && parse.IsHex(in[33:]) {
		e.setTraceID(in[:32])
		return true
	}
	if _, rest, ok := bytes.Cut(in, []byte(",")); ok {
		id, span, ok := bytes.Cut(rest, []byte(","))
		if ok && len(id) == 32 && parse.IsHex(id) && len(span) >= 16 {
			e.setTraceID(id)
			return true
		}
		return ok && len(id) == 0 && len(span) == 0 // nothing was traced
	}
	return false
}

// emptyID knows [req=-] and [request_id: ].
func emptyID(in []byte) bool {
	i := bytes.IndexAny(in, "=:")
	return i > 0 && absent(bytes.TrimSpace(in[i+1:]))
}

// logger takes a name where it is surely one: dotted and in front of a mark
// or bracket, in front of Spring's " : ", or in front of the request's id.
func (h *header) logger(rest []byte, e *entry) bool {
	n := 0
	for n < len(rest) && (wordByte(rest[n]) || rest[n] == '.' || rest[n] == '$' || rest[n] == '/' || rest[n] == '\\' || rest[n] == '-' || rest[n] == '#') {
		n++
	}
	name, after := rest[:n], rest[n:]
	if n < 2 || !letter(name[0]) || len(e.logger) > 0 && bytes.IndexByte(name, '.') < 0 {
		return false
	}
	// Monolog: channel.LEVEL: message
	if i := bytes.LastIndexByte(name, '.'); i > 0 && has(after, ": ") && h.levels == 0 {
		if l := levelOf(name[i+1:]); l != parse.LevelNone && name[i+1] < 'a' {
			e.level, e.logger = l, name[:i]
			h.levels++
			h.i += n + 1
			return true
		}
	}
	// klog: file.go:123] message
	if i := bytes.IndexByte(after, ']'); i > 1 && i < 8 && after[0] == ':' {
		if _, ok := parse.Integer(after[1:i]); ok {
			h.i += n + i + 1
			return true
		}
	}
	trimmed := bytes.TrimLeft(after, " ")
	isDotted := bytes.IndexByte(name, '.') > 0 && exceptionFree(name)
	switch {
	case len(trimmed) < len(after) && has(trimmed, ": ") && !has(trimmed, "::"):
	case isDotted && (has(after, " - ") || has(after, ": ") || has(after, " [") || has(after, " | ")):
	case isDotted && h.levels > 0 && bytes.Count(name, []byte(".")) >= 2 && len(trimmed) < len(after):
	case h.beforeID(name, after, e):
	default:
		return false
	}
	if len(e.logger) == 0 {
		e.logger = name
	}
	h.i += n
	if has(after, ":") {
		h.i++
	}
	return true
}

// exceptionFree keeps "java.io.IOException: ..." in the message.
func exceptionFree(name []byte) bool { return !exceptional(name) && !has(name, "http.") }

func identifier(b []byte) bool {
	for _, c := range b {
		if !wordByte(c) && c != '.' && c != '-' && c != '$' {
			return false
		}
	}
	return len(b) > 0 && !digit(b[0])
}
