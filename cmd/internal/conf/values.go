package conf

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"why503/parse/detect"
	"why503/parse/traffic"
)

// A value is a leaf of the table that checks its own text. Its error says what
// is wrong and how to write it, and never repeats the text.
type value interface {
	set(text string) error
	text() string
}

// An Age is a span of time, written with its unit: 30d, 12h, 90m, 10s.
type Age time.Duration

func (a *Age) set(s string) error {
	d, ok := span(s)
	if !ok {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			return errors.New("has no unit. Write it like 30d, 12h, 90m or 10s")
		}
		return errors.New("is no span of time. Write it like 30d, 12h, 90m or 10s")
	}
	*a = Age(d)
	return nil
}

func span(s string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.Atoi(n)
			return time.Duration(v) * length, err == nil && v > 0 && v <= 36500
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

func (a *Age) text() string {
	d := time.Duration(*a)
	switch day := 24 * time.Hour; {
	case d == 0:
		return ""
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// A Size is a number of bytes, written with its unit: 10GB, 512MB, 2GiB.
type Size int64

var sizes = []struct {
	unit  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}}

func (z *Size) set(s string) error {
	for _, u := range sizes {
		n, ok := strings.CutSuffix(s, u.unit)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if err != nil || !(v > 0) || v*u.bytes >= math.MaxInt64 {
			break
		}
		*z = Size(v * u.bytes)
		return nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return errors.New("has no unit. Write it like 10GB or 512MB")
	}
	return errors.New("is no size. Write it like 10GB or 512MB")
}

func (z *Size) text() string {
	if *z == 0 {
		return ""
	}
	for _, u := range sizes[4:] {
		if n := float64(*z) / u.bytes; n >= 1 && n == math.Trunc(n) {
			return fmt.Sprintf("%.0f%s", n, u.unit)
		}
	}
	return strconv.FormatFloat(float64(*z)/1e6, 'f', -1, 64) + "MB"
}

// A Share is a part of a whole, 0 to 1, written in percent: 99.9%.
type Share float64

func (p *Share) set(s string) error {
	n, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
	switch {
	case err != nil:
		return errors.New("is no share. Write it in percent, like 99.9%")
	case !ok:
		return errors.New("has no percent sign. Write it like 99.9%")
	case !(v > 0 && v < 100):
		return errors.New("is not between 0% and 100%: an aim of 100% leaves nothing to measure by")
	}
	*p = Share(math.Round(v*1e7) / 1e9)
	return nil
}

func (p *Share) text() string {
	return strconv.FormatFloat(math.Round(float64(*p)*1e9)/1e7, 'f', -1, 64) + "%"
}

// An Addr is host:port.
type Addr string

func (a *Addr) set(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if strings.Contains(s, "://") {
			return errors.New("is a URL. Write host:port, like 127.0.0.1:8503")
		}
		return errors.New("is no address. Write host:port, like 127.0.0.1:8503")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("has no port from 0 to 65535. Write host:port, like 127.0.0.1:8503")
	}
	if strings.ContainsAny(host, "/ \t") {
		return errors.New("is no address. Write host:port, like 127.0.0.1:8503")
	}
	*a = Addr(s)
	return nil
}

func (a *Addr) text() string { return string(*a) }

// Loopback says that only this host can reach a.
func (a Addr) Loopback() bool {
	host, _, err := net.SplitHostPort(string(a))
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A URL is one that holds no secret.
type URL string

func (u *URL) set(s string) error {
	p, err := parseURL(s)
	if err != nil {
		return err
	}
	if p.User != nil {
		return errors.New("has a password in it. Leave it out; where one is needed there is a key for it")
	}
	*u = URL(s)
	return nil
}

func (u *URL) text() string { return string(*u) }

func parseURL(s string) (*url.URL, error) {
	p, err := url.Parse(s)
	if err != nil || p.Host == "" || p.Scheme != "http" && p.Scheme != "https" {
		return nil, errors.New("is no URL. Write it like https://host/path") // the error of Parse holds the text
	}
	return p, nil
}

// A Secret is text that is never shown.
type Secret string

// hidden stands where a secret would.
const hidden = "(set)"

func (s *Secret) set(text string) error {
	if strings.ContainsAny(text, "\r\n\x00") {
		return errors.New("has more than one line")
	}
	*s = Secret(text)
	return nil
}

func (s *Secret) text() string { return s.String() }

// String hides it, and so do %v, %+v, %#v, %q, JSON and slog.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the secret itself, for the one who has to send it.
func (s Secret) Reveal() string { return string(s) }

// A SecretURL is one that is a secret itself, as those of chat webhooks are.
type SecretURL struct{ Secret }

func (u *SecretURL) set(s string) error {
	if _, err := parseURL(s); err != nil {
		return err
	}
	return u.Secret.set(s)
}

// A Path is of a file or a folder.
type Path string

func (p *Path) set(s string) error {
	if s == "" || strings.ContainsRune(s, 0) {
		return errors.New("is no path")
	}
	*p = Path(s)
	return nil
}

func (p *Path) text() string { return string(*p) }

// A Glob is a path that may hold *, ? and [.
type Glob string

func (g *Glob) set(s string) error {
	if s == "" || strings.ContainsRune(s, 0) {
		return errors.New("is no path")
	}
	if _, err := filepath.Match(s, ""); err != nil {
		return errors.New(`is no pattern. A [ needs its ]; a \ before it makes it plain`)
	}
	*g = Glob(s)
	return nil
}

func (g *Glob) text() string { return string(*g) }

// A Zone is the name of a zone or an offset.
type Zone string

func (z *Zone) set(s string) error {
	if s == "" || zone(s) == nil {
		return errors.New("is no zone. Write it like Europe/Berlin, UTC or +02:00")
	}
	*z = Zone(s)
	return nil
}

func (z *Zone) text() string { return string(*z) }

// Location returns the zone; nil when none is set.
func (z Zone) Location() *time.Location { return zone(string(z)) }

func zone(s string) *time.Location {
	if s == "" {
		return nil
	}
	if t, err := time.Parse("-07:00", s); err == nil {
		_, off := t.Zone()
		return time.FixedZone(s, off)
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil
	}
	return loc
}

// A Format is the name of a log format, or NAME:DEFINITION.
type Format string

func (f *Format) set(s string) error {
	if _, _, err := detect.ByName(s); err != nil {
		var spec *detect.SpecError
		if errors.As(err, &spec) && spec.Hint != "" {
			return fmt.Errorf("is no format that can be read: %s. %s", spec.Problem, spec.Hint)
		}
		return errors.New("is no format that can be read. Names: why503 analyze --format list")
	}
	*f = Format(s)
	return nil
}

func (f *Format) text() string { return string(*f) }

// A Route is a pattern of paths.
type Route string

func (r *Route) set(s string) error {
	if _, err := traffic.NewPatterns([]string{s}); err != nil {
		return errors.New("is no route. It begins with a slash, has no query, no space and no empty segment, and * only at its end, like /shop/:country/cart or /files/*")
	}
	*r = Route(s)
	return nil
}

func (r *Route) text() string { return string(*r) }
