package nginx

import "strings"

// A slot is what a value of an access line means to a Record. Several slots
// can feed one field of it; fill decides between them.
type slot uint8

const (
	slotNone slot = iota
	slotTime      // any shape of stamp
	slotMsec      // epoch with milliseconds
	slotAddr
	slotRealAddr  // address before the realip or proxy_protocol module replaced it
	slotForwarded // X-Forwarded-For
	slotRequest
	slotMethod
	slotURL  // as sent
	slotURI  // normalised, perhaps without its query
	slotArgs // the query
	slotProtocol
	slotStatus
	slotBytes
	slotDuration
	slotHost
	slotHostHeader
	slotServerName
	slotAgent
	slotAgentOrAddrs // "ua": user agent to some, upstream address to others
	slotGivenID      // X-Request-ID
	slotOtherID      // another header that carries an id
	slotOwnID        // $request_id
	slotTrace
	slotVXID
	slotConn
	slotPID
	slotMachine
	slotUpAddr
	slotUpStatus
	slotUpConnect
	slotUpHeader
	slotUpResponse
	slotCache
	numSlots
)

// A shape says where an unquoted value can end.
type shape uint8

const (
	shapeFree   shape = iota
	shapeToken        // no blank and no quote inside
	shapeNumber       // digits and points, a dash, or nothing
	shapeLocal        // $time_local
	shapeList         // values of several attempts
)

// variable tells of a variable of nginx, by its name without the dollar.
// One that nginx does not know was made by map, set or js_set: then its name
// is taken as a hint, as a key of JSON would be.
//
// https://nginx.org/en/docs/varindex.html
func variable(name string) (slot, shape) {
	switch name {
	case "time_local":
		return slotTime, shapeLocal
	case "time_iso8601":
		return slotTime, shapeToken
	case "msec":
		return slotMsec, shapeNumber
	case "remote_addr":
		return slotAddr, shapeToken
	case "realip_remote_addr", "proxy_protocol_addr", "http_x_real_ip":
		return slotRealAddr, shapeToken
	case "http_x_forwarded_for", "proxy_add_x_forwarded_for":
		return slotForwarded, shapeFree
	case "request":
		return slotRequest, shapeFree
	case "request_method":
		return slotMethod, shapeToken
	case "request_uri":
		return slotURL, shapeFree
	case "uri", "document_uri":
		return slotURI, shapeFree
	case "args", "query_string":
		return slotArgs, shapeFree
	case "server_protocol":
		return slotProtocol, shapeToken
	case "status":
		return slotStatus, shapeNumber
	case "body_bytes_sent":
		return slotBytes, shapeNumber
	case "request_time":
		return slotDuration, shapeNumber
	case "host":
		return slotHost, shapeToken
	case "http_host":
		return slotHostHeader, shapeToken
	case "server_name", "ssl_server_name":
		return slotServerName, shapeToken
	case "http_user_agent":
		return slotAgent, shapeFree
	case "request_id":
		return slotOwnID, shapeToken
	case "connection":
		return slotConn, shapeNumber
	case "pid":
		return slotPID, shapeNumber
	case "hostname":
		return slotMachine, shapeToken
	case "upstream_addr":
		return slotUpAddr, shapeList
	case "upstream_status":
		return slotUpStatus, shapeList
	case "upstream_connect_time":
		return slotUpConnect, shapeList
	case "upstream_header_time":
		return slotUpHeader, shapeList
	case "upstream_response_time":
		return slotUpResponse, shapeList
	case "upstream_cache_status":
		return slotCache, shapeToken
	case "otel_trace_id", "opentelemetry_trace_id", "http_x_b3_traceid", "http_traceparent":
		return slotTrace, shapeFree
	case "upstream_response_length", "upstream_bytes_sent", "upstream_bytes_received",
		"upstream_queue_time", "upstream_first_byte_time", "upstream_session_time":
		return slotNone, shapeList
	case "request_length", "bytes_sent", "connection_requests", "connection_time", "gzip_ratio",
		"remote_port", "server_port", "content_length":
		return slotNone, shapeNumber
	case "scheme", "pipe", "https", "server_addr", "limit_req_status", "limit_conn_status",
		"ssl_protocol", "ssl_cipher", "ssl_session_reused", "request_completion":
		return slotNone, shapeToken
	}
	for _, p := range [...]string{"http_", "sent_http_", "upstream_http_"} {
		if h, ok := strings.CutPrefix(name, p); ok {
			return header(h, p == "http_"), shapeFree
		}
	}
	for _, p := range [...]string{
		"arg_", "cookie_", "ssl_", "upstream_", "proxy_", "fastcgi_", "tcpinfo_", "geoip",
		"sent_trailer_", "remote_", "content_", "document_", "date_", "jwt_", "is_args",
	} {
		if strings.HasPrefix(name, p) {
			return slotNone, shapeFree
		}
	}
	switch s := keySlot([]byte(name)); s {
	case slotTime, slotMsec, slotStatus, slotBytes, slotDuration:
		return slotNone, shapeFree // nginx has its own for these
	default:
		return s, shapeFree
	}
}

// header tells of a header field, of the request or of an answer. A Varnish
// transaction in an answer is the one that gave it, not the one that asked.
func header(name string, request bool) slot {
	switch {
	case name == "x_request_id":
		return slotGivenID
	case name == "x_varnish" && request:
		return slotVXID
	case name == "traceparent":
		return slotTrace
	}
	for _, part := range [...]string{"request_id", "correlation_id", "transaction_id", "trace_id", "unique_id", "req_id", "cf_ray"} {
		if strings.Contains(name, part) {
			return slotOtherID
		}
	}
	return slotNone
}

// maxKey bounds the keys that can mean anything.
const maxKey = 40

// keySlot tells of a key of JSON, or of key=value, by the names that people
// give to what nginx logs.
func keySlot(key []byte) slot {
	var low [maxKey]byte
	if len(key) > maxKey {
		return slotNone
	}
	for i, c := range key {
		switch {
		case c-'A' < 26:
			c |= 0x20
		case c == '-' || c == '.' || c == ' ':
			c = '_'
		}
		low[i] = c
	}
	switch string(low[:len(key)]) {
	case "time", "timestamp", "@timestamp", "time_local", "time_iso8601", "datetime", "date", "ts", "iso8601", "local_time":
		return slotTime
	case "msec", "time_msec", "epoch", "unixtime":
		return slotMsec
	case "remote_addr", "client", "client_ip", "clientip", "remote_ip", "ip", "remote", "client_addr", "source_ip",
		"remoteaddr", "c_ip", "client_address", "src_ip", "source_address":
		return slotAddr
	case "realip_remote_addr", "x_real_ip", "real_ip", "http_x_real_ip":
		return slotRealAddr
	case "http_x_forwarded_for", "x_forwarded_for", "xff", "forwarded_for", "x_forward_for":
		return slotForwarded
	case "request", "request_line", "req", "http_request":
		return slotRequest
	case "request_method", "method", "verb", "http_method", "req_method", "http_request_method":
		return slotMethod
	case "request_uri", "requesturi", "url", "req_uri", "http_uri", "full_path", "url_original":
		return slotURL
	case "uri", "path", "request_path", "document_uri", "url_path":
		return slotURI
	case "args", "query_string", "query", "request_query", "url_query", "request_args":
		return slotArgs
	case "server_protocol", "protocol", "proto", "http_protocol", "http_version", "request_proto":
		return slotProtocol
	case "status", "http_status", "status_code", "code", "response_code", "response_status", "st",
		"http_status_code", "http_response_status_code", "response":
		return slotStatus
	case "body_bytes_sent", "bytes", "size", "body_bytes", "body_size", "http_response_body_bytes":
		return slotBytes
	case "request_time", "rt", "duration", "reqtime", "request_duration", "req_time", "total_time", "latency", "elapsed":
		return slotDuration
	case "host", "hostname_requested", "vhost", "domain", "virtual_host", "site", "url_domain":
		return slotHost
	case "http_host", "host_header", "req_host":
		return slotHostHeader
	case "server_name", "ssl_server_name", "server":
		return slotServerName
	case "http_user_agent", "user_agent", "useragent", "agent", "http_agent", "user_agent_original":
		return slotAgent
	case "ua":
		return slotAgentOrAddrs
	case "x_request_id", "http_x_request_id", "rid", "req_id", "reqid", "xrid", "correlation_id",
		"x_correlation_id", "http_x_correlation_id", "requestid", "cid":
		return slotGivenID
	case "trace_id", "traceid", "traceparent", "http_traceparent", "trace", "otel_trace_id", "trace_parent":
		return slotTrace
	case "x_amzn_trace_id", "http_x_amzn_trace_id", "cf_ray", "http_cf_ray", "unique_id", "transaction_id":
		return slotOtherID
	case "request_id", "nginx_request_id", "nginx_rid", "ngx_request_id", "ngx_rid", "own_id":
		return slotOwnID
	case "x_varnish", "xv", "http_x_varnish", "vxid", "varnish_xid", "varnish_id", "xvarnish", "varnish":
		return slotVXID
	case "connection", "conn", "connection_id", "conn_id", "connection_serial":
		return slotConn
	case "pid", "worker_pid":
		return slotPID
	case "hostname", "machine", "node", "nginx_host":
		return slotMachine
	case "upstream_addr", "upstream", "upstream_address", "ups_addr", "uaddr", "upaddr", "backend_addr", "upstream_host", "upstream_server":
		return slotUpAddr
	case "upstream_status", "us", "ups_status", "upstatus", "ustatus", "upstream_code", "backend_status":
		return slotUpStatus
	case "upstream_connect_time", "uct", "ups_connect_time", "upstream_connect", "up_ct":
		return slotUpConnect
	case "upstream_header_time", "uht", "ups_header_time", "upstream_header", "up_ht":
		return slotUpHeader
	case "upstream_response_time", "urt", "ups_response_time", "upstream_time", "upstream_response", "up_rt",
		"upstream_rt", "backend_time", "upstream_duration", "ups_rt":
		return slotUpResponse
	case "upstream_cache_status", "cache_status", "cache", "ucs", "cs", "upstream_cache":
		return slotCache
	}
	return slotNone
}
