package applog

import (
	"bytes"

	"why503/parse"
)

// Deploy reads what deploy tools say: syslog lines of known tools, and stamped
// lines of any that tell of a deploy, release, rollback, migration, changed
// configuration or feature flag. Each is a signal; other lines are ErrFormat.
type Deploy struct {
	clock
	rec  parse.Record
	json JSON
}

// Fork returns a parser with the same settings and its own buffers.
func (p *Deploy) Fork() parse.Parser {
	f := new(Deploy)
	f.loc, f.base = p.loc, p.base
	return f
}

// Flush has nothing to do: each line is a record.
func (p *Deploy) Flush(parse.Emit) {}

// Parse takes the next line.
func (p *Deploy) Parse(line parse.Line, emit parse.Emit) error {
	b := bytes.TrimRight(line.Text, " \r")
	if len(b) == 0 {
		return nil
	}
	line.Text = b
	if l, ok := readSysline(b, &p.clock, &p.json); ok {
		if !deployTool(l.tag) && (manager(l.tag) || string(l.tag) == "kernel" || !changes(l.text)) {
			return parse.ErrFormat
		}
		if len(l.text) == 0 {
			return nil
		}
		p.signal(line, &l, emit)
		return nil
	}
	if b[0] == '{' {
		return parse.ErrFormat
	}
	var e entry
	message, text := readHeader(b, &p.clock, &e)
	if !changes(message) || e.time == 0 && !outcome(message) {
		return parse.ErrFormat
	}
	l := sysline{time: e.time, prec: e.prec, level: e.level, text: text}
	l.at = max(0, bytes.Index(b, text))
	p.signal(line, &l, emit)
	return nil
}

func (p *Deploy) signal(line parse.Line, l *sysline, emit parse.Emit) {
	r := &p.rec
	l.begin(r, line, parse.Deploy)
	r.PID = l.pid
	r.Service, r.Version = deployed(l.text), deployedVersion(l.text)
	if r.Level == parse.LevelNone {
		r.Level = parse.LevelInfo
	}
	r.Notes = append(r.Notes, parse.Note{
		Field: parse.FieldDeploy, Text: l.text, Line: quote(line.Text, l.at), Offset: line.Offset, LineNo: line.Number,
	})
	emit(r)
}

func deployTool(tag []byte) bool {
	var buf [40]byte
	t, ok := lower(buf[:], tag)
	if !ok {
		return false
	}
	for _, tool := range deployTools {
		if bytes.HasPrefix(t, tool) {
			return true
		}
	}
	return false
}

// changes says that a text tells of a change to what runs.
func changes(b []byte) bool {
	if toneOf(b)&toneChange != 0 {
		return true
	}
	for _, w := range changeWords {
		if bytes.Contains(b, w) {
			return true
		}
	}
	return false
}

// outcome knows the lines of tools that print no stamp.
func outcome(b []byte) bool {
	for _, w := range outcomes {
		if bytes.Contains(b, w) {
			return true
		}
	}
	return false
}

// deployed gives what is deployed: a named value, a quoted or slashed name,
// or the word after the verb.
func deployed(b []byte) []byte {
	if len(b) > idBytes {
		b = b[:idBytes]
	}
	for _, k := range deployKeys {
		for i := 0; ; {
			j := bytes.Index(b[i:], k)
			if j < 0 {
				break
			}
			if at := i + j; at == 0 || !wordByte(b[at-1]) {
				if v := idValue(b[at+len(k):]); len(v) > 0 {
					return v
				}
			}
			i += j + len(k)
		}
	}
	verb := false
	for rest := b; len(rest) > 0; {
		var w []byte
		w, rest, _ = bytes.Cut(rest, space)
		name := bytes.Trim(w, `"'.,:;()`)
		if verb && len(name) > 1 && name[0] >= 'a' && letter(name[0]) && bytes.IndexByte(name, '=') < 0 {
			switch string(name) {
			case "of", "to", "the", "for", "version", "release", "application", "app", "service", "back", "deploy", "is", "has", "by", "from", "on", "new", "image", "out", "in", "done", "as", "at", "was", "started", "finished", "failed", "completed", "succeeded":
				continue
			}
			return name
		}
		if bytes.IndexByte(name, '/') > 0 && toneOf(name)&toneChange != 0 {
			_, after, _ := bytes.Cut(name, []byte("/"))
			return after
		}
		verb = verb || toneOf(w)&toneChange != 0
	}
	return nil
}

// deployedVersion reads image tags beside what other texts call a version.
func deployedVersion(b []byte) []byte {
	if v := versionIn(b); v != nil {
		return v
	}
	for rest := b; len(rest) > 0; {
		var w []byte
		w, rest, _ = bytes.Cut(rest, space)
		w = bytes.Trim(w, `"'.,;()`)
		if i := bytes.LastIndexByte(w, ':'); i > 0 && bytes.IndexByte(w[:i], '/') > 0 && versionLike(w[i+1:]) && bytes.IndexByte(w[i+1:], '/') < 0 {
			return w[i+1:]
		}
		if dotted(w) && bytes.Count(w, []byte(".")) == 2 {
			return w
		}
	}
	return nil
}

var (
	deployTools = [...][]byte{
		[]byte("deploy"), []byte("capistrano"), []byte("cap"), []byte("ansible"), []byte("helm"), []byte("kubectl"), []byte("argocd"), []byte("argo-"), []byte("flux"),
		[]byte("puppet"), []byte("chef"), []byte("salt-"), []byte("jenkins"), []byte("gitlab-runner"), []byte("github-runner"), []byte("actions.runner"), []byte("runner.worker"), []byte("spinnaker"),
		[]byte("terraform"), []byte("octopus"), []byte("tentacle"), []byte("codedeploy"), []byte("flyway"), []byte("liquibase"), []byte("alembic"), []byte("migrate"),
		[]byte("unattended-upgrade"), []byte("dpkg"), []byte("yum"), []byte("dnf"), []byte("kamal"), []byte("dokku"), []byte("release"), []byte("rollout"), []byte("fabric"),
	}
	changeWords = [...][]byte{
		[]byte("feature flag"), []byte("feature_flag"), []byte("Feature flag"), []byte("config changed"), []byte("configuration changed"), []byte("config updated"), []byte("configuration updated"),
		[]byte(" configured"), []byte("image updated"), []byte("PLAY RECAP"), []byte("PLAY ["), []byte("Sync operation"), []byte("Happy Helming"), []byte("applied configuration"), []byte("Applied catalog"),
	}
	outcomes = [...][]byte{
		[]byte("deployed as release"), []byte("successfully rolled out"), []byte(" rolled back"), []byte("Happy Helming"), []byte("image updated"), []byte("rollout to finish"),
		[]byte(" configured"), []byte("PLAY RECAP"), []byte("deploying "), []byte("deployed "), []byte("rollback to "), []byte("rolled back "), []byte("Deploying "), []byte("Deployed "),
	}
	deployKeys = [...][]byte{[]byte("service="), []byte("app="), []byte("application="), []byte("project="), []byte("deployment "), []byte("release="), []byte("Release ")}
)
