package varnish

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A column is what one specifier or one named value says of the request.
type column uint8

const (
	colIgnore column = iota
	colBytes
	colDuration // unit in op.unit, nanoseconds; 0: told by the value's shape
	colProtocol
	colClient
	colMethod
	colRequest // GET http://host/path HTTP/1.1
	colStatus
	colTime // layout in op.layout
	colEndTime
	colURL
	colQuery
	colHost
	colAgent
	colRequestID
	colAnswerID // X-Request-ID of the response
	colTrace
	colB3
	colXVarnish // X-Varnish of the response: own VXID, and that of the hit
	colOwnXVarnish
	colFirstByte
	colHitMiss
	colHandling
	colSide
	colVXID
	colFetchError
	colVCLLog
	colBegin
	colBackendOpen
	colHit
	colNote // payload of another tag; Field in op.note
)

// An op is one value of a line: what it is and the literal text behind it.
type op struct {
	col    column
	quoted bool
	unit   int64
	layout string
	note   uint8 // parse.Field
	end    []byte
}

const defaultFormat = `%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"`

// compile reads a -F format string. Specifiers that say nothing of use are
// still known by the text that follows them.
func compile(format string) (lead []byte, ops []op, err error) {
	const maxFormat = 16 << 10
	if len(format) > maxFormat {
		return nil, nil, fmt.Errorf("format of %d bytes is too long", len(format))
	}
	format = strings.ReplaceAll(format, "%{Varnish:default_format}x", defaultFormat)
	format = strings.TrimRight(format, "\r\n")
	literal := &lead
	for i := 0; i < len(format); {
		c := format[i]
		switch {
		case c == '\\' && i+1 < len(format):
			*literal = append(*literal, unescapeByte(format[i+1]))
			i += 2
		case c != '%':
			*literal = append(*literal, c)
			i++
		case strings.HasPrefix(format[i:], "%%"):
			*literal = append(*literal, '%')
			i += 2
		default:
			o, n, err := specifier(format[i+1:])
			if err != nil {
				return nil, nil, fmt.Errorf("at column %d of the format: %w", i+1, err)
			}
			ops = append(ops, o)
			literal = &ops[len(ops)-1].end
			i += 1 + n
		}
	}
	if len(ops) == 0 {
		return nil, nil, errors.New("format holds no specifier")
	}
	before := lead
	for i := range ops {
		ops[i].quoted = bytes.HasSuffix(before, quote) && bytes.HasPrefix(ops[i].end, quote)
		before = ops[i].end
	}
	return lead, ops, nil
}

var quote = []byte{'"'}

func unescapeByte(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	}
	return c
}

// specifier reads what follows a %, with the modifiers that Apache has and
// copied formats carry (%>s, %!200,304{X}i).
func specifier(s string) (o op, n int, err error) {
	n = len(s) - len(strings.TrimLeft(s, "<>!,0123456789"))
	arg, braces := "", false
	if n < len(s) && s[n] == '{' {
		i := strings.IndexByte(s[n:], '}')
		if i < 0 {
			return o, 0, errors.New("brace is not closed")
		}
		arg, braces = s[n+1:n+i], true
		n += i + 1
	}
	if n == len(s) {
		return o, 0, errors.New("specifier ends early")
	}
	switch c := s[n]; c {
	case 'b':
		o.col = colBytes
	case 'D':
		o.col, o.unit = colDuration, 1e3
	case 'T':
		o.col, o.unit = colDuration, durationUnit(arg)
	case 'F', 't':
		o = timeOp(arg)
	case 'H':
		o.col = colProtocol
	case 'h':
		o.col = colClient
	case 'm':
		o.col = colMethod
	case 'q':
		o.col = colQuery
	case 'r':
		o.col = colRequest
	case 's':
		o.col = colStatus
	case 'U':
		o.col = colURL
	case 'i', 'o', 'x':
		if !braces {
			return o, 0, fmt.Errorf("%%%c wants a name in braces", c)
		}
		switch c {
		case 'i':
			o.col = headerColumn(strings.ToLower(arg), false)
		case 'o':
			o.col = headerColumn(strings.ToLower(arg), true)
		default:
			o = extended(arg)
		}
	}
	return o, n + 1, nil
}

func durationUnit(arg string) int64 {
	switch arg {
	case "ms":
		return 1e6
	case "us":
		return 1e3
	}
	return 1e9
}

// timeOp reads the argument of %{...}t.
func timeOp(arg string) op {
	o := op{col: colTime}
	if rest, ok := strings.CutPrefix(arg, "end:"); ok {
		o.col, arg = colEndTime, rest
	}
	o.layout = strings.TrimPrefix(arg, "begin:")
	if o.layout == "" {
		o.layout = ncsaTime
	}
	return o
}

func headerColumn(name string, response bool) column {
	switch name {
	case "x-request-id", "request-id", "x-correlation-id", "correlation-id", "x-amzn-trace-id", "x-unique-id":
		if response {
			return colAnswerID
		}
		return colRequestID
	case "x-varnish":
		if response {
			return colXVarnish
		}
		return colOwnXVarnish
	}
	if response {
		return colIgnore
	}
	switch name {
	case "host":
		return colHost
	case "user-agent":
		return colAgent
	case "traceparent":
		return colTrace
	case "x-b3-traceid":
		return colB3
	}
	return colIgnore
}

// extended reads the argument of %{...}x.
func extended(arg string) op {
	switch arg {
	case "Varnish:time_firstbyte":
		return op{col: colFirstByte, unit: 1e9}
	case "Varnish:hitmiss":
		return op{col: colHitMiss}
	case "Varnish:handling":
		return op{col: colHandling}
	case "Varnish:side":
		return op{col: colSide}
	case "Varnish:vxid":
		return op{col: colVXID}
	}
	if key, ok := strings.CutPrefix(arg, "VCL_Log:"); ok {
		if isRequestID(normalise([]byte(key))) {
			return op{col: colRequestID}
		}
		return op{col: colVCLLog}
	}
	tag, ok := strings.CutPrefix(arg, "VSL:")
	if !ok {
		return op{}
	}
	tag, word, indexed := strings.Cut(tag, "[")
	tag, _, prefixed := strings.Cut(tag, ":")
	if indexed || prefixed {
		if tag == "Hit" && word == "1]" {
			return op{col: colHit}
		}
		return op{}
	}
	return tagColumn(tag)
}
