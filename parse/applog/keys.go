package applog

// A key is what a name in a structured line stands for.
type key uint8

const (
	keyNone key = iota
	keyLevel
	keySeverityNumber
	keyTime
	keyTimeLow // a second best stamp
	keyMessage
	keyShortMessage // GELF
	keyRequestID
	keyVXID
	keyTraceID
	keyDuration // unit unknown
	keyDurationNs
	keyDurationUs
	keyDurationMs
	keyDurationS
	keyStatus
	keyMethod
	keyURL
	keyQuery
	keyRequestLine
	keyHost
	keyProtocol
	keyClient
	keyAgent
	keyBytes
	keyService
	keyVersion
	keyMachine
	keyPID
	keyLogger
	keyError
	keyErrorType
	keyErrorText
	keyStack
	keyEvent
	keyWrapper // holds others and adds nothing to their names
	keyForeign // shows that the line belongs to another parser
)

const maxKey = 64

// appendKey adds the normal form of a name to a path of names: lower case,
// without the marks that libraries put between words, so that request_id,
// requestId and X-Request-ID differ only in the x, and http.request.id is the
// same flat and nested.
func appendKey(path, name []byte) ([]byte, bool) {
	for _, c := range name {
		switch {
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '#':
			continue
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		}
		if len(path) == cap(path) {
			return path, false
		}
		path = append(path, c)
	}
	return path, true
}

// keyOf knows the names of slog, zap, logrus, zerolog, pino, winston, bunyan,
// structlog, Monolog, logstash-encoder, Serilog, GELF, Google Cloud, ECS
// (https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html) and
// OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
func keyOf(path []byte) key {
	switch string(path) {
	case "level", "loglevel", "lvl", "severity", "levelname", "severitytext", "priority", "@l", "prioritycode", "syslogseverity":
		return keyLevel
	case "severitynumber":
		return keySeverityNumber
	case "time", "ts", "timestamp", "@timestamp", "datetime", "date", "datetimedate", "timeunixnano", "asctime",
		"@t", "t", "eventtime", "loggedat", "writtenat", "logtime", "timemillis", "timestampms", "instant", "isotimestamp", "utctimestamp":
		return keyTime
	case "observedtimeunixnano", "observedtimestamp", "created", "createdat", "instantepochsecond", "epochsecond", "timestampseconds":
		return keyTimeLow
	case "message", "msg", "body", "bodystringvalue", "event", "fullmessage", "textpayload", "renderedmessage", "@m", "@mt", "messagetemplate", "text", "logmessage":
		if string(path) == "event" {
			return keyEvent
		}
		return keyMessage
	case "shortmessage":
		return keyShortMessage
	case "requestid", "xrequestid", "reqid", "rid", "correlationid", "xcorrelationid", "httprequestid", "req", "cid", "requestuuid",
		"corrid", "httprequestheaderxrequestid", "reqheadersxrequestid", "requestheadersxrequestid", "xreqid", "requestidentifier", "uniqueid":
		return keyRequestID
	case "xvarnish", "xv", "vxid", "xvxid", "varnishid", "varnishxid", "httpxvarnish", "httprequestheaderxvarnish", "reqheadersxvarnish", "requestheadersxvarnish":
		return keyVXID
	case "traceid", "oteltraceid", "logginggoogleapiscomtrace", "otelid", "spantraceid", "spancontexttraceid", "xtraceid",
		"traceparent", "httptraceparent", "httprequestheadertraceparent", "reqheaderstraceparent", "requestheaderstraceparent":
		return keyTraceID
	case "duration", "latency", "elapsed", "took", "elapsedtime", "timetaken", "dur", "runtime", "timespent", "totaltime", "processtime", "httprequestlatency", "latencyhuman", "durationhuman":
		return keyDuration
	case "eventduration", "durationns", "elapsedns", "latencyns", "durationnanos":
		return keyDurationNs
	case "durationus", "elapsedus", "latencyus", "durationmicros", "tookus", "timeus":
		return keyDurationUs
	case "durationms", "elapsedms", "responsetime", "responsetimems", "latencyms", "tookms", "ms", "elapsedmilliseconds", "durationmillis", "timems",
		"requestdurationms", "requesttimems", "elapsedmillis", "msecs", "processingtimems", "totaltimems", "durationmilliseconds":
		return keyDurationMs
	case "durations", "elapseds", "requesttime", "durationsec", "durationseconds", "elapsedseconds", "latencyseconds", "latencys", "requestduration", "tooks", "httpserverrequestduration":
		return keyDurationS
	case "status", "statuscode", "httpresponsestatuscode", "httpstatuscode", "httpstatus", "resstatuscode", "resstatus", "responsestatus",
		"responsestatuscode", "responsecode", "httprequeststatus", "respstatus", "respstatuscode", "httpcode":
		return keyStatus
	case "method", "httpmethod", "httprequestmethod", "requestmethod", "reqmethod", "verb", "httpverb", "httprequestrequestmethod":
		return keyMethod
	case "path", "url", "uri", "requesturi", "requestpath", "requesturl", "originalurl", "httptarget", "urlpath", "urloriginal", "urlfull",
		"httpurl", "target", "requri", "requrl", "reqpath", "httppath", "httprequesturl", "httprequestpath", "httprequestrequesturl",
		"fullpath", "reqoriginalurl", "requestpathinfo", "httpuri", "route", "httproute", "contexturl", "extraurl":
		return keyURL
	case "urlquery", "query", "querystring", "requestquery":
		return keyQuery
	case "request", "requestline", "httprequest":
		return keyRequestLine
	case "httphost", "vhost", "urldomain", "serveraddress", "requesthost", "reqhost", "reqheadershost", "httprequesthost", "servername":
		return keyHost
	case "protocol", "httpversion", "proto", "httpprotocol", "requestprotocol", "serverprotocol":
		return keyProtocol
	case "clientip", "remoteip", "remoteaddr", "remoteaddress", "clientaddress", "client", "sourceip", "reqremoteaddress", "ip", "httprequestremoteip", "netpeerip", "networkpeeraddress":
		return keyClient
	case "useragent", "useragentoriginal", "httpuseragent", "reqheadersuseragent", "agent", "httprequestuseragent", "requestuseragent":
		return keyAgent
	case "bytes", "bytesout", "responsesize", "bodybytes", "httpresponsebodybytes", "contentlength", "httpresponsebodysize", "size", "rescontentlength", "httprequestresponsesize", "bytessent":
		return keyBytes
	case "service", "servicename", "app", "application", "appname", "applicationname", "svc", "program", "serviceid":
		return keyService
	case "version", "serviceversion", "release", "appversion", "build", "buildversion", "applicationversion", "serverversion", "gitsha", "commit":
		return keyVersion
	case "hostname", "hostnames", "host", "hostid", "machine", "machinename", "node", "nodename", "k8snodename", "server", "computername":
		return keyMachine
	case "pid", "processpid", "processid", "process":
		return keyPID
	case "logger", "loggername", "category", "channel", "sourcecontext", "loglogger", "name", "scopename", "loggerfqcn":
		return keyLogger
	case "error", "err", "exception", "excinfo", "throwable", "exc", "thrown", "cause", "@x", "contextexception", "reason", "throwninfo", "e":
		return keyError
	case "errortype", "errtype", "exceptiontype", "exceptionclass", "errorkind", "excinfotype", "errorname", "errname", "exceptionname", "errorclass",
		"exceptionexctype", "exctype", "exceptionclassname", "contextexceptionclass", "throwntype", "thrownname", "errorkindname":
		return keyErrorType
	case "errormessage", "errmessage", "errmsg", "errormsg", "exceptionmessage", "exceptionexcvalue", "excmessage", "errordetail", "errordescription", "contextexceptionmessage", "thrownmessage", "exceptionexceptionmessage":
		return keyErrorText
	case "stack", "stacktrace", "errorstacktrace", "errstack", "errorstack", "exceptionstacktrace", "traceback", "backtrace", "errorverbose", "exceptiontrace", "trace", "thrownextendedstacktrace",
		"errstacktrace", "exceptionstack", "exctext", "errorbacktrace", "exceptionbacktrace", "contextexceptiontrace":
		return keyStack
	case "context", "extra", "fields", "@fields", "mdc", "contextmap", "attributes", "data", "labels", "meta", "metadata", "log", "properties", "params", "payload", "extras", "props", "resource", "jsonpayload", "state", "info", "resourceattributes", "tags", "dd", "stringvalue", "intvalue", "doublevalue", "value", "resourcelogs", "scopelogs", "logrecords":
		return keyWrapper
	case "realtimetimestamp":
		return keyForeign
	}
	return keyNone
}

// idKey is keyOf for the last name alone, under a parent that is not known:
// only names that mean the same everywhere.
func idKey(name []byte) key {
	switch k := keyOf(name); k {
	case keyRequestID, keyVXID, keyTraceID:
		if string(name) != "req" && string(name) != "cid" {
			return k
		}
	}
	return keyNone
}
