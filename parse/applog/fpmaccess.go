package applog

import (
	"bytes"
	"errors"
	"fmt"

	"why503/parse"
)

// FPMAccess reads PHP-FPM's access.log. The zero value reads the default
// format, and guesses the longer ones that begin with it: what has a unit or
// a name tells what it is. For others, CompileFPMAccess.
// https://www.php.net/manual/en/install.fpm.configuration.php#access-format
type FPMAccess struct {
	clock
	rec   parse.Record
	e     entry
	parts []fpmPart
	start parse.Time // %t: when the request was received
	end   parse.Time // %T: when the line was written
	prec  int64
}

// A fpmPart is a specifier and the literal text behind it.
type fpmPart struct {
	spec byte // 0 for the literal that begins the format
	key  key  // of an environment variable or header
	unit int64
	lit  []byte
}

const maxFPMParts = 64

// CompileFPMAccess makes a parser for an access.format string.
func CompileFPMAccess(format string) (*FPMAccess, error) {
	p := &FPMAccess{parts: []fpmPart{{}}}
	for i := 0; i < len(format); i++ {
		if len(p.parts) > maxFPMParts {
			return nil, errors.New("access.format has too many specifiers")
		}
		last := &p.parts[len(p.parts)-1]
		if format[i] != '%' {
			last.lit = append(last.lit, format[i])
			continue
		}
		if i++; i >= len(format) {
			return nil, errors.New("access.format ends inside a specifier")
		}
		arg := ""
		if format[i] == '{' {
			j := i + 1
			for j < len(format) && format[j] != '}' {
				j++
			}
			if j+1 >= len(format) {
				return nil, errors.New("access.format has a brace that is not closed")
			}
			arg, i = format[i+1:j], j+1
		}
		if format[i] == '%' {
			last.lit = append(last.lit, '%')
			continue
		}
		part, err := fpmSpec(format[i], arg)
		if err != nil {
			return nil, err
		}
		p.parts = append(p.parts, part)
	}
	if len(p.parts) == 1 {
		return nil, errors.New("access.format has no specifier")
	}
	return p, nil
}

func fpmSpec(c byte, arg string) (fpmPart, error) {
	part := fpmPart{spec: c}
	switch c {
	case 'd':
		switch arg {
		case "", "seconds":
			part.unit = second
		case "milliseconds", "miliseconds", "milli", "mili":
			part.unit = millisecond
		case "microseconds", "micro":
			part.unit = microsecond
		default:
			return part, fmt.Errorf("access.format: unknown unit %q of %%d", arg)
		}
	case 'e', 'o':
		name, _ := appendKey(make([]byte, 0, maxKey), bytes.TrimPrefix([]byte(arg), []byte("HTTP_")))
		part.key = keyOf(name)
		if arg == "HTTP_HOST" {
			part.key = keyHost
		}
	case 'C', 'f', 'l', 'm', 'M', 'n', 'p', 'P', 'q', 'Q', 'r', 'R', 's', 't', 'T', 'u':
	default:
		return part, fmt.Errorf("access.format: unknown specifier %%%c", c)
	}
	return part, nil
}

// Fork returns a parser with the same settings and its own buffers.
func (p *FPMAccess) Fork() parse.Parser {
	f := &FPMAccess{parts: p.parts}
	f.loc, f.base = p.loc, p.base
	return f
}

// Flush has nothing to do: each line is a record.
func (p *FPMAccess) Flush(parse.Emit) {}

// Parse takes the next line.
func (p *FPMAccess) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	if len(b) == 0 {
		return nil
	}
	p.e.reset()
	p.start, p.end, p.prec = 0, 0, second
	read := p.compiled
	if p.parts == nil {
		read = p.guessed
	}
	if !read(b) || !p.e.served() {
		return parse.ErrFormat
	}
	e, r := &p.e, &p.rec
	r.Reset()
	e.prec = p.prec
	e.fill(r, line)
	r.Kind, r.Program = parse.KindRequest, parse.PHPFPM
	dur := parse.Time(max(e.dur, 0))
	switch {
	case p.start == 0 && p.end != 0:
		p.start = p.end - dur
	case p.end == 0 && p.start != 0:
		p.end = p.start + dur
	}
	r.Time, r.Ended = p.start, p.end
	emit(r)
	return nil
}

func (p *FPMAccess) compiled(b []byte) bool {
	if !bytes.HasPrefix(b, p.parts[0].lit) {
		return false
	}
	b = b[len(p.parts[0].lit):]
	for i := 1; i < len(p.parts); i++ {
		part := &p.parts[i]
		n := len(b)
		if part.spec == 't' || part.spec == 'T' {
			if c, m := readStamp(b); m > 0 {
				p.stamp(part.spec, c)
				if !bytes.HasPrefix(b[m:], part.lit) {
					return false
				}
				b = b[m+len(part.lit):]
				continue
			}
		}
		// Specifiers that touch ("%r%Q%q") share one value, which the first takes.
		last := i
		for last+1 < len(p.parts) && len(p.parts[last].lit) == 0 {
			last++
		}
		lit := p.parts[last].lit
		if len(lit) > 0 {
			if n = bytes.Index(b, lit); n < 0 {
				return false
			}
		}
		p.set(part, b[:n])
		b = b[n+len(lit):]
		i = last
	}
	return true
}

func (p *FPMAccess) stamp(spec byte, c civil) {
	t := p.time(c)
	if p.prec = c.prec; spec == 't' {
		p.start = t
	} else {
		p.end = t
	}
}

func (p *FPMAccess) set(part *fpmPart, v []byte) {
	e := &p.e
	switch part.spec {
	case 'd':
		e.setDuration(v, part.unit)
	case 'm':
		e.setMethod(v)
	case 'r':
		e.setURL(v)
	case 'R':
		e.setClient(v)
	case 's':
		e.setStatus(v)
	case 'p':
		e.setPID(v)
	case 'n':
		first(&e.logger, v)
	case 'e', 'o':
		switch part.key {
		case keyRequestID:
			e.setRequestID(v)
		case keyVXID:
			e.setVXID(v)
		case keyTraceID:
			e.setTraceID(v)
		case keyMethod:
			e.setMethod(v)
		case keyURL:
			e.setURL(v)
		case keyHost:
			first(&e.host, v)
		case keyAgent:
			first(&e.agent, v)
		case keyClient:
			e.setClient(v)
		case keyProtocol:
			first(&e.protocol, v)
		}
	}
}

// guessed reads `client - user stamp "METHOD uri" status`, then the script,
// numbers with units, and name=value.
func (p *FPMAccess) guessed(b []byte) bool {
	e := &p.e
	client, rest, ok := bytes.Cut(b, []byte(" - "))
	if !ok || bytes.IndexByte(client, ' ') >= 0 {
		// "-" for the client leaves nothing between the spaces.
		if client, rest, ok = bytes.Cut(b, []byte(" -  ")); !ok || bytes.IndexByte(client, ' ') >= 0 {
			return false
		}
	}
	e.setClient(client)
	_, rest, ok = bytes.Cut(rest, space) // user, mostly empty
	if !ok {
		return false
	}
	c, n := readStamp(rest)
	if n == 0 || c.day == 0 || !has(rest[n:], ` "`) {
		return false
	}
	p.stamp('t', c)
	request, rest, ok := bytes.Cut(rest[n+2:], []byte(`" `))
	if !ok {
		return false
	}
	e.setRequestLine(request)
	status, rest, _ := bytes.Cut(rest, space)
	e.setStatus(status)
	for len(rest) > 0 {
		var w []byte
		w, rest, _ = bytes.Cut(rest, space)
		if len(w) > 2 && digit(w[0]) && w[len(w)-1] == 's' && e.dur < 0 {
			if d, ok := withUnit(w); ok {
				e.dur = d
			}
		}
	}
	scanIDs(b, e)
	return true
}
