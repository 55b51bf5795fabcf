package report

import (
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"why503/aggregate"
)

// An NDJSON writes failures as lines of JSON, one object each, with every
// field always there. Bytes that are not UTF-8 are written as \xNN. It knows
// the fields by name, without reflection, since lists run to millions of rows.
type NDJSON struct {
	w   io.Writer
	buf []byte
	// keys is scratch for the sorted keys of Versions.
	keys []string
	err  error
}

// flushAt is from how many bytes on a batch of lines is written.
const flushAt = 64 << 10

// NewNDJSON returns an encoder; Flush writes what is left.
func NewNDJSON(w io.Writer) *NDJSON { return &NDJSON{w: w, buf: make([]byte, 0, 2*flushAt)} }

// Write adds one row. The first error of the writer below is kept.
func (n *NDJSON) Write(f *aggregate.Failure) error {
	if n.err != nil {
		return n.err
	}
	n.buf = append(n.appendFailure(n.buf, f), '\n')
	if len(n.buf) >= flushAt {
		return n.Flush()
	}
	return nil
}

// Flush writes all rows that were added.
func (n *NDJSON) Flush() error {
	if n.err == nil && len(n.buf) > 0 {
		_, n.err = n.w.Write(n.buf)
		n.buf = n.buf[:0]
	}
	return n.err
}

func (n *NDJSON) appendFailure(b []byte, f *aggregate.Failure) []byte {
	b = strconv.AppendInt(append(b, `{"schema":`...), int64(f.Schema), 10)
	b = field(b, `,"uid":`, f.UID)
	b = strconv.AppendInt(append(b, `,"revision":`...), int64(f.Revision), 10)
	b = strconv.AppendBool(append(b, `,"final":`...), f.Final)
	b = field(b, `,"class":`, f.Class)
	b = field(b, `,"site":`, f.Site)
	b = field(b, `,"time":`, f.Time)
	b = field(b, `,"ended":`, f.Ended)
	b = float(b, `,"duration_ms":`, f.DurationMS)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(f.Status), 10)
	b = strconv.AppendBool(append(b, `,"cut":`...), f.Cut)
	b = field(b, `,"method":`, f.Method)
	b = field(b, `,"host":`, f.Host)
	b = field(b, `,"path":`, f.Path)
	b = field(b, `,"route":`, f.Route)
	b = strconv.AppendInt(append(b, `,"bytes":`...), f.Bytes, 10)
	b = field(b, `,"protocol":`, f.Protocol)
	b = field(b, `,"request_id":`, f.RequestID)
	b = field(b, `,"trace_id":`, f.TraceID)
	b = strconv.AppendUint(append(b, `,"vxid":`...), f.VXID, 10)
	b = field(b, `,"client":`, f.Client)
	b = field(b, `,"client_hash":`, f.ClientHash)
	b = field(b, `,"client_class":`, f.ClientClass)
	b = field(b, `,"proxy":`, f.Proxy)
	b = field(b, `,"handling":`, f.Handling)
	b = field(b, `,"backend":`, f.Backend)
	b = field(b, `,"backend_addr":`, f.BackendAddr)
	b = strconv.AppendBool(append(b, `,"conn_reused":`...), f.ConnReused)
	b = strconv.AppendInt(append(b, `,"origin_status":`...), int64(f.OriginCode), 10)
	b = n.versions(append(b, `,"versions":`...), f.Versions)
	b = append(b, `,"attempts":[`...)
	for i := range f.Attempts {
		b = attempt(comma(b, i), &f.Attempts[i])
	}
	b = field(append(b, ']'), `,"reached":`, f.Reached)
	b = field(b, `,"symptom":`, f.Symptom)
	b = field(b, `,"cause":`, f.Cause)
	b = field(b, `,"layer":`, f.Layer)
	b = float(b, `,"confidence":`, f.Confidence)
	b = strconv.AppendBool(append(b, `,"decidable":`...), f.Decidable)
	b = append(b, `,"missing":[`...)
	for i := range f.Missing {
		b = missing(comma(b, i), &f.Missing[i])
	}
	b = field(append(b, ']'), `,"join":{"how":`, f.Join.How)
	b = floatOrNull(b, `,"score":`, f.Join.Score)
	b = floatOrNull(b, `,"runner_up":`, f.Join.RunnerUp)
	b = field(append(b, '}'), `,"evidence":`, f.Evidence)
	b = trigger(append(b, `,"trigger":`...), f.Trigger)
	b = append(b, `,"chain":[`...)
	for i := range f.Chain {
		b = link(comma(b, i), &f.Chain[i])
	}
	return append(b, `]}`...)
}

func (n *NDJSON) versions(b []byte, m map[string]string) []byte {
	n.keys = n.keys[:0]
	for k := range m {
		n.keys = append(n.keys, k)
	}
	slices.Sort(n.keys)
	b = append(b, '{')
	for i, k := range n.keys {
		b = append(quote(comma(b, i), k), ':')
		b = quote(b, m[k])
	}
	return append(b, '}')
}

func attempt(b []byte, a *aggregate.Attempt) []byte {
	b = field(b, `{"backend":`, a.Backend)
	b = field(b, `,"addr":`, a.Addr)
	b = strconv.AppendUint(append(b, `,"vxid":`...), a.VXID, 10)
	b = floatOrNull(b, `,"sent_ms":`, a.SentMS)
	b = floatOrNull(b, `,"first_byte_ms":`, a.FirstByteMS)
	b = floatOrNull(b, `,"closed_ms":`, a.ClosedMS)
	return append(field(b, `,"error":`, a.Error), '}')
}

func missing(b []byte, m *aggregate.Missing) []byte {
	b = field(b, `{"source":`, m.Source)
	b = field(b, `,"source_kind":`, m.Kind)
	b = field(b, `,"why":`, m.Why)
	b = field(b, `,"would_decide":`, m.WouldDecide)
	return append(field(b, `,"snippet":`, m.Snippet), '}')
}

func trigger(b []byte, t *aggregate.Trigger) []byte {
	if t == nil {
		return append(b, "null"...)
	}
	b = field(b, `{"kind":`, t.Kind)
	b = field(b, `,"what":`, t.What)
	return append(float(b, `,"before_s":`, t.BeforeS), '}')
}

func link(b []byte, k *aggregate.Link) []byte {
	b = field(b, `{"cause":`, k.Cause)
	b = field(b, `,"level":`, k.Level)
	b = field(b, `,"time":`, k.Time)
	b = float(b, `,"delay_ms":`, k.DelayMS)
	b = field(b, `,"host":`, k.Host)
	b = field(b, `,"program":`, k.Program)
	b = field(b, `,"file":`, k.File)
	b = strconv.AppendInt(append(b, `,"offset":`...), k.Offset, 10)
	b = field(b, `,"line":`, k.Line)
	b = field(b, `,"rule":`, k.Rule)
	b = field(b, `,"words":`, k.Words)
	b = strconv.AppendInt(append(b, `,"line_no":`...), k.LineNo, 10)
	return append(b, '}')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func field(b []byte, key, s string) []byte { return quote(append(b, key...), s) }

// float writes what encoding/json writes; JSON has no infinities, so they are null.
func float(b []byte, key string, f float64) []byte {
	b = append(b, key...)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	abs := math.Abs(f)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); n >= 4 && b[n-4] == 'e' && (b[n-3] == '-' || b[n-3] == '+') && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

func floatOrNull(b []byte, key string, f *float64) []byte {
	if f == nil {
		return append(append(b, key...), "null"...)
	}
	return float(b, key, *f)
}

// asIs holds the bytes that stand for themselves in a JSON string.
var asIs = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// quote writes s as a JSON string. A byte that is no UTF-8 becomes the four
// characters \xNN, whose backslash JSON writes twice.
//
// https://www.rfc-editor.org/rfc/rfc8259#section-7
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if asIs[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = escapeByte(append(b, s[done:i]...), c)
			i++
			done = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, s[done:i]...)
			b = append(b, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			done = i + 1
		case !visible(r):
			b = appendUTF16(append(b, s[done:i]...), r)
			done = i + n
		}
		i += n
	}
	return append(append(b, s[done:]...), '"')
}

// appendUTF16 writes r as JSON escapes. JSON may be shown on a terminal, to
// which a C1 control or a bidirectional override is as good as an escape.
func appendUTF16(b []byte, r rune) []byte {
	for _, u := range utf16.AppendRune(nil, r) {
		b = append(b, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	return b
}

// inJSON writes what is not visible in encoded JSON as escapes. Outside of
// strings JSON is visible.
func inJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r >= utf8.RuneSelf && !visible(r) || r == 0x7f {
			out = appendUTF16(out, r)
		} else {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return out
}

func escapeByte(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
