package wire

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"why503/parse"
	"why503/parse/recognise"
	"why503/parse/traffic"
)

// schema compiles why503.proto.
func schema(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := c.Compile(t.Context(), "why503.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// bodies are all that is encoded, with every field set: the name of its message
// in the schema, its bytes, and how they are read.
func bodies(t testing.TB) map[string]struct {
	value  any
	bytes  []byte
	decode func([]byte) (any, error)
} {
	type body = struct {
		value  any
		bytes  []byte
		decode func([]byte) (any, error)
	}
	all := make(map[string]body)
	for _, m := range messages(t) {
		all[reflect.TypeOf(m).Elem().Name()] = body{m, encode(t, m), func(b []byte) (any, error) { return Decode(b) }}
	}
	q, r := filled[parse.Request](t), filled[parse.Record](t)
	b, err := AppendRequest(nil, q)
	if err != nil {
		t.Fatal(err)
	}
	all["Request"] = body{q, b, func(b []byte) (any, error) { return DecodeRequest(b) }}
	if b, err = AppendRecord(nil, r); err != nil {
		t.Fatal(err)
	}
	all["Record"] = body{r, b, func(b []byte) (any, error) { return DecodeRecord(b) }}
	return all
}

// What our code writes is what the schema says, read by another implementation;
// and what that writes is read by our code.
func TestAnotherImplementationOfTheSchemaAgrees(t *testing.T) {
	file := schema(t)
	kinds := file.Messages().ByName("Envelope").Enums().ByName("Body").Values()
	for name, body := range bodies(t) {
		t.Run(name, func(t *testing.T) {
			envelope := dynamicpb.NewMessage(file.Messages().ByName("Envelope"))
			if err := proto.Unmarshal(body.bytes, envelope); err != nil {
				t.Fatal(err)
			}
			fields := envelope.Descriptor().Fields()
			if got := envelope.Get(fields.ByName("version")).Uint(); got != Version {
				t.Errorf("version %d, want %d", got, Version)
			}
			want := kinds.ByName(protoreflect.Name("BODY_" + strings.ToUpper(name)))
			if got := envelope.Get(fields.ByName("kind")).Enum(); got != want.Number() {
				t.Errorf("kind %d, want %d", got, want.Number())
			}
			m := dynamicpb.NewMessage(file.Messages().ByName(protoreflect.Name(name)))
			if err := proto.Unmarshal(envelope.Get(fields.ByName("body")).Bytes(), m); err != nil {
				t.Fatal(err)
			}
			compare(t, name, reflect.ValueOf(body.value), m)

			addUnknown(m)
			inner, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			envelope.Set(fields.ByName("body"), protoreflect.ValueOfBytes(inner))
			addUnknown(envelope)
			outer, err := proto.Marshal(envelope)
			if err != nil {
				t.Fatal(err)
			}
			got, err := body.decode(outer)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(body.value, got, hist); diff != "" {
				t.Errorf("written by another implementation, with fields that are not known (-want +got):\n%s", diff)
			}
		})
	}
}

// compare holds a Go value against a message, field by field, by their names.
func compare(t *testing.T, path string, v reflect.Value, m protoreflect.Message) {
	t.Helper()
	if len(m.GetUnknown()) > 0 {
		t.Errorf("%s: %d bytes of it are not in the schema", path, len(m.GetUnknown()))
	}
	values := make(map[string]reflect.Value)
	flatten(v, values)
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		at := path + "." + string(fd.Name())
		goName := strings.ReplaceAll(string(fd.Name()), "_", "")
		value, ok := values[goName]
		switch at {
		case "Progress.losses":
			compareLosses(t, value.Interface().(map[string]int64), m.Get(fd).List())
			delete(values, goName)
			continue
		}
		switch {
		case fd.Parent().Name() == "Record" && fd.Name() == "took":
			r := v.Elem().Interface().(parse.Record)
			value, ok = reflect.ValueOf(int64(r.Ended-r.Time)), true
			goName = "ended"
		case fd.Parent().Name() == "Row" && fd.Name() == "after":
			goName = "minute" // has the number of the Minute that it is in, less that
			value, ok = values["minute"]
			value = reflect.ValueOf(value.Int() - minuteOfRow)
		}
		if !ok {
			t.Errorf("%s: Go has no such field", at)
			continue
		}
		delete(values, goName)
		if !m.Has(fd) {
			if !value.IsZero() {
				t.Errorf("%s: not written", at)
			}
			continue
		}
		if path == "Progress.minutes" && fd.Name() == "minute" {
			minuteOfRow = value.Int()
		}
		compareField(t, at, value, fd, m.Get(fd))
	}
	for name := range values {
		t.Errorf("%s: the schema has no field for %s", path, name)
	}
}

// minuteOfRow is the Minute whose rows are being compared.
var minuteOfRow int64

// flatten lists the fields of a struct in lower case, those of embedded ones
// and of a row's key among them.
func flatten(v reflect.Value, out map[string]reflect.Value) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous || f.Type == reflect.TypeFor[traffic.Key]() {
			flatten(v.Field(i), out)
			continue
		}
		out[strings.ToLower(f.Name)] = v.Field(i)
	}
}

func compareField(t *testing.T, at string, v reflect.Value, fd protoreflect.FieldDescriptor, got protoreflect.Value) {
	t.Helper()
	if !fd.IsList() {
		compareValue(t, at, v, got)
		return
	}
	list := got.List()
	if v.Len() != list.Len() {
		t.Errorf("%s: %d elements, want %d", at, list.Len(), v.Len())
		return
	}
	for i := range v.Len() {
		compareValue(t, at, v.Index(i), list.Get(i))
	}
}

func compareValue(t *testing.T, at string, v reflect.Value, got protoreflect.Value) {
	t.Helper()
	var same bool
	switch got := got.Interface().(type) {
	case protoreflect.Message:
		compare(t, at, v, got)
		return
	case bool:
		same = v.Bool() == got
	case int32:
		same = v.Int() == int64(got)
	case int64:
		same = v.Int() == got
	case uint32:
		same = v.Uint() == uint64(got)
	case uint64:
		same = v.Uint() == got
	case float64:
		same = v.Float() == got
	case protoreflect.EnumNumber:
		same = v.Uint() == uint64(got)
	case string:
		same = recognise.Default().Event(parse.EventID(v.Uint())).Name == got
	case []byte:
		same = string(bytesOf(v)) == string(got)
	}
	if !same {
		t.Errorf("%s: %v, want %v", at, got, v)
	}
}

func bytesOf(v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return []byte(v.String())
	case reflect.Struct:
		h := v.Interface().(traffic.Hist)
		b, _ := h.AppendBinary(nil)
		return b
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return b
	}
	return v.Bytes()
}

func compareLosses(t *testing.T, want map[string]int64, list protoreflect.List) {
	t.Helper()
	got := make(map[string]int64)
	for i := range list.Len() {
		m := list.Get(i).Message()
		fields := m.Descriptor().Fields()
		got[string(m.Get(fields.ByName("reason")).Bytes())] = m.Get(fields.ByName("count")).Int()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
}

// addUnknown adds to m and every message in it what a newer schema may have: a
// field of each wire type.
func addUnknown(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				addUnknown(v.List().Get(i).Message())
			}
		default:
			addUnknown(v.Message())
		}
		return true
	})
	m.SetUnknown(unknownFields())
}

// Every constant of package parse that is on the wire keeps its number: the
// schema has it, and nothing beside.
func TestNumbersOfConstantsAreThoseOfTheSchema(t *testing.T) {
	enums := schema(t).Enums()
	seen := make(map[string]bool)
	for _, c := range constants(t, "..") {
		enum := enums.ByName(protoreflect.Name(c.typ))
		if enum == nil || strings.HasPrefix(c.name, "Num") {
			continue
		}
		v := enum.Values().ByNumber(protoreflect.EnumNumber(c.value))
		if v == nil {
			t.Errorf("%s = %d is not in enum %s: add it there", c.name, c.value, c.typ)
			continue
		}
		if name := plain(string(v.Name())); name != plain(c.name) && name != plain(c.typ+c.name) {
			t.Errorf("%s = %d is %s in the schema: new constants go to the end, numbers of old ones stay", c.name, c.value, v.Name())
		}
		seen[string(v.FullName())] = true
	}
	for i := range enums.Len() {
		values := enums.Get(i).Values()
		for j := range values.Len() {
			if v := values.Get(j); v.Number() != 0 && !seen[string(v.FullName())] {
				t.Errorf("%s is no constant of package parse", v.Name())
			}
		}
		if last, ok := lastOf(string(enums.Get(i).Name())); ok && uint64(values.Get(values.Len()-1).Number()) != last {
			t.Errorf("%s: the last known is %d, in the schema %d", enums.Get(i).Name(), last, values.Get(values.Len()-1).Number())
		}
	}
}

func lastOf(enum string) (uint64, bool) {
	for typ, last := range lasts {
		if typ.Name() == enum {
			return last, true
		}
	}
	return 0, false
}

func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

type constantOf struct {
	typ, name string
	value     int64
}

// constants lists the typed constants of the package in a folder.
func constants(t *testing.T, folder string) []constantOf {
	fset := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := conf.Check("parse", fset, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []constantOf
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		if typ, ok := c.Type().(*types.Named); ok {
			if value, exact := constant.Int64Val(c.Val()); exact {
				list = append(list, constantOf{typ.Obj().Name(), name, value})
			}
		}
	}
	return list
}
