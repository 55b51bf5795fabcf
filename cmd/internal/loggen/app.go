package loggen

import "time"

const rfc3339Second = "2006-01-02T15:04:05"

// appEnded tells when the application wrote its line, if it got the request.
// Of a worker that was killed, its parent wrote.
func appEnded(r *request) (int64, bool) {
	if r.handling == hit {
		return 0, false
	}
	return appAloneEnded(r)
}

// appAloneEnded is the same of an application without a cache in front.
func appAloneEnded(r *request) (int64, bool) {
	if r.fault == refused || r.fault == appDown {
		return 0, false
	}
	return r.start + 2*hop + r.app, true
}

// appJSON is a line of a structured logger.
func (p *printer) appJSON(b []byte, r *request) []byte {
	ended, _ := appAloneEnded(r)
	b = p.at(append(b, `{"ts":"`...), ended, rfc3339Second)
	milli := ended / int64(time.Millisecond) % 1000
	b = append(b, '.', byte('0'+milli/100), byte('0'+milli/10%10), byte('0'+milli%10))
	b = append(b, `Z","service":"shop","version":"2.14.0","pid":`...)
	b = number(b, r.pid)
	if r.fault == closed {
		return append(b, `,"level":"critical","msg":"worker was sent SIGKILL! Perhaps out of memory?","signal":9}`+"\n"...)
	}
	if r.fault == appError {
		b = append(b, `,"level":"error"`...)
	} else {
		b = append(b, `,"level":"info"`...)
	}
	b = append(append(b, `,"msg":"request","method":"`...), r.method()...)
	b = append(append(b, `","path":"`...), r.path...)
	b = number(append(b, `","status":`...), r.status)
	b = append(b, `,"duration_ms":`...)
	b = number(b, r.app/int64(time.Millisecond))
	b = append(b, '.', byte('0'+r.app/int64(100*time.Microsecond)%10))
	b = uuid(append(b, `,"request_id":"`...), r.id)
	b = append(number(append(b, `","x_varnish":"`...), r.bereq), '"')
	if r.fault == appError {
		b = append(b, `,"error":"KeyError: 'available'","stack":"Traceback (most recent call last):\n  File \"/srv/shop/web.py\", line 140, in handle\n    return self.route(request)\n  File \"/srv/shop/stock.py\", line 65, in reserve\n    return row[\"available\"]\nKeyError: 'available'\n"`...)
	}
	return append(b, "}\n"...)
}
