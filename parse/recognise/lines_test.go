package recognise

import (
	"strconv"
	"strings"
	"testing"

	"why503/parse"
)

// physical returns the row's text as it would stand in a log of its place;
// "" where a place has no line of its own.
func physical(e *Event) string {
	text := filled(e)
	if tag, ok := strings.CutPrefix(e.where, "VSL "); ok {
		if tag == "Backend_health resp field" {
			return `         0 Backend_health - cart Still sick 4---X-R- 0 3 8 0.000 0.002 "` + text + `"`
		}
		return "--  " + tag + strings.Repeat(" ", max(1, 15-len(tag))) + text
	}
	if form, ok := forms[e.where]; ok {
		if form == "" {
			return ""
		}
		return strings.Replace(form, "%s", text, 1)
	}
	if strings.HasPrefix(e.where, flagsPlace) {
		return strings.Replace(`[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" 503 %s 0 91 12 - "-" "curl/8.1" "5e9c3b7a-1f5d-9b43-8c1f-0a9d7e6c5b4a" "shop.example" "10.1.2.3:8443"`, "%s", text, 1)
	}
	switch e.Field {
	case parse.FieldKubernetes:
		return `2m    Warning   Event   pod/cart-5d9c7   ` + text
	case parse.FieldSystemd:
		return `Jan  2 03:04:05 app-1 systemd[1]: ` + text
	case parse.FieldDeploy:
		return `Jan  2 03:04:05 app-1 deploy[811]: ` + text
	case parse.FieldAppText:
		return `2026-01-02 03:04:05,678 ERROR [worker-3] com.example.Cart - ` + text
	case parse.FieldDatabase:
		return `2026-01-02T03:04:05.678901Z 12 [ERROR] [MY-010119] [Server] ` + text
	}
	return ""
}

var forms = map[string]string{
	"syslog/stderr varnishd":                      `Jan  2 03:04:05 edge-1 varnishd[812]: %s`,
	"stderr varnishlog/varnishncsa":               `%s`,
	"varnishncsa %{VSL:FetchError}x":              ``,
	"varnishncsa %{Varnish:handling}x":            `203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET http://shop.example/cart HTTP/1.1" 200 274 "-" "curl/8.1" handling=%s`,
	"error.log message":                           `2026/01/02 03:04:05 [error] 811#811: *4711 %s, client: 203.0.113.9, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "http://10.1.2.3:8443/cart", host: "shop.example"`,
	"access.log $status":                          `203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET /cart HTTP/1.1" %s 157 "-" "Mozilla/5.0"`,
	"access.log $upstream_status":                 `{"time":"2026-01-02T03:04:05+00:00","status":200,"upstream_status":"%s"}`,
	"access.log $upstream_addr":                   `{"time":"2026-01-02T03:04:05+00:00","status":502,"upstream_addr":"%s"}`,
	"access.log $upstream_cache_status":           `time=x status=200 upstream_cache_status=%s uri=/a`,
	"access.log $upstream_connect_time":           ``,
	"access.log $upstream_header_time":            ``,
	"access log termination_state":                `Jan  2 03:04:05 lb-1 haproxy[811]: 203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe_main be_cart/web1 0/0/1/2/3 503 217 - - %s 2/2/1/1/0 0/0 "GET /cart HTTP/1.1"`,
	"access log termination_state first char":     ``,
	"access log termination_state second char":    ``,
	"access log termination_state third char":     ``,
	"syslog event":                                `Jan  2 03:04:05 lb-1 haproxy[811]: %s`,
	"bc_err_str / fc_err_str / error log message": `Jan  2 03:04:05 lb-1 haproxy[811]: 203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe_main/1: %s`,
	"access log backend/server":                   `Jan  2 03:04:05 lb-1 haproxy[811]: 203.0.113.9:51234 [02/Jan/2026:03:04:05.123] fe_main %s 0/-1/-1/-1/0 503 217 - - SC-- 2/2/0/0/0 0/0 "GET /cart HTTP/1.1"`,
	"access log srv_queue/backend_queue":          ``,
	"access log Tr":                               ``,
	"access log Tc":                               ``,
	"access log TR":                               ``,
	"access log Tw":                               ``,
	"access log retries":                          ``,
	"access log status_code":                      ``,
	"error_log":                                   `[Fri Jan 02 03:04:05.678901 2026] [proxy:error] [pid 811:tid 140123] [client 203.0.113.9:51234] %s`,
	"access log %RESPONSE_CODE_DETAILS%":          `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" 503 - %s - "-" 0 91 12 - "-" "curl/8.1" "5e9c3b7a" "shop.example" "10.1.2.3:8443"`,
	"access log %UPSTREAM_TRANSPORT_FAILURE_REASON% or after | in details":           `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure} - "%s" 0 91 12 - "-" "curl/8.1" "5e9c3b7a" "shop.example" "10.1.2.3:8443"`,
	"access log %CONNECTION_TERMINATION_DETAILS% or %DOWNSTREAM_LOCAL_CLOSE_REASON%": `{"start_time":"2026-01-02T03:04:05.678Z","connection_termination_details":"%s"}`,
	"access log %RESPONSE_CODE%":                         `[2026-01-02T03:04:05.678Z] "GET /cart HTTP/1.1" %s DC 0 0 12 - "-" "curl/8.1" "5e9c3b7a" "shop.example" "10.1.2.3:8443"`,
	"health or outlier event log (JSON)":                 `{"health_checker_type":"HTTP","cluster_name":"cart",%s:{}}`,
	"Proxy-Status response header (RFC 9209), any proxy": `Proxy-Status: edge.example; %s`,
	"response body of local reply":                       `%s`,
	"php-fpm log":                                        `[02-Jan-2026 03:04:05] WARNING: %s`,
	"PHP error log / FastCGI stderr":                     `[02-Jan-2026 03:04:05 UTC] %s`,
	"gunicorn error log":                                 `[2026-01-02 03:04:05 +0000] [811] [CRITICAL] %s`,
	"uwsgi log":                                          `Fri Jan  2 03:04:05 2026 - %s`,
	"IIS HTTPERR log":                                    `2026-01-02 03:04:05 203.0.113.9 51234 10.1.2.3 80 HTTP/1.1 GET /cart 503 1 %s DefaultAppPool`,
	"PostgreSQL log or client error":                     `2026-01-02 03:04:05.678 UTC [811] svc@orders %s`,
	"Redis reply or log":                                 `811:M 02 Jan 2026 03:04:05.678 # %s`,
	"pgbouncer log":                                      `2026-01-02 03:04:05.678 UTC [811] WARNING C-0x55: orders/svc@10.1.2.3:51234 pooler error: %s`,
	"MySQL slow query log":                               `%s`,
	"kernel log (dmesg, journald -k)":                    `Jan  2 03:04:05 app-1 kernel: [12345.678901] %s`,
	"MongoDB log":                                        `{"t":{"$date":"2026-01-02T03:04:05.678+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn12",%s}`,
	"Heroku router or dyno log code=":                    `2026-01-02T03:04:05.678901+00:00 heroku[router]: at=error %s method=GET path="/cart" host=shop.example dyno=web.1 connect=0ms service=30000ms status=503`,
	"CloudFront x-edge-detailed-result-type":             "2026-01-02\t03:04:05\tFRA56-P1\t917\t203.0.113.9\tGET\td1.cloudfront.net\t/cart\t502\t-\tcurl/8.1\t-\t-\tError\tabc==\tshop.example\thttps\t100\t0.1\t-\tTLSv1.3\tX\tError\tHTTP/1.1\t-\t-\t51234\t0.1\t%s\ttext/html\t507\t-\t-",
	"CloudFront x-edge-result-type / x-edge-response-result-type":             "2026-01-02\t03:04:05\tFRA56-P1\t917\t203.0.113.9\tGET\td1.cloudfront.net\t/cart\t502\t-\tcurl/8.1\t-\t-\t%s\tabc==\tshop.example\thttps\t100\t0.1\t-\tTLSv1.3\tX\tError\tHTTP/1.1\t-\t-\t51234\t0.1\t-\ttext/html\t507\t-\t-",
	"ALB access log error_reason":                                             `http 2026-01-02T03:04:05.678901Z app/cart/50dc6c495c0c9188 203.0.113.9:51234 - -1 -1 -1 502 - 34 366 "GET http://shop.example:80/cart HTTP/1.1" "curl/8.1" - - arn:aws:x "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-01-02T03:04:05.600000Z "forward" "-" "%s" "-" "-" "-" "-"`,
	"ALB access log elb_status_code and target_status_code joined by a blank": `https 2026-01-02T03:04:05.678901Z app/cart/50dc6c495c0c9188 203.0.113.9:51234 10.1.2.3:80 0.000 -1 -1 %s 34 366 "GET http://shop.example:80/cart HTTP/1.1" "curl/8.1" X TLSv1.2 arn:aws:x "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-01-02T03:04:05.600000Z "forward" "-" "-" "-" "-" "-" "-"`,
	"ALB access log target_processing_time":                                   ``,
	"GCP HTTP(S) LB jsonPayload.statusDetails":                                `{"httpRequest":{"status":502},"jsonPayload":{"@type":"x","statusDetails":"%s"},"resource":{"type":"http_load_balancer"}}`,
	"Akamai DataStream errorCode / Edge Diagnostics translated error":         `{"reqPath":"/cart","statusCode":"503","errorCode":"%s"}`,
	"Akamai LDS status":                                                  ``,
	"Azure Front Door ErrorInfo":                                         `{"category":"FrontDoorAccessLog","properties":{"httpStatusCode":"502","errorInfo":"%s"}}`,
	"Cloudflare EdgeResponseStatus (Logpush) / error page":               `{"ClientRequestHost":"shop.example","EdgeResponseStatus":%s,"OriginResponseStatus":0,"RayID":"8a1"}`,
	"Cloudflare OriginResponseStatus":                                    ``,
	"Fastly obj.response (VCL) or logged fastly_info.state / error text": `{"timestamp":"2026-01-02T03:04:05Z","fastly_error":"%s","url":"/cart"}`,
	"Cloudflare error page code":                                         `%s`,
	"Traefik log or body":                                                `time="2026-01-02T03:04:05Z" level=debug msg="%s"`,
	"Caddy log":                                                          `{"level":"error","ts":1767323045.1,"logger":"http.log.error","msg":"%s","status":503}`,
}

// Every row is looked up twice: as a bare message, and as a physical line.
func TestLookupOfEveryRow(t *testing.T) {
	bare, full := new(tally), new(tally)
	for i := range Default().Events() {
		e := &Default().Events()[i]
		bare.look(t, e, filled(e))
		if line := physical(e); line != "" {
			full.look(t, e, line)
		}
	}
	bare.want(t, "bare messages", 95)
	full.want(t, "physical lines", 95)
}

type tally struct{ right, all int }

func (c *tally) look(t *testing.T, e *Event, line string) {
	m := Default().Lookup([]byte(line))
	c.all++
	if harm(e) == harmless && len(m.Causes) == 0 || len(m.Causes) > 0 && m.Causes[0] == e.Cause {
		c.right++
		return
	}
	t.Logf("%s: %q means %v by %s, not %s", e.Name, line, m.Causes, m.Event, e.Cause)
}

func (c *tally) want(t *testing.T, what string, percent int) {
	t.Helper()
	share := strconv.FormatFloat(100*float64(c.right)/float64(c.all), 'f', 1, 64)
	t.Logf("%s: %d of %d right, %s %%", what, c.right, c.all, share)
	if c.right*100 < c.all*percent {
		t.Errorf("%s: only %s %% have the right cause first", what, share)
	}
}
