package rules

import (
	"time"

	"why503/parse"
)

// An Env is what is known beside the Request: settings read from
// configurations, and which kinds of logs there are at all. It is read only and
// shared by all calls of Diagnose. A nil Env knows nothing.
type Env struct {
	Settings []Setting
	Kinds    KindSet
}

// A Setting is one value of a configuration, with the line that sets it.
type Setting struct {
	// Name is the timeout in the words of the rules: connect_timeout,
	// first_byte_timeout, between_bytes_timeout, total_timeout, send_timeout,
	// keepalive_timeout (of the origin), idle_timeout (of the proxy's pool).
	Name    string
	Program parse.Program // the proxy or server that it is a setting of
	Proxy   string        // host of that program; empty for any
	Backend string        // backend, upstream or server that it is for; empty for all
	Value   int64         // ns
	File    string
	Offset  int64 // of the first byte of that line
	LineNo  int64
	Line    string // verbatim
}

// A KindSet is a set of kinds of sources.
type KindSet uint32

// Has reports whether k is in the set.
func (s KindSet) Has(k parse.SourceKind) bool { return s&(1<<k) != 0 }

// Add puts k into the set.
func (s *KindSet) Add(k parse.SourceKind) { *s |= 1 << k }

// A WallSource says where the value of a wall is known from. A span that ended at
// a limit of a configuration, or else at a known default, did not end at one
// that is only seen in the data.
type WallSource uint8

const (
	WallNone WallSource = iota
	WallDefault
	WallObserved
	WallConfigured
)

// defaultTimeouts are those of the manuals:
// https://varnish-cache.org/docs/trunk/reference/varnishd.html#list-of-parameters
// https://nginx.org/en/docs/http/ngx_http_proxy_module.html
var defaultTimeouts = [...]Setting{
	{Name: "connect_timeout", Program: parse.Varnish, Value: int64(3500 * time.Millisecond)},
	{Name: "first_byte_timeout", Program: parse.Varnish, Value: int64(60 * time.Second)},
	{Name: "between_bytes_timeout", Program: parse.Varnish, Value: int64(60 * time.Second)},
	{Name: "connect_timeout", Program: parse.Nginx, Value: int64(60 * time.Second)},
	{Name: "first_byte_timeout", Program: parse.Nginx, Value: int64(60 * time.Second)},
	{Name: "between_bytes_timeout", Program: parse.Nginx, Value: int64(60 * time.Second)},
	{Name: "send_timeout", Program: parse.Nginx, Value: int64(60 * time.Second)},
}

// timeout returns the setting of that name, most specific first.
func (e *Env) timeout(name string, p parse.Program, host, backend string) (Setting, WallSource) {
	var best Setting
	rank := 0
	if e != nil {
		for _, s := range e.Settings {
			if s.Name != name || s.Program != p || s.Value <= 0 {
				continue
			}
			if s.Proxy != "" && host != "" && s.Proxy != host || s.Backend != "" && s.Backend != backend {
				continue
			}
			r := 1
			if s.Backend != "" {
				r += 2
			}
			if s.Proxy != "" {
				r++
			}
			if r > rank {
				best, rank = s, r
			}
		}
	}
	if rank > 0 {
		return best, WallConfigured
	}
	for _, s := range defaultTimeouts {
		if s.Name == name && s.Program == p {
			return s, WallDefault
		}
	}
	return Setting{}, WallNone
}

// wallNear says what makes the span of ns look like the timeout of that name.
// A scheduler may be late by some milliseconds, and never early by more than
// the resolution of the stamps.
func (e *Env) wallNear(name string, p parse.Program, host, backend string, ns int64, margin float64) WallSource {
	if ns <= 0 {
		return WallNone
	}
	s, src := e.timeout(name, p, host, backend)
	if src != WallNone && near(ns, s.Value, margin) {
		return src
	}
	return WallNone
}

func near(ns, wall int64, margin float64) bool {
	slack := int64(float64(wall)*margin) + int64(15*time.Millisecond)
	return ns >= wall-slack && ns <= wall+slack
}
