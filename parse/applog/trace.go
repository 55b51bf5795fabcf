package applog

import "bytes"

// A trace reads the lines of a stack trace in order, of Java, Python, PHP,
// Node, Go, Ruby and .NET, and of two of them interleaved.
type trace struct {
	exception []byte
	frame     []byte
	python    bool // inside a Python traceback: indented lines are frames and source
	goroutine bool // the next function line is the top of a goroutine
	bare      bool // a Go stack as zap prints it: functions, each with an indented place
}

// line takes the next line and gives the part of it that deserves a Note: an
// exception line, or prose. Frames and ornaments give nil.
func (t *trace) line(b []byte) []byte {
	s := bytes.TrimLeft(b, " \t|")
	indented := len(s) < len(b)
	s = bytes.TrimRight(s, " \t\r")
	if len(s) == 0 {
		return nil
	}
	if has(s, "Traceback (most recent call last):") {
		t.python = true
		return s
	}
	if t.python {
		if indented {
			if has(s, `File "`) {
				t.frame = s
			}
			return nil
		}
		t.python = false
		if name, ok := exceptionType(s); ok {
			t.exception = name
		} else if name := leadingName(s); len(name) > 0 && (len(name) == len(s) || s[len(name)] == ':') {
			t.exception = name
		}
		return s
	}
	if has(s, "goroutine ") && bytes.IndexByte(s, '[') > 0 {
		t.goroutine = true
		return nil
	}
	if t.bare {
		if len(t.frame) == 0 && !indented {
			t.frame = s
		}
		return nil
	}
	if t.goroutine && t.goFunction(s, indented) {
		return nil
	}
	if frame, ok := frameOf(s, indented); ok {
		if len(t.frame) == 0 && frame {
			t.frame = s
		}
		if has(s, "at ") && bytes.Contains(s, []byte("node:internal/")) && bytes.Contains(s, []byte("/run_main")) {
			return s // the program was still being loaded
		}
		return nil
	}
	if ornament(s) {
		return nil
	}
	if name, ok := exceptionType(s); ok && len(t.exception) == 0 {
		t.exception = name
	}
	return s
}

// goFunction takes the lines after "goroutine N [running]:". The run-time's
// own functions that lead to a panic are not where it happened.
func (t *trace) goFunction(s []byte, indented bool) bool {
	if has(s, "created by ") {
		t.goroutine = false
		return true
	}
	if indented {
		return bytes.Contains(s, []byte(".go:")) || bytes.Contains(s, []byte(".s:"))
	}
	if s[len(s)-1] != ')' && !has(s, "...") {
		t.goroutine = false
		return false
	}
	if has(s, "panic(") {
		t.frame = nil // what came before it is the handler that caught it
	} else if len(t.frame) == 0 && !has(s, "runtime.") && !has(s, "runtime/") {
		t.frame = s
	}
	return true
}

// frameOf says whether s is a line of a trace that is no prose, and whether
// it names a function.
func frameOf(s []byte, indented bool) (frame, ok bool) {
	switch {
	case has(s, "at "):
		return true, indented || bytes.IndexByte(s, '(') > 0
	case has(s, "... ") && (bytes.HasSuffix(s, []byte(" more")) || bytes.HasSuffix(s, []byte(" omitted"))):
		return false, true
	case s[0] == '#' && len(s) > 2 && digit(s[1]):
		return s[1] == '0' && !has(s, "#0 {main}"), true
	case indented && s[0] == '/' && bytes.Contains(s, []byte(".go:")):
		return false, true
	case has(s, "from ") && indented:
		return true, bytes.IndexByte(s, ':') > 0
	case has(s, "[stacktrace]"), has(s, "Stack trace:"), has(s, "thrown in "), has(s, "PHP Stack trace:"), has(s, "--- End of "):
		return false, true
	case has(s, "PHP   ") && len(s) > 8 && digit(s[6]):
		return false, true
	case bytes.Contains(s, []byte(":in `")) || bytes.Contains(s, []byte(":in '")):
		// An exception that Ruby prints on its own has the message behind the
		// first frame.
		return true, s[len(s)-1] != ')'
	}
	return false, false
}

// frameOfMessage is frameOf for the message of a line of its own.
func frameOfMessage(s []byte) (frame, ok bool) {
	if len(s) == 0 || has(s, "at ") {
		return false, false
	}
	return frameOf(s, false)
}

// exceptionType gives the class that s begins with, after the words that
// languages put before it.
func exceptionType(s []byte) (name []byte, ok bool) {
	caused := false
	for again := true; again; {
		again = false
		for _, p := range exceptionPrefixes {
			if bytes.HasPrefix(s, p) {
				s, caused, again = bytes.TrimLeft(s[len(p):], " "), true, true
			}
		}
	}
	if has(s, `Exception in thread "`) {
		if i := bytes.Index(s[21:], []byte(`" `)); i >= 0 {
			s, caused = s[21+i+2:], true
		}
	}
	if has(s, "panic: ") {
		return s[:5], true
	}
	if has(s, "fatal error: ") {
		return s[:11], true
	}
	name = leadingName(s)
	if len(name) < 4 || len(name) > 200 {
		return nil, false
	}
	after := s[len(name):]
	if len(after) > 0 && after[0] != ':' && !has(after, " (") && !has(after, " [") {
		return nil, false
	}
	if caused && bytes.IndexByte(name, '.') > 0 || exceptional(name) {
		return name, true
	}
	return nil, false
}

// leadingName reads a class name with its package, as all of these languages
// write it.
func leadingName(s []byte) []byte {
	i := 0
	for i < len(s) {
		c := s[i]
		if wordByte(c) || c == '$' || c == '\\' && i+1 < len(s) && letter(s[i+1]) || c == '.' && i+1 < len(s) && letter(s[i+1]) {
			i++
		} else if c == ':' && i+2 < len(s) && s[i+1] == ':' && letter(s[i+2]) {
			i += 2
		} else {
			break
		}
	}
	if i == 0 || digit(s[0]) {
		return nil
	}
	return s[:i]
}

func exceptional(name []byte) bool {
	for _, e := range exceptionEndings {
		if len(name) >= len(e) && bytes.EqualFold(name[len(name)-len(e):], e) {
			// "error: x" is a level, "Error: x" a class of Node.
			return len(name) > len(e) || name[0] < 'a'
		}
	}
	switch string(name) {
	case "KeyboardInterrupt", "SystemExit", "StopIteration", "GeneratorExit", "StopAsyncIteration":
		return true
	}
	return false
}

// ornament knows lines of punctuation: rules, carets under source, braces.
func ornament(s []byte) bool {
	for _, c := range s {
		if letter(c) || digit(c) || c >= 0x80 {
			return false
		}
	}
	return true
}

func has(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

var (
	exceptionPrefixes = [...][]byte{
		[]byte("Caused by: "), []byte("Suppressed: "), []byte("PHP Fatal error:  "), []byte("Fatal error: "), []byte("Uncaught "), []byte("Unhandled exception. "),
		[]byte("Unhandled Exception: "), []byte("---> "), []byte("--> "), []byte("[cause]: "), []byte("Wrapped by: "), []byte("[error] "), []byte("nested exception is "),
	}
	exceptionEndings = [...][]byte{
		[]byte("Exception"), []byte("Error"), []byte("Throwable"), []byte("Timeout"), []byte("Failure"), []byte("Fault"), []byte("Interrupt"), []byte("Warning"), []byte("Panic"),
	}
)
