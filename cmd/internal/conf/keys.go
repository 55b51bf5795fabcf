package conf

import (
	"reflect"
	"strings"
)

// A Key is a row of the table.
type Key struct {
	Name string // retention.age; below a list alerts.slack[].url
	Doc  string
	Eg   string // a value for the example; empty where the default is one
	// Single says that the key takes one value, no list and no mapping.
	Single bool
	words  []string
	min    string
	path   []int // field indices from Config; -1 for the element of a list
	typ    reflect.Type
}

// Secret says that the value is never shown.
func (k Key) Secret() bool { return isSecret(k.typ) }

// Env is the variable that sets the key; empty where none can.
func (k Key) Env() string {
	if strings.Contains(k.Name, "[]") && !k.Single || k.typ.Kind() == reflect.Map {
		return ""
	}
	return envOf(k.Name)
}

func envOf(name string) string {
	return "WHY503_" + strings.ToUpper(strings.NewReplacer(".", "_").Replace(withoutPlaces(name)))
}

// Flag is the flag that sets the key; empty where none can. Secrets have none,
// since every user of the host can read a command line.
func (k Key) Flag() string {
	if k.Secret() || strings.Contains(k.Name, "[]") {
		return ""
	}
	return strings.ReplaceAll(k.Name, "_", "-")
}

// Keys is the table: every key that takes a value, in the order of the example.
// Lists of mappings stand in it by the keys of their elements.
func Keys() []Key {
	var keys []Key
	walkType(reflect.TypeFor[Config](), "", nil, &keys)
	return keys
}

func walkType(t reflect.Type, prefix string, path []int, keys *[]Key) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("conf")
		if tag == "" {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		name = prefix + name
		at := append(path[:len(path):len(path)], i)
		switch {
		case isGroup(f.Type):
			walkType(f.Type, name+".", at, keys)
		case f.Type.Kind() == reflect.Slice && isGroup(f.Type.Elem()):
			walkType(f.Type.Elem(), name+"[].", append(at, -1), keys)
		default:
			k := Key{Name: name, Doc: f.Tag.Get("doc"), Eg: f.Tag.Get("eg"), min: f.Tag.Get("min"), path: at, typ: f.Type}
			k.words = strings.Fields(f.Tag.Get("one"))
			k.Single = f.Type.Kind() != reflect.Slice && f.Type.Kind() != reflect.Map
			*keys = append(*keys, k)
		}
	}
}

// isGroup says that a type is a mapping of keys, no value.
func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[value]())
}

func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[SecretURL]()
}

// A field is a key of a mapping.
type field struct {
	name  string
	index int
	short bool
	words []string
	min   string
}

func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, opt, _ := strings.Cut(tag.Get("conf"), ",")
		if name != "" {
			all = append(all, field{name, i, opt == "short", strings.Fields(tag.Get("one")), tag.Get("min")})
		}
	}
	return all
}

// shorthand is the field that a value in place of the mapping sets.
func shorthand(fields []field) (field, bool) {
	for _, f := range fields {
		if f.short {
			return f, true
		}
	}
	return field{}, false
}
