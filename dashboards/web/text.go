package web

import (
	"html"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"why503/dashboards/report"
)

// escape is what report.Escape puts for what must not be shown as it is.
var escape = regexp.MustCompile(`\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})`)

// shown is text of a log as a reader may see it: controls and characters that
// hide or reorder text stand as escapes, in the colour of doubt. It is the one
// place where HTML is made other than by a template.
func shown(s string) template.HTML { return safe(cut(s, maxShown)) }

// maxShown bounds a text that is no line of a log, in bytes.
const maxShown = 2 << 10

// short is shown for a name among others in a table.
func short(s string) template.HTML { return safe(cut(s, maxName)) }

const maxName = 200

func safe(s string) template.HTML {
	s = report.Escape(s)
	var b strings.Builder
	at := 0
	for _, m := range escape.FindAllStringIndex(s, -1) {
		b.WriteString(html.EscapeString(s[at:m[0]]))
		b.WriteString(`<span class="esc">` + s[m[0]:m[1]] + `</span>`) // a backslash and hex digits
		at = m[1]
	}
	b.WriteString(html.EscapeString(s[at:]))
	return template.HTML(b.String()) //nolint:gosec // every part is escaped above
}

// unit is a space between a number and what it counts, where no line ends.
var unit = regexp.MustCompile(`(\d) (%|ms|s|min|h|d|UTC)\b`)

var percentSpace = strings.NewReplacer(" %", "\u00a0%")

// sentence is shown for prose of ours with words of logs in it.
func sentence(s string) template.HTML {
	h := unit.ReplaceAllString(string(shown(s)), "$1\u00a0$2")
	return template.HTML(percentSpace.Replace(h)) //nolint:gosec // only spaces are other than in shown
}

// advice is sentence with what can be pasted, which stands in back quotes, as
// code.
func advice(s string) template.HTML {
	if strings.Count(s, "`")%2 == 1 {
		return sentence(s)
	}
	var b strings.Builder
	for i, part := range strings.Split(cut(s, maxShown), "`") {
		if i%2 == 0 {
			b.WriteString(string(sentence(part)))
		} else {
			b.WriteString("<code>" + string(shown(part)) + "</code>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped by shown
}

// plainly is shown for attributes and titles, which the template escapes.
func plainly(s string) string { return report.Escape(cut(s, maxShown)) }

// brief is plainly for a part of a longer text.
func brief(s string) string { return report.Escape(cut(s, 200)) }

const (
	foldFrom = 2 << 10  // bytes of a line beyond which it folds
	foldHead = 240      // what is seen of it then
	maxLine  = 64 << 10 // of a line, on a page
	maxLines = 200      // of a stack trace or a transaction
	maxQuote = 128 << 10
)

// A quote is text of a log, line by line.
type quote struct {
	Lines []quoteLine
	More  int // lines that are left out
}

type quoteLine struct {
	Head template.HTML
	Rest template.HTML // empty where the line does not fold
	Size string        // of one that does
}

func quoted(s string) quote {
	var q quote
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	if len(lines) > maxLines {
		q.More, lines = len(lines)-maxLines, lines[:maxLines]
	}
	room := maxQuote
	for _, l := range lines {
		l = strings.TrimRight(l, "\r")
		if room <= 0 {
			q.More++
			continue
		}
		room -= min(len(l), maxLine)
		if len(l) <= foldFrom {
			q.Lines = append(q.Lines, quoteLine{Head: safe(l)})
			continue
		}
		q.Lines = append(q.Lines, quoteLine{Head: safe(cut(l, foldHead)), Rest: safe(cut(l, maxLine)), Size: report.Count(int64(len(l))) + " bytes"})
	}
	return q
}

// linkable reports whether a name can be a parameter or a part of a path.
func linkable(name string) bool { return name != "" && len(name) <= maxText && utf8.ValidString(name) }

// pathEscape is an id in a path.
func pathEscape(s string) string { return url.PathEscape(s) }

func queryEscape(s string) string { return url.QueryEscape(s) }
