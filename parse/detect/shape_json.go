package detect

import "bytes"

// A jsonLine is what the members of a JSON object say of who wrote it.
type jsonLine struct {
	ok                                       bool
	level, message, stamp, request, status   bool
	nginx, varnish, envoy, cdn, mongo, error int
}

// readJSON looks at the members of the outermost object, and of those in it.
// Names are compared without case, dashes, dots and underscores.
func readJSON(l []byte) (j jsonLine) {
	l = bytes.TrimSpace(l)
	if len(l) < 7 || l[0] != '{' || l[len(l)-1] != '}' {
		return j
	}
	j.ok = true
	var buf [64]byte
	for i := 1; i < len(l); {
		if l[i] != '"' {
			i++
			continue
		}
		n := closingQuote(l[i+1:])
		if n < 0 {
			return j
		}
		raw := l[i+1 : i+1+n]
		i += n + 2
		rest := bytes.TrimLeft(l[i:], " \t")
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " \t")
		var value []byte
		if len(rest) > 0 && rest[0] == '"' {
			if m := closingQuote(rest[1:]); m >= 0 {
				value = rest[1 : 1+m]
				i = len(l) - len(rest) + m + 2
			}
		} else {
			value = rest[:bareLength(rest)]
		}
		j.member(fold(buf[:0], raw), raw, value)
	}
	return j
}

func bareLength(b []byte) int {
	if n := bytes.IndexAny(b, ",}]"); n >= 0 {
		return n
	}
	return len(b)
}

// fold writes name in lower case without separators.
func fold(dst, name []byte) []byte {
	for _, c := range name {
		switch {
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '@':
			continue
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		}
		if len(dst) == cap(dst) {
			break
		}
		dst = append(dst, c)
	}
	return dst
}

// member weighs one member. The names are those of nginx's variables, of
// varnishncsa's %{Varnish:...}x, of Envoy's operators and of CDN log fields,
// which people tend to keep.
func (j *jsonLine) member(name, raw, value []byte) {
	switch string(name) {
	case "level", "severity", "loglevel", "lvl", "levelname", "severitytext", "levelvalue", "loglevelname", "prio", "priority":
		j.level = true
	case "msg", "message", "event", "body", "shortmessage", "log":
		j.message = true
	case "logger", "loggername", "thread", "threadname", "exception", "stacktrace", "stack", "caller", "exceptionclass":
		j.error++
	case "time", "ts", "timestamp", "date", "datetime", "timelocal", "timeiso8601", "msec", "asctime", "t", "epoch", "starttime":
		j.stamp = true
	case "status", "statuscode", "responsestatus", "httpstatus", "code", "responsecode":
		j.status = number(value) >= 0 || string(value) == "-"
	case "method", "requestmethod", "uri", "url", "path", "requesturi", "httpmethod", "verb":
		j.request = true
	case "request":
		j.request = true
		if bytes.Contains(value, []byte(" HTTP/")) {
			j.nginx++
		}
	}
	switch string(name) {
	case "remoteaddr", "remoteuser", "bodybytessent", "bytessent", "requesttime", "requestlength", "httpuseragent", "httpreferer", "httphost",
		"upstreamaddr", "upstreamstatus", "upstreamresponsetime", "upstreamconnecttime", "upstreamheadertime", "upstreamcachestatus",
		"timelocal", "timeiso8601", "serverprotocol", "servername", "serverport", "connectionrequests", "limitreqstatus", "sslprotocol", "httpxforwardedfor", "requesturi":
		j.nginx++
	case "vxid", "handling", "hitmiss", "ttfb", "timefirstbyte", "side", "fetcherror", "varnishside", "varnishvxid", "varnishhandling", "varnishhitmiss", "varnishtimefirstbyte":
		j.varnish++
	case "responseflags", "upstreamcluster", "upstreamhost", "requestedservername", "responsecodedetails", "connectionterminationdetails", "upstreamtransportfailurereason", "routename":
		j.envoy++
	case "rayid", "edgeresponsestatus", "originresponsestatus", "clientrequesthost", "httprequest", "edgestarttimestamp", "xedgeresultype", "fastlyinfostate", "cliip", "reqid", "cachestatus", "downstreamstatus", "originstatus", "routernames":
		j.cdn++
	case "c", "s", "ctx":
		j.mongo++
	}
	if isHandling(value) {
		j.varnish++
	}
	if string(raw) == "$date" {
		j.mongo += 2
	}
}

// app tells a program's own log, which has a level, or a text, but is not an
// access log's line with a text in it.
func (j *jsonLine) app() bool { return j.level || j.message || j.error > 0 }

func appJSONShape(l []byte) int {
	switch j := readJSON(l); {
	case !j.ok:
		return 0
	case j.level && j.message:
		return 85
	case j.app():
		return 80
	case j.stamp:
		return 45
	}
	return 20
}

func nginxJSONShape(l []byte) int {
	j := readJSON(l)
	if !j.ok || j.level || j.nginx == 0 && (!j.request || !j.status) || j.error > 0 {
		return 0
	}
	return min(90, 52+10*j.nginx)
}

func ncsaJSONShape(l []byte) int {
	j := readJSON(l)
	if !j.ok || j.level || j.error > 0 || j.varnish == 0 || !j.request && !j.status {
		return 0
	}
	return min(95, 46+18*j.varnish-6*max(0, j.nginx-2))
}

func envoyJSONShape(l []byte) int {
	if j := readJSON(l); j.ok && !j.level && j.envoy >= 2 {
		return 95
	}
	return 0
}

func cdnJSONShape(l []byte) int {
	if j := readJSON(l); j.ok && !j.message && j.cdn >= 2 {
		return 95
	}
	return 0
}

func mongoShape(l []byte) int {
	if j := readJSON(l); j.ok && j.mongo >= 4 {
		return 95
	}
	return 0
}

func harShape(l []byte) int {
	if b := bytes.TrimLeft(l, " \t"); bytes.HasPrefix(b, []byte(`"creator": {`)) || bytes.HasPrefix(b, []byte(`{"log":{"version":"1.`)) {
		return 95
	}
	return 0
}
