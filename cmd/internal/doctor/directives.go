package doctor

import (
	"io/fs"
	"strings"
)

// A directive is a line of a configuration that has one a line.
type directive struct {
	name, value string
	section     string // set for the line [section] alone
	line        int
}

// first is the value's first word, without quotes.
func (d directive) first() string {
	v := strings.TrimSpace(d.value)
	if v == "" {
		return ""
	}
	if q := v[0]; q == '"' || q == '\'' {
		inner, _, _ := strings.Cut(v[1:], string(q))
		return inner
	}
	v, _, _ = strings.Cut(v, " ")
	v, _, _ = strings.Cut(v, "\t")
	return strings.TrimRight(v, ";")
}

// maxDirectives bounds what one file may say.
const maxDirectives = 20_000

// directives reads a file of "name = value" or, with a blank as sep, of
// "Name value" lines. Comments begin with # or ;.
func directives(root fs.FS, file string, sep rune) []directive {
	if file == "" {
		return nil
	}
	src, err := readFile(root, file, maxConfig)
	if err != nil {
		return nil
	}
	var all []directive
	n := 0
	for line := range strings.Lines(string(src)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || len(all) >= maxDirectives {
			continue
		}
		if line[0] == '[' && strings.HasSuffix(line, "]") {
			all = append(all, directive{section: strings.Trim(line, "[]"), line: n})
			continue
		}
		name, value := line, ""
		if sep == ' ' {
			if i := strings.IndexAny(line, " \t"); i > 0 {
				name, value = line[:i], line[i:]
			}
		} else {
			name, value, _ = strings.Cut(line, string(sep))
		}
		all = append(all, directive{name: strings.TrimSpace(name), value: strings.TrimSpace(value), line: n})
	}
	return all
}
