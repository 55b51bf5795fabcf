package conf

import (
	"fmt"
	"strings"
	"time"
)

// minToken is the least length of a token: what is shorter can be guessed.
const minToken = 16

// validate tells what is wrong between keys that are each well written.
func (r *reader) validate(c *Config) {
	if !c.Listen.Loopback() && c.Token == "" && !r.has("token_file") {
		r.wrong("listen", fmt.Sprintf("listen %s lets other hosts in, and there is no token: everybody there could read the logs. Set token_file: FILE (one line of %d characters or more) or %s, or listen on 127.0.0.1", c.Listen, minToken, envOf("token")))
	}
	if c.Token != "" && len(c.Token) < minToken {
		r.wrong("token", fmt.Sprintf("the token has fewer than %d characters. Make one:  openssl rand -hex 16", minToken))
	}
	if c.Retention.Age != 0 && time.Duration(c.Retention.Age) < time.Hour {
		r.wrong("retention.age", "retention.age is less than 1h: an incident would be forgotten while it lasts")
	}
	if c.Retention.Size != 0 && c.Retention.Size < 10e6 {
		r.wrong("retention.size", "retention.size is less than 10MB, which the empty store takes")
	}
	for i, s := range c.Sources.Syslog.TCP {
		if s == c.Listen {
			r.wrong(fmt.Sprintf("sources.syslog.tcp[%d]", i), fmt.Sprintf("sources.syslog.tcp and listen both want %s. Give one another port", s))
		}
	}
	a := &c.Alerts
	for i, w := range a.Webhook {
		r.need(fmt.Sprintf("alerts.webhook[%d]", i), "url", w.URL.Secret != "", "url_file")
	}
	for i, s := range a.Slack {
		at := fmt.Sprintf("alerts.slack[%d]", i)
		if s.Token == "" && !r.has(at+".token_file") {
			r.need(at, "url", s.URL.Secret != "", "url_file")
		} else {
			r.need(at, "channel", s.Channel != "", "")
		}
	}
	for i, v := range c.Sources.Varnishlog {
		for _, arg := range v.Args {
			if len(arg) > 1 && arg[0] == '-' && strings.ContainsRune("wDdgnqrPVhAa", rune(arg[1])) {
				r.wrong(fmt.Sprintf("sources.varnishlog[%d].args", i), fmt.Sprintf("sources.varnishlog[%d].args has -%c, which serve sets itself. For -n, -g and -q there are the keys name, grouping and query", i, arg[1]))
			}
		}
	}
	for i, m := range a.Alertmanager {
		at := fmt.Sprintf("alerts.alertmanager[%d]", i)
		r.need(at, "urls", len(m.URLs) > 0, "")
		if (m.User == "") != (m.Password == "") && !r.has(at+".password_file") {
			r.wrong(at, at+" has only one of user and password_file")
		}
	}
	for i, m := range a.Email {
		at := fmt.Sprintf("alerts.email[%d]", i)
		r.need(at, "to", len(m.To) > 0, "")
		r.need(at, "from", m.From != "", "")
		r.need(at, "server", m.Server != "", "")
		if m.User != "" && m.TLS == "none" {
			r.wrong(at+".tls", at+".tls none would send the password in the clear. Use starttls or tls")
		}
		for _, to := range append(m.To[:len(m.To):len(m.To)], m.From) {
			if to != "" && (!strings.Contains(to, "@") || strings.ContainsAny(to, "\r\n")) {
				r.wrong(at, at+" has an address without @. Write name@host")
			}
		}
	}
	for i, e := range a.Exec {
		r.need(fmt.Sprintf("alerts.exec[%d]", i), "command", len(e.Command) > 0, "")
	}
	r.channels(c)
}

// channels tells what else the package of the channels cannot work with. Its
// errors begin with the key.
func (r *reader) channels(c *Config) {
	err := c.AlertConfig().Validate()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, err := range all {
		if err == nil {
			continue
		}
		key, _, _ := strings.Cut(err.Error(), ":")
		channel, _, _ := strings.Cut(key, "]")
		if !r.failed(channel) {
			r.wrong(key, err.Error())
		}
	}
}

// need wants a key of a channel, which another may stand for.
func (r *reader) need(at, key string, there bool, or string) {
	if there || r.has(at+"."+key) || or != "" && r.has(at+"."+or) || r.failed(at) {
		return
	}
	text := at + " has no " + key
	if or != "" {
		text += " and no " + or
	}
	r.wrong(at, text)
}

func (r *reader) has(key string) bool { _, ok := r.origins[key]; return ok }

// failed says that something in a mapping is wrong already.
func (r *reader) failed(at string) bool {
	for _, p := range r.problems {
		if strings.HasPrefix(p.Key, at) {
			return true
		}
	}
	return false
}

// wrong tells a problem at the origin of a key, or of the first below it.
func (r *reader) wrong(key, text string) {
	o := r.origins[key]
	if o == (Origin{}) {
		for name, n := range r.origins {
			if strings.HasPrefix(name, key) && (o == (Origin{}) || n.Line < o.Line || n.Line == o.Line && n.Col < o.Col) {
				o = n
			}
		}
	}
	if o == (Origin{}) && r.file != "" {
		o.File = r.file
	}
	if o.Flag != "" || o.Env != "" {
		text = strings.TrimPrefix(text, "listen ") // the origin names it
	}
	r.problems = append(r.problems, Problem{o, key, text})
}
