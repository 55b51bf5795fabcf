package web

import (
	"bytes"
	"html/template"
	"net/http"
	"time"

	"why503/dashboards/report"
)

// pages are the templates, each with the layout around it.
var pages = func() map[string]*template.Template {
	funcs := template.FuncMap{
		"shown": shown, "short": short, "sentence": sentence, "advice": advice, "plain": plainly, "quoted": quoted, "count": report.Count, "asset": assetURL, "patterns": patterns,
		"share": report.Share, "ratio": report.Ratio, "span": report.Span, "family": familyOf, "program": report.ProgramName, "upper": report.UpperFirst,
		"whyMissing": report.WhyMissing, "path": pathEscape, "add": func(a, b int) int { return a + b },
		"dot": dotOf,
		"rfc": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
	layout := template.Must(template.New("layout.html").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	out := map[string]*template.Template{}
	for _, name := range []string{"now", "incidents", "incident", "request", "history", "error", "login"} {
		out[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return out
}()

// render writes a page, whole or not at all.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	var b bytes.Buffer
	if err := pages[name].Execute(&b, view); err != nil {
		s.log.Error("making a page", "path", r.URL.Path, "err", err)
		http.Error(w, "The page could not be made; the log of why503 says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone, who could be told?
}

// errorView is the page of a problem.
type errorView struct {
	frame
	Problem problem
	ID      string // what was asked for, where that looks like an id
	Looks   string // what ids look like
	Found   []requestRow
}

func (s *Server) errorView(r *http.Request, p problem) *errorView {
	v := &errorView{frame: s.bare(r), Problem: p}
	v.Heading, v.Page = p.Title, "error"
	v.State = state{Class: "doubt", Glyph: "○", Word: p.Title}
	return v
}

// dotOf is the icon of a state.
func dotOf(class string) string {
	switch class {
	case "failing", "over", "doubt":
		return class
	case "trouble":
		return "doubt"
	}
	return "quiet"
}
