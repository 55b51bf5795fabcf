package alert

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config is the section alerts of the configuration. Of durations and counts
// the zero value means the default.
type Config struct {
	Webhook      []Webhook
	Slack        []Slack
	Alertmanager []Alertmanager
	Email        []Email
	Exec         []Exec

	URL     string         // how people reach the page, for links; may be empty
	Zone    *time.Location // of times in texts; nil is UTC
	Verbose bool           // do not redact; for channels that stay on the host

	Hold      time.Duration // how long a new incident waits for its cause to settle
	CauseHold time.Duration // how long another cause has to lead before it is told
	EndHold   time.Duration // how long an end waits for the incident to go on
	Edit      time.Duration // least time between two edits of a message
	MaxAge    time.Duration // an incident that ended longer ago is history, not news
	GiveUp    time.Duration // how long delivery is tried
	Burst     int           // messages of a channel in a row
	Every     time.Duration // and one more in each of this time; the rest become a digest
	Timeout   time.Duration // of one attempt

	redacted *memo
}

// A Webhook gets every field of an Alert as JSON.
type Webhook struct {
	URL   Secret
	Token Secret // bearer token; may be empty
	Sites []string
}

// Slack is an incoming webhook of Slack, Mattermost, Rocket.Chat and the like,
// or, with Token, Slack's Web API, which alone can edit and thread.
type Slack struct {
	URL     Secret // incoming webhook; or the base of the Web API, by default Slack's
	Token   Secret // of a bot with chat:write
	Channel string // needed with Token
	Mention string // put before an opening as it is, as <!here>; by default nothing
	Sites   []string
}

// Alertmanager is a cluster of them, API v2.
type Alertmanager struct {
	URLs     []string
	User     string
	Password Secret
	Token    Secret
	Labels   map[string]string // that every alert gets
	Resend   time.Duration     // of what goes on; it is over four times this after the last
	Sites    []string
}

// Email is a mailbox and the server that takes its mail.
type Email struct {
	To       []string
	From     string
	Server   string // host:port
	TLS      string // starttls (default), tls, none
	User     string
	Password Secret
	Sites    []string
}

// Exec is a program that gets the JSON of a webhook on standard input.
type Exec struct {
	Command []string
	Env     []string // variables that are passed on, by name
	Timeout time.Duration
	Sites   []string
}

// Defaults are the values that hold when nothing is told.
func Defaults() Config {
	return Config{
		Hold: 10 * time.Second, CauseHold: time.Minute, EndHold: 30 * time.Second, Edit: time.Minute, MaxAge: time.Hour,
		GiveUp: 24 * time.Hour, Burst: 6, Every: time.Minute, Timeout: 15 * time.Second,
	}
}

const (
	defaultResend = time.Minute
	slackAPI      = "https://slack.com/api"
)

func (c *Config) fill() {
	d := Defaults()
	c.Hold = cmp.Or(c.Hold, d.Hold)
	c.CauseHold = cmp.Or(c.CauseHold, d.CauseHold)
	c.EndHold = cmp.Or(c.EndHold, d.EndHold)
	c.Edit = cmp.Or(c.Edit, d.Edit)
	c.MaxAge = cmp.Or(c.MaxAge, d.MaxAge)
	c.GiveUp = cmp.Or(c.GiveUp, d.GiveUp)
	c.Burst = cmp.Or(c.Burst, d.Burst)
	c.Every = cmp.Or(c.Every, d.Every)
	c.Timeout = cmp.Or(c.Timeout, d.Timeout)
	c.redacted = new(memo)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
}

// Validate says all that is wrong with c, each with its key and its mend. No
// secret is in what it says.
func (c Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i, w := range c.Webhook {
		if !isHTTP(w.URL.Reveal()) {
			wrong("alerts.webhook[%d].url: give an http or https URL", i)
		}
	}
	for i, s := range c.Slack {
		switch {
		case s.Token == "" && !isHTTP(s.URL.Reveal()):
			wrong("alerts.slack[%d].url: give the URL of the incoming webhook, or a token", i)
		case s.Token != "" && s.URL != "" && !isHTTP(s.URL.Reveal()):
			wrong("alerts.slack[%d].url: give an http or https URL, or none for Slack's own", i)
		case s.Token != "" && s.Channel == "":
			wrong("alerts.slack[%d].channel: a token needs the channel to post to", i)
		}
		if strings.ContainsAny(s.Mention+s.Channel, "\r\n") {
			wrong("alerts.slack[%d]: channel and mention are of one line", i)
		}
	}
	for i, a := range c.Alertmanager {
		if len(a.URLs) == 0 {
			wrong("alerts.alertmanager[%d].urls: give one or more, like http://127.0.0.1:9093", i)
		}
		for _, u := range a.URLs {
			if !isHTTP(u) {
				wrong("alerts.alertmanager[%d].urls: %q is no http or https URL", i, withoutUser(u))
			}
		}
		for name := range a.Labels {
			if !labelName.MatchString(name) || slices.Contains(ownLabels, name) {
				wrong("alerts.alertmanager[%d].labels: %q cannot be a label: letters, digits and _, and none of %s", i, name, strings.Join(ownLabels, ", "))
			}
		}
		if a.Resend < 0 || a.Resend > time.Hour {
			wrong("alerts.alertmanager[%d].resend: %v is not within an hour", i, a.Resend)
		}
	}
	for i, e := range c.Email {
		if len(e.To) == 0 {
			wrong("alerts.email[%d].to: give one or more addresses", i)
		}
		for _, a := range append([]string{e.From}, e.To...) {
			if _, err := mail.ParseAddress(a); err != nil || strings.ContainsAny(a, "\r\n") {
				wrong("alerts.email[%d]: %q is no address, give one like oncall@shop.example", i, a)
			}
		}
		if _, _, err := net.SplitHostPort(e.Server); err != nil {
			wrong("alerts.email[%d].server: give host:port, like mail.shop.example:587", i)
		}
		if !slices.Contains([]string{"", "starttls", "tls", "none"}, e.TLS) {
			wrong("alerts.email[%d].tls: %q is none of starttls, tls, none", i, e.TLS)
		}
		if e.TLS == "none" && e.Password != "" && !loopback(e.Server) {
			wrong("alerts.email[%d]: a password would go over the network in the clear: set tls to starttls or tls", i)
		}
	}
	for i, e := range c.Exec {
		if len(e.Command) == 0 || e.Command[0] == "" {
			wrong("alerts.exec[%d].command: give the program and its arguments as a list", i)
		}
		if e.Timeout < 0 {
			wrong("alerts.exec[%d].timeout: %v is below 0", i, e.Timeout)
		}
	}
	if c.URL != "" && !isHTTP(c.URL) {
		wrong("url: give an http or https URL, as people reach the page")
	}
	if c.Burst < 0 || c.Every < 0 || c.Hold < 0 || c.CauseHold < 0 || c.EndHold < 0 || c.Edit < 0 || c.MaxAge < 0 || c.GiveUp < 0 || c.Timeout < 0 {
		wrong("alerts: times and counts cannot be below 0")
	}
	return errors.Join(errs...)
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func isHTTP(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// withoutUser is a URL that may be shown: its scheme and host.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return hidden
	}
	return u.Scheme + "://" + u.Host
}

func loopback(server string) bool {
	host, _, err := net.SplitHostPort(server)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
