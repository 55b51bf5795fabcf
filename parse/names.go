package parse

import "strings"

var programNames = [...]string{
	"", "varnish", "nginx", "haproxy", "apache", "envoy", "php-fpm", "app", "database", "kernel", "systemd", "deploy", "cdn",
}

// String returns the name that reports give to a program; empty for
// ProgramNone.
func (p Program) String() string { return programNames[p] }

var handlingNames = [...]string{"", "hit", "miss", "pass", "hitmiss", "hitpass", "pipe", "synth"}

// String returns Varnish's own word for the handling (Varnish:handling of
// varnishncsa); empty for HandlingNone.
//
// https://varnish-cache.org/docs/trunk/reference/varnishncsa.html
func (h Handling) String() string { return handlingNames[h] }

// HandlingOf returns the handling of that word, in any case; HandlingNone when
// it is another word.
func HandlingOf(word []byte) Handling {
	if len(word) > len("hitmiss") {
		return HandlingNone
	}
	for i, n := range handlingNames {
		if strings.EqualFold(n, string(word)) {
			return Handling(i)
		}
	}
	return HandlingNone
}
