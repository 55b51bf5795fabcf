package conf

import (
	"reflect"
	"strings"

	"github.com/spf13/pflag"
)

// Flags are those of the keys: what was given on the command line. Load checks
// the values, so that a wrong one is told like one in a file.
type Flags struct {
	given map[string][]string
}

// Register makes a flag of every key that may have one.
func (f *Flags) Register(fs *pflag.FlagSet) {
	f.given = make(map[string][]string)
	for _, k := range Keys() {
		if k.Flag() == "" {
			continue
		}
		usage := k.Doc
		if word := k.placeholder(); word != "" {
			usage = "`" + word + "`: " + usage
		}
		if d := k.fallback(); d != "" {
			usage += " By default " + d + "."
		}
		fl := fs.VarPF(&flagValue{f, k}, k.Flag(), "", usage)
		fl.DefValue = ""
		if k.typ.Kind() == reflect.Bool {
			fl.NoOptDefVal = "true"
		}
	}
}

// fallback is the default of a key as text; empty when it is nothing.
func (k Key) fallback() string {
	if strings.Contains(k.Name, "[]") || k.typ.Kind() == reflect.Bool {
		return ""
	}
	c := Default()
	v, _, err := k.find(&c)
	if err != nil || v.IsZero() {
		return ""
	}
	return textOf(v)
}

var placeholders = map[reflect.Type]string{
	reflect.TypeFor[Age](): "AGE", reflect.TypeFor[Size](): "SIZE", reflect.TypeFor[Share](): "PERCENT", reflect.TypeFor[Addr](): "ADDR",
	reflect.TypeFor[URL](): "URL", reflect.TypeFor[Path](): "FILE", reflect.TypeFor[Zone](): "ZONE", reflect.TypeFor[Route](): "ROUTE", reflect.TypeFor[int](): "N",
}

func (k Key) placeholder() string {
	t := k.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Bool:
		return ""
	case k.Name == "rules" || strings.HasSuffix(k.Name, ".root"):
		return "DIR"
	case placeholders[t] != "":
		return placeholders[t]
	case len(k.words) > 0:
		return "WORD"
	}
	return "NAME"
}

type flagValue struct {
	flags *Flags
	key   Key
}

// Set implements pflag.Value.
func (v *flagValue) Set(s string) error {
	v.flags.given[v.key.Flag()] = append(v.flags.given[v.key.Flag()], s)
	return nil
}

// String implements pflag.Value.
func (v *flagValue) String() string {
	if v.flags == nil {
		return ""
	}
	return strings.Join(v.flags.given[v.key.Flag()], ",")
}

// Type implements pflag.Value.
func (v *flagValue) Type() string {
	if v.key.typ.Kind() == reflect.Bool {
		return "bool"
	}
	return "string"
}
