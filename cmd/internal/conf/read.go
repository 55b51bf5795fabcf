package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration: one is written by hand.
const maxFile = 1 << 20

// A reader puts one YAML document into a Config and goes on behind whatever is
// wrong, so that all of it is told at once.
type reader struct {
	file     string
	lines    []string
	problems Problems
	origins  map[string]Origin
}

func (r *reader) read(data []byte, c *Config) {
	if len(data) > maxFile {
		r.problems = append(r.problems, Problem{Origin{File: r.file}, "", fmt.Sprintf("is larger than %d KiB, so it is no configuration", maxFile>>10)})
		return
	}
	r.lines = strings.Split(string(data), "\n")
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			r.syntax(err)
		}
		return
	}
	if err := dec.Decode(&more); err == nil {
		r.tell(&more, "", "a second document begins here. Leave out the ---")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		r.tell(doc.Content[0], "", "is no mapping of keys. It begins like  listen: 127.0.0.1:8503")
		return
	}
	r.value(doc.Content[0], reflect.ValueOf(c).Elem(), field{}, "")
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntax tells what the YAML reader cannot read. Its own text names signs, but
// no content.
func (r *reader) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	o := Origin{File: r.file, Line: 1}
	text := "no YAML"
	if m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			o.Line = n
		}
		text = "no YAML: " + m[2]
	}
	r.problems = append(r.problems, Problem{o, "", text + ". Mostly it is an indent, a tab, or a value that needs quotes"})
}

func (r *reader) tell(n *yaml.Node, key, text string) {
	r.problems = append(r.problems, Problem{r.at(n), key, text})
}

func (r *reader) at(n *yaml.Node) Origin { return Origin{File: r.file, Line: n.Line, Col: n.Column} }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// value puts n into v, which the key name leads to.
func (r *reader) value(n *yaml.Node, v reflect.Value, f field, name string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.tell(n, name, fmt.Sprintf("%s: anchors and aliases (& and *) are not read. Write the value out; one that begins with & or * needs quotes", name))
		return
	}
	leaf, isLeaf := v.Addr().Interface().(value)
	switch t := v.Type(); {
	case isLeaf && n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!str" && v.IsZero():
		// an empty text says what holds anyway: that nothing is set
	case t == reflect.TypeFor[Secret]():
		r.tell(n, name, fmt.Sprintf("%s does not stand in this file. Put it into a file of its own and name that with %s_file, or set %s", name, lastOf(name), envOf(name)))
	case isLeaf:
		if r.scalar(n, name) {
			r.took(n, name, leaf.set(n.Value))
		}
	case t.Kind() == reflect.Struct:
		r.group(n, v, name)
	case t.Kind() == reflect.Slice:
		r.list(n, v, f, name)
	case t.Kind() == reflect.Map:
		r.labels(n, v, name)
	case r.scalar(n, name):
		r.took(n, name, setBasic(v, f, n.Value, n.Tag))
	}
}

// took notes where a key was set, or what kept it from being set.
func (r *reader) took(n *yaml.Node, name string, err error) {
	if err != nil {
		r.tell(n, name, name+" "+err.Error())
		return
	}
	r.origins[name] = r.at(n)
}

func (r *reader) scalar(n *yaml.Node, name string) bool {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.tell(n, name, name+" takes one value, no list and no keys of its own")
		return false
	case isNull(n):
		r.tell(n, name, name+" has no value. Give it one, or leave out the line")
		return false
	}
	return true
}

func setBasic(v reflect.Value, f field, text, tag string) error {
	switch v.Kind() {
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			v.SetBool(true)
		case "false", "no", "off", "0":
			v.SetBool(false)
		default:
			return errors.New("is neither true nor false")
		}
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("is no whole number")
		}
		if least, err := strconv.Atoi(f.min); err == nil && n < least {
			return fmt.Errorf("is less than %d", least)
		}
		v.SetInt(int64(n))
	default:
		if len(f.words) > 0 && !slices.Contains(f.words, text) {
			return fmt.Errorf("is none of %s.%s", strings.Join(f.words, ", "), didYouMean(text, f.words))
		}
		if strings.ContainsRune(text, 0) || text == "" && tag != "!!str" {
			return errors.New("has no value")
		}
		v.SetString(text)
	}
	return nil
}

// group reads a mapping, or a value that stands for one.
func (r *reader) group(n *yaml.Node, v reflect.Value, name string) {
	fields := fieldsOf(v.Type())
	if isNull(n) {
		return // all its keys are commented out
	}
	if n.Kind != yaml.MappingNode {
		if f, ok := shorthand(fields); ok {
			r.value(n, v.Field(f.index), f, name+"."+f.name)
			return
		}
		r.tell(n, name, fmt.Sprintf("%s takes keys: %s", name, names(fields)))
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		full := join(name, key.Value)
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		switch {
		case at < 0:
			r.unknown(key, val, full)
		case seen[key.Value] > 0:
			r.tell(key, full, fmt.Sprintf("%s stands twice, first in line %d. Leave one", full, seen[key.Value]))
		default:
			seen[key.Value] = key.Line
			r.value(val, v.Field(fields[at].index), fields[at], full)
		}
	}
}

// unknown tells of a key that does not exist and shows its line without the
// value, which may be a secret.
func (r *reader) unknown(key, val *yaml.Node, full string) {
	plain := withoutPlaces(full)
	text := fmt.Sprintf("no such key %q.%s", plain, didYouMean(plain, allNames()))
	if group, rest, ok := strings.Cut(key.Value, "."); ok && slices.Contains(allNames(), plain) {
		text = fmt.Sprintf("no such key %q: that is how its flag is called. Here, write  %s:  and below it, indented,  %s:", plain, group, rest)
	}
	if key.Line <= len(r.lines) {
		shown := cutTo(key.Value, 60) + ":"
		if val.Kind == yaml.ScalarNode && val.Value != "" {
			if scheme, _, ok := strings.Cut(val.Value, "://"); ok && isWord(scheme) {
				shown += " " + scheme + "://"
			} else {
				shown += " "
			}
			shown += "…"
		}
		text += fmt.Sprintf(" Line %d:  %s", key.Line, shown)
	}
	r.tell(key, full, text)
}

func isWord(s string) bool {
	return s != "" && len(s) <= 10 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// list reads a sequence; a single value is a list of one.
func (r *reader) list(n *yaml.Node, v reflect.Value, f field, name string) {
	if isNull(n) {
		return
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && !r.isElement(n, v.Type().Elem()) {
		items = n.Content
	}
	group := isGroup(v.Type().Elem())
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	before := len(r.problems)
	for i, it := range items {
		at := fmt.Sprintf("%s[%d]", name, i)
		if group && isNull(it) {
			r.tell(it, at, at+" has no value. Give it one, or leave out the line")
			continue
		}
		r.value(it, v.Index(i), f, at)
	}
	if !group && len(r.problems) == before {
		r.origins[name] = r.at(n)
	}
}

// isElement says that a sequence is one element of a list of mappings, whose
// shorthand is a list itself: the command of an exec.
func (r *reader) isElement(n *yaml.Node, elem reflect.Type) bool {
	if !isGroup(elem) {
		return false
	}
	f, ok := shorthand(fieldsOf(elem))
	if !ok || elem.Field(f.index).Type.Kind() != reflect.Slice {
		return false
	}
	return len(n.Content) > 0 && !slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
}

// labels reads names and their texts.
func (r *reader) labels(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind != yaml.MappingNode {
		r.tell(n, name, name+" takes names and values, like  team: web")
		return
	}
	m := make(map[string]string)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if r.scalar(val, join(name, key.Value)) {
			m[key.Value] = val.Value
		}
	}
	v.Set(reflect.ValueOf(m))
	r.origins[name] = r.at(n)
}

func lastOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

var places = regexp.MustCompile(`\[\d*\]`)

func withoutPlaces(name string) string { return places.ReplaceAllString(name, "") }

// allNames are the names of all keys and of the mappings that they stand in.
func allNames() []string {
	var all []string
	for _, k := range Keys() {
		name := withoutPlaces(k.Name)
		for i := range name {
			if name[i] == '.' && !slices.Contains(all, name[:i]) {
				all = append(all, name[:i])
			}
		}
		all = append(all, name)
	}
	return all
}
