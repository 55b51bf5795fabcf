package doctor

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"why503/parse"
	"why503/parse/nginx"
)

// varnish finds the instances that run. Their log is in memory: varnishlog
// prints it. What varnishncsa writes beside it says less about the same
// requests.
//
// https://varnish-cache.org/docs/trunk/reference/varnishd.html
func (f *finder) varnish() {
	var named []string
	for _, p := range f.running("varnishd") {
		name := p.option("-n")
		if slices.Contains(named, name) {
			continue // the child of one that is listed
		}
		named = append(named, name)
		vcl := p.option("-f")
		f.program(parse.Varnish, "varnishd", p, vcl)
		if vcl != "" {
			if !path.IsAbs(vcl) {
				vcl = path.Join("/etc/varnish", vcl) // vcl_path begins with it
			}
			if f.exists(vcl) {
				f.m.VCL = append(f.m.VCL, vcl)
			}
		}
		if p.option("-p") != "" {
			f.m.VarnishParams = append(f.m.VarnishParams, "/proc/"+itoa(p.PID)+"/cmdline")
		}
		s := Source{Child: []string{"varnishlog"}, Program: parse.Varnish, Kind: parse.SourceVarnishlog, Why: "varnishd runs, process " + itoa(p.PID)}
		if name != "" {
			s.Child = append(s.Child, "-n", name)
		}
		s.Child = append(s.Child, "-g", "request")
		f.lookAtInstance(&s, name)
		f.add(s)
	}
	for _, p := range f.running("varnishncsa", "varnishlog") {
		file := p.option("-w")
		if file == "" || file == "-" {
			continue
		}
		s := Source{Path: file, Program: parse.Varnish, Kind: parse.SourceVarnishncsa, Why: p.Name + " runs, process " + itoa(p.PID)}
		if p.Name == "varnishlog" {
			s.Kind, s.Skip = parse.SourceVarnishlog, "varnishlog -w writes its binary form, which this version does not read"
		} else if format := p.option("-F"); format != "" && !strings.ContainsAny(format, "\n\r") {
			s.Format = "varnishncsa:" + format
		}
		if slices.Contains(named, p.option("-n")) && s.Skip == "" {
			s.Skip = "varnishlog tells more of the same requests"
		}
		f.add(s)
	}
}

// lookAtInstance tells what keeps varnishlog from the shared memory of an
// instance.
func (f *finder) lookAtInstance(s *Source, name string) {
	if f.first("/usr/bin/varnishlog", "/usr/local/bin/varnishlog", "/opt/*/bin/varnishlog") == "" {
		s.Problem = "varnishlog is not installed. It comes with Varnish (package varnish)"
		return
	}
	dir := name
	if !path.IsAbs(dir) {
		if dir == "" {
			dir = "*"
		}
		dir = f.first("/var/lib/varnish/"+dir, "/run/varnish/"+dir, "/var/run/varnish/"+dir)
		if dir == "" {
			return // where this build keeps it is not known; varnishlog knows
		}
	}
	probe := Source{Path: dir + "/_.vsm_mgt/_.index"}
	if f.look(&probe); probe.Problem != "" {
		s.Problem = probe.Problem
	}
}

// nginxConfigs are where distributions and builds keep the configuration, each
// with the folder that relative paths begin at.
//
// https://nginx.org/en/docs/configure.html
var nginxConfigs = []struct{ file, prefix string }{
	{"/etc/nginx/nginx.conf", "/usr/share/nginx"}, {"/usr/local/nginx/conf/nginx.conf", "/usr/local/nginx"}, {"/usr/local/etc/nginx/nginx.conf", "/usr/local"},
	{"/usr/local/openresty/nginx/conf/nginx.conf", "/usr/local/openresty/nginx"}, {"/opt/nginx/conf/nginx.conf", "/opt/nginx"}, {"/etc/angie/angie.conf", "/usr/share/angie"},
}

func (f *finder) nginx() {
	seen := make(map[string]bool)
	for _, p := range f.running("nginx", "openresty", "angie") {
		if len(p.Args) > 1 && (p.Args[1] == "worker" || p.Args[1] == "cache") {
			continue
		}
		file, prefix := f.nginxFile(p.option("-c"), p.option("-p"))
		if seen[file] {
			continue
		}
		seen[file] = true
		f.program(parse.Nginx, p.Name, p, file)
		f.nginxConfig(file, prefix)
	}
	if len(seen) > 0 {
		return
	}
	for _, c := range nginxConfigs {
		if f.exists(c.file) {
			f.program(parse.Nginx, "nginx", Process{}, c.file)
			f.nginxConfig(c.file, c.prefix)
			return
		}
	}
}

// nginxFile finds the configuration of an nginx that was started with -c and
// -p, and the folder that relative paths in it begin at.
func (f *finder) nginxFile(file, prefix string) (string, string) {
	known := struct{ file, prefix string }{"/etc/nginx/nginx.conf", "/usr/share/nginx"}
	for _, c := range nginxConfigs {
		if file == "" && f.exists(c.file) || file != "" && path.Dir(file) == path.Dir(c.file) {
			known = c
			break
		}
	}
	if file == "" && prefix != "" {
		file = f.first(path.Join(prefix, "conf/nginx.conf"))
	}
	if file == "" {
		file = known.file
	}
	if prefix == "" {
		prefix = known.prefix
	}
	return absolute(prefix, file), prefix
}

var nginxVariable = regexp.MustCompile(`\$(?:\{\w+\}|\w+)`)

func (f *finder) nginxConfig(file, prefix string) {
	src, err := readFile(f.root, file, maxConfig)
	if err != nil {
		return
	}
	f.m.NginxConf = append(f.m.NginxConf, file)
	c := nginx.ReadConfigWith(file, src, nginx.FromFS(f.root, path.Dir(rel(file))))
	var access, errors bool
	for _, l := range c.Logs {
		s := Source{Path: absolute(prefix, nginxVariable.ReplaceAllString(l.Path, "*")), Program: parse.Nginx, Kind: parse.SourceNginxAccess}
		where := absolute("/", l.File)
		s.Why = "access_log in " + at(where, l.LineNo)
		if l.Error {
			s.Kind, s.Why = parse.SourceNginxError, "error_log in "+at(where, l.LineNo)
			errors = true
		} else {
			access = true
		}
		if strings.HasPrefix(l.Path, "/dev/") {
			if s.Path != "/dev/null" {
				s.Skip = "it goes to the output of the process: its service manager or container has it"
				f.m.Sources = append(f.m.Sources, s)
			}
			continue
		}
		f.add(s)
	}
	// What nginx is built with holds where the configuration says nothing.
	for _, d := range []struct {
		have  bool
		name  string
		kind  parse.SourceKind
		words string
	}{{access, "access.log", parse.SourceNginxAccess, "access_log"}, {errors, "error.log", parse.SourceNginxError, "error_log"}} {
		if d.have {
			continue
		}
		if p := f.first("/var/log/nginx/"+d.name, path.Join(prefix, "logs", d.name)); p != "" {
			f.add(Source{Path: p, Program: parse.Nginx, Kind: d.kind, Why: "no " + d.words + " in " + file + "; it is the usual place"})
		}
	}
}

const unreadHAProxy = "this version does not read HAProxy's log"

func (f *finder) haproxy() {
	configs := make(map[string]Process)
	for _, p := range f.running("haproxy") {
		if file := p.option("-f"); file != "" {
			configs[file] = p
		}
	}
	if len(configs) == 0 && f.exists("/etc/haproxy/haproxy.cfg") {
		configs["/etc/haproxy/haproxy.cfg"] = Process{}
	}
	for file, p := range configs {
		f.program(parse.HAProxy, "haproxy", p, file)
		log := f.first("/var/log/haproxy.log", "/var/log/haproxy/haproxy.log")
		if log != "" {
			f.add(Source{Path: log, Program: parse.HAProxy, Kind: parse.SourceHAProxy, Why: "where the package's syslog rule puts it", Skip: unreadHAProxy})
		}
	}
}

// apacheConfigs are the configurations of Debian, RHEL and Alpine, each with
// the folder of its logs.
var apacheConfigs = []struct{ file, more, logs string }{
	{"/etc/apache2/apache2.conf", "/etc/apache2/*-enabled/*.conf", "/var/log/apache2"},
	{"/etc/httpd/conf/httpd.conf", "/etc/httpd/conf.d/*.conf", "/etc/httpd/logs"},
	{"/etc/apache2/httpd.conf", "/etc/apache2/conf.d/*.conf", "/var/log/apache2"},
}

// apache reads where CustomLog and ErrorLog write to.
//
// https://httpd.apache.org/docs/2.4/logs.html
func (f *finder) apache() {
	running := f.running("apache2", "httpd")
	for _, c := range apacheConfigs {
		if !f.exists(c.file) {
			continue
		}
		var p Process
		if len(running) > 0 {
			p = running[0]
		}
		f.program(parse.Apache, "apache", p, c.file)
		more, _ := fsGlob(f.root, c.more)
		for _, file := range append([]string{c.file}, more...) {
			for _, d := range directives(f.root, file, ' ') {
				s := Source{Program: parse.Apache, Why: d.name + " in " + at(file, d.line)}
				switch strings.ToLower(d.name) {
				case "customlog", "transferlog":
					s.Kind = parse.SourceApacheAccess
				case "errorlog":
					s.Kind, s.Skip = parse.SourceApacheError, "this version does not read Apache's error log"
				default:
					continue
				}
				s.Path = strings.ReplaceAll(d.first(), "${APACHE_LOG_DIR}", c.logs)
				if s.Path == "" || strings.HasPrefix(s.Path, "|") || strings.HasPrefix(s.Path, "syslog") || strings.Contains(s.Path, "${") {
					continue
				}
				s.Path = strings.Replace(absolute(path.Dir(path.Dir(c.file)), s.Path), "/etc/httpd/logs", "/var/log/httpd", 1)
				f.add(s)
			}
		}
		return
	}
}
