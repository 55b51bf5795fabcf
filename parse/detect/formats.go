package detect

import (
	"fmt"
	"sort"
	"strings"

	"why503/parse"
	"why503/parse/applog"
	"why503/parse/nginx"
	"why503/parse/varnish"
)

// A format is what Detect knows of one.
type format struct {
	Format
	new   func() parse.Parser   // nil for what is not read
	shape func(line []byte) int // 0 to 100: how much a line speaks for the format
	words []string              // in file names

	multi      bool // lines may go on from the one before
	structured bool // its lines mean the same behind a syslog header
	sure       bool // the shape is like no other's
}

// need is how many lines in a hundred have to fit.
func (f *format) need() int {
	if f.sure {
		return 30
	}
	return 50
}

func read(name, title string, shape func([]byte) int, mk func() parse.Parser, words ...string) format {
	return format{Format: Format{Name: name, Title: title}, new: mk, shape: shape, words: words}
}

func unread(name, title string, shape func([]byte) int) format {
	return format{Format: Format{Name: name, Title: title, Unread: true}, shape: shape, sure: true}
}

func (f format) is(multi, structured, sure bool) format {
	f.multi, f.structured, f.sure = multi, structured, sure
	return f
}

var formats = table()

func table() []format {
	f := []format{
		read("varnishlog", "varnishlog", varnishlogShape, func() parse.Parser { return varnish.NewLog() }, "varnish").is(true, false, true),
		read("varnishncsa", "varnishncsa", ncsaShape, newNCSA, "varnish").is(false, true, false),
		read("varnishncsa-json", "varnishncsa JSON", ncsaJSONShape, newNCSA, "varnish").is(false, true, false),
		read("nginx", "nginx access log", combinedShape, func() parse.Parser { return nginx.Combined() }, "nginx", "access").is(false, true, false),
		read("nginx-json", "nginx JSON access log", nginxJSONShape, func() parse.Parser { return nginx.JSON() }, "nginx", "access").is(false, true, false),
		read("nginx-error", "nginx error log", nginxErrorShape, func() parse.Parser { return nginx.NewError() }, "nginx").is(true, true, true),
		read("php-fpm", "PHP-FPM log", fpmShape, func() parse.Parser { return new(applog.FPMLog) }, "fpm").is(false, true, true),
		read("php-fpm-slow", "PHP-FPM slow log", fpmSlowShape, func() parse.Parser { return new(applog.FPMSlow) }, "slow").is(true, true, true),
		read("php-fpm-access", "PHP-FPM access log", fpmAccessShape, func() parse.Parser { return new(applog.FPMAccess) }, "fpm").is(false, true, true),
		read("app-json", "JSON application log", appJSONShape, newAppJSON, "app").is(true, true, false),
		read("logfmt", "logfmt", logfmtShape, func() parse.Parser { return new(applog.Logfmt) }).is(false, true, false),
		read("app", "application log", plainShape, func() parse.Parser { return new(applog.Plain) }, "app").is(true, false, false),
		read("systemd", "service manager log", serviceShape, func() parse.Parser { return new(applog.Systemd) }, "supervisor", "systemd"),
		read("deploy", "deploy log", deployShape, func() parse.Parser { return new(applog.Deploy) }, "deploy", "release"),
		read("syslog", "syslog file", journalShape, func() parse.Parser { return new(applog.Syslog) }, "syslog", "messages"),

		unread("haproxy", "HAProxy log", haproxyShape),
		unread("apache-error", "Apache error log", apacheErrorShape),
		unread("access", "access log of a custom format", accessShape).is(false, true, false),
		unread("envoy", "Envoy access log", envoyShape),
		unread("envoy-json", "Envoy JSON access log", envoyJSONShape),
		unread("mysql-error", "MySQL or MariaDB error log", mysqlErrorShape),
		unread("mysql-slow", "MySQL or MariaDB slow query log", mysqlSlowShape).is(true, false, true),
		unread("postgresql", "PostgreSQL log", postgresShape).is(true, true, true),
		unread("redis", "Redis log", redisShape),
		unread("mongodb", "MongoDB log", mongoShape),
		unread("kernel", "kernel log", kernelShape),
		unread("varnishd", "output of varnishd", varnishdShape),
		unread("alb", "AWS load balancer log", albShape),
		unread("w3c", "W3C extended log (CloudFront, IIS)", w3cShape).is(true, false, true),
		unread("cdn-json", "JSON log of a CDN", cdnJSONShape),
		unread("har", "browser's HTTP archive", harShape).is(true, false, true),
	}
	for i := range f {
		if f[i].Unread && !f[i].multi && f[i].Name != "access" {
			f[i].structured = true
		}
	}
	return f
}

// newAppJSON reads JSON lines and, between them, what the run-time of the same
// program prints when it dies: a stack trace without a stamp.
func newAppJSON() parse.Parser { return new(applog.Plain) }

// newNCSA reads the default format, what is put behind it, and JSON.
func newNCSA() parse.Parser { return varnish.NewNCSA() }

func byName(name string) *format {
	for i := range formats {
		if formats[i].Name == name {
			return &formats[i]
		}
	}
	return nil
}

// Names lists the formats that are read, in the order in which they are shown.
func Names() []Format {
	var list []Format
	for i := range formats {
		if f := &formats[i]; !f.Unread {
			list = append(list, f.Format)
		}
	}
	return list
}

// A SpecError says that a --format value means nothing.
type SpecError struct {
	Spec, Problem string
	Hint          string
	Err           error
}

func (e *SpecError) Error() string {
	s := fmt.Sprintf("format %q: %s", e.Spec, e.Problem)
	if e.Hint != "" {
		s += ". " + e.Hint
	}
	return s
}

func (e *SpecError) Unwrap() error { return e.Err }

// ByName returns what makes parsers of a format: a name of Names, or a name, a
// colon and the definition of a custom format as its program takes it:
//
//	varnishncsa:%h %l %u %t "%r" %s %b
//	nginx:$remote_addr [$time_local] "$request" $status
//	php-fpm-access:%R - %u %t "%m %r" %s
func ByName(spec string) (Format, func() parse.Parser, error) {
	name, definition, custom := strings.Cut(spec, ":")
	f := byName(name)
	switch {
	case f == nil:
		return Format{}, nil, &SpecError{Spec: spec, Problem: "no such format", Hint: hint(name)}
	case f.Unread:
		return f.Format, nil, &SpecError{Spec: spec, Problem: article(f.Title) + " is recognised, but this version does not read it"}
	case !custom:
		return f.Format, f.new, nil
	}
	compile := compilers[name]
	if compile == nil {
		return f.Format, nil, &SpecError{Spec: spec, Problem: name + " takes no definition", Hint: "Leave out what follows the colon"}
	}
	if _, err := compile(definition); err != nil {
		return f.Format, nil, &SpecError{Spec: spec, Problem: err.Error(), Err: err}
	}
	return f.Format, func() parse.Parser {
		p, err := compile(definition)
		if err != nil {
			panic("detect: a definition that compiled once: " + err.Error())
		}
		return p
	}, nil
}

var compilers = map[string]func(definition string) (parse.Parser, error){
	"varnishncsa":      func(d string) (parse.Parser, error) { return orNil(varnish.CompileNCSA(d)) },
	"varnishncsa-json": func(d string) (parse.Parser, error) { return orNil(varnish.CompileNCSA(d)) },
	"nginx": func(d string) (parse.Parser, error) {
		return orNil(nginx.CompileAccess(d, nginx.EscapeDefault))
	},
	"nginx-json": func(d string) (parse.Parser, error) {
		return orNil(nginx.CompileAccess(d, nginx.EscapeJSON))
	},
	"php-fpm-access": func(d string) (parse.Parser, error) { return orNil(applog.CompileFPMAccess(d)) },
}

// orNil keeps a nil pointer from becoming a Parser that is not nil.
func orNil[P parse.Parser](p P, err error) (parse.Parser, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

func hint(name string) string {
	var near []string
	for i := range formats {
		if n := formats[i].Name; !formats[i].Unread && name != "" && (strings.Contains(n, name) || strings.Contains(name, n)) {
			near = append(near, n)
		}
	}
	sort.Strings(near)
	if len(near) > 0 {
		return "Did you mean " + strings.Join(near, " or ") + "?"
	}
	return "--format list names all"
}
