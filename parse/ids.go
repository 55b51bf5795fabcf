package parse

// traceDigits is the length of a trace id.
const traceDigits = 32

// TraceID takes the trace id out of a traceparent, or is b itself when that is
// one; nil when there is none. Ids of other lengths are left out: they would
// not compare equal to what other hops write.
//
// https://www.w3.org/TR/trace-context/#traceparent-header-field-values
func TraceID(b []byte) []byte {
	if len(b) >= 3+traceDigits && b[2] == '-' && (len(b) == 3+traceDigits || b[3+traceDigits] == '-') {
		b = b[3 : 3+traceDigits]
	}
	if len(b) != traceDigits || !IsHex(b) {
		return nil
	}
	for _, c := range b {
		if c != '0' {
			return b
		}
	}
	return nil // all zeros are no id
}
