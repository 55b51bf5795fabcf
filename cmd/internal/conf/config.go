package conf

import (
	"slices"
	"strings"
	"time"
)

// A Config is what `why503 serve` is told. The tags are the table of keys:
//
//	conf  the name; with ",short" a value that stands for the whole mapping
//	doc   what it is, for the example and for the help of its flag
//	eg    a value for the example, where the default would tell nothing
//	one   the words that it may be
//	min   the least that a number may be
type Config struct {
	Sources   Sources   `conf:"sources" doc:"What is read. Without any, serve finds the logs of the proxies and programs that run here: why503 doctor lists them."`
	NginxConf []Path    `conf:"nginx_conf" doc:"nginx configurations, for the formats of its logs and timeouts." eg:"/etc/nginx/nginx.conf"`
	VCL       []Path    `conf:"vcl" doc:"VCL of Varnish, for the timeouts of its backends." eg:"/etc/varnish/default.vcl"`
	Params    []Path    `conf:"varnish_params" doc:"What varnishadm param.show prints, or a varnishd command line." eg:"/etc/why503/varnish.params"`
	Rules     []Path    `conf:"rules" doc:"Folders of rules that extend or replace the built-in ones." eg:"/etc/why503/rules"`
	Routes    []Route   `conf:"routes" doc:"Routes of your own: a segment that begins with a colon stands for one, a last * for all that follows." eg:"/shop/:country/cart"`
	Zone      Zone      `conf:"zone" doc:"Zone of logs that print none. By default the one that fits the other logs." eg:"Europe/Berlin"`
	FromStart bool      `conf:"from_start" doc:"Read what already stands in files that were never read before."`
	Listen    Addr      `conf:"listen" doc:"Address of the page, the API and /metrics. Anything but loopback needs a token."`
	URL       URL       `conf:"url" doc:"How people reach the page, for the links in alerts." eg:"https://why503.shop.example"`
	Token     Secret    `conf:"token" doc:"What a client has to show (Authorization: Bearer ...). Only in the environment; in the file, name a file with token_file."`
	TokenFile Path      `conf:"token_file" doc:"File that holds the token: one line of 16 characters or more." eg:"/etc/why503/token"`
	Store     Path      `conf:"store" doc:"The store: one SQLite file, and its journal beside it."`
	Retention Retention `conf:"retention" doc:"What the store forgets."`
	Redact    bool      `conf:"redact" doc:"Hide client addresses, query strings and cookies in the store and on the page too."`
	SLO       SLO       `conf:"slo" doc:"What the site promises."`
	Alerts    Alerts    `conf:"alerts" doc:"Who is told when an incident opens, changes its cause and ends."`
	Log       Log       `conf:"log" doc:"What serve says of itself, on standard error."`

	origins map[string]Origin
}

// Sources are what is read.
type Sources struct {
	Paths      []Source     `conf:"paths,short" doc:"Files, folders and globs. Files that come later are found."`
	Varnishlog []Varnishlog `conf:"varnishlog" doc:"varnishlog as a child of serve; it is started again when it ends."`
	Syslog     Syslog       `conf:"syslog" doc:"Where serve takes syslog (RFC 3164 and 5424), so that nginx and HAProxy can log to it."`
	Journal    Journal      `conf:"journal" doc:"The journal of systemd."`
	Docker     Docker       `conf:"docker" doc:"Logs of Docker containers (the json-file driver)."`
	Pods       Pods         `conf:"pods" doc:"Logs of Kubernetes pods on this node."`
	Stdin      bool         `conf:"stdin" doc:"Read standard input too."`
}

// None says that no source was named.
func (s Sources) None() bool {
	return len(s.Paths) == 0 && len(s.Varnishlog) == 0 && len(s.Syslog.UDP)+len(s.Syslog.TCP)+len(s.Syslog.Unix) == 0 &&
		len(s.Journal.Units) == 0 && len(s.Docker.Names) == 0 && len(s.Pods.Names) == 0 && !s.Stdin
}

// A Source is a path or a glob, and what is known of the files that meet it.
type Source struct {
	Path   Glob   `conf:"path,short" doc:"A file, a folder, or a glob." eg:"/var/log/nginx/*.log"`
	Format Format `conf:"format" doc:"Its format, when the content does not tell: a name of analyze --format list, or NAME:DEFINITION." eg:"app-json"`
	Host   string `conf:"host" doc:"The host that wrote it." eg:"web-1"`
	Zone   Zone   `conf:"zone" doc:"The zone of its stamps, when they print none." eg:"UTC"`
}

// A Varnishlog is a child process.
type Varnishlog struct {
	Name     string   `conf:"name,short" doc:"The varnishd instance (-n); empty for the only one." eg:"cache-1"`
	Grouping string   `conf:"grouping" doc:"How transactions are grouped (-g): request when not given." one:"request vxid session raw" eg:"request"`
	Query    string   `conf:"query" doc:"Only transactions that meet it (-q). It hides others from the counts." eg:"'not ReqURL ~ \"^/health\"'"`
	Args     []string `conf:"args" doc:"Further arguments of varnishlog." eg:"[-t, '60']"`
}

// Syslog are listeners.
type Syslog struct {
	UDP  []Addr `conf:"udp" doc:"Addresses to take datagrams at." eg:"127.0.0.1:5514"`
	TCP  []Addr `conf:"tcp" doc:"Addresses to take streams at, octet-counted or by line." eg:"127.0.0.1:5514"`
	Unix []Path `conf:"unix" doc:"Unix datagram sockets that serve makes." eg:"/run/why503/syslog.sock"`
}

// A Journal is what of systemd's journal is read.
type Journal struct {
	Units []string `conf:"units,short" doc:"Units; globs like php*-fpm.service, or * for all." eg:"[nginx.service, 'php*-fpm.service']"`
}

// Docker says which containers are read.
type Docker struct {
	Names []string `conf:"names,short" doc:"Names of containers; globs." eg:"['shop-*']"`
	Root  Path     `conf:"root" doc:"Where Docker keeps them."`
}

// Pods say which pods are read.
type Pods struct {
	Names []string `conf:"names,short" doc:"NAMESPACE/POD, or NAMESPACE/POD/CONTAINER; globs." eg:"['shop/*']"`
	Root  Path     `conf:"root" doc:"Where the kubelet keeps their logs."`
}

// Retention is what the store forgets.
type Retention struct {
	Age  Age  `conf:"age,short" doc:"Failed requests that are older go; minutes, hours and days stay ten times as long."`
	Size Size `conf:"size" doc:"When the store is larger, the oldest go first."`
}

// An SLO is a promise.
type SLO struct {
	Objective   Share `conf:"objective,short" doc:"Share of the requests that work. Burn-rate alerts and the report measure by it."`
	MinRequests int   `conf:"min_requests" doc:"No burn-rate alert for a window with fewer requests." min:"0"`
}

// Alerts are the channels. Each may be given once or as a list.
type Alerts struct {
	Webhook      []Webhook      `conf:"webhook" doc:"POST with all fields as JSON."`
	Slack        []Slack        `conf:"slack" doc:"Slack, Mattermost, Rocket.Chat and what else takes its webhooks."`
	Alertmanager []Alertmanager `conf:"alertmanager" doc:"Prometheus Alertmanager, API v2."`
	Email        []Email        `conf:"email" doc:"E-mail."`
	Exec         []Exec         `conf:"exec" doc:"A program, which gets the JSON of the webhook on standard input."`
	SLO          bool           `conf:"slo" doc:"Alert when the budget of slo.objective burns too fast, too."`
	Redact       bool           `conf:"redact" doc:"Hide client addresses, query strings and cookies in what is sent."`
	Hold         Age            `conf:"hold" doc:"How long a new incident waits for its cause to settle."`
	CauseHold    Age            `conf:"cause_hold" doc:"How long another cause has to lead before it is told."`
	EndHold      Age            `conf:"end_hold" doc:"How long an end waits for the incident to go on."`
	Edit         Age            `conf:"edit" doc:"Least time between two edits of a message."`
	MaxAge       Age            `conf:"max_age" doc:"An incident that ended longer ago is history, not news."`
	GiveUp       Age            `conf:"give_up" doc:"How long delivery is tried."`
	Burst        int            `conf:"burst" doc:"Messages of a channel in a row, before they become a digest." min:"1"`
	Every        Age            `conf:"every" doc:"And one more in each of this time."`
	Timeout      Age            `conf:"timeout" doc:"Of one attempt."`
}

// A Webhook gets JSON.
type Webhook struct {
	URL       SecretURL `conf:"url,short" doc:"Where to." eg:"https://hooks.shop.example/why503"`
	URLFile   Path      `conf:"url_file" doc:"File that holds the URL, in place of url." eg:"/etc/why503/webhook"`
	Token     Secret    `conf:"token" doc:"Bearer token. Only in the environment; in the file, name a file with token_file."`
	TokenFile Path      `conf:"token_file" doc:"File that holds the bearer token." eg:"/etc/why503/webhook.token"`
	Sites     []string  `conf:"sites" doc:"Only incidents of these sites." eg:"[shop.example]"`
}

// Slack gets a message an incident.
type Slack struct {
	URL       SecretURL `conf:"url,short" doc:"The incoming webhook." eg:"https://hooks.slack.example/services/T0/B0/x"`
	URLFile   Path      `conf:"url_file" doc:"File that holds the URL, in place of url." eg:"/etc/why503/slack"`
	Token     Secret    `conf:"token" doc:"Of a bot, which can edit and thread. Only in the environment; in the file, name a file with token_file."`
	TokenFile Path      `conf:"token_file" doc:"File that holds the token of a bot with chat:write, which can edit and thread; it needs channel." eg:"/etc/why503/slack.token"`
	Channel   string    `conf:"channel" doc:"Channel in place of the webhook's own, where the server allows that." eg:"'#incidents'"`
	Mention   string    `conf:"mention" doc:"Who is mentioned when an incident opens; by default nobody." eg:"<!here>"`
	Sites     []string  `conf:"sites" doc:"Only incidents of these sites." eg:"[shop.example]"`
}

// An Alertmanager is a cluster of them.
type Alertmanager struct {
	URLs         []URL             `conf:"urls,short" doc:"All members of the cluster." eg:"http://127.0.0.1:9093"`
	User         string            `conf:"user" doc:"For basic authentication." eg:"why503"`
	Password     Secret            `conf:"password" doc:"Only in the environment; in the file, name a file with password_file."`
	PasswordFile Path              `conf:"password_file" doc:"File that holds the password." eg:"/etc/why503/alertmanager"`
	Token        Secret            `conf:"token" doc:"Bearer token. Only in the environment; in the file, name a file with token_file."`
	TokenFile    Path              `conf:"token_file" doc:"File that holds the bearer token." eg:"/etc/why503/alertmanager.token"`
	Labels       map[string]string `conf:"labels" doc:"Labels that every alert gets." eg:"{team: web}"`
	Resend       Age               `conf:"resend" doc:"How often what goes on is sent again; 1m when not given." eg:"1m"`
	Sites        []string          `conf:"sites" doc:"Only incidents of these sites." eg:"[shop.example]"`
}

// Email is a mailbox and the server that takes its mail.
type Email struct {
	To           []string `conf:"to" doc:"Who gets it." eg:"[oncall@shop.example]"`
	From         string   `conf:"from" doc:"Who it is from." eg:"why503@shop.example"`
	Server       Addr     `conf:"server" doc:"SMTP server." eg:"mail.shop.example:587"`
	TLS          string   `conf:"tls" doc:"starttls, tls or none." one:"starttls tls none" eg:"starttls"`
	User         string   `conf:"user" doc:"Name at the server, where it wants one." eg:"why503"`
	Password     Secret   `conf:"password" doc:"Only in the environment; in the file, name a file with password_file."`
	PasswordFile Path     `conf:"password_file" doc:"File that holds the password." eg:"/etc/why503/smtp"`
	Sites        []string `conf:"sites" doc:"Only incidents of these sites." eg:"[shop.example]"`
}

// Exec is a program.
type Exec struct {
	Command []string `conf:"command,short" doc:"Program and arguments; no shell." eg:"[/usr/local/bin/page, --team, web]"`
	Env     []string `conf:"env" doc:"Variables that it gets, by name." eg:"[PATH, HOME]"`
	Timeout Age      `conf:"timeout" doc:"After which it is ended; that of alerts when not given." eg:"10s"`
	Sites   []string `conf:"sites" doc:"Only incidents of these sites." eg:"[shop.example]"`
}

// Log is what serve says of itself.
type Log struct {
	Level  string `conf:"level,short" doc:"debug, info, warn or error." one:"debug info warn error"`
	Format string `conf:"format" doc:"text or json." one:"text json"`
}

const second = Age(time.Second)

// Default is what holds when nothing is told.
func Default() Config {
	return Config{
		Sources:   Sources{Docker: Docker{Root: "/var/lib/docker/containers"}, Pods: Pods{Root: "/var/log/pods"}},
		Listen:    "127.0.0.1:8503",
		Store:     "why503.db",
		Retention: Retention{Age: Age(90 * 24 * time.Hour), Size: 10e9},
		SLO:       SLO{Objective: 0.999, MinRequests: 1000},
		Log:       Log{Level: "info", Format: "text"},
		Alerts: Alerts{
			Redact: true, Hold: 10 * second, CauseHold: 60 * second, EndHold: 30 * second, Edit: 60 * second, MaxAge: 3600 * second,
			GiveUp: 24 * 3600 * second, Burst: 6, Every: 60 * second, Timeout: 15 * second,
		},
	}
}

// Files are where a configuration is looked for when none is named.
func Files() []string { return []string{"why503.yaml", "/etc/why503/why503.yaml"} }

// An Origin is where a value comes from.
type Origin struct {
	Env, Flag string // the name, when it comes from there
	File      string
	Line, Col int
}

func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.Env != "":
		return o.Env
	case o.File != "":
		return place(o.File, o.Line, 0)
	}
	return "default"
}

// Origin tells where the value of a key comes from. A key within a list has
// its place in brackets: alerts.slack[0].url.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// String is the listing of Print without origins.
func (c *Config) String() string {
	var b strings.Builder
	for _, l := range c.lines() {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// Words are the values that a key of a few words may have; nil for others.
func (k Key) Words() []string { return slices.Clone(k.words) }
