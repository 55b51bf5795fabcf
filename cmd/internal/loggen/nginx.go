package loggen

import "time"

// Layouts of nginx: $time_local of ngx_http_log_module, and the error log.
const (
	timeLocal = "02/Jan/2006:15:04:05 -0700"
	errorTime = "2006/01/02 15:04:05"
)

// Addresses: Varnish as the nginx behind it sees it, and the application.
const (
	varnishAddr = "10.20.0.2"
	firstServer = "10.20.0.6:9000" // of the two, down whenever a connect fails
	upstream    = "10.20.0.7:9000"
)

// retried reports whether nginx tried the first server in vain and the second
// with success.
func (r *request) retried() bool {
	return r.dice%64 == 1 && (r.fault == none || r.fault == appError)
}

// hop is the time between Varnish and nginx.
const hop = int64(150 * time.Microsecond)

// frontEnded tells when an nginx in front of the application was done.
func frontEnded(r *request) (int64, bool) {
	switch r.fault {
	case refused, appDown:
		return r.start + hop, true
	case timeout: // longer here: this nginx waits for itself
		return r.start + readTimeout, true
	}
	return r.start + r.app + hop, true
}

// innerEnded tells when the nginx behind Varnish was done, if it was asked.
func innerEnded(r *request) (int64, bool) {
	if r.handling == hit || r.fault == refused {
		return 0, false
	}
	return r.start + r.total - hop, true
}

// innerErrorEnded is innerEnded for those that the error log tells of.
func innerErrorEnded(r *request) (int64, bool) {
	at, ok := innerEnded(r)
	return at, ok && (r.fault == timeout || r.fault == appDown || r.fault == closed || r.retried() || r.dice%32 == 0)
}

// combined is nginx's predefined format of that name.
// https://nginx.org/en/docs/http/ngx_http_log_module.html
func (p *printer) combined(b []byte, r *request) []byte {
	ended, _ := frontEnded(r)
	b = append(b, r.client[:r.clientN]...)
	return append(p.access(b, r, ended, r.frontAnswer(), r.size), '\n')
}

// access is what follows the client's address.
func (p *printer) access(b []byte, r *request, ended int64, status int, size int64) []byte {
	b = append(b, " - - ["...)
	b = p.at(b, ended, timeLocal)
	b = append(append(b, `] "`...), r.method()...)
	b = append(append(append(b, ' '), r.path...), ` HTTP/1.1" `...)
	b = number(b, status)
	b = number(append(b, ' '), size)
	b = append(append(append(b, ` "`...), r.referer...), `" "`...)
	return append(append(b, r.agent...), '"')
}

// frontExt is combined with a tail of key=value, of an nginx in front.
func (p *printer) frontExt(b []byte, r *request) []byte {
	ended, _ := frontEnded(r)
	b = append(b, r.client[:r.clientN]...)
	b = append(p.ext(b, r, r.start, ended, r.frontAnswer()), " xv=-"...)
	return p.extTail(b, ended, r.session, 1)
}

// innerExt is the same of the nginx behind Varnish: it knows the VXID of the
// fetch, and sees Varnish hang up.
func (p *printer) innerExt(b []byte, r *request) []byte {
	ended, _ := innerEnded(r)
	b = append(b, varnishAddr...)
	b = number(append(p.ext(b, r, r.start+hop, ended, r.innerAnswer()), " xv="...), r.bereq)
	return p.extTail(b, ended, r.conn, r.onConn)
}

// innerAnswer returns the status that it logs.
func (r *request) innerAnswer() int {
	if r.fault == timeout {
		return 499
	}
	return r.status
}

func (p *printer) extTail(b []byte, ended int64, conn, onConn uint64) []byte {
	b = number(append(b, " conn="...), conn)
	b = number(append(b, '.'), onConn)
	b = fixed(append(b, " msec="...), ended, 3)
	return append(b, '\n')
}

func (p *printer) ext(b []byte, r *request, start, ended int64, status int) []byte {
	size := r.size
	if status == 499 {
		size = 0
	}
	b = p.access(b, r, ended, status, size)
	b = uuid(append(b, " rid="...), r.id)
	b = hex(append(b, " nginx_rid="...), r.nginxID)
	took := ended - start
	b = fixed(append(b, " rt="...), took, 3)
	switch {
	case status == 502 && r.fault != closed:
		b = append(b, ` uct="-, -" uht="-, -" urt="0.000, `...)
		b = fixed(b, took, 3)
		b = append(b, `" ua="`+firstServer+`, `+upstream+`" us="502, 502"`...)
	case status == 499 || status == 504 || status == 502:
		b = fixed(append(b, ` uct="0.000" uht="-" urt="`...), took, 3)
		b = append(b, `" ua="`+upstream+`" us="`...)
		if status == 499 {
			b = append(b, `-"`...)
		} else {
			b = append(number(b, status), '"')
		}
	case r.retried():
		b = fixed(append(b, ` uct="-, 0.000" uht="-, `...), took, 3)
		b = fixed(append(b, `" urt="0.000, `...), took, 3)
		b = append(number(append(b, `" ua="`+firstServer+`, `+upstream+`" us="502, `...), status), '"')
	default:
		b = fixed(append(b, ` uct="0.000" uht="`...), took, 3)
		b = fixed(append(b, `" urt="`...), took, 3)
		b = append(number(append(b, `" ua="`+upstream+`" us="`...), status), '"')
	}
	return b
}

// frontError is the error log, at level info, of an nginx in front.
// https://nginx.org/en/docs/ngx_core_module.html#error_log
func (p *printer) frontError(b []byte, r *request) []byte {
	ended, _ := frontEnded(r)
	from := peer{r.client[:r.clientN], r.session}
	if r.fault == timeout {
		return p.failed(b, r, from, ended, "upstream timed out (110: Connection timed out) while reading response header from upstream", upstream)
	}
	return p.errorLine(b, r, from, ended)
}

// innerError is the error log of the nginx behind Varnish.
func (p *printer) innerError(b []byte, r *request) []byte {
	ended, _ := innerErrorEnded(r)
	from := peer{varnish, r.conn}
	if r.fault == timeout {
		b = p.head(b, from, ended, "info")
		b = append(b, "epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while sending request to upstream"...)
		return p.tail(b, r, from, upstream)
	}
	return p.errorLine(b, r, from, ended)
}

// A peer is who is at the other end of a connection of nginx.
type peer struct {
	addr []byte
	conn uint64
}

var varnish = []byte(varnishAddr)

const connectFailed = "connect() failed (111: Connection refused) while connecting to upstream"

func (p *printer) errorLine(b []byte, r *request, from peer, ended int64) []byte {
	switch r.fault {
	case refused, appDown: // one line a try
		b = p.failed(b, r, from, ended, connectFailed, firstServer)
		return p.failed(b, r, from, ended, connectFailed, upstream)
	case closed:
		return p.failed(b, r, from, ended, "upstream prematurely closed connection while reading response header from upstream", upstream)
	}
	if r.retried() {
		return p.failed(b, r, from, ended, connectFailed, firstServer)
	}
	if r.dice%64 < 32 && r.size > 8000 {
		b = p.head(b, from, ended, "warn")
		b = append(b, "an upstream response is buffered to a temporary file /var/cache/nginx/proxy_temp/3/01/0000000013 while reading upstream"...)
		return p.tail(b, r, from, upstream)
	}
	b = p.head(b, from, ended, "info")
	b = append(append(b, "client "...), from.addr...)
	return append(b, " closed keepalive connection\n"...)
}

func (p *printer) failed(b []byte, r *request, from peer, ended int64, message, server string) []byte {
	b = p.head(b, from, ended, "error")
	return p.tail(append(b, message...), r, from, server)
}

func (p *printer) head(b []byte, from peer, at int64, level string) []byte {
	b = p.at(b, at, errorTime)
	b = append(append(append(b, " ["...), level...), "] 31#31: *"...)
	return append(number(b, from.conn), ' ')
}

// tail is what nginx knows of the request, in its fixed order.
func (p *printer) tail(b []byte, r *request, from peer, server string) []byte {
	b = append(append(b, ", client: "...), from.addr...)
	b = append(append(b, ", server: "...), p.site...)
	b = append(append(append(b, `, request: "`...), r.method()...), ' ')
	b = append(append(b, r.path...), ` HTTP/1.1"`...)
	b = append(append(append(append(b, `, upstream: "http://`...), server...), r.path...), '"')
	b = append(append(append(b, `, host: "`...), p.site...), '"')
	if r.referer != "-" {
		b = append(append(append(b, `, referrer: "`...), r.referer...), '"')
	}
	return append(b, '\n')
}
