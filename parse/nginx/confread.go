package nginx

import (
	"strconv"
	"strings"
	"time"
)

// collect goes through a block and keeps what Config holds; loc is the place
// in srv of the location that the block belongs to.
func (c *Config) collect(d *directive, scope string, srv *Server, loc int) {
	for _, n := range d.inner {
		n.Scope = scope
		if !n.block {
			c.line(n)
			continue
		}
		inner := join(scope, blockName(n))
		switch {
		case n.name == "upstream" && len(n.args) > 0:
			c.upstream(n, inner)
		case n.name == "server":
			c.server(n, inner)
		case n.name == "location" && srv != nil:
			srv.Locations = append(srv.Locations, Location{Match: strings.Join(n.args, " "), Place: n.Place})
			at := len(srv.Locations) - 1
			srv.Locations[at].targets(n, inner)
			c.collect(n, inner, srv, at)
		default: // http, stream, if, limit_except, map and the like
			if srv != nil {
				srv.Locations[loc].targets(n, inner)
			}
			c.collect(n, inner, srv, loc)
		}
	}
}

// blockName is how a block is called in a scope.
func blockName(n *directive) string {
	args := n.args
	if n.name == "server" {
		args = nil
		for _, in := range n.inner {
			if in.name == "server_name" && len(in.args) > 0 {
				args = in.args[:1]
				break
			}
			if in.name == "listen" && len(in.args) > 0 && args == nil {
				args = in.args[:1]
			}
		}
	}
	return cutText(strings.Join(append([]string{n.name}, args...), " "), 200)
}

func cutText(s string, n int) string { return s[:min(len(s), n)] }

func join(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + scopeMark + name
}

// line keeps a directive without a block; an include that is still there led
// to no file.
func (c *Config) line(n *directive) {
	switch n.name {
	case "log_format":
		if len(n.args) > 1 {
			f := LogFormat{Name: n.args[0], Place: n.Place}
			parts := n.args[1:]
			if v, ok := strings.CutPrefix(parts[0], "escape="); ok {
				f.Escape, _ = ParseEscape(v)
				parts = parts[1:]
			}
			f.Format = strings.Join(parts, "")
			c.Formats = append(c.Formats, f)
		}
	case "access_log":
		if len(n.args) > 0 && isLogFile(n.args[0]) {
			l := Log{Path: n.args[0], Format: "combined", Place: n.Place}
			if len(n.args) > 1 && !strings.Contains(n.args[1], "=") && n.args[1] != "gzip" {
				l.Format = n.args[1]
			}
			c.Logs = append(c.Logs, l)
		}
	case "error_log":
		if len(n.args) > 0 && isLogFile(n.args[0]) {
			l := Log{Error: true, Path: n.args[0], Level: "error", Place: n.Place}
			if len(n.args) > 1 {
				l.Level = n.args[1]
			}
			c.Logs = append(c.Logs, l)
		}
	case "include":
		c.Missing = append(c.Missing, n.Place)
	default:
		if isSetting(n.name) {
			s := Setting{Name: n.name, Args: n.args, Place: n.Place}
			if len(n.args) > 0 && (strings.HasSuffix(n.name, "timeout") || n.name == "keepalive_time") {
				s.Value, _ = duration(n.args[0])
			}
			c.Settings = append(c.Settings, s)
		}
	}
}

func isLogFile(s string) bool {
	return s != "off" && s != "stderr" && !strings.HasPrefix(s, "syslog:") && !strings.HasPrefix(s, "memory:")
}

// isSetting says whether a directive can explain a failure.
func isSetting(name string) bool {
	switch name {
	case "resolver", "resolver_timeout", "keepalive", "keepalive_timeout", "keepalive_requests", "keepalive_time",
		"limit_req", "limit_req_zone", "limit_req_status", "limit_req_dry_run",
		"limit_conn", "limit_conn_zone", "limit_conn_status", "limit_rate",
		"client_header_timeout", "client_body_timeout", "client_max_body_size", "send_timeout",
		"large_client_header_buffers", "lingering_timeout",
		"worker_connections", "worker_rlimit_nofile", "worker_processes", "error_page", "auth_request",
		"max_fails", "fail_timeout", "zone", "queue":
		return true
	}
	for _, p := range [...]string{"proxy_", "fastcgi_", "uwsgi_", "scgi_", "grpc_", "memcached_"} {
		rest, ok := strings.CutPrefix(name, p)
		if !ok {
			continue
		}
		switch rest {
		case "connect_timeout", "send_timeout", "read_timeout", "next_upstream", "next_upstream_tries", "next_upstream_timeout",
			"buffer_size", "buffers", "busy_buffers_size", "buffering", "max_temp_file_size", "intercept_errors",
			"cache_use_stale", "cache_lock_timeout", "cache_background_update", "http_version", "socket_keepalive",
			"ssl_verify", "ssl_server_name", "ssl_name", "ssl_trusted_certificate", "bind", "timeout",
			"ignore_client_abort", "keep_conn", "allow_upstream":
			return true
		}
	}
	return false
}

func (c *Config) upstream(n *directive, inner string) {
	g := UpstreamGroup{Name: n.args[0], Place: n.Place}
	for _, in := range n.inner {
		in.Scope = inner
		if in.name != "server" || len(in.args) == 0 {
			c.line(in)
			continue
		}
		s := UpstreamServer{Addr: in.args[0], MaxFails: 1, FailTimeout: 10 * time.Second, Place: in.Place}
		for _, a := range in.args[1:] {
			k, v, _ := strings.Cut(a, "=")
			switch k {
			case "max_fails":
				s.MaxFails = number(v, s.MaxFails)
			case "max_conns":
				s.MaxConns = number(v, 0)
			case "fail_timeout":
				if d, ok := duration(v); ok {
					s.FailTimeout = d
				}
			case "backup":
				s.Backup = true
			case "down":
				s.Down = true
			}
		}
		g.Servers = append(g.Servers, s)
	}
	c.Upstreams = append(c.Upstreams, g)
}

func (c *Config) server(n *directive, inner string) {
	s := Server{Place: n.Place}
	for _, in := range n.inner {
		switch {
		case in.name == "listen" && len(in.args) > 0:
			s.Listen = append(s.Listen, in.args[0])
		case in.name == "server_name":
			s.Names = append(s.Names, in.args...)
		}
	}
	s.Locations = []Location{{Place: n.Place}}
	s.Locations[0].targets(n, inner)
	c.collect(n, inner, &s, 0)
	c.Servers = append(c.Servers, s)
}

// targets keeps what a block passes to or returns by itself.
func (l *Location) targets(d *directive, scope string) {
	for _, n := range d.inner {
		if n.block || len(n.args) == 0 {
			continue
		}
		place := n.Place
		place.Scope = scope
		switch n.name {
		case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
			l.Passes = append(l.Passes, Pass{
				Directive: n.name, URL: n.args[0], Addr: string(upstreamAddr([]byte(n.args[0]))), Place: place,
			})
		case "return":
			if v := number(n.args[0], 0); v >= 500 && v <= 599 {
				l.Returns = append(l.Returns, Return{Status: v, Place: place})
			}
		}
	}
}

func number(s string, or int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return or
}

// duration reads a time of nginx: 60, 60s, 500ms, "1m 30s".
//
// https://nginx.org/en/docs/syntax.html
func duration(s string) (d time.Duration, ok bool) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " ") {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n == 0 || n > 9 {
			return 0, false
		}
		v, _ := strconv.Atoi(s[:n])
		unit, width := timeUnit(s[n:])
		if unit == 0 {
			return 0, false
		}
		d, s, ok = d+time.Duration(v)*unit, s[n+width:], true
	}
	return d, ok && d >= 0
}

func timeUnit(s string) (unit time.Duration, width int) {
	switch {
	case s == "" || s[0] == ' ':
		return time.Second, 0
	case strings.HasPrefix(s, "ms"):
		return time.Millisecond, 2
	}
	const day = 24 * time.Hour
	switch s[0] {
	case 's':
		return time.Second, 1
	case 'm':
		return time.Minute, 1
	case 'h':
		return time.Hour, 1
	case 'd':
		return day, 1
	case 'w':
		return 7 * day, 1
	case 'M':
		return 30 * day, 1
	case 'y':
		return 365 * day, 1
	}
	return 0, 0
}
