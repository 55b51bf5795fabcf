package varnish

import (
	"strings"
	"time"
)

// ReadParams reads run-time parameters from the output of varnishadm
// param.show, short or with explanations, and from a varnishd command line or
// systemd unit with -p name=value. What is neither is passed over.
//
// https://varnish-cache.org/docs/trunk/reference/varnish-cli.html
func ReadParams(src []byte) Config {
	const maxParams = 4 << 20
	l := newLines(src[:min(len(src), maxParams)])
	var c Config
	for no := 1; no <= len(l.starts) && len(c.Params) < maxSettings; no++ {
		line := l.at(no)
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "#"):
		case strings.Contains(line, "-p") && commandLine(&c, line, no):
		case strings.HasPrefix(strings.TrimSpace(line), "Value is:"):
			longValue(&c, l, line, no)
		default:
			shortValue(&c, line, no)
		}
	}
	return c
}

// commandLine finds every -p name=value and -pname=value in a line, and the
// word after a -p that ends its own line in a list of arguments.
func commandLine(c *Config, line string, no int) bool {
	found := false
	words := strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r == ',' || r == '[' || r == ']' })
	for i, w := range words {
		if w == "-p" && i+1 < len(words) {
			w = "-p" + words[i+1]
		}
		w, ok := strings.CutPrefix(w, "-p")
		name, value, eq := strings.Cut(w, "=")
		if !ok || !eq || !isParam(name) || value == "" {
			continue
		}
		c.add(name, strings.TrimRight(value, ";\\"), "", line, no)
		found = true
	}
	return found
}

// shortValue reads "first_byte_timeout         60.000 [seconds] (default)".
func shortValue(c *Config, line string, no int) {
	name, rest, ok := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if !ok || rest == "" || !isParam(name) {
		return
	}
	words := strings.Fields(rest)
	value, unit, def := words[0], "", strings.HasSuffix(rest, "(default)")
	if len(words) > 1 && strings.HasPrefix(words[1], "[") {
		unit = strings.Trim(words[1], "[]")
	} else if !def && len(words) > 1 {
		return // prose
	}
	if unit == "" && !strings.Contains(line, "  ") {
		return
	}
	c.add(name, value, unit, line, no)
	c.Params[len(c.Params)-1].Default = def
}

// longValue reads the form that explains one parameter after another:
//
//	first_byte_timeout
//	        Value is: 60.000 [seconds] (default)
func longValue(c *Config, l *lines, line string, no int) {
	name := strings.TrimSpace(l.at(no - 1))
	_, rest, _ := strings.Cut(line, "Value is:")
	words := strings.Fields(rest)
	if len(words) == 0 || !isParam(name) {
		return
	}
	unit := ""
	if len(words) > 1 && strings.HasPrefix(words[1], "[") {
		unit = strings.Trim(words[1], "[]")
	}
	c.add(name, words[0], unit, line, no)
	c.Params[len(c.Params)-1].Default = strings.HasSuffix(line, "(default)")
}

func (c *Config) add(name, value, unit, line string, no int) {
	s := Setting{Name: name, Value: value, Line: line, LineNo: no}
	bare := time.Duration(0)
	if unit == "seconds" || unit == "" && isTimeParam(name) {
		bare = time.Second
	}
	s.Duration = span(value, bare)
	c.Params = append(c.Params, s)
}

func isParam(name string) bool {
	if len(name) < 3 || len(name) > 64 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

// isTimeParam knows the parameters whose plain number is in seconds.
func isTimeParam(name string) bool {
	return strings.HasSuffix(name, "_timeout") || strings.HasSuffix(name, "_holddown") || strings.HasPrefix(name, "default_") ||
		strings.HasPrefix(name, "timeout_") || name == "shortlived" || name == "backend_wait_timeout"
}
