package nginx

import "bytes"

// maxSteps bounds the places tried for one line, however many ways a hostile
// line has to fit.
const maxSteps = 512

// match lays a line against the format and stores the values. Where a value
// could end in several places the first is taken with which the rest fits too.
func (a *Access) match(b []byte) bool {
	return bytes.HasPrefix(b, a.prefix) && a.from(0, b[len(a.prefix):])
}

func (a *Access) from(i int, b []byte) bool {
	if a.steps++; a.steps > maxSteps {
		return false
	}
	if i == len(a.fields) {
		return len(b) == 0
	}
	f := &a.fields[i]
	switch f.shape {
	case shapeLocal:
		if _, ok := a.clock.readLocal(b); ok {
			return a.take(i, b, localLen)
		}
		return a.takeDash(i, b)
	case shapeNumber:
		n := 0
		for n < len(b) && (isDigit(b[n]) || b[n] == '.') && !(n > 0 && f.ends(b[n:])) {
			n++
		}
		if n == 0 && len(b) > 0 && b[0] == '-' && !f.ends(b) {
			n = 1
		}
		return a.take(i, b, n)
	case shapeList:
		return a.takeList(i, b)
	}
	return a.takeText(i, b)
}

// take stores the n bytes at the beginning of b for field i, if its literal
// follows and the rest of the line fits.
func (a *Access) take(i int, b []byte, n int) bool {
	f := &a.fields[i]
	if !bytes.HasPrefix(b[n:], f.lit) {
		return false
	}
	if !a.from(i+1, b[n+len(f.lit):]) {
		return false
	}
	// Fields are stored from the last to the first, so the first stays.
	if f.slot != slotNone && n > 0 {
		a.v[f.slot] = b[:n]
	}
	return true
}

func (a *Access) takeDash(i int, b []byte) bool {
	return len(b) > 0 && b[0] == '-' && a.take(i, b, 1)
}

// takeList takes values of attempts, with the blanks of their separators.
func (a *Access) takeList(i int, b []byte) bool {
	f := &a.fields[i]
	for n := 0; ; {
		for n < len(b) && b[n] != ' ' && b[n] != ',' && b[n] != '"' && !f.ends(b[n:]) {
			n++
		}
		if a.take(i, b, n) {
			return true
		}
		switch {
		case bytes.HasPrefix(b[n:], commaSpace):
			n += len(commaSpace)
		case bytes.HasPrefix(b[n:], groupMark):
			n += len(groupMark)
		case bytes.HasPrefix(b[n:], trailingMark): // a redirect that led nowhere
			n += len(trailingMark)
		default:
			return false
		}
		if a.steps > maxSteps {
			return false
		}
	}
}

// takeText takes a value of any bytes, or a token. Values are escaped so that
// a quote behind them ends them, unless the format says escape=none: then a
// request is first expected to end in its protocol.
func (a *Access) takeText(i int, b []byte) bool {
	f := &a.fields[i]
	switch {
	case len(f.lit) == 0 && i+1 < len(a.fields):
		return a.take(i, b, tokenEnd(b))
	case len(f.lit) == 0:
		return f.fits(b) && a.take(i, b, len(b))
	case f.quoted:
		n := quoteEnd(b)
		return n >= 0 && f.fits(b[:n]) && a.take(i, b, n)
	case f.slot == slotRequest && a.escape == EscapeNone && a.candidates(i, b, true):
		return true
	}
	return a.candidates(i, b, false)
}

func (a *Access) candidates(i int, b []byte, strict bool) bool {
	f := &a.fields[i]
	for n := 0; a.steps <= maxSteps; n++ {
		at := bytes.Index(b[n:], f.lit)
		if at < 0 {
			return false
		}
		n += at
		if !f.fits(b[:n]) {
			return false
		}
		if strict && !endsInProtocol(b[:n]) {
			a.steps++
			continue
		}
		if a.take(i, b, n) {
			return true
		}
	}
	return false
}

// ends says whether the literal of f stands at the beginning of b.
func (f *field) ends(b []byte) bool { return len(f.lit) > 0 && bytes.HasPrefix(b, f.lit) }

// fits says whether b can be a value of f.
func (f *field) fits(b []byte) bool {
	return f.shape != shapeToken || bytes.IndexByte(b, ' ') < 0 && bytes.IndexByte(b, '"') < 0
}

// tokenEnd is where a token must end that another variable follows at once, as
// in $host$request_uri.
func tokenEnd(b []byte) int {
	for i, c := range b {
		if c == ' ' || c == '"' || c == '/' {
			return i
		}
	}
	return len(b)
}

// quoteEnd is the first quote without a backslash of its own.
func quoteEnd(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return -1
		}
		i += from
		n := i
		for n > 0 && b[n-1] == '\\' {
			n--
		}
		if (i-n)%2 == 0 {
			return i
		}
		from = i + 1
	}
}

func endsInProtocol(b []byte) bool {
	i := bytes.LastIndexByte(b, ' ')
	return i >= 0 && bytes.HasPrefix(b[i:], httpSlash)
}

var (
	commaSpace   = []byte(", ")
	trailingMark = []byte(" :")
)
