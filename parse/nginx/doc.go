// Package nginx reads what nginx writes and what it is told: access logs of any
// log_format, the error log, and the configuration that names both.
//
// It promises that a line either fits its format and gives a Record that is
// true to the line, or gives parse.ErrFormat; that an access line costs no
// allocation; and that no input makes it panic or run long.
//
// It leaves out what needs more than the line: syslog headers, compressed
// files, the zone of the error log (see Error.Zone) and whether an answer was
// cut short.
//
// Manuals: https://nginx.org/en/docs/http/ngx_http_log_module.html,
// https://nginx.org/en/docs/ngx_core_module.html#error_log and
// https://nginx.org/en/docs/varindex.html.
package nginx
