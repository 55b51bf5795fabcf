package conf

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Print writes what holds as YAML, with the origin of each value in a comment.
// Secrets are written as (set).
func (c *Config) Print(w io.Writer) error {
	lines := c.lines()
	width := 0
	for _, l := range lines {
		if n := utf8.RuneCountInString(l.text); n <= 60 {
			width = max(width, n)
		}
	}
	for _, l := range lines {
		text := l.text
		if l.origin != "" {
			text += strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + "  # " + l.origin
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

type printed struct{ text, origin string }

func (c *Config) lines() []printed {
	var out []printed
	c.group(reflect.ValueOf(c).Elem(), "", "", false, &out)
	return out
}

// group writes a mapping. Within a list only what was set is written.
func (c *Config) group(v reflect.Value, name, indent string, setOnly bool, out *[]printed) {
	first := len(*out)
	for _, f := range fieldsOf(v.Type()) {
		fv, full := v.Field(f.index), join(name, f.name)
		if setOnly && fv.IsZero() {
			continue
		}
		switch {
		case isGroup(fv.Type()):
			*out = append(*out, printed{text: indent + f.name + ":"})
			c.group(fv, full, indent+"  ", setOnly, out)
		case fv.Kind() == reflect.Slice && isGroup(fv.Type().Elem()) && fv.Len() > 0:
			*out = append(*out, printed{text: indent + f.name + ":"})
			for i := range fv.Len() {
				from := len(*out)
				c.group(fv.Index(i), fmt.Sprintf("%s[%d]", full, i), indent+"    ", true, out)
				if from < len(*out) {
					l := &(*out)[from]
					l.text = indent + "  - " + l.text[len(indent)+4:]
				}
			}
		default:
			*out = append(*out, printed{indent + f.name + ": " + textOf(fv), c.originOf(full)})
		}
	}
	if setOnly && first == len(*out) {
		*out = append(*out, printed{text: indent + "{}"})
	}
}

func (c *Config) originOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return '?'
		}
		return r
	}, c.origins[name].String())
}

// textOf is a value as YAML.
func textOf(v reflect.Value) string {
	if v.CanAddr() && isSecret(v.Type()) || isSecret(v.Type()) {
		if v.IsZero() {
			return `""`
		}
		return hidden
	}
	if !v.CanAddr() {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p.Elem()
	}
	if leaf, ok := v.Addr().Interface().(value); ok {
		return quoted(leaf.text())
	}
	switch v.Kind() {
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = flow(textOf(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, k := range v.MapKeys() {
			parts = append(parts, flow(quoted(k.String()))+": "+flow(quoted(v.MapIndex(k).String())))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	}
	return quoted(v.String())
}

// quoted is text as one scalar of YAML on one line.
func quoted(s string) string {
	b, err := yaml.Marshal(s)
	text := strings.TrimSuffix(string(b), "\n")
	if err != nil || strings.ContainsAny(text, "\n") {
		return strconv.Quote(s)
	}
	return text
}

// flow quotes what means something within brackets.
func flow(s string) string {
	if strings.ContainsAny(s, ",[]{}") && !strings.HasPrefix(s, "'") && !strings.HasPrefix(s, `"`) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}
