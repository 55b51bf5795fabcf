package recognise

import (
	"strings"

	"why503/parse"
)

// A place is where rows of the taxonomy stand: the meaning of their column
// "where". Several places can share a parse.Field.
type place struct {
	where   string
	program parse.Program
	field   parse.Field
	kind    kind
}

// A kind says how far the rows of a place may be compared with other texts.
type kind uint8

const (
	// placed rows are compared with every text of their Field.
	placed kind = iota
	// narrow rows mean something in one part of a line only (a timer, a bare
	// status), so that a Field is too wide for them: Lookup alone uses them,
	// when it knows the part.
	narrow
	// states are the rows of HAProxy's termination state, for texts that have
	// the shape of one.
	states
	// clients are texts of databases that their clients repeat in their own logs.
	clients
	// anywhere rows are texts of the operating system that any process can log.
	anywhere
)

func vsl(tag string, f parse.Field) place {
	return place{"VSL " + tag, parse.Varnish, f, placed}
}

// places names all places. Their order is that in which a text without any
// context is told: the proxies' own words first.
var places = []place{
	vsl("FetchError", parse.FieldFetchError),
	vsl("VCL_Error", parse.FieldVCLError),
	vsl("Error", parse.FieldError),
	vsl("BackendClose", parse.FieldBackendClose),
	vsl("SessClose", parse.FieldSessClose),
	vsl("Backend_health", parse.FieldBackendHealth),
	vsl("Backend_health resp field", parse.FieldBackendHealthResp),
	vsl("BogoHeader", parse.FieldBogoHeader),
	vsl("HttpGarbage", parse.FieldHTTPGarbage),
	vsl("LostHeader", parse.FieldLostHeader),
	vsl("SessError", parse.FieldSessError),
	vsl("ESI_xmlerror", parse.FieldESIError),
	vsl("ExpKill", parse.FieldExpKill),
	vsl("Notice", parse.FieldNotice),
	vsl("Debug", parse.FieldDebug),
	vsl("RespReason", parse.FieldRespReason),
	vsl("BerespReason", parse.FieldBerespReason),
	vsl("BerespStatus", parse.FieldBerespStatus),
	vsl("RespStatus", parse.FieldRespStatus),
	vsl("Begin", parse.FieldBegin),
	vsl("Link", parse.FieldLink),
	vsl("End", parse.FieldEnd),
	vsl("Timestamp", parse.FieldTimestamp),
	vsl("Fetch_Body", parse.FieldFetchBody),
	vsl("BackendOpen", parse.FieldBackendOpen),
	vsl("VCL_call", parse.FieldVCLCall),
	vsl("VCL_return", parse.FieldVCLReturn),
	vsl("VSL", parse.FieldVSL),
	vsl("Hit", parse.FieldHit),
	vsl("HitMiss", parse.FieldHitMiss),
	vsl("HitPass", parse.FieldHitPass),
	{"syslog/stderr varnishd", parse.Varnish, parse.FieldVarnishManager, placed},
	{"stderr varnishlog/varnishncsa", parse.Varnish, parse.FieldVarnishTool, placed},
	{"varnishncsa %{Varnish:handling}x", parse.Varnish, parse.FieldNCSAHandling, placed},
	{"varnishncsa %{VSL:FetchError}x", parse.Varnish, parse.FieldNCSAFetchError, placed},

	{"error.log message", parse.Nginx, parse.FieldNginxError, placed},
	{"access.log $status", parse.Nginx, parse.FieldNginxStatus, placed},
	{"access.log $upstream_status", parse.Nginx, parse.FieldNginxUpstreamStatus, placed},
	{"access.log $upstream_addr", parse.Nginx, parse.FieldNginxUpstreamAddr, placed},
	{"access.log $upstream_connect_time", parse.Nginx, parse.FieldNginxUpstreamConnect, placed},
	{"access.log $upstream_header_time", parse.Nginx, parse.FieldNginxUpstreamHeader, placed},
	{"access.log $upstream_cache_status", parse.Nginx, parse.FieldNginxCacheStatus, placed},

	{"access log termination_state", parse.HAProxy, parse.FieldHAProxy, states},
	{"access log termination_state first char", parse.HAProxy, parse.FieldHAProxy, states},
	{"access log termination_state second char", parse.HAProxy, parse.FieldHAProxy, states},
	{"access log termination_state third char", parse.HAProxy, parse.FieldHAProxy, states},
	{"syslog event", parse.HAProxy, parse.FieldHAProxy, placed},
	{"bc_err_str / fc_err_str / error log message", parse.HAProxy, parse.FieldHAProxy, placed},
	{"access log backend/server", parse.HAProxy, parse.FieldHAProxy, placed},
	{"access log srv_queue/backend_queue", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log Tr", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log Tc", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log TR", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log Tw", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log retries", parse.HAProxy, parse.FieldHAProxy, narrow},
	{"access log status_code", parse.HAProxy, parse.FieldHAProxy, narrow},

	{"error_log", parse.Apache, parse.FieldApacheError, placed},

	{"access log %RESPONSE_CODE_DETAILS%", parse.Envoy, parse.FieldEnvoy, placed},
	{"response body of local reply", parse.Envoy, parse.FieldEnvoy, placed},
	{"access log %UPSTREAM_TRANSPORT_FAILURE_REASON% or after | in details", parse.Envoy, parse.FieldEnvoy, placed},
	{"access log %CONNECTION_TERMINATION_DETAILS% or %DOWNSTREAM_LOCAL_CLOSE_REASON%", parse.Envoy, parse.FieldEnvoy, placed},
	{"access log %RESPONSE_FLAGS%", parse.Envoy, parse.FieldEnvoy, placed}, // and its long forms
	{"health or outlier event log (JSON)", parse.Envoy, parse.FieldEnvoy, placed},
	{"Proxy-Status response header (RFC 9209), any proxy", parse.Envoy, parse.FieldEnvoy, placed},
	{"access log %RESPONSE_CODE%", parse.Envoy, parse.FieldEnvoy, narrow},

	{"php-fpm log", parse.PHPFPM, parse.FieldFPM, placed},
	{"PHP error log / FastCGI stderr", parse.App, parse.FieldAppText, placed},
	{"gunicorn error log", parse.App, parse.FieldAppText, placed},
	{"uwsgi log", parse.App, parse.FieldAppText, placed},
	{"Python application log", parse.App, parse.FieldAppText, placed},
	{"Java application log", parse.App, parse.FieldAppText, placed},
	{"Node.js log", parse.App, parse.FieldAppText, placed},
	{"Go application log", parse.App, parse.FieldAppText, placed},
	{"Ruby / Rails / Puma log", parse.App, parse.FieldAppText, placed},
	{".NET log", parse.App, parse.FieldAppText, placed},
	{"Rust application log", parse.App, parse.FieldAppText, placed},
	{"application", parse.App, parse.FieldAppText, placed},
	{"response body", parse.App, parse.FieldAppText, placed},
	{"IIS HTTPERR log", parse.App, parse.FieldAppText, narrow},

	{"MySQL/MariaDB error text (client or error log)", parse.Database, parse.FieldDatabase, clients},
	{"PostgreSQL log or client error", parse.Database, parse.FieldDatabase, clients},
	{"Redis reply or log", parse.Database, parse.FieldDatabase, clients},
	{"pgbouncer log", parse.Database, parse.FieldDatabase, clients},
	{"MongoDB driver", parse.Database, parse.FieldDatabase, clients},
	{"Java client", parse.Database, parse.FieldDatabase, clients},
	{"Elasticsearch", parse.Database, parse.FieldDatabase, clients},
	{"Oracle", parse.Database, parse.FieldDatabase, clients},
	{"SQL Server", parse.Database, parse.FieldDatabase, clients},
	{"SQL Server client", parse.Database, parse.FieldDatabase, clients},
	{"Memcached", parse.Database, parse.FieldDatabase, clients},
	{"MariaDB/Galera", parse.Database, parse.FieldDatabase, clients},
	{"AWS RDS Proxy", parse.Database, parse.FieldDatabase, clients},
	{"AWS DynamoDB", parse.Database, parse.FieldDatabase, clients},
	{"database client", parse.Database, parse.FieldDatabase, clients},
	{"MySQL error log", parse.Database, parse.FieldDatabase, placed},
	{"MySQL slow query log", parse.Database, parse.FieldDatabase, placed},
	{"MongoDB log", parse.Database, parse.FieldDatabase, placed},
	{"RabbitMQ log", parse.Database, parse.FieldDatabase, placed},
	{"database server log", parse.Database, parse.FieldDatabase, placed},

	{"kernel log (dmesg, journald -k)", parse.Kernel, parse.FieldKernel, placed},
	{"any process", parse.App, parse.FieldAppText, anywhere},
	{"shell or daemon", parse.App, parse.FieldAppText, anywhere},
	{"systemd", parse.Systemd, parse.FieldSystemd, placed},
	{"systemd-oomd", parse.Systemd, parse.FieldSystemd, placed},
	{"service manager", parse.Systemd, parse.FieldSystemd, placed},
	{"chronyd", parse.Systemd, parse.FieldSystemd, placed},
	{"deploy log", parse.Deploy, parse.FieldDeploy, placed},
	{"Kubernetes event or kubelet log", parse.App, parse.FieldKubernetes, placed},
	{"ingress-nginx controller log", parse.Nginx, parse.FieldKubernetes, placed},
	{"CoreDNS log", parse.App, parse.FieldKubernetes, placed},
	{"Docker events", parse.App, parse.FieldKubernetes, placed},

	{"Fastly obj.response (VCL) or logged fastly_info.state / error text", parse.CDN, parse.FieldCDN, placed},
	{"CloudFront x-edge-detailed-result-type", parse.CDN, parse.FieldCDN, placed},
	{"CloudFront x-edge-result-type / x-edge-response-result-type", parse.CDN, parse.FieldCDN, placed},
	{"ALB access log error_reason", parse.CDN, parse.FieldCDN, placed},
	{"ALB access log elb_status_code and target_status_code joined by a blank", parse.CDN, parse.FieldCDN, placed},
	{"GCP HTTP(S) LB jsonPayload.statusDetails", parse.CDN, parse.FieldCDN, placed},
	{"Akamai DataStream errorCode / Edge Diagnostics translated error", parse.CDN, parse.FieldCDN, placed},
	{"Heroku router or dyno log code=", parse.CDN, parse.FieldCDN, placed},
	{"Azure Front Door ErrorInfo", parse.CDN, parse.FieldCDN, placed},
	{"Cloudflare error page code", parse.CDN, parse.FieldCDN, placed},
	{"Traefik log or body", parse.CDN, parse.FieldCDN, placed},
	{"Caddy log", parse.CDN, parse.FieldCDN, placed},
	{"Cloudflare EdgeResponseStatus (Logpush) / error page", parse.CDN, parse.FieldCDN, placed},
	{"Cloudflare OriginResponseStatus", parse.CDN, parse.FieldCDN, narrow},
	{"Akamai LDS status", parse.CDN, parse.FieldCDN, narrow},
	{"ALB access log target_processing_time", parse.CDN, parse.FieldCDN, narrow},
}

// placeOf returns the place that the column "where" names.
func placeOf(where string) *place {
	for i := range places {
		p := &places[i]
		rest, ok := strings.CutPrefix(where, p.where)
		if ok && (rest == "" || rest[0] == ' ' && p.where == flagsPlace) {
			return p
		}
	}
	return nil
}

// flagsPlace has a place of its own in the tables for each long form.
const flagsPlace = "access log %RESPONSE_FLAGS%"

// shares says which Fields are also compared with rows of other places: a
// program's log repeats what the programs and libraries inside it say.
var shares = map[parse.Field]func(*Event) bool{
	parse.FieldAppText: func(e *Event) bool {
		return e.place.kind == anywhere || e.Field == parse.FieldFPM || inApplications(e)
	},
	parse.FieldNginxError: func(e *Event) bool {
		return e.place.kind == anywhere || e.where == "ingress-nginx controller log"
	},
	parse.FieldApacheError: func(e *Event) bool {
		return e.place.kind == anywhere || e.where == "PHP error log / FastCGI stderr" || inApplications(e)
	},
	parse.FieldDatabase:       func(e *Event) bool { return e.place.kind == anywhere },
	parse.FieldHAProxy:        func(e *Event) bool { return e.place.kind == anywhere },
	parse.FieldVarnishManager: func(e *Event) bool { return e.place.kind == anywhere },
	parse.FieldSystemd: func(e *Event) bool {
		return e.place.kind == anywhere || e.Field == parse.FieldKubernetes || e.Field == parse.FieldKernel
	},
	parse.FieldKubernetes:     func(e *Event) bool { return e.place.kind == anywhere },
	parse.FieldKernel:         func(e *Event) bool { return e.where == "systemd-oomd" },
	parse.FieldNCSAFetchError: func(e *Event) bool { return e.Field == parse.FieldFetchError },
}

// inApplications reports whether a database's text can stand in the log of an
// application that uses it. Some texts are too short or too common for that.
func inApplications(e *Event) bool {
	return e.place.kind == clients && !serverOnly[e.Name]
}

// serverOnly are rows that mean something in a database server's own log only.
var serverOnly = map[string]bool{
	"db.pg.lockwait":       true,
	"db.pg.duration":       true, // "duration: 3 ms" is what applications print of themselves
	"db.pg.signal":         true,
	"db.pg.53100":          true, // has an alternative that any process can print
	"db.pg.checkpoint":     true,
	"db.pg.reset":          true,
	"db.pg.unexpected_eof": true,
	"db.pg.fork":           true,
	"db.pgb.qtimeout":      true, // one word, also the name of a setting
	"db.pgb.srvclosed":     true,
	"db.redis.fork":        true,
	"db.redis.aof":         true,
	"db.redis.outbuf":      true,
	"db.mongo.notprimary":  true, // "not master"
	"db.mysql.1203":        true, // one word, also the name of a setting
	"db.rabbit.mem":        true,
}
