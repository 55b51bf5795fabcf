package conf

import (
	"fmt"
	"reflect"
	"strings"
)

// Example is a configuration in which every key stands, with what it is, in a
// comment. A line whose # is followed by a letter, or by two spaces and more,
// is a setting: without its # it holds.
func Example() string {
	var b strings.Builder
	b.WriteString("# Configuration of why503 serve. Nothing has to be set: what stands here behind a\n" +
		"# number sign and without a space is the default, or an example where there is\n" +
		"# none. Flags and the environment go before this file: retention.age is also\n" +
		"# --retention.age (with - for _) and WHY503_RETENTION_AGE. To check it:\n" +
		"# why503 config check FILE\n")
	d := Default()
	exampleGroup(&b, reflect.ValueOf(&d).Elem(), "", "")
	return b.String()
}

func exampleGroup(b *strings.Builder, v reflect.Value, prefix, indent string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("conf")
		if tag == "" {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		full := join(prefix, name)
		fmt.Fprintln(b)
		for _, line := range fold(f.Tag.Get("doc"), 78-len(indent)) {
			fmt.Fprintf(b, "%s# %s\n", indent, line)
		}
		switch {
		case isGroup(f.Type):
			fmt.Fprintf(b, "%s%s:\n", indent, name)
			exampleGroup(b, v.Field(i), full, indent+"  ")
		case f.Type.Kind() == reflect.Slice && isGroup(f.Type.Elem()):
			fmt.Fprintf(b, "%s#%s:\n", indent, name)
			exampleElement(b, f.Type.Elem(), full, indent)
		case f.Type == reflect.TypeFor[Secret]():
			fmt.Fprintf(b, "%s# (%s)\n", indent, envOf(full))
		default:
			fmt.Fprintf(b, "%s#%s: %s\n", indent, name, exampleValue(v.Field(i), f))
		}
	}
}

// exampleElement writes an element of a list with all its keys.
func exampleElement(b *strings.Builder, t reflect.Type, full, indent string) {
	dash := "- "
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("conf"), ",")
		if f.Type == reflect.TypeFor[Secret]() {
			continue
		}
		set := fmt.Sprintf("%s#  %s%s: %s", indent, dash, name, exampleValue(reflect.Zero(f.Type), f))
		if strings.HasSuffix(name, "_file") && t.Field(i-1).Type == reflect.TypeFor[SecretURL]() {
			set = fmt.Sprintf("%s# or %s: %s", indent, name, exampleValue(reflect.Zero(f.Type), f))
		}
		doc := f.Tag.Get("doc")
		if f.Type == reflect.TypeFor[SecretURL]() || strings.HasSuffix(name, "_file") {
			doc += " (" + envOf(full+"."+strings.TrimSuffix(name, "_file")) + ")"
		}
		fmt.Fprintf(b, "%-58s # %s\n", set, doc)
		dash = "  "
	}
}

func exampleValue(v reflect.Value, f reflect.StructField) string {
	if eg := f.Tag.Get("eg"); eg != "" {
		if f.Type.Kind() == reflect.Slice && !strings.HasPrefix(eg, "[") {
			return "[" + eg + "]"
		}
		return eg
	}
	return textOf(v)
}

func fold(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
