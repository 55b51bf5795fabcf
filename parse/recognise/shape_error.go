package recognise

import (
	"bytes"

	"why503/parse"
)

// vsl reads a line of varnishlog: grouped ("--  FetchError     ...") or raw
// ("     32771 FetchError     b ..."), or as reports quote it, from the tag on.
// https://varnish-cache.org/docs/trunk/reference/vsl.html
func (r *reader) vsl(line []byte) bool {
	rest := bytes.TrimLeft(line, "-*0123456789 \t")
	bare := len(rest) == len(line)
	tag, payload, _ := bytes.Cut(rest, []byte(" "))
	tag = bytes.TrimRight(tag, "\t")
	if !isTag(tag) {
		return false
	}
	body := bytes.TrimLeft(payload, " \t")
	aligned := len(tag)+1+len(payload)-len(body) > 14
	if !aligned && (bare && string(tag) != "FetchError" || !bare && line[0] != '-' && line[0] != ' ') {
		return false // a number and a word: tags stand in a column of their own
	}
	payload = body
	if len(payload) > 1 && payload[1] == ' ' && (payload[0] == 'b' || payload[0] == 'c' || payload[0] == '-') {
		payload = payload[2:]
	}
	r.program = parse.Varnish
	if p := placeOf("VSL " + string(tag)); p != nil {
		r.addPlace(p.where, payload)
		if string(tag) == "Backend_health" {
			if _, resp, ok := bytes.Cut(payload, []byte(` "`)); ok && bytes.Contains(payload, []byte(" sick ")) {
				r.addPlace("VSL Backend_health resp field", bytes.TrimRight(resp, `"`))
			}
		}
	}
	return true
}

// isTag reports whether t is the name of a VSL tag, with or without rows.
func isTag(t []byte) bool {
	if placeOf("VSL "+string(t)) != nil {
		return len(t) > 0
	}
	for _, prefix := range [...]string{"Req", "Resp", "Bereq", "Beresp", "Obj", "Sess", "VCL_", "Backend", "Vcl", "Storage", "TTL", "Filters", "Length", "Gzip", "PROXY", "H2", "ExpBan", "ExpKill", "WorkThread", "CLI", "Hash", "Witness", "ESI", "Proxy"} {
		if bytes.HasPrefix(t, []byte(prefix)) && len(t) < 24 {
			return true
		}
	}
	return false
}

// nginxError reads a line of nginx's error log.
// https://nginx.org/en/docs/ngx_core_module.html#error_log
func (r *reader) nginxError(line []byte) bool {
	if len(line) < 24 || line[4] != '/' || line[7] != '/' || line[10] != ' ' {
		return false
	}
	rest, ok := bytes.CutPrefix(line[20:], []byte("["))
	if !ok {
		return false
	}
	if _, after, ok := bytes.Cut(rest, []byte("] ")); ok {
		rest = after
	}
	if id, after, ok := bytes.Cut(rest, []byte(": ")); ok && onlyOf(id, "0123456789#") {
		rest = after
	}
	if id, after, ok := bytes.Cut(rest, []byte(" ")); ok && bytes.HasPrefix(id, []byte("*")) {
		rest = after
	}
	if i := bytes.LastIndex(rest, []byte(", client: ")); i > 0 {
		rest = rest[:i]
	}
	r.program, r.open, r.rest = parse.Nginx, true, rest
	r.add(parse.FieldNginxError, rest)
	if bytes.HasPrefix(rest, []byte("FastCGI sent in stderr")) {
		r.add(parse.FieldAppText, rest)
	}
	return true
}

// apacheError reads a line of Apache's error log.
// https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat
func (r *reader) apacheError(line []byte) bool {
	if len(line) < 30 || line[0] != '[' || line[4] != ' ' || line[8] != ' ' {
		return false
	}
	for bytes.HasPrefix(line, []byte("[")) {
		_, after, ok := bytes.Cut(line, []byte("] "))
		if !ok {
			break
		}
		line = after
	}
	r.program, r.open, r.rest = parse.Apache, true, line
	r.add(parse.FieldApacheError, line)
	return true
}

// bracketed reads lines that begin with a bracketed stamp: PHP's
// ("[22-Nov-2026 23:10:55] WARNING: ..."), the kernel's ("[12345.678901] ...").
func (r *reader) bracketed(line []byte) bool {
	stamp, rest, ok := bytes.Cut(line, []byte("] "))
	if !ok || line[0] != '[' || len(stamp) > 48 {
		return false
	}
	stamp = bytes.TrimSpace(stamp[1:])
	switch {
	case len(stamp) > 12 && onlyOf(stamp[:2], "0123456789") && stamp[2] == '-' && stamp[6] == '-':
		r.program = parse.PHPFPM
		if bytes.HasPrefix(rest, []byte("PHP ")) {
			r.program = parse.App
		}
		r.add(parse.FieldFPM, rest)
	case onlyOf(stamp, "0123456789.") && bytes.IndexByte(stamp, '.') > 0:
		r.program = parse.Kernel
		r.add(parse.FieldKernel, rest)
	default:
		return false
	}
	r.open, r.rest = true, rest
	return true
}

// database reads lines of database servers: PostgreSQL's severity with two
// blanks, MySQL's bracketed level behind a thread number, Redis's role.
func (r *reader) database(line []byte) bool {
	switch {
	case hasAny(line, "FATAL:  ", "ERROR:  ", "LOG:  ", "PANIC:  ", "WARNING:  ", "DETAIL:  ", "HINT:  ", "STATEMENT:  "):
		if bytes.HasPrefix(line, []byte("PHP ")) {
			return false
		}
	case (isDate(line) || len(line) > 7 && onlyOf(line[:6], "0123456789")) && hasAny(line, " [ERROR] ", " [Warning] ", " [Note] ", " [System] ", " [Warn] ") && afterStamp(line):
	case redisStamp(line):
	case bytes.HasPrefix(line, []byte("# Query_time:")), bytes.HasPrefix(line, []byte("# Time:")):
	default:
		return false
	}
	r.program, r.open, r.rest = parse.Database, true, line
	r.add(parse.FieldDatabase, line)
	return true
}

// afterStamp reports whether a thread number stands before the bracket, which
// is how MySQL differs from others.
func afterStamp(line []byte) bool {
	i := bytes.Index(line, []byte(" ["))
	fields := bytes.Fields(line[:max(i, 0)])
	return len(fields) > 1 && onlyOf(fields[len(fields)-1], "0123456789")
}

func redisStamp(line []byte) bool {
	pid, rest, ok := bytes.Cut(line, []byte(":"))
	return ok && isNumber(pid) && len(rest) > 2 && bytes.IndexByte([]byte("MSCX"), rest[0]) >= 0 && rest[1] == ' '
}

func hasAny(line []byte, texts ...string) bool {
	for _, t := range texts {
		if bytes.Contains(line, []byte(t)) {
			return true
		}
	}
	return false
}
