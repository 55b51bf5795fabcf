package nginx

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxFormat = 32 << 10 // bytes of a log_format
	maxFields = 256
)

// A field is a variable of a log_format and the literal behind it.
type field struct {
	slot   slot
	shape  shape
	lit    []byte
	quoted bool // the literal begins with the quote that no value can hold
}

// CompileAccess makes a parser of a log_format, given as nginx would see it,
// with its quoted pieces put together.
//
// https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
func CompileAccess(logFormat string, escape Escape) (*Access, error) {
	a := Access{read: (*Access).readFields, escape: escape}
	rest := logFormat
	if tail, ok := strings.CutPrefix(logFormat, combinedFormat); ok && escape == EscapeDefault && !startsName(tail) {
		a.read, rest = (*Access).readHeaded, tail
	}
	if len(rest) > maxFormat {
		return nil, errors.New("log_format is too long")
	}
	prefix, fields, err := split(rest, escape)
	if err != nil {
		return nil, fmt.Errorf("compiling log_format: %w", err)
	}
	if len(fields) == 0 && rest == logFormat {
		return nil, errors.New("log_format has no variables")
	}
	a.prefix, a.fields = []byte(prefix), fields
	if strings.HasPrefix(strings.TrimSpace(logFormat), "{") {
		a.keys = templateKeys(logFormat)
	}
	return newAccess(a), nil
}

// split parts a format into variables and literals. Of neighbours without a
// literal between them, only the first can be told, and only if its shape says
// where it ends; else both are taken as one value that means nothing.
func split(format string, escape Escape) (prefix string, fields []field, err error) {
	prefix, format = literal(format)
	for format != "" {
		name, rest, err := variableName(format)
		if err != nil {
			return "", nil, err
		}
		var lit string
		lit, format = literal(rest)
		f := field{lit: []byte(lit), quoted: escape != EscapeNone && strings.HasPrefix(lit, `"`)}
		f.slot, f.shape = variable(name)
		if n := len(fields); n > 0 && len(fields[n-1].lit) == 0 && fields[n-1].shape == shapeFree {
			last := fields[n-1]
			f.shape, f.slot = shapeFree, slotNone
			if last.slot == slotURI && (name == "is_args" || name == "args" || name == "query_string") {
				f.slot = slotURI
			}
			fields = fields[:n-1]
		}
		if fields = append(fields, f); len(fields) > maxFields {
			return "", nil, errors.New("too many variables")
		}
	}
	return prefix, fields, nil
}

// literal returns what stands before the next variable.
func literal(s string) (lit, rest string) {
	if i := strings.IndexByte(s, '$'); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// variableName reads $name or ${name}.
func variableName(s string) (name, rest string, err error) {
	s = s[1:]
	brace := strings.HasPrefix(s, "{")
	if brace {
		s = s[1:]
	}
	n := 0
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	if name, rest = s[:n], s[n:]; name == "" {
		return "", "", errors.New("a dollar sign without a name")
	}
	if brace {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, "}"); !ok {
			return "", "", fmt.Errorf("the brace of %q is not closed", name)
		}
	}
	return name, rest, nil
}

// startsName says whether s would make a name before it longer.
func startsName(s string) bool { return s != "" && wordByte(s[0]) }
