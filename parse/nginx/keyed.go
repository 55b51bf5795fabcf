package nginx

import (
	"bytes"

	"why503/parse"
)

// keyed takes the key=value pairs of a tail whose format is not known:
//
//	rid=4f2c rt=0.002 ua="10.0.0.1:80, 10.0.0.2:80" us="502, 200"
//
// Words, quoted values and brackets without a key mean nothing here, save
// numbers with three decimals, which only times have.
func (a *Access) keyed(b []byte) {
	for {
		for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == ';' || b[0] == ',' || b[0] == '|') {
			b = b[1:]
		}
		if len(b) == 0 {
			return
		}
		n := 0
		for n < len(b) && (wordByte(b[n]) || b[n] == '.' || b[n] == '-') {
			n++
		}
		key := b[:n]
		if n == 0 || n == len(b) || b[n] != '=' {
			var v []byte
			v, b = a.value(b)
			a.unnamed(v)
			continue
		}
		var v []byte
		v, b = a.value(b[n+1:])
		a.guess(key, v)
	}
}

// guess stores a value by its key, if it looks like what the key says: names
// like "date" and "code" mean many things.
func (a *Access) guess(key, v []byte) {
	s, ok := keySlot(key), true
	switch s {
	case slotNone:
		return
	case slotTime, slotMsec:
		_, _, ok = a.clock.read(v)
	case slotStatus:
		_, ok = digits(v[:min(len(v), 4)])
		ok = ok && len(v) == 3
	case slotBytes:
		_, ok = parse.Integer(v)
	case slotDuration:
		_, ok = seconds(v)
	case slotAddr, slotRealAddr:
		ok = isClient(peer(v))
	}
	if ok {
		a.v.set(s, v)
	}
}

// unnamed takes a number with three decimals: $msec if it is that large, else
// the longest is $request_time, which no time of an upstream exceeds.
func (a *Access) unnamed(b []byte) {
	n := len(b) - len(".000")
	if n < 1 || n > 10 || b[n] != '.' {
		return
	}
	took, ok := seconds(b)
	switch {
	case n == 10:
		a.v.set(slotMsec, b)
	case ok && n < 6:
		if longest, known := seconds(a.v[slotDuration]); !known || took > longest {
			a.v[slotDuration] = b
		}
	}
}

// value takes one value off b: quoted, or up to a blank. An unquoted list goes
// on after its separators.
func (a *Access) value(b []byte) (v, rest []byte) {
	if len(b) > 0 && b[0] == '"' {
		i := bytes.IndexByte(b[1:], '"')
		if i < 0 {
			a.rec.Incomplete = true
			return nil, nil
		}
		return b[1 : 1+i], b[2+i:]
	}
	for n := 0; ; {
		i := bytes.IndexByte(b[n:], ' ')
		if i < 0 {
			return b, nil
		}
		n += i
		switch {
		case n > 0 && b[n-1] == ',':
			n++
		case bytes.HasPrefix(b[n:], groupMark):
			n += len(groupMark)
		default:
			return b[:n], b[n:]
		}
	}
}
