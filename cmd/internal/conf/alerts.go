package conf

import (
	"time"

	"why503/dashboards/alert"
)

// AlertConfig is what the package alert takes, made of c.
func (c *Config) AlertConfig() alert.Config {
	a := c.Alerts
	out := alert.Config{
		URL: string(c.URL), Zone: time.UTC, Verbose: !a.Redact,
		Hold: time.Duration(a.Hold), CauseHold: time.Duration(a.CauseHold), EndHold: time.Duration(a.EndHold), Edit: time.Duration(a.Edit),
		MaxAge: time.Duration(a.MaxAge), GiveUp: time.Duration(a.GiveUp), Burst: a.Burst, Every: time.Duration(a.Every), Timeout: time.Duration(a.Timeout),
	}
	for _, w := range a.Webhook {
		out.Webhook = append(out.Webhook, alert.Webhook{URL: alert.Secret(w.URL.Reveal()), Token: alert.Secret(w.Token.Reveal()), Sites: w.Sites})
	}
	for _, s := range a.Slack {
		out.Slack = append(out.Slack, alert.Slack{
			URL: alert.Secret(s.URL.Reveal()), Token: alert.Secret(s.Token.Reveal()), Channel: s.Channel, Mention: s.Mention, Sites: s.Sites,
		})
	}
	for _, m := range a.Alertmanager {
		am := alert.Alertmanager{
			User: m.User, Password: alert.Secret(m.Password.Reveal()), Token: alert.Secret(m.Token.Reveal()),
			Labels: m.Labels, Resend: time.Duration(m.Resend), Sites: m.Sites,
		}
		for _, u := range m.URLs {
			am.URLs = append(am.URLs, string(u))
		}
		out.Alertmanager = append(out.Alertmanager, am)
	}
	for _, m := range a.Email {
		out.Email = append(out.Email, alert.Email{
			To: m.To, From: m.From, Server: string(m.Server), TLS: m.TLS, User: m.User, Password: alert.Secret(m.Password.Reveal()), Sites: m.Sites,
		})
	}
	for _, e := range a.Exec {
		out.Exec = append(out.Exec, alert.Exec{Command: e.Command, Env: e.Env, Timeout: time.Duration(e.Timeout), Sites: e.Sites})
	}
	return out
}
