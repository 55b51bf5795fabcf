package varnish

import "why503/parse"

// tagColumn says what the payload of a tag is good for.
func tagColumn(tag string) op {
	note := func(f parse.Field) op { return op{col: colNote, note: uint8(f)} }
	switch tag {
	case "FetchError":
		return op{col: colFetchError}
	case "Begin":
		return op{col: colBegin}
	case "BackendOpen":
		return op{col: colBackendOpen}
	case "Hit":
		return op{col: colHit}
	case "VCL_Log":
		return op{col: colVCLLog}
	case "VCL_Error":
		return note(parse.FieldVCLError)
	case "Error":
		return note(parse.FieldError)
	case "BogoHeader":
		return note(parse.FieldBogoHeader)
	case "LostHeader":
		return note(parse.FieldLostHeader)
	case "HttpGarbage":
		return note(parse.FieldHTTPGarbage)
	case "BackendClose":
		return note(parse.FieldBackendClose)
	case "ESI_xmlerror":
		return note(parse.FieldESIError)
	case "VSL":
		return note(parse.FieldVSL)
	}
	return op{}
}

// A key is the name of a value in JSON or key=value form, in lower case and
// without punctuation, so that request_id, requestId and Request-ID agree.
type key struct {
	b [32]byte
	n int
}

func normalise(name []byte) key {
	var k key
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if ('a' <= c && c <= 'z' || '0' <= c && c <= '9') && k.n < len(k.b) {
			k.b[k.n] = c
			k.n++
		}
	}
	return k
}

func isRequestID(k key) bool {
	switch string(k.b[:k.n]) {
	case "rid", "reqid", "requestid", "xrequestid", "correlationid", "xcorrelationid", "xid", "uniqueid", "xamzntraceid", "httpxrequestid":
		return true
	}
	return false
}

// named says what a value of that name is. Names are the user's own choice,
// so this knows the usual ones only.
func named(name []byte) op {
	k := normalise(name)
	if isRequestID(k) {
		return op{col: colRequestID}
	}
	switch string(k.b[:k.n]) {
	case "time", "timestamp", "ts", "t", "date", "datetime", "start", "starttime", "begin", "timelocal", "timeiso8601",
		"epoch", "epochus", "epochms", "tus", "tms", "usec", "msec", "timeus", "timems", "timeusec", "timestampus", "timestampms":
		return op{col: colTime}
	case "end", "endtime", "ended":
		return op{col: colEndTime}
	case "client", "clientip", "remoteaddr", "remotehost", "remoteip", "ip", "h", "host0", "addr":
		return op{col: colClient}
	case "method", "verb", "requestmethod", "httpmethod", "m":
		return op{col: colMethod}
	case "url", "uri", "path", "requesturi", "requesturl", "u":
		return op{col: colURL}
	case "query", "querystring", "args", "q":
		return op{col: colQuery}
	case "request", "requestline", "r":
		return op{col: colRequest}
	case "proto", "protocol", "httpversion", "serverprotocol":
		return op{col: colProtocol}
	case "status", "code", "statuscode", "httpstatus", "responsecode", "s":
		return op{col: colStatus}
	case "bytes", "size", "bodybytes", "bodybytessent", "bytessent", "length", "b", "responsebytes":
		return op{col: colBytes}
	case "us", "durationus", "tookus", "elapsedus", "timetakenus", "requesttimeus", "durus":
		return op{col: colDuration, unit: 1e3}
	case "ms", "durationms", "tookms", "elapsedms", "timetakenms", "requesttimems", "durms":
		return op{col: colDuration, unit: 1e6}
	case "duration", "took", "elapsed", "timetaken", "requesttime", "responsetime", "dur":
		return op{col: colDuration}
	case "host", "vhost", "site", "httphost", "servername":
		return op{col: colHost}
	case "ua", "useragent", "agent", "httpuseragent":
		return op{col: colAgent}
	case "traceparent":
		return op{col: colTrace}
	case "traceid", "xb3traceid":
		return op{col: colB3}
	case "xvarnish":
		return op{col: colXVarnish}
	case "ttfb", "timefirstbyte", "firstbyte", "varnishtimefirstbyte":
		return op{col: colFirstByte, unit: 1e9}
	case "hitmiss", "varnishhitmiss":
		return op{col: colHitMiss}
	case "handling", "cache", "cachestatus", "varnishhandling":
		return op{col: colHandling}
	case "side", "varnishside":
		return op{col: colSide}
	case "vxid", "varnishvxid", "txid":
		return op{col: colVXID}
	case "fetcherror", "vslfetcherror", "berror", "backenderror":
		return op{col: colFetchError}
	case "vclerror":
		return tagColumn("VCL_Error")
	case "error":
		return tagColumn("Error")
	case "vcllog", "note":
		return op{col: colVCLLog}
	case "vslbegin":
		return op{col: colBegin}
	case "backendopen":
		return op{col: colBackendOpen}
	}
	return op{col: colIgnore}
}
