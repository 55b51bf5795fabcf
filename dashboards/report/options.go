package report

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// Options say how a text report looks. The zero value is a pipe: 80 columns,
// no colour, quoted lines in full, UTC.
type Options struct {
	Width    int  // columns; 0 is 80
	ASCII    bool // no signs beyond ASCII
	Color    bool
	Terminal bool // lines are cut to Width
	Quiet    bool // only the sentence
	All      bool // every cause, incident and file
	// Doctor says that `why503 doctor` can be recommended.
	Doctor bool
	Zone   *time.Location // nil is UTC
}

const (
	defaultWidth = 80
	minWidth     = 40
	maxWidth     = 400
	maxProse     = 96 // columns of a sentence, however wide the terminal
)

func (o Options) normal() Options {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width = min(max(o.Width, minWidth), maxWidth)
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

// A When is the answer to whether to colour.
type When string

const (
	Auto   When = "auto"
	Always When = "always"
	Never  When = "never"
)

// ParseWhen reads the value of --color.
func ParseWhen(s string) (When, error) {
	switch w := When(s); w {
	case Auto, Always, Never:
		return w, nil
	case "":
		return Auto, nil
	}
	return "", fmt.Errorf("color %q is none of auto, always, never", s)
}

// Asked is what flags said about the look of a report.
type Asked struct {
	Color When
	Width int // 0: ask the terminal
	ASCII bool
}

// Detect completes what was asked with what f and the environment say. getenv
// is os.Getenv, or a stand-in.
func Detect(f *os.File, getenv func(string) string, asked Asked) Options {
	o := Options{Width: asked.Width, ASCII: asked.ASCII || !utf8Locale(getenv)}
	o.Terminal = IsTerminal(f)
	switch asked.Color {
	case Always:
		o.Color = true
	case Never:
	default:
		o.Color = o.Terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	}
	if o.Width == 0 {
		if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
			o.Width = n
		}
	}
	if o.Width == 0 && o.Terminal {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			o.Width = n
		}
	}
	return o.normal()
}

// IsTerminal reports whether a person may be looking at f.
func IsTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// utf8Locale asks the variables in the order that POSIX gives them. Where none
// is set the locale is C, which has no UTF-8.
//
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
