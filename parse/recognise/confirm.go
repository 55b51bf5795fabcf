package recognise

import "strings"

// confirmation says where the proof of a cause would stand.
func confirmation(c *Cause) string {
	if where, ok := proofs[c.Slug]; ok {
		return c.Slug + ": " + where
	}
	if where, ok := proofs[c.Parent]; ok {
		return c.Slug + ": " + where + " (" + strings.TrimSuffix(c.Definition, ".") + ")"
	}
	return c.Slug + ": " + c.Definition
}

// proofs name the log and the line that would settle a cause; those of a
// family stand for its members without one of their own.
var proofs = map[string]string{
	"overload":                   "kernel log and application log of the origin host, in the minutes before",
	"overload.workers_exhausted": "php-fpm log (server reached pm.max_children), Tomcat or Apache thread warnings, uWSGI or gunicorn log of the origin; look for slow requests that started before and overlap",
	"overload.backlog_full":      "kernel log of the origin (possible SYN flooding on port), uWSGI log (listen queue full), ss -lnt",
	"overload.memory_oom":        "kernel log of the origin (Out of memory: Killed process), Kubernetes event OOMKilled, systemd result oom-kill",
	"overload.fd_limit":          "the program's log (Too many open files), /proc/PID/limits",
	"overload.disk_full":         "the program's log (No space left on device), df and df -i at that time",

	"cache_config":                    "the proxy's configuration and its own error log",
	"cache_config.timeout_too_short":  "origin access log: the same request with status 200 and a duration longer than the proxy's timeout",
	"cache_config.keepalive_race":     "the proxy's log: the connection was reused and failed at once; compare the idle timeouts of both sides",
	"cache_config.max_connections":    "requests in flight on that backend at the time: the slow ones that hold the slots",
	"cache_config.proxy_crash":        "syslog of the proxy host (Child died, worker process exited on signal), kernel log",
	"cache_config.retry_limit":        "the earlier attempts of the same request in the proxy's log",
	"cache_config.cached_error":       "the transaction that stored the object: its VXID is the second number in X-Varnish",
	"cache_config.workspace_overflow": "varnishstat ws_*_overflow, and the size of the headers of that request",

	"origin_slow":                       "origin access log with durations, slow log, database slow log, over the length of the timeout before the error",
	"origin_slow.first_byte_timeout":    "origin access log with durations over the length of the timeout before the error; php-fpm slow log, WORKER TIMEOUT, HARAKIRI, database slow log",
	"origin_slow.between_bytes_timeout": "origin log in the middle of the response: a killed worker or a stalled stream",

	"app_error":                   "application log of the same second",
	"app_error.origin_5xx":        "origin access log and application log of the same request (request id, X-Varnish)",
	"app_error.exception":         "application log of the same request: a stack trace",
	"app_error.crash":             "service manager's log (Main process exited, child exited on signal), kernel log (segfault, OOM) of the same second",
	"app_error.worker_timeout":    "application server log (WORKER TIMEOUT, HARAKIRI, execution timed out)",
	"app_error.startup_failed":    "service manager's log and the application's first lines after its start",
	"app_error.deploy_restart":    "deploy log, service manager's log (Stopping, Stopped, Started), container events of the same minute",
	"app_error.dependency_slow":   "application log or trace of the request: the call that took the time",
	"app_error.dependency_failed": "application log: the error of the call, then the log of the service that was called",

	"database":                      "database error log and slow log, and the application's connection pool messages",
	"database.slow_query":           "database slow query log (# Query_time, duration:), statements that were running at the time",
	"database.lock_wait":            "database log (Lock wait timeout exceeded, still waiting for), lock views at the time",
	"database.unavailable":          "database error log and service manager: starting, shutting down, failing over",
	"database.too_many_connections": "database log (Too many connections, too many clients), connection count",

	"network":                  "a test of the same address and port from the proxy host; the service manager's log of the origin",
	"network.conn_refused":     "service manager's log of the origin: was the service stopped, crashing or not yet listening",
	"network.conn_reset":       "service manager and application log of the origin at that second: a worker that died; else idle timeouts of both sides",
	"network.firewall_drop":    "packet filter rules and counters between proxy and origin, security group changes",
	"network.conntrack_full":   "kernel log (nf_conntrack: table full, dropping packet)",
	"network.packet_loss":      "interface errors and retransmissions on both hosts (ip -s link, nstat)",
	"network.ephemeral_ports":  "ss -s on the proxy host, ip_local_port_range, connections in TIME-WAIT",
	"dns_routing":              "the resolver's answer from the proxy host, and the routing rule for that host and path",
	"tls":                      "openssl s_client -connect from the proxy host with the same SNI",
	"tls.cert_untrusted":       "the chain that the origin sends (openssl s_client -showcerts) and the proxy's CA bundle",
	"health":                   "the proxy's probe log (Backend_health, health check events) before the error: the first failing probe and its reason",
	"health.probe_failed":      "the first failing probe and its text (Backend_health, Server is DOWN reason, Readiness probe failed)",
	"rate_queue":               "the limiter's own counters and log, and who sent most requests",
	"deliberate":               "the proxy's or application's configuration and its change log",
	"client_abort":             "the client side or the hop in front: its timeout and its own log",
	"platform":                 "events of the platform for that node, pod or region",
	"platform.node_down":       "platform and hypervisor events, kernel log of the node around the gap",
	"unknown":                  "the log of the next hop for the same request",
	"unknown.log_incomplete":   "varnishlog's own standard error and varnishstat MAIN.vsl_overruns",
	"unknown.unclassified":     "the proxy's error log for the same request, then the log of the next hop",
	"health.recovered":         "the start of the outage window: when the same backend was marked down",
	"platform.crash_loop":      "the log of the container before it ended (kubectl logs --previous)",
	"platform.function_error":  "the function's own log",
	"rate_queue.queue_timeout": "the slow requests that held the slots while this one waited",
}
