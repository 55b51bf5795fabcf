package localstore

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"why503/aggregate"
)

// A stored is what the column row of a fact holds: all of it but its Records.
type stored struct {
	Row    aggregate.Failure
	Words  string
	Advice []string
}

// The first byte of a coded value says how it was made.
const (
	plainJSON byte = 'j'
	// byteJSON is JSON of a value that has text which is not UTF-8: each byte of
	// its text stands as the character of that number.
	byteJSON byte = 'b'
)

// maxText bounds each text of a value. What is longer is cut: a log line is
// bounded far below it where it is read.
const maxText = 64 << 10

// A coder makes values into compressed JSON and back. It may be used from many
// goroutines.
type coder struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// dictID marks what was compressed with rowDict. Another text needs another
// number, and this one kept for what is stored.
const dictID = 503001

// rowDict is text as it stands in most rows, for which a row then takes no
// space.
const rowDict = `{"Row":{"schema":1,"uid":"","revision":1,"final":true,"class":"failure","site":"","time":"2026-01-02T03:04:05.000000Z","ended":"2026-01-02T03:04:05.000000Z",` +
	`"duration_ms":0.,"status":503,"cut":false,"method":"GET","host":"www.example","path":"/","route":"/","bytes":0,"protocol":"HTTP/1.1","request_id":"","trace_id":"","vxid":0,` +
	`"client":"203.0.113.","client_hash":"","client_class":"person","proxy":"varnish@","handling":"miss","backend":"","backend_addr":":8080","conn_reused":false,"origin_status":0,` +
	`"versions":{},"attempts":[{"backend":"","addr":"","vxid":,"sent_ms":,"first_byte_ms":null,"closed_ms":,"error":""}],"reached":"origin_5xx","symptom":"","cause":"","layer":"",` +
	`"confidence":0.9,"decidable":true,"missing":[{"source":"","source_kind":"nginx_error","why":"not_given","would_decide":"","snippet":""}],"join":{"how":"id","score":null,"runner_up":null},` +
	`"evidence":"complete","trigger":null,"chain":[{"cause":"","level":"symptom","time":"","delay_ms":0,"host":"","program":"nginx","file":"access.log","offset":,"line":"","rule":"","words":"","line_no":},` +
	`{"cause":"","level":"root","time":"","delay_ms":-,"host":"","program":"php-fpm","file":"error.log","offset":,"line":"","rule":"","words":"","line_no":}]},"Words":"","Advice":["",""]}`

func newCoder() *coder {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderDictRaw(dictID, []byte(rowDict)),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(256<<10), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(dictID, []byte(rowDict)), zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		panic(err)
	}
	return &coder{enc, dec}
}

// pack compresses bytes; nil stays nil.
func (c *coder) pack(b []byte) []byte {
	if b == nil {
		return nil
	}
	return c.enc.EncodeAll(b, []byte{})
}

func (c *coder) unpack(b []byte) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	return c.dec.DecodeAll(b, []byte{})
}

// encode returns v, which is a pointer to a struct, as it is stored. Texts of v
// are cut where they are too long.
func (c *coder) encode(v any) ([]byte, error) {
	text, err := c.text(v)
	if err != nil {
		return nil, err
	}
	return c.pack(text), nil
}

func (c *coder) text(v any) ([]byte, error) {
	valid, short := true, true
	eachText(reflect.ValueOf(v).Elem(), func(s string) string {
		valid, short = valid && utf8.ValidString(s), short && len(s) <= maxText
		return s
	}, false)
	kind := plainJSON
	if !valid || !short {
		copied := reflect.New(reflect.TypeOf(v).Elem())
		copied.Elem().Set(deepCopy(reflect.ValueOf(v).Elem()))
		if !valid {
			kind = byteJSON
		}
		eachText(copied.Elem(), func(s string) string {
			s = clip(s, maxText)
			if kind == byteJSON {
				s = spread(s)
			}
			return s
		}, true)
		v = copied.Interface()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a %T: %w", v, err)
	}
	return append([]byte{kind}, text...), nil
}

// decode fills v with what encode made.
func (c *coder) decode(b []byte, v any) error {
	text, err := c.unpack(b)
	if err != nil {
		return fmt.Errorf("reading a stored %T: %w", v, err)
	}
	return decodeText(text, v)
}

func decodeText(text []byte, v any) error {
	if len(text) == 0 || text[0] != plainJSON && text[0] != byteJSON {
		return fmt.Errorf("reading a stored %T: not a coded value", v)
	}
	if err := json.Unmarshal(text[1:], v); err != nil {
		return fmt.Errorf("reading a stored %T: %w", v, err)
	}
	if text[0] == byteJSON {
		eachText(reflect.ValueOf(v).Elem(), gather, true)
	}
	return nil
}

// spread makes valid text of bytes, gather makes them bytes again.
func spread(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

func gather(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return string(out)
}

// clip cuts s to n bytes, of valid text between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for k := n; k > n-utf8.UTFMax; k-- {
		if utf8.RuneStart(s[k]) {
			return s[:k]
		}
	}
	return s[:n]
}

var timeType = reflect.TypeFor[time.Time]()

// eachText hands each text in v to f, also keys of maps, and where set is true
// puts there what f returns.
func eachText(v reflect.Value, f func(string) string, set bool) {
	switch v.Kind() {
	case reflect.String:
		if s := f(v.String()); set {
			v.SetString(s)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			eachText(v.Field(i), f, set)
		}
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k == reflect.Uint8 || k == reflect.Int64 {
			return
		}
		for i := range v.Len() {
			eachText(v.Index(i), f, set)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachText(v.Elem(), f, set)
		}
	case reflect.Map:
		eachEntry(v, f, set)
	}
}

func eachEntry(v reflect.Value, f func(string) string, set bool) {
	if v.Len() == 0 {
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.Set(it.Key())
		value.Set(it.Value())
		eachText(key, f, set)
		eachText(value, f, set)
		out.SetMapIndex(key, value)
	}
	if set {
		v.Set(out)
	}
}

// deepCopy copies what eachText may change.
func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		if v.Type() == timeType {
			return out
		}
		for i := range v.NumField() {
			out.Field(i).Set(deepCopy(v.Field(i)))
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(deepCopy(v.Elem()))
		return out
	}
	return v // maps are made anew by eachText
}
