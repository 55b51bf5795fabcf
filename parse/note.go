package parse

// A Field says where a Note's text stood: which tag, which part of a line.
// Recognisers are dispatched by it, since the same words mean different things
// in different places ("timeout" in FetchError is not "timeout" in a VSL tag).
type Field uint8

const (
	FieldNone Field = iota

	// Varnish: the payload of the tag of that name.
	FieldFetchError
	FieldVCLError
	FieldError
	FieldBackendClose
	FieldBackendHealth     // the whole payload of Backend_health
	FieldBackendHealthResp // the quoted response inside it
	FieldBegin
	FieldBerespReason
	FieldBerespStatus
	FieldBogoHeader
	FieldDebug
	FieldESIError // ESI_xmlerror
	FieldEnd
	FieldExpKill
	FieldFetchBody
	FieldHit
	FieldHitMiss
	FieldHitPass
	FieldHTTPGarbage
	FieldLink
	FieldLostHeader
	FieldNotice
	FieldRespReason
	FieldRespStatus
	FieldSessClose
	FieldSessError
	FieldTimestamp
	FieldVCLCall
	FieldVCLReturn
	FieldVSL
	FieldVCLLog // VCL_Log: written by the site's own VCL
	FieldVarnishManager
	FieldVarnishTool
	FieldNCSAHandling
	FieldNCSAFetchError

	// nginx: the message of an error log line, up to its "client:" tail.
	FieldNginxError
	FieldNginxStatus
	FieldNginxUpstreamStatus
	FieldNginxUpstreamAddr
	FieldNginxUpstreamConnect
	FieldNginxUpstreamHeader
	FieldNginxCacheStatus

	// Programs behind the proxy.
	FieldFPM     // php-fpm log: what follows the level
	FieldAppText // any line or stack trace of an application: message, error, last line of a trace
	FieldSystemd // service manager line, without its syslog header
	FieldDeploy  // line of a deploy tool, without its syslog header

	FieldKernel
	FieldKubernetes
	FieldDatabase
	FieldHAProxy
	FieldApacheError
	FieldEnvoy
	FieldCDN

	FieldBackendOpen // Varnish: how the connection to the backend was got
)

// A Note is a text inside a Record that may name a cause.
type Note struct {
	Field Field
	Event EventID // what a recogniser made of Text; 0 until then and when nothing was recognised
	Text  []byte  // the payload that recognisers read
	// Line is what the report quotes: Text as it stands in its physical line,
	// with as much of that line as a person wants to see. It is always a
	// verbatim piece of the input.
	Line   []byte
	Offset int64 // first byte of the physical line that Line stands in
	LineNo int64 // number of that line, from 1
	Time   Time  // when it was written; 0 when the Record's own time is all there is
}

// An EventID is the place of a recogniser in the taxonomy, from 1. It is only
// meaningful inside one build: names, not numbers, are written to files.
type EventID uint16
