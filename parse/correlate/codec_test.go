package correlate

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// fill sets every field of v, so that a field that is new takes part without
// being named here.
func fill(t testing.TB, v reflect.Value, rng *rand.Rand) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := rng.Int64() >> rng.IntN(64)
		if v.OverflowInt(n) {
			n = rng.Int64N(100)
		}
		if rng.IntN(3) == 0 {
			n = -n
		}
		v.SetInt(n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := rng.Uint64() >> rng.IntN(64)
		if v.OverflowUint(n) {
			n = rng.Uint64N(100)
		}
		v.SetUint(n)
	case reflect.Slice:
		if n := rng.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), rng)
			}
		}
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), rng)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), rng)
		}
	default:
		t.Fatalf("a Record holds a %s, which this test does not know", v.Type())
	}
}

// roundTrip checks that r comes back as it was, and that what is cut off of its
// encoding is refused.
func roundTrip(t testing.TB, r *parse.Record, cut int) {
	t.Helper()
	b := AppendRecord([]byte("before"), r)[len("before"):]
	var got parse.Record
	n, err := DecodeRecord(append(b, "behind"...), &got)
	if err != nil || n != len(b) {
		t.Fatalf("%d of %d bytes, %v", n, len(b), err)
	}
	if diff := cmp.Diff(r, &got, nilIsEmpty); diff != "" {
		t.Fatal(diff)
	}
	if cut %= len(b); cut >= 0 {
		if _, err := DecodeRecord(b[:cut], &got); err == nil {
			t.Fatalf("%d of %d bytes were enough", cut, len(b))
		}
	}
}

var nilIsEmpty = cmp.FilterValues(func(x, y any) bool {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	return a.Kind() == reflect.Slice && b.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0
}, cmp.Ignore())

func FuzzCodec(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, 3, []byte("GET /"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, cut int, raw []byte) {
		rng := rand.New(rand.NewPCG(seed, 503))
		var r parse.Record
		fill(t, reflect.ValueOf(&r).Elem(), rng)
		r.Raw = raw
		roundTrip(t, &r, cut)
	})
}

// What is no encoding must not make the decoder panic or take much memory.
func FuzzDecode(f *testing.F) {
	f.Add(AppendRecord(nil, benchRecord()))
	f.Add([]byte{1, 1, 1, 8, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r parse.Record
		if n, err := DecodeRecord(b, &r); err == nil && n > len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		if len(r.Notes)+len(r.Upstreams) > 2*len(b)+2 {
			t.Fatalf("%d notes of %d bytes", len(r.Notes), len(b))
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	r := benchRecord()
	var buf []byte
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = AppendRecord(buf[:0], r)
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("decode", func(b *testing.B) {
		var got parse.Record
		b.ReportAllocs()
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			if _, err := DecodeRecord(buf, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestEncodingAllocatesNothing(t *testing.T) {
	r := benchRecord()
	buf := AppendRecord(nil, r)
	var got parse.Record
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendRecord(buf[:0], r)
		if _, err := DecodeRecord(buf, &got); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
