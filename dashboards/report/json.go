package report

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"time"
	"unicode/utf8"

	"why503/aggregate"
)

// JSON writes the summary as one indented object. Lists and maps without
// entries are [] and {}, never null; bytes that are not UTF-8 are \xNN.
func JSON(w io.Writer, s *aggregate.Summary) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tidy(reflect.ValueOf(*s)).Interface()); err != nil {
		return err
	}
	_, err := w.Write(inJSON(b.Bytes()))
	return err
}

var timeType = reflect.TypeFor[time.Time]()

// tidy returns a deep copy of v with valid text and no nil lists or maps. What
// JSON leaves out is not looked at.
func tidy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(utf8Text(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(tidy(v.Elem()))
		}
	case reflect.Slice:
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(tidy(v.Index(i)))
		}
	case reflect.Map:
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for k, e := range v.Seq2() {
			out.SetMapIndex(tidy(k), tidy(e))
		}
	case reflect.Struct:
		if v.Type() == timeType {
			out.Set(v)
			break
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				out.Field(i).Set(tidy(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

// utf8Text returns s with each byte that is not UTF-8 as \xNN.
func utf8Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s)+12)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}
