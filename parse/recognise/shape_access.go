package recognise

import (
	"bytes"
	"strconv"

	"why503/parse"
)

// access reads an access line: a quoted request line and a status behind it.
// Envoy puts its response flags behind the status.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
func (r *reader) access(line []byte) bool {
	at := bytes.Index(line, []byte(" HTTP/"))
	if at < 0 {
		return false
	}
	quote := bytes.IndexByte(line[at:], '"')
	if quote < 0 || bytes.IndexByte(line[:at], '"') < 0 {
		return false
	}
	tokens := split(line[at+quote+1:])
	if len(tokens) == 0 {
		return false
	}
	status, ok := statusOf(tokens[0])
	if !ok {
		return r.pairs(line[at+quote+1:]) || r.pairs(line)
	}
	r.status = status
	if len(tokens) > 1 && (isFlags(tokens[1]) && line[0] == '[' || r.isEnvoyFlags(tokens[1])) {
		r.envoy(tokens)
		return true
	}
	r.add(parse.FieldNginxStatus, tokens[0])
	for _, t := range tokens[1:] {
		if key, value, ok := bytes.Cut(t, []byte("=")); ok {
			r.member(key, bytes.Trim(value, `"`))
		}
	}
	if status < 400 {
		r.readings = keepTelling(r.readings)
	}
	return true
}

// keepTelling drops the status of a good answer, beside which only an error
// text can mean something.
func keepTelling(list []reading) []reading {
	kept := list[:0]
	for _, t := range list {
		if t.field == parse.FieldFetchError || t.place != nil {
			kept = append(kept, t)
		}
	}
	return kept
}

// flags reads what people copy from an Envoy line: a status and its flags.
func (r *reader) flags(line []byte) bool {
	tokens := split(line)
	if len(tokens) < 2 || len(tokens[0]) != 3 || !r.isEnvoyFlags(tokens[1]) || string(tokens[1]) == "-" {
		return false
	}
	status, ok := statusOf(tokens[0])
	if ok {
		r.status = status
		r.envoy(tokens)
	}
	return ok
}

func (r *reader) envoy(tokens [][]byte) {
	r.program = parse.Envoy
	r.relayed = string(tokens[1]) == "-"
	if r.status >= 500 || r.status == 0 || !r.relayed {
		r.addPlace(flagsPlace, tokens[1])
	}
	for i, t := range tokens[2:min(len(tokens), 8)] {
		if isNumber(t) || len(t) < 2 {
			if isNumber(t) && i > 2 {
				break // bytes and durations: what follows are agents, ids and hosts
			}
			continue
		}
		if string(t) == "via_upstream" && r.status < 500 {
			continue
		}
		r.add(parse.FieldEnvoy, t)
	}
	if string(tokens[0]) == "0" {
		r.addPlace("access log %RESPONSE_CODE%", tokens[0])
	}
	// What a flag names generally, the transport's own reason names exactly.
	for i, j := 0, len(r.readings)-1; i < j; i, j = i+1, j-1 {
		r.readings[i], r.readings[j] = r.readings[j], r.readings[i]
	}
	if r.status > 0 && r.status < 500 && r.relayed {
		r.readings = nil
	}
}

// haproxy reads lines of the formats httplog and tcplog, which hold a
// termination state right before five connection counters.
// https://docs.haproxy.org/2.8/configuration.html#8.2
func (r *reader) haproxy(line []byte) bool {
	tokens := split(line)
	for i := 2; i < len(tokens); i++ {
		if !isState(tokens[i-1]) || !isCounters(tokens[i]) {
			continue
		}
		r.program = parse.HAProxy
		r.fromHAProxy(tokens, i)
		return true
	}
	return false
}

func (r *reader) fromHAProxy(tokens [][]byte, counters int) {
	state := tokens[counters-1]
	for _, t := range tokens[max(0, counters-8):counters] {
		if bytes.HasSuffix(t, []byte("/<NOSRV>")) && bytes.HasPrefix(state, []byte("SC")) {
			r.add(parse.FieldHAProxy, t) // no server could be picked: none was refused
		}
	}
	for i := counters - 2; i > 0 && i > counters-7; i-- {
		if n, ok := statusOf(tokens[i]); ok && isTimers(tokens[i-1]) {
			r.status = n
			break
		}
	}
	r.add(parse.FieldHAProxy, state)
	r.relayed = state[0] == '-'
}

// alb reads an access line of an Application Load Balancer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
func (r *reader) alb(line []byte) bool {
	kind, rest, _ := bytes.Cut(line, []byte(" "))
	switch string(kind) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default:
		return false
	}
	if !isDate(rest) {
		return false
	}
	fields := split(line)
	if len(fields) < 12 {
		return false
	}
	r.program = parse.CDN
	r.status, _ = statusOf(fields[8])
	if len(fields) > 24 {
		r.addPlace("ALB access log error_reason", fields[24])
	}
	pair := append(append(append([]byte{}, fields[8]...), ' '), fields[9]...)
	r.addPlace("ALB access log elb_status_code and target_status_code joined by a blank", pair)
	r.relayed = string(fields[9]) != "-"
	return true
}

// cloudFront reads a line of a CloudFront standard log.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
func (r *reader) cloudFront(line []byte) bool {
	if !isDate(line) || bytes.Count(line, []byte("\t")) < 20 {
		return false
	}
	fields := bytes.Split(line, []byte("\t"))
	r.program = parse.CDN
	r.status, _ = statusOf(fields[8])
	r.relayed = true
	if len(fields) > 28 && r.status >= 400 {
		r.addPlace("CloudFront x-edge-detailed-result-type", fields[28])
	}
	for _, i := range [...]int{22, 13} {
		if i < len(fields) {
			r.addPlace("CloudFront x-edge-result-type / x-edge-response-result-type", fields[i])
		}
	}
	if len(r.readings) == 0 || r.status < 400 {
		r.readings = nil
	}
	return true
}

// heroku reads lines of Heroku's router and dynos.
// https://devcenter.heroku.com/articles/error-codes
func (r *reader) heroku(line []byte) bool {
	if !bytes.Contains(line, []byte("heroku[")) && !bytes.Contains(line, []byte("code=H")) && !bytes.HasPrefix(line, []byte("Error R1")) {
		return false
	}
	r.program = parse.CDN
	r.addPlace("Heroku router or dyno log code=", line)
	return true
}

// httpErr reads a line of IIS's HTTPERR log, whose last words are the reason
// and the pool.
// https://learn.microsoft.com/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis
func (r *reader) httpErr(line []byte) bool {
	if !isDate(line) || !bytes.Contains(line, []byte(" HTTP/")) {
		return false
	}
	tokens := split(line)
	if len(tokens) < 10 {
		return false
	}
	for _, t := range tokens[len(tokens)-3:] {
		r.addPlace("IIS HTTPERR log", t)
	}
	return true
}

// statusOf returns an HTTP status, or 0 for the code 0 that Envoy logs.
func statusOf(t []byte) (int, bool) {
	n, err := strconv.Atoi(string(t[:min(len(t), 4)]))
	return n, err == nil && (n >= 100 && n < 1000 && len(t) == 3 || n == 0 && len(t) < 4)
}

// isFlags reports whether t can be a list of Envoy's response flags.
func isFlags(t []byte) bool {
	if string(t) == "-" {
		return true
	}
	for _, c := range t {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != ',' {
			return false
		}
	}
	return len(t) > 1
}

// isEnvoyFlags reports whether t is a list of response flags that have rows.
func (r *reader) isEnvoyFlags(t []byte) bool {
	return len(t) > 1 && isFlags(t) && r.set.wheres()[placeOf(flagsPlace)].best(t) != nil
}

// isCounters reports whether t is HAProxy's actconn/feconn/beconn/srv/retries.
func isCounters(t []byte) bool {
	return bytes.Count(t, []byte("/")) == 4 && onlyOf(t, "0123456789/+")
}

// isTimers reports whether t is HAProxy's list of timers.
func isTimers(t []byte) bool {
	return bytes.Count(t, []byte("/")) >= 2 && onlyOf(t, "0123456789/+-")
}

func isNumber(t []byte) bool { return len(t) > 0 && onlyOf(t, "0123456789.") }

func onlyOf(t []byte, set string) bool {
	for _, c := range t {
		if bytes.IndexByte([]byte(set), c) < 0 {
			return false
		}
	}
	return true
}

// isDate reports whether t begins with YYYY-MM-DD.
func isDate(t []byte) bool {
	return len(t) >= 10 && t[4] == '-' && t[7] == '-' && onlyOf(t[:4], "0123456789") && onlyOf(t[5:7], "0123456789")
}
