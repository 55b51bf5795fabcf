//go:build integration && linux

package livetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A site is Varnish in front of nginx with PHP-FPM, and of gunicorn.
type site struct {
	t                             *testing.T
	dir, front                    string
	inner, php, python            string // addresses
	varnishd, nginx, fpm, unicorn *daemon
	ncsa                          *daemon
}

func newSite(t *testing.T) *site {
	t.Helper()
	need(t, "varnishd", "varnishlog", "varnishncsa", "nginx", "gunicorn")
	fpm := phpFPM(t)
	s := &site{t: t, dir: t.TempDir(), front: freeAddr(t), inner: freeAddr(t), php: freeAddr(t), python: freeAddr(t)}
	s.configure()
	s.fpm = launch(t, fpm, s.fpmArgs()...)
	s.unicorn = launch(t, "gunicorn", "--chdir", s.dir, "--bind", s.python, "--workers", "2", "--timeout", "2", "--worker-tmp-dir", s.dir,
		"--error-logfile", s.log("gunicorn.log"), "--access-logfile", s.log("gunicorn-access.log"), "app:app")
	answers(t, s.php)
	answers(t, s.python)
	s.nginx = launch(t, "nginx", "-c", s.file("nginx.conf"), "-p", s.dir, "-e", s.log("nginx-error.log"))
	answers(t, s.inner)
	args := []string{"-n", s.instance(), "-a", s.front, "-f", s.file("site.vcl"), "-F", "-s", "malloc,16m"}
	if os.Geteuid() == 0 {
		args = append(args, "-j", "none")
	}
	s.varnishd = launch(t, "varnishd", args...)
	answers(t, s.front)
	t.Cleanup(s.keep)
	// What Varnish says of each client's request, written by another program.
	s.ncsa = launch(t, "varnishncsa", "-n", s.instance(), "-c", "-w", s.file("truth.txt"), "-F", "%{X-Request-ID}i %s %{Varnish:vxid}x %O %U%q")
	return s
}

// keep puts the logs of a test that failed where a person wants them.
func (s *site) keep() {
	dir := os.Getenv("WHY503_LIVETEST_KEEP")
	if !s.t.Failed() || dir == "" {
		return
	}
	log, err := exec.Command("varnishlog", "-n", s.instance(), "-d", "-g", "request").Output()
	if err == nil {
		err = os.WriteFile(s.log("varnishlog.log"), log, 0o644)
	}
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, s.t.Name()+time.Now().Format("-150405")), os.DirFS(s.dir))
	}
	if err != nil {
		s.t.Logf("keeping what there is: %v", err)
	}
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }
func (s *site) log(name string) string  { return filepath.Join(s.dir, "log", name) }
func (s *site) instance() string        { return s.file("varnish") }

func (s *site) fpmArgs() []string {
	args := []string{"-F", "-y", s.file("fpm.conf"), "-n"}
	if os.Geteuid() == 0 {
		args = append(args, "-R")
	}
	return args
}

func (s *site) configure() {
	t := s.t
	if err := os.MkdirAll(s.log(""), 0o755); err != nil {
		t.Fatal(err)
	}
	user, group := "", ""
	if os.Geteuid() == 0 {
		user, group = "user root;", "user = root\ngroup = root"
	}
	write(t, s.file("site.vcl"), `vcl 4.1;
backend web { .host = "127.0.0.1"; .port = "%s"; .first_byte_timeout = 1.5s; .connect_timeout = 1s; }
backend api { .host = "127.0.0.1"; .port = "%s"; .first_byte_timeout = 20s; .connect_timeout = 1s; }
sub vcl_recv {
	set req.backend_hint = web;
	if (req.url ~ "^/api/") { set req.backend_hint = api; }
	return (pass);
}
`, portOf(s.inner), portOf(s.python))
	write(t, s.file("nginx.conf"), nginxConf, user, s.dir, s.inner, "access_log "+s.log("nginx-access.log")+" why503;", s.php)
	write(t, s.file("fpm.conf"), `[global]
error_log = %[1]s/log/php-fpm.log
daemonize = no
[www]
listen = %[2]s
%[3]s
pm = static
pm.max_children = 10
catch_workers_output = yes
access.log = %[1]s/log/php-access.log
slowlog = %[1]s/log/php-slow.log
request_slowlog_timeout = 1s
php_admin_value[error_log] = %[1]s/log/php-errors.log
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
`, s.dir, s.php, group)
	write(t, s.file("index.php"), `<?php
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
case '/shop/slow':
	sleep(3);
	break;
case '/shop/error':
	throw new RuntimeException('order 17 has no items');
case '/shop/crash':
	posix_kill(getmypid(), 9);
	sleep(1);
case '/shop/cut':
	echo str_repeat('x', 400000);
	flush();
	usleep(50000);
	posix_kill(getmypid(), 9);
	sleep(1);
}
usleep(2000);
echo "ok\n";
`)
	write(t, s.file("app.py"), `import time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/api/error":
        raise ValueError("no price for article 4711")
    if path == "/api/hang":
        time.sleep(10)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok\n"]
`)
}

const nginxConf = `daemon off; %[1]s pid %[2]s/nginx.pid; error_log %[2]s/log/nginx-error.log;
worker_processes 2;
events { worker_connections 1024; }
http {
	log_format why503 '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
		'rt=$request_time urt="$upstream_response_time" uct="$upstream_connect_time" uht="$upstream_header_time" us="$upstream_status" '
		'ua="$upstream_addr" id=$http_x_request_id c=$connection host=$http_host';
	%[4]s
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s backlog=1024;
		location / {
			fastcgi_pass %[5]s;
			fastcgi_param SCRIPT_FILENAME %[2]s/index.php;
			fastcgi_param SCRIPT_NAME $fastcgi_script_name;
			fastcgi_param DOCUMENT_URI $document_uri;
			fastcgi_param SERVER_NAME $server_name;
			fastcgi_param REMOTE_ADDR $remote_addr;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_param QUERY_STRING $query_string;
			fastcgi_param HTTP_X_REQUEST_ID $http_x_request_id;
		}
	}
}
`

// config is a configuration of serve that reads all of it.
func (s *site) config() string {
	path := s.file("why503.yaml")
	write(s.t, path, `store: %[1]s/why503.db
nginx_conf: [%[1]s/nginx.conf]
vcl: [%[1]s/site.vcl]
sources:
  varnishlog:
    - name: %[1]s/varnish
  paths:
    - path: %[1]s/log
`, s.dir)
	return path
}

// The faults: each begins, and ends when what it returns is called.

func (s *site) phpGone() func() {
	s.fpm.stop(syscall.SIGTERM)
	return func() { s.fpm.start(); answers(s.t, s.php) }
}

func (s *site) pythonKilled() func() {
	s.unicorn.kill()
	return func() { s.unicorn.start(); answers(s.t, s.python) }
}

func (s *site) nginxGone() func() {
	s.nginx.stop(syscall.SIGQUIT)
	return func() { s.nginx.start(); answers(s.t, s.inner) }
}

func nothing() func() { return func() {} }
