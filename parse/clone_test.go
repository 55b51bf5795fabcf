package parse

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill sets every field of v, so that a field that is new takes part without
// being named here.
func fill(t testing.TB, v reflect.Value, rng *rand.Rand, list int) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1 + rng.Int64N(100))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1 + rng.Uint64N(100))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), list, list+2))
		for i := range v.Len() {
			fill(t, v.Index(i), rng, list)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), rng, list)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), rng, list)
		}
	default:
		t.Fatalf("a Record holds a %s, which this test does not know", v.Type())
	}
}

// scribble changes all that v points to.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Uint8 {
				e.SetUint(uint64(^uint8(e.Uint())))
			} else {
				scribble(e)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	}
}

func TestCloneIsEqualAndItsOwn(t *testing.T) {
	for list := range 4 {
		t.Run(fmt.Sprintf("lists of %d", list), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(list)))
			var r, same Record
			fill(t, reflect.ValueOf(&r).Elem(), rng, list)
			rng = rand.New(rand.NewPCG(1, uint64(list)))
			fill(t, reflect.ValueOf(&same).Elem(), rng, list)
			c := r.Clone()
			if diff := cmp.Diff(&same, c, nilIsEmpty); diff != "" {
				t.Fatalf("the copy differs: %s", diff)
			}
			scribble(reflect.ValueOf(&r).Elem())
			if diff := cmp.Diff(&same, c, nilIsEmpty); diff != "" {
				t.Errorf("changing the Record changed its copy: %s", diff)
			}
			// A text of the copy must not grow into the next one.
			before := c.Clone()
			for _, b := range c.Texts() {
				_ = append(*b, "overrun"...)
			}
			if diff := cmp.Diff(before, c); diff != "" {
				t.Errorf("texts share room: %s", diff)
			}
		})
	}
}

var nilIsEmpty = cmp.FilterValues(func(x, y any) bool {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	return a.Kind() == reflect.Slice && b.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0
}, cmp.Ignore())

// Texts must name every text but Raw: who copies, encodes or redacts trusts it.
func TestTextsNamesAll(t *testing.T) {
	var r Record
	named := make(map[*[]byte]bool)
	for _, b := range r.Texts() {
		named[b] = true
	}
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		b, ok := f.Addr().Interface().(*[]byte)
		if ok && !named[b] && v.Type().Field(i).Name != "Raw" {
			t.Errorf("Texts leaves out %s", v.Type().Field(i).Name)
		}
	}
}

func TestResetLeavesNothing(t *testing.T) {
	var r Record
	fill(t, reflect.ValueOf(&r).Elem(), rand.New(rand.NewPCG(1, 1)), 2)
	r.Reset()
	if diff := cmp.Diff(Record{Bytes: -1}, r, nilIsEmpty); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkClone(b *testing.B) {
	var r Record
	fill(b, reflect.ValueOf(&r).Elem(), rand.New(rand.NewPCG(1, 1)), 3)
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Clone()
	}
}
