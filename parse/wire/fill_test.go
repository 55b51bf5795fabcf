package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/recognise"
	"why503/parse/traffic"
)

// A filler sets every field of a value, each to something else that is not
// zero, so that a field which is new takes part without being named here.
type filler struct {
	t testing.TB
	n uint64
}

// lasts are the bounds of what is no plain number.
var lasts = map[reflect.Type]uint64{
	reflect.TypeFor[parse.Kind]():       uint64(parse.KindSession),
	reflect.TypeFor[parse.Program]():    uint64(parse.CDN),
	reflect.TypeFor[parse.Level]():      uint64(parse.LevelFatal),
	reflect.TypeFor[parse.Field]():      uint64(parse.FieldBackendOpen),
	reflect.TypeFor[parse.SourceKind](): uint64(parse.NumSourceKinds) - 1,
	reflect.TypeFor[parse.JoinHow]():    uint64(parse.JoinSignal),
	reflect.TypeFor[parse.TxType]():     uint64(parse.TxOther),
	reflect.TypeFor[parse.TxReason]():   uint64(parse.ReasonOther),
	reflect.TypeFor[parse.Handling]():   uint64(parse.HandlingSynth),
	reflect.TypeFor[parse.StampName]():  uint64(parse.StampReset),
	reflect.TypeFor[parse.Traffic]():    uint64(parse.NumTraffic) - 1,
	reflect.TypeFor[parse.End]():        uint64(parse.NumEnds) - 1,
	reflect.TypeFor[parse.EventID]():    uint64(len(recognise.Default().Events())),
	reflect.TypeFor[uint8]():            statusClasses - 1, // of a row's status
}

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch x := v.Addr().Interface().(type) {
	case *traffic.Hist:
		x.Add(time.Duration(f.n)*time.Millisecond, f.n)
		x.Add(time.Second, 300)
		return
	case *[]parse.Part:
		f.parts(x)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n := int64(f.n)
		if v.Type() != reflect.TypeFor[parse.SourceID]() && v.Kind() == reflect.Int64 {
			n *= 1_000_003
		}
		v.SetInt(n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := f.n
		if last, ok := lasts[v.Type()]; ok {
			n = 1 + n%last
		}
		v.SetUint(n)
	case reflect.Float64:
		v.SetFloat(1 / float64(f.n))
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d \xff", f.n))
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Slice:
		f.slice(v)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	default:
		f.t.Fatalf("%s: this test does not know its kind", v.Type())
	}
}

func (f *filler) slice(v reflect.Value) {
	if v.Type() == reflect.TypeFor[[]byte]() {
		v.SetBytes(fmt.Appendf(nil, "bytes %d \x00\xff", f.n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	for i := range 2 {
		f.fill(v.Index(i))
	}
}

// parts fills three Parts in a row, of which the first is the root.
func (f *filler) parts(list *[]parse.Part) {
	*list = make([]parse.Part, 3)
	for i := range *list {
		v := reflect.ValueOf(&(*list)[i]).Elem()
		for j := range v.NumField() {
			f.fill(v.Field(j))
		}
		(*list)[i].Parent = i - 1
	}
}

// filled returns a value with every field set.
func filled[T any](t testing.TB) *T {
	x := new(T)
	f := filler{t: t}
	f.fill(reflect.ValueOf(x).Elem())
	if q, ok := any(x).(*parse.Request); ok {
		for i := range q.Signals {
			q.Signals[i].Parent = -1
		}
	}
	return x
}

// messages are one of each Message, with every field set.
func messages(t testing.TB) []Message {
	return []Message{filled[Source](t), filled[Records](t), filled[Want](t), filled[Answer](t), filled[Progress](t), filled[Clock](t), filled[Counts](t)}
}

var hist = cmp.Comparer(func(a, b traffic.Hist) bool {
	x, _ := a.AppendBinary(nil)
	y, _ := b.AppendBinary(nil)
	return string(x) == string(y)
})

func TestEveryFieldOfAMessageTravels(t *testing.T) {
	for _, m := range messages(t) {
		t.Run(nameOf(m), func(t *testing.T) {
			got := decode(t, encode(t, m))
			if diff := cmp.Diff(m, got, hist); diff != "" {
				t.Errorf("a field of it is not on the wire (-sent +received):\n%s", diff)
			}
		})
	}
}

func TestEveryFieldOfARequestIsKept(t *testing.T) {
	q := filled[parse.Request](t)
	b, err := AppendRequest(nil, q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, got); diff != "" {
		t.Errorf("a field of it is not in the encoding (-kept +read):\n%s", diff)
	}
}

func TestEveryFieldOfARecordIsKept(t *testing.T) {
	r := filled[parse.Record](t)
	b, err := AppendRecord([]byte("before"), r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "before") {
		t.Fatalf("what stood in front became %q", b[:6])
	}
	got, err := DecodeRecord(b[len("before"):])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("a field of it is not in the encoding (-kept +read):\n%s", diff)
	}
}

// A zero value and its neighbourhood: what is not known is often -1.
func TestSmallNumbersTravel(t *testing.T) {
	for _, n := range []int64{-1 << 63, -2, -1, 0, 1, 127, 128, 1<<63 - 1} {
		r := &parse.Record{Time: parse.Time(n), Ended: parse.Time(-n), Bytes: n, Offset: n, Upstreams: []parse.Upstream{{Connect: n}}}
		want := Want{Want: correlate.Want{From: parse.Time(n), Keys: []correlate.Key{correlate.Key(n)}}}
		for _, m := range []Message{&Records{Items: []Item{{Record: r}}}, &want, &Progress{Lag: n, Lines: n}, &Clock{Offset: n}} {
			if diff := cmp.Diff(m, decode(t, encode(t, m))); diff != "" {
				t.Errorf("%d (-sent +received):\n%s", n, diff)
			}
		}
	}
}

func nameOf(m any) string { return strings.ToLower(reflect.TypeOf(m).Elem().Name()) }

func encode(t testing.TB, m Message) []byte {
	t.Helper()
	b, err := Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t testing.TB, b []byte) Message {
	t.Helper()
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
