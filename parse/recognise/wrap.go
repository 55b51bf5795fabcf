package recognise

import (
	"bytes"
	"encoding/json"
	"strings"

	"why503/parse"
)

// unwrap takes off what carries a line: Docker's JSON, CRI's prefix, a syslog
// header. tag is the program that a syslog header names.
func unwrap(line []byte) (rest, tag []byte) {
	if bytes.HasPrefix(line, []byte(`{"log":"`)) {
		var d struct {
			Log string `json:"log"`
		}
		if json.Unmarshal(line, &d) == nil && d.Log != "" {
			line = []byte(strings.TrimRight(d.Log, "\n"))
		}
	}
	if f := bytes.SplitN(line, []byte(" "), 4); len(f) == 4 && isDate(f[0]) && len(f[2]) == 1 &&
		(string(f[1]) == "stdout" || string(f[1]) == "stderr") {
		line = f[3]
	}
	return syslog(line)
}

// syslog takes off a header of RFC 3164, RFC 5424 or journalctl's ISO form.
func syslog(line []byte) (rest, tag []byte) {
	rest = line
	if bytes.HasPrefix(rest, []byte("<")) {
		if pri, after, ok := bytes.Cut(rest[1:], []byte(">")); ok && len(pri) < 4 && isNumber(pri) {
			rest = after
		}
	}
	if f := bytes.SplitN(rest, []byte(" "), 7); len(f) == 7 && string(f[0]) == "1" && isDate(f[1]) {
		rest = f[6]
		if bytes.HasPrefix(rest, []byte("- ")) {
			rest = rest[2:]
		} else if _, after, ok := bytes.Cut(rest, []byte("] ")); ok && bytes.HasPrefix(rest, []byte("[")) {
			rest = after
		}
		return bytes.TrimPrefix(rest, []byte("\xef\xbb\xbf")), f[3]
	}
	switch {
	case len(rest) > 16 && isMonth(rest[:3]) && rest[3] == ' ' && rest[9] == ':' && rest[12] == ':':
		rest = rest[16:]
	case isDate(rest) && len(rest) > 19 && rest[10] == 'T':
		_, after, ok := bytes.Cut(rest, []byte(" "))
		if !ok {
			return line, nil
		}
		rest = after
	default:
		return line, nil
	}
	host, after, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(host) > 64 {
		return line, nil
	}
	name, message, ok := bytes.Cut(after, []byte(": "))
	if !ok || len(name) > 64 || bytes.IndexByte(name, ' ') >= 0 && !bytes.HasPrefix(name, []byte("kernel")) {
		return line, nil
	}
	if i := bytes.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	return message, name
}

func isMonth(t []byte) bool {
	return strings.Contains("JanFebMarAprMayJunJulAugSepOctNovDec", string(t))
}

// fieldOfTag says what the name in a syslog header writes.
func fieldOfTag(tag []byte) (parse.Field, parse.Program) {
	if len(tag) == 0 {
		return parse.FieldNone, parse.ProgramNone
	}
	name := strings.ToLower(string(tag))
	for _, t := range tags {
		if strings.HasPrefix(name, t.prefix) {
			return t.field, t.program
		}
	}
	return parse.FieldAppText, parse.App
}

var tags = [...]struct {
	prefix  string
	field   parse.Field
	program parse.Program
}{
	{"kernel", parse.FieldKernel, parse.Kernel},
	{"systemd", parse.FieldSystemd, parse.Systemd},
	{"supervisor", parse.FieldSystemd, parse.Systemd},
	{"pm2", parse.FieldSystemd, parse.Systemd},
	{"chronyd", parse.FieldSystemd, parse.Systemd},
	{"haproxy", parse.FieldHAProxy, parse.HAProxy},
	{"nginx", parse.FieldNginxError, parse.Nginx},
	{"php-fpm", parse.FieldFPM, parse.PHPFPM},
	{"varnishd", parse.FieldVarnishManager, parse.Varnish},
	{"varnish", parse.FieldVarnishTool, parse.Varnish},
	{"apache", parse.FieldApacheError, parse.Apache},
	{"httpd", parse.FieldApacheError, parse.Apache},
	{"envoy", parse.FieldEnvoy, parse.Envoy},
	{"postgres", parse.FieldDatabase, parse.Database},
	{"mysqld", parse.FieldDatabase, parse.Database},
	{"mariadb", parse.FieldDatabase, parse.Database},
	{"redis", parse.FieldDatabase, parse.Database},
	{"mongod", parse.FieldDatabase, parse.Database},
	{"pgbouncer", parse.FieldDatabase, parse.Database},
	{"kubelet", parse.FieldKubernetes, parse.App},
	{"k3s", parse.FieldKubernetes, parse.App},
	{"containerd", parse.FieldKubernetes, parse.App},
	{"dockerd", parse.FieldKubernetes, parse.App},
	{"deploy", parse.FieldDeploy, parse.Deploy},
	{"ansible", parse.FieldDeploy, parse.Deploy},
	{"puppet", parse.FieldDeploy, parse.Deploy},
	{"chef", parse.FieldDeploy, parse.Deploy},
	{"capistrano", parse.FieldDeploy, parse.Deploy},
	{"heroku", parse.FieldCDN, parse.CDN},
}
