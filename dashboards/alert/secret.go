package alert

import "log/slog"

// A Secret is a password, a token, or a URL that is one. It shows itself
// nowhere but where Reveal is called.
type Secret string

const hidden = "(secret)"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString keeps it from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText keeps it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }
