package applog

import (
	"bytes"

	"why503/parse"
)

// FPMLog reads PHP-FPM's own log: "[22-Nov-2026 21:36:10] WARNING: ...".
// Local time, to the second; microseconds with log_level debug.
// https://www.php.net/manual/en/install.fpm.configuration.php#error-log
type FPMLog struct {
	clock
	rec parse.Record
	e   entry
}

// Fork returns a parser with the same settings and its own buffers.
func (p *FPMLog) Fork() parse.Parser {
	f := new(FPMLog)
	f.loc, f.base = p.loc, p.base
	return f
}

// Flush has nothing to do: each line is a record.
func (p *FPMLog) Flush(parse.Emit) {}

// Parse takes the next line.
func (p *FPMLog) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	if len(b) == 0 {
		return nil
	}
	c, level, text := fpmHead(b)
	if level == parse.LevelNone {
		return parse.ErrFormat
	}
	if level == parse.LevelDebug { // the event loop's own talk
		return nil
	}
	e, r := &p.e, &p.rec
	e.reset()
	r.Reset()
	e.level, e.time, e.prec = level, p.time(c), c.prec
	_, message, _ := bytes.Cut(text, []byte(": "))
	e.message = message
	request, said := fpmChild(message, e)
	e.fill(r, line)
	r.Program, r.Kind = parse.PHPFPM, parse.KindSignal
	if request && namesScript(message, e.url) {
		// Behind a front controller, where all requests look so: the line tells
		// of a state of the pool, and of no URL that a proxy knows.
		request, r.Method, r.URL = false, nil, nil
	}
	if request || len(e.requestID) > 0 {
		r.Kind = parse.KindLog
	}
	p.note(parse.FieldFPM, text, line)
	if said != nil {
		if name, ok := exceptionType(said); ok {
			r.Exception = name
		}
		p.note(parse.FieldAppText, said, line)
	}
	emit(r)
	return nil
}

func (p *FPMLog) note(f parse.Field, text []byte, line parse.Line) {
	at := bytes.Index(line.Text, text)
	addNote(&p.rec, parse.Note{Field: f, Text: text, Line: quote(line.Text, max(0, at)), Offset: line.Offset, LineNo: line.Number})
}

// fpmHead gives no level when the line is none of this log's. PHP's error log
// has the same stamp, but a zone in it and no level behind it.
func fpmHead(b []byte) (c civil, level parse.Level, text []byte) {
	if len(b) < 24 || b[0] != '[' || b[3] != '-' {
		return c, 0, nil
	}
	c, n := readStamp(b[1:])
	if n == 0 || c.zoned || !has(b[1+n:], "] ") {
		return c, 0, nil
	}
	text = b[1+n+2:]
	word, _, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		return c, 0, nil
	}
	switch string(word) {
	case "DEBUG":
		level = parse.LevelDebug
	case "NOTICE":
		level = parse.LevelNotice
	case "WARNING":
		level = parse.LevelWarn
	case "ERROR":
		level = parse.LevelError
	case "ALERT":
		level = parse.LevelFatal
	}
	return c, level, text
}

// fpmChild reads which child and which request a message names, and what the
// child wrote to its standard error.
func fpmChild(m []byte, e *entry) (request bool, said []byte) {
	for _, word := range [...]string{"child ", "pid ", "(pid "} {
		if i := bytes.Index(m, []byte(word)); i >= 0 && (i == 0 || m[i-1] == ' ') {
			n := i + len(word)
			for n < len(m) && digit(m[n]) {
				n++
			}
			e.setPID(m[i+len(word) : n])
		}
	}
	if i := bytes.Index(m, []byte(`(request: "`)); i >= 0 {
		line, _, _ := bytes.Cut(m[i+11:], []byte(`")`))
		e.setRequestLine(line)
		request = len(e.method) > 0
	}
	for _, from := range [...]string{`said into stderr: "`, `said into stdout: "`} {
		i := bytes.Index(m, []byte(from))
		if i < 0 {
			continue
		}
		said = bytes.TrimSuffix(m[i+len(from):], []byte(`"`))
		said = bytes.TrimPrefix(said, []byte("NOTICE: PHP message: "))
		scanIDs(said, e)
		if l := phpLevel(said); l != parse.LevelNone {
			e.level = l
		}
		if len(e.requestID) == 0 {
			if id := bracketedUUID(said); id != nil {
				e.setRequestID(id)
			}
		}
		if len(said) == 0 {
			said = nil
		}
	}
	return request, said
}

// namesScript says that the request line of a message names the script itself
// and not what the client asked for: PHP-FPM takes it from SCRIPT_NAME.
//
//	child 7, script '/srv/www/index.php' (request: "GET /index.php") executing too slow (1.0 sec), logging
func namesScript(m, url []byte) bool {
	_, rest, ok := bytes.Cut(m, []byte("script '"))
	script, _, end := bytes.Cut(rest, []byte("'"))
	path, _, _ := bytes.Cut(url, []byte("?"))
	return ok && end && len(path) > 1 && bytes.HasSuffix(script, path)
}

func bracketedUUID(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '[')
		if i < 0 || i+38 > len(b) {
			return nil
		}
		if b[i+37] == ']' && isUUID(b[i+1:i+37]) {
			return b[i+1 : i+37]
		}
		b = b[i+1:]
	}
}
