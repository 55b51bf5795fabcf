package nginx

import (
	"path"
	"strings"
	"time"
)

// A Config is what a configuration says that helps to read logs and to explain
// failures. Everything in it knows the line it stands in.
type Config struct {
	Formats   []LogFormat
	Logs      []Log
	Settings  []Setting
	Upstreams []UpstreamGroup
	Servers   []Server
	Missing   []Place // includes that led to no file
}

// A Place is where a directive stands.
type Place struct {
	File   string // as it was named, or the path in its include
	Line   string // the physical line, verbatim
	LineNo int    // from 1; of the whole text, where that holds several files
	Scope  string // "http > server a.example > location /api"; empty at the top
}

// A LogFormat is a log_format.
type LogFormat struct {
	Name, Format string
	Escape       Escape
	Place
}

// A Log is an access_log or error_log that writes to a file.
type Log struct {
	Error  bool
	Path   string
	Format string // of an access log: the name of its format
	Level  string // of an error log
	Place
}

// A Setting is a directive that bounds, retries or limits.
type Setting struct {
	Name  string
	Args  []string
	Value time.Duration // of a timeout; 0 when it is none
	Place
}

// An UpstreamGroup is an upstream block.
type UpstreamGroup struct {
	Name    string
	Servers []UpstreamServer
	Place
}

// An UpstreamServer is a server of an upstream block, with the defaults of
// nginx where it says nothing.
type UpstreamServer struct {
	Addr         string
	MaxFails     int
	FailTimeout  time.Duration
	MaxConns     int // 0: no limit
	Backup, Down bool
	Place
}

// A Server is a server block.
type Server struct {
	Listen, Names []string
	Locations     []Location // the server itself first, with an empty Match
	Place
}

// A Location is where requests go. Nested ones stand beside their parents.
type Location struct {
	Match   string // "= /x", "~ \.php$"
	Passes  []Pass
	Returns []Return
	Place
}

// A Pass is a proxy_pass or the like.
type Pass struct {
	Directive string
	URL       string
	Addr      string // host:port, unix:path or name of an upstream
	Place
}

// A Return answers with a status of 500 or more without asking anyone.
type Return struct {
	Status int
	Place
}

// ReadConfig reads one configuration text. Where that is the output of
// "nginx -T", its includes are found in it. What is no configuration gives an
// empty Config: nothing is an error.
func ReadConfig(name string, src []byte) Config { return ReadConfigWith(name, src, nil) }

// FormatFor finds the parser for a log file by the access_log that writes it:
// the one with the same last element of its path, when what rotation and
// compression add is taken off.
func (c Config) FormatFor(name string) (*Access, bool) {
	l, ok := c.logFor(name)
	if !ok {
		return nil, false
	}
	if l.Format == "combined" {
		return compiled(combinedFormat, EscapeDefault)
	}
	for _, f := range c.Formats {
		if f.Name == l.Format {
			return compiled(f.Format, f.Escape)
		}
	}
	return nil, false
}

func compiled(format string, escape Escape) (*Access, bool) {
	a, err := CompileAccess(format, escape)
	return a, err == nil
}

// logFor prefers a path that names the file to one whose variables may.
func (c Config) logFor(name string) (Log, bool) {
	base := path.Base(unrotated(name))
	for _, l := range c.Logs {
		if !l.Error && path.Base(unrotated(l.Path)) == base {
			return l, true
		}
	}
	for _, l := range c.Logs {
		if l.Error || !strings.Contains(l.Path, "$") {
			continue
		}
		if ok, _ := path.Match(wildcards(path.Base(l.Path)), base); ok {
			return l, true
		}
	}
	return Log{}, false
}

// wildcards makes a pattern of a path with variables.
func wildcards(s string) string {
	var b strings.Builder
	for s != "" {
		lit, rest := literal(s)
		b.WriteString(lit)
		if s = rest; s == "" {
			break
		}
		_, rest, err := variableName(s)
		if err != nil {
			rest = s[1:]
		}
		b.WriteByte('*')
		s = rest
	}
	return b.String()
}

// unrotated takes off what compression and rotation add to a name:
// access.log.2.gz, access.log-20260102.zst, access.log.2026-01-02,
// access-20260102.log.
func unrotated(name string) string {
	for {
		cut := name
		for _, ext := range [...]string{".gz", ".zst", ".bz2", ".xz", ".lz4", ".Z", ".old", ".bak"} {
			cut = strings.TrimSuffix(cut, ext)
		}
		if n := strings.TrimRight(cut, "0123456789-_T"); n != cut && (strings.HasSuffix(n, ".") || isDate(cut[len(n):])) {
			cut = strings.TrimSuffix(n, ".")
		}
		if stem, ok := strings.CutSuffix(cut, ".log"); ok {
			if n := strings.TrimRight(stem, "0123456789-_T"); n != stem && isDate(stem[len(n):]) {
				cut = n + ".log"
			}
		}
		if cut == name || cut == "" {
			return name
		}
		name = cut
	}
}

// isDate says whether s is "-20260102" or "-1767312000": a dash and at least
// eight digits.
func isDate(s string) bool {
	n := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n >= 8 && (s[0] == '-' || s[0] == '_')
}

// Lookup finds the setting that holds in a scope: the one in it, or in the
// nearest that encloses it.
func (c Config) Lookup(name, scope string) (found Setting, ok bool) {
	for _, s := range c.Settings {
		if s.Name == name && encloses(s.Scope, scope) && (!ok || len(s.Scope) >= len(found.Scope)) {
			found, ok = s, true
		}
	}
	return found, ok
}

func encloses(outer, inner string) bool {
	return outer == "" || outer == inner || strings.HasPrefix(inner, outer+scopeMark)
}
