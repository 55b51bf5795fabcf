package loggen

import (
	"strconv"
	"strings"
)

// varnishEnded tells when Varnish wrote the transactions of a request.
func varnishEnded(r *request) (int64, bool) { return r.start + r.total, true }

// varnishlog is a group of transactions as Varnish 7.1 has it in
// `varnishlog -g request`.
// https://varnish-cache.org/docs/7.1/reference/varnishlog.html
// https://varnish-cache.org/docs/7.1/reference/vsl.html
func (p *printer) varnishlog(b []byte, r *request) []byte {
	b = p.clientSide(b, r)
	if r.handling != hit {
		b = p.backendSide(b, r)
	}
	return append(b, '\n')
}

// bereqDelay is how long after its request a fetch starts.
const bereqDelay = 40_000

func (p *printer) clientSide(b []byte, r *request) []byte {
	const line = "\n-   "
	b = headLine(append(b, "*   << Request  >> "...), r.vxid)
	b = number(append(b, line+"Begin          req "...), r.session)
	b = append(b, " rxreq"...)
	b = stamp(b, line+"Timestamp      Start: ", r.start, 0, 0)
	b = stamp(b, line+"Timestamp      Req: ", r.start, 0, 0)
	b = append(b, line+"VCL_use        boot"...)
	b = append(append(b, line+"ReqStart       "...), r.client[:r.clientN]...)
	b = append(number(append(b, ' '), r.port), " a0"...)
	b = append(append(b, line+"ReqMethod      "...), r.method()...)
	b = append(append(b, line+"ReqURL         "...), r.path...)
	b = append(b, line+"ReqProtocol    HTTP/1.1"...)
	b = p.headers(b, r, line+"ReqHeader      ")
	b = append(b, line+"VCL_call       RECV"...)
	switch r.handling {
	case pass:
		b = append(b, line+"VCL_return     pass"+line+"VCL_call       HASH"+line+"VCL_return     lookup"+line+"VCL_call       PASS"+line+"VCL_return     fetch"...)
	default:
		b = append(b, line+"VCL_return     hash"+line+"ReqUnset       Accept-Encoding: gzip, br"+line+"ReqHeader      Accept-Encoding: gzip"+line+"VCL_call       HASH"+line+"VCL_return     lookup"...)
		if r.handling == hit {
			b = number(append(b, line+"Hit            "...), r.stored)
			b = append(b, " 83.411042 10.000000 0.000000"+line+"VCL_call       HIT"+line+"VCL_return     deliver"...)
		} else {
			b = append(b, line+"VCL_call       MISS"+line+"VCL_return     fetch"...)
		}
	}
	process := r.total - 40_000
	if r.handling != hit {
		b = number(append(b, line+"Link           bereq "...), r.bereq)
		b = append(b, reason(r)...)
		b = stamp(b, line+"Timestamp      Fetch: ", r.start, process-10_000, process-10_000)
	}
	b = p.response(b, r, line+"Resp", r.answer())
	b = number(append(b, line+"RespHeader     X-Varnish: "...), r.vxid)
	if r.handling == hit {
		b = number(append(b, ' '), r.stored)
		b = append(b, line+"RespHeader     Age: 37"...)
	} else {
		b = append(b, line+"RespHeader     Age: 0"...)
	}
	b = append(b, line+"RespHeader     Via: 1.1 varnish (Varnish/7.1)"+line+"VCL_call       DELIVER"...)
	b = uuid(append(b, line+"RespHeader     X-Request-ID: "...), r.id)
	b = append(b, line+"VCL_return     deliver"...)
	b = stamp(b, line+"Timestamp      Process: ", r.start, process, 10_000)
	b = append(b, line+"Filters        "+line+"RespHeader     Connection: keep-alive"...)
	b = stamp(b, line+"Timestamp      Resp: ", r.start, r.total, 40_000)
	b = number(append(b, line+"ReqAcct        412 0 412 327 "...), r.sent())
	b = number(append(b, ' '), r.sent()+327)
	return append(b, line+"End            \n"...)
}

func (p *printer) backendSide(b []byte, r *request) []byte {
	const line = "\n--  "
	base := r.start + bereqDelay
	b = headLine(append(b, "**  << BeReq    >> "...), r.bereq)
	b = append(number(append(b, line+"Begin          bereq "...), r.vxid), reason(r)...)
	b = append(b, line+"VCL_use        boot"...)
	b = stamp(b, line+"Timestamp      Start: ", base, 0, 0)
	b = append(append(b, line+"BereqMethod    "...), r.method()...)
	b = append(append(b, line+"BereqURL       "...), r.path...)
	b = append(b, line+"BereqProtocol  HTTP/1.1"...)
	b = p.headers(b, r, line+"BereqHeader    ")
	b = number(append(b, line+"BereqHeader    X-Varnish: "...), r.bereq)
	b = append(b, line+"VCL_call       BACKEND_FETCH"+line+"VCL_return     fetch"...)
	b = stamp(b, line+"Timestamp      Fetch: ", base, 15_000, 15_000)
	if r.fault == refused {
		b = append(b, line+"FetchError     backend web: fail errno 111 (Connection refused)"...)
		return p.backendError(b, r, 80_000)
	}
	reused := r.onConn > 1
	b = stamp(b, line+"Timestamp      Connected: ", base, 50_000, 35_000)
	b = append(b, line+"BackendOpen    27 web 10.20.0.5 8080 10.20.0.2 "...)
	b = number(b, r.port)
	if reused {
		b = append(b, " reuse"...)
	} else {
		b = append(b, " connect"...)
	}
	b = stamp(b, line+"Timestamp      Bereq: ", base, 80_000, 30_000)
	if r.fault == timeout {
		b = append(b, line+"FetchError     first byte timeout"...)
		if reused {
			b = append(b, " (reused connection)"...)
		}
		b = append(b, line+"BackendClose   27 web close Receive timeout"...)
		return p.backendError(b, r, firstByteTimeout+90_000)
	}
	answered := r.total - 140_000
	b = stamp(b, line+"Timestamp      Beresp: ", base, answered, answered-80_000)
	b = p.response(b, r, line+"Beresp", r.status)
	b = append(b, line+"VCL_call       BACKEND_RESPONSE"...)
	if r.handling == pass || r.status >= 500 {
		b = append(b, line+"TTL            VCL -1 0 0 "...)
		b = append(number(b, r.start/1e9), " uncacheable"...)
	} else {
		b = append(b, line+"TTL            VCL 120 10 0 "...)
		b = append(number(b, r.start/1e9), " cacheable"...)
	}
	b = append(b, line+"VCL_return     deliver"...)
	b = stamp(b, line+"Timestamp      Process: ", base, answered+20_000, 20_000)
	b = append(b, line+"Filters        "+line+"Storage        malloc s0"+line+"Fetch_Body     3 length stream"+line+"BackendClose   27 web recycle"...)
	b = stamp(b, line+"Timestamp      BerespBody: ", base, answered+60_000, 40_000)
	b = number(append(b, line+"Length         "...), r.size)
	b = number(append(b, line+"BereqAcct      430 0 430 228 "...), r.size)
	b = number(append(b, ' '), r.size+228)
	return append(b, line+"End            \n"...)
}

// backendError is the end of a fetch that got no answer.
func (p *printer) backendError(b []byte, r *request, after int64) []byte {
	const line = "\n--  "
	base := r.start + bereqDelay
	b = stamp(b, line+"Timestamp      Beresp: ", base, after, after-15_000)
	b = stamp(b, line+"Timestamp      Error: ", base, after+2_000, 2_000)
	b = p.response(b, r, line+"Beresp", 503)
	b = append(b, line+"VCL_call       BACKEND_ERROR"+line+"BerespHeader   Content-Type: text/html; charset=utf-8"+line+"BerespHeader   Retry-After: 5"...)
	b = append(b, line+"VCL_return     deliver"+line+"Storage        malloc Transient"+line+"Length         282"...)
	if r.fault == refused {
		b = append(b, line+"BereqAcct      0 0 0 0 0 0"...)
	} else {
		b = append(b, line+"BereqAcct      430 0 430 0 0 0"...)
	}
	return append(b, line+"End            \n"...)
}

func (p *printer) headers(b []byte, r *request, tag string) []byte {
	b = append(append(append(b, tag...), "Host: "...), p.site...)
	b = append(append(append(b, tag...), "User-Agent: "...), r.agent...)
	b = append(append(b, tag...), "Accept: */*"...)
	b = append(append(b, tag...), "Accept-Encoding: gzip, br"...)
	if r.referer != "-" {
		b = append(append(append(b, tag...), "Referer: "...), r.referer...)
	}
	b = uuid(append(append(b, tag...), "X-Request-ID: "...), r.id)
	return append(append(append(b, tag...), "X-Forwarded-For: "...), r.client[:r.clientN]...)
}

// response is the head of an answer; side is "Resp" or "Beresp" with what
// stands before it on the line. Tags are padded to 14.
func (p *printer) response(b []byte, r *request, side string, status int) []byte {
	pad := "  "
	if strings.HasSuffix(side, "Beresp") {
		pad = ""
	}
	b = append(append(append(append(b, side...), "Protocol "...), pad...), "HTTP/1.1"...)
	b = append(append(append(append(b, side...), "Status   "...), pad...), strconv.Itoa(status)...)
	b = append(append(append(append(b, side...), "Reason   "...), pad...), reasonPhrase(status)...)
	header := func(text string) {
		b = append(append(append(append(b, side...), "Header   "...), pad...), text...)
	}
	if status == 503 {
		header("Server: Varnish")
		header("Content-Type: text/html; charset=utf-8")
		header("Retry-After: 5")
		return b
	}
	header("Server: nginx/1.22.1")
	header("Content-Type: text/html; charset=utf-8")
	header("Content-Length: ")
	b = number(b, r.size)
	header("Cache-Control: max-age=120")
	return b
}

func reasonPhrase(status int) string {
	switch status {
	case 301:
		return "Moved Permanently"
	case 304:
		return "Not Modified"
	case 404:
		return "Not Found"
	case 500:
		return "Internal Server Error"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Backend fetch failed"
	}
	return "OK"
}

// sent returns the body bytes that the client got.
func (r *request) sent() int64 {
	if r.answer() == 503 {
		return 282
	}
	return r.size
}

func reason(r *request) string {
	if r.handling == pass {
		return " pass"
	}
	return " fetch"
}

// headLine appends a VXID as wide as the head of a transaction has it.
func headLine(b []byte, vxid uint64) []byte {
	n := len(b)
	b = number(b, vxid)
	for len(b)-n < 10 {
		b = append(b, ' ')
	}
	return b
}

// stamp appends a Timestamp: absolute, since the transaction's start, since the
// stamp before.
func stamp(b []byte, tag string, start, since, last int64) []byte {
	b = fixed(append(b, tag...), start+since, 6)
	b = fixed(append(b, ' '), since, 6)
	return fixed(append(b, ' '), max(last, 0), 6)
}
