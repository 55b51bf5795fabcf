package recognise

import (
	"bytes"
	"strconv"

	"why503/parse"
)

// A reading is a text and where it stands: a Field, or a place that is finer.
type reading struct {
	field parse.Field
	place *place
	text  []byte
}

// A reader takes a line apart into readings. It tells the program by the shape
// of the line.
type reader struct {
	set      *Set
	program  parse.Program
	readings []reading
	// open says that rest may be compared with all places when no reading
	// gives an event: the line is prose, not a record full of users' strings.
	open    bool
	rest    []byte
	status  int
	relayed bool // the status was given by what stands behind the program
}

// maxReadings bounds the parts of one line that are looked at.
const maxReadings = 64

func (r *reader) add(f parse.Field, text []byte) {
	if len(r.readings) < maxReadings {
		r.readings = append(r.readings, reading{field: f, text: bytes.TrimSpace(text)})
	}
}

func (r *reader) addPlace(where string, text []byte) {
	if len(r.readings) < maxReadings {
		r.readings = append(r.readings, reading{place: placeOf(where), text: bytes.TrimSpace(text)})
	}
}

// shapes are tried in order; the first that knows the line has read it.
var shapes = [...]func(*reader, []byte) bool{
	(*reader).vsl, (*reader).alb, (*reader).cloudFront, (*reader).heroku, (*reader).haproxy,
	(*reader).nginxError, (*reader).apacheError, (*reader).bracketed,
	(*reader).access, (*reader).object, (*reader).database, (*reader).httpErr, (*reader).flags, (*reader).pairs,
}

// line reads a line with its wrappers and headers.
func (r *reader) line(line []byte) {
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	line = bytes.TrimRight(line, "\r\n\t ")
	if r.vsl(line) { // its indentation is part of its shape
		return
	}
	line = bytes.TrimLeft(line, " \t")
	line, tag := unwrap(line)
	line = bytes.TrimSpace(line)
	r.rest = line
	for _, shape := range shapes {
		if shape(r, line) {
			return
		}
	}
	r.open = true
	if f, p := fieldOfTag(tag); f != parse.FieldNone {
		r.program = p
		r.add(f, line)
		return
	}
}

// object reads a JSON object by the names of its members.
func (r *reader) object(line []byte) bool {
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	members(line, r.member)
	r.open = r.status == 0 || r.status >= 500
	return true
}

// pairs reads a line of key=value pairs, such as logfmt.
func (r *reader) pairs(line []byte) bool {
	n := 0
	eachPair(line, func(key, value []byte) { n++ })
	if n < 2 {
		return false
	}
	eachPair(line, r.member)
	r.open = r.status == 0 || r.status >= 500
	return true
}

// member reads a value by the name that a structured log gives it.
func (r *reader) member(key, value []byte) {
	name := string(lowerName(key))
	if r.program == parse.ProgramNone && (name == "level" || name == "severity" || name == "logger") {
		r.program = parse.App // a level is what programs log, and not what proxies do
	}
	if m, ok := memberPlaces[name]; ok && len(value) > 0 {
		if m.where != "" {
			r.addPlace(m.where, value)
			r.program = placeOf(m.where).program
			return
		}
		r.add(m.field, value)
		if m.field == parse.FieldNginxStatus {
			r.status, _ = strconv.Atoi(string(value))
		}
	}
}

// memberPlaces name the members of structured logs whose values are rows.
var memberPlaces = map[string]struct {
	where string
	field parse.Field
}{
	"msg": {field: parse.FieldAppText}, "message": {field: parse.FieldAppText}, "error": {field: parse.FieldAppText},
	"err": {field: parse.FieldAppText}, "exception": {field: parse.FieldAppText}, "stack": {field: parse.FieldAppText},
	"stacktrace": {field: parse.FieldAppText}, "exceptionmessage": {field: parse.FieldAppText}, "cause": {field: parse.FieldAppText},
	"status": {field: parse.FieldNginxStatus}, "s": {field: parse.FieldNginxStatus},
	"statuscode": {field: parse.FieldNginxStatus}, "httpstatus": {field: parse.FieldNginxStatus}, "httpstatuscode": {field: parse.FieldNginxStatus},
	"upstreamstatus": {field: parse.FieldNginxUpstreamStatus}, "upstreamaddr": {field: parse.FieldNginxUpstreamAddr},
	"upstreamcachestatus": {field: parse.FieldNginxCacheStatus},
	"fetcherror":          {field: parse.FieldFetchError}, "vslfetcherror": {field: parse.FieldFetchError},
	"handling": {field: parse.FieldNCSAHandling}, "varnishhandling": {field: parse.FieldNCSAHandling},
	"terminationstate": {field: parse.FieldHAProxy}, "tsc": {field: parse.FieldHAProxy}, "bcerr": {field: parse.FieldHAProxy},
	"responseflags": {where: flagsPlace}, "responsecodedetails": {where: "access log %RESPONSE_CODE_DETAILS%"},
	"upstreamtransportfailurereason": {where: "access log %UPSTREAM_TRANSPORT_FAILURE_REASON% or after | in details"},
	"connectionterminationdetails":   {where: "access log %CONNECTION_TERMINATION_DETAILS% or %DOWNSTREAM_LOCAL_CLOSE_REASON%"},
	"downstreamlocalclosereason":     {where: "access log %CONNECTION_TERMINATION_DETAILS% or %DOWNSTREAM_LOCAL_CLOSE_REASON%"},
	"responsecode":                   {field: parse.FieldNginxStatus},
	"statusdetails":                  {where: "GCP HTTP(S) LB jsonPayload.statusDetails"},
	"edgeresponsestatus":             {where: "Cloudflare EdgeResponseStatus (Logpush) / error page"},
	"originresponsestatus":           {where: "Cloudflare OriginResponseStatus"},
	"errorreason":                    {where: "ALB access log error_reason"},
	"errorinfo":                      {where: "Azure Front Door ErrorInfo"},
	"errorcode":                      {where: "Akamai DataStream errorCode / Edge Diagnostics translated error"},
	"xedgedetailedresulttype":        {where: "CloudFront x-edge-detailed-result-type"},
	"xedgeresulttype":                {where: "CloudFront x-edge-result-type / x-edge-response-result-type"},
	"xedgeresponseresulttype":        {where: "CloudFront x-edge-result-type / x-edge-response-result-type"},
	"objresponse":                    {where: "Fastly obj.response (VCL) or logged fastly_info.state / error text"},
	"fastlyerror":                    {where: "Fastly obj.response (VCL) or logged fastly_info.state / error text"},
	"fastlyinfostate":                {where: "Fastly obj.response (VCL) or logged fastly_info.state / error text"},
	"proxystatus":                    {where: "Proxy-Status response header (RFC 9209), any proxy"},
}

// lowerName drops what spellings of a name differ in.
func lowerName(key []byte) []byte {
	name := make([]byte, 0, 40)
	for _, c := range key {
		switch {
		case len(name) == cap(name):
			return name
		case c >= 'A' && c <= 'Z':
			name = append(name, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			name = append(name, c)
		}
	}
	return name
}
