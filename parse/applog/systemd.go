package applog

import (
	"bytes"

	"why503/parse"
)

// Systemd reads what service managers say: systemd's lines in syslog or
// journalctl output, supervisord's log, Docker's events, runit. Each line is
// a signal; lines of other programs are ErrFormat.
type Systemd struct {
	clock
	rec  parse.Record
	json JSON
}

// Fork returns a parser with the same settings and its own buffers.
func (p *Systemd) Fork() parse.Parser {
	f := new(Systemd)
	f.loc, f.base = p.loc, p.base
	return f
}

// Flush has nothing to do: each line is a record.
func (p *Systemd) Flush(parse.Emit) {}

// Parse takes the next line.
func (p *Systemd) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	if len(b) == 0 || has(b, "-- ") { // journalctl's "-- Boot ... --", "-- No entries --"
		return nil
	}
	line.Text = b
	if l, ok := readSysline(b, &p.clock, &p.json); ok {
		if !manager(l.tag) {
			return parse.ErrFormat
		}
		if len(l.text) == 0 {
			return nil
		}
		p.signal(line, &l, emit)
		return nil
	}
	if l, ok := p.supervisord(b); ok {
		p.signal(line, &l, emit)
		return nil
	}
	if l, ok := p.docker(b); ok {
		l.docker = true
		p.signal(line, &l, emit)
		return nil
	}
	return parse.ErrFormat
}

func (p *Systemd) signal(line parse.Line, l *sysline, emit parse.Emit) {
	r := &p.rec
	l.begin(r, line, parse.Systemd)
	r.Service = serviceIn(l.text)
	if len(r.Service) == 0 && !bytes.HasPrefix(l.unit, []byte("init.scope")) {
		r.Service = withoutSuffix(l.unit)
	}
	r.Version = versionIn(l.text)
	var e entry
	fpmChild(l.text, &e)
	r.PID = e.pid
	if has(l.text, "Process ") { // systemd-coredump
		n, _, _ := bytes.Cut(l.text[8:], space)
		if pid, ok := parse.Integer(n); ok && pid < 1<<31 {
			r.PID = int(pid)
		}
	}
	if r.Level == parse.LevelNone {
		r.Level = parse.LevelInfo
		if toneOf(l.text)&toneTrouble != 0 {
			r.Level = parse.LevelWarn
		}
	}
	r.Notes = append(r.Notes, parse.Note{
		Field: parse.FieldSystemd, Text: l.text, Line: quote(line.Text, l.at), Offset: line.Offset, LineNo: line.Number,
	})
	if l.docker { // what happens to containers is filed with Kubernetes
		n := r.Notes[0]
		n.Field = parse.FieldKubernetes
		r.Notes = append(r.Notes, n)
	}
	emit(r)
}

// supervisord reads "2026-11-22 21:35:16,726 INFO exited: app (exit status 1; not expected)".
// http://supervisord.org/logging.html#activity-log
func (p *Systemd) supervisord(b []byte) (l sysline, ok bool) {
	c, n := readStamp(b)
	if n != 23 || b[19] != ',' || n+6 > len(b) || b[n] != ' ' || b[n+5] != ' ' {
		return l, false
	}
	switch string(b[n+1 : n+5]) {
	case "CRIT", "ERRO":
		l.level = parse.LevelError
	case "WARN":
		l.level = parse.LevelWarn
	case "INFO", "DEBG", "BLAT", "TRAC":
		l.level = parse.LevelInfo
	default:
		return l, false
	}
	l.at, l.end = n+6, len(b)
	l.text = b[l.at:]
	verb, rest, ok := bytes.Cut(l.text, []byte(": "))
	if !ok {
		for _, v := range supervisorWords {
			if bytes.HasPrefix(l.text, v) {
				l.time, l.prec = p.time(c), c.prec
				return l, true
			}
		}
		return l, false
	}
	switch string(verb) {
	case "spawned", "success", "exited", "stopped", "gave up", "spawnerr", "fatal", "killed", "backoff":
		name, _, _ := bytes.Cut(bytes.TrimLeft(rest, "'"), space)
		name = bytes.Trim(name, "':;,")
		if i := bytes.LastIndexByte(name, ':'); i >= 0 { // group:process
			name = name[i+1:]
		}
		l.unit = name
	default:
		return l, false
	}
	l.time, l.prec = p.time(c), c.prec
	return l, true
}

// docker reads `docker events`: stamp, type, action, id, (attributes).
// https://docs.docker.com/reference/cli/docker/system/events/
func (p *Systemd) docker(b []byte) (l sysline, ok bool) {
	c, n := readStamp(b)
	if n == 0 || n+2 > len(b) || b[n] != ' ' {
		return l, false
	}
	text := b[n+1:]
	kind, rest, _ := bytes.Cut(text, space)
	switch string(kind) {
	case "container", "service", "node", "daemon", "network", "volume", "image":
	default:
		return l, false
	}
	if bytes.IndexByte(rest, '(') < 0 || rest[len(rest)-1] != ')' {
		return l, false
	}
	l.time, l.prec = p.time(c), c.prec
	l.text, l.at, l.end = text, n+1, len(b)
	for _, key := range [...]string{"com.docker.compose.service=", " name=", "(name="} {
		if i := bytes.Index(rest, []byte(key)); i >= 0 {
			l.unit = rest[i+len(key):]
			if j := bytes.IndexAny(l.unit, ",)"); j >= 0 {
				l.unit = l.unit[:j]
			}
			break
		}
	}
	return l, true
}

// manager knows the tags of programs that start and stop others.
func manager(tag []byte) bool {
	switch string(tag) {
	case "systemd", "systemd-coredump", "systemd-oomd", "systemd-shutdown", "systemd-sleep", "systemd-logind", "init", "supervisord", "runsv", "runsvdir",
		"runit", "s6-svscan", "s6-supervise", "dockerd", "docker", "containerd", "podman", "conmon", "monit", "launchd", "upstart", "circusd", "pm2", "PM2",
		"earlyoom", "abrtd", "abrt-hook-ccpp", "openrc", "nomad", "kubelet", "crio", "daemontools", "svscan", "god", "com.apple.xpc.launchd":
		return true
	}
	return false
}

// serviceIn finds the first unit that systemd's text names.
func serviceIn(b []byte) []byte {
	for i := 0; ; {
		j := bytes.Index(b[i:], []byte(".service"))
		if j < 0 {
			return nil
		}
		end := i + j
		start := end
		for start > 0 && b[start-1] > ' ' && b[start-1] != '\'' && b[start-1] != '"' && b[start-1] != '(' && b[start-1] != '/' {
			start--
		}
		if after := end + 8; start < end && (after == len(b) || !wordByte(b[after])) {
			return b[start:end]
		}
		i = end + 8
	}
}

func withoutSuffix(unit []byte) []byte { return bytes.TrimSuffix(unit, []byte(".service")) }

var supervisorWords = [...][]byte{
	[]byte("received SIG"), []byte("supervisord started"), []byte("supervisord logreopen"), []byte("waiting for "), []byte("reaped unknown pid"), []byte("daemonizing"),
	[]byte("Supervisor running"), []byte("Supervisor is running"), []byte("Set uid to"), []byte("Included extra file"), []byte("RPC interface"), []byte("Server 'unix_http_server'"),
	[]byte("Server 'inet_http_server'"), []byte("sent by remote"), []byte("killing "), []byte("Unlinking stale socket"), []byte("Increased "), []byte("fd "),
}
